using System.Text;
using Consensus.Api;
using Consensus.Api.Durations;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Holds;

/// <summary>The fields that every request for a hold has, whatever it is a hold of: exactly one of <c>ttl</c> and <c>lease</c> is given.</summary>
internal struct HoldFields
{
    /// <summary>The first number for <see cref="StrictObjectReader.Is"/> that is free for other fields.</summary>
    public const int Next = 8;

    private long? _ttl;
    private LeaseId? _lease;
    private long? _wait;
    private long? _lockDelay;
    private long? _maxHold;
    private ReadOnlyMemory<byte>? _metadata;

    public readonly long TtlMicros => _ttl ?? 0;

    public readonly LeaseId Lease => _lease ?? LeaseId.None;

    public readonly long WaitMicros => _wait ?? 0;

    public readonly long LockDelayMicros => _lockDelay ?? 0;

    public readonly long MaxHoldMicros => _maxHold ?? 0;

    public readonly ReadOnlyMemory<byte> Metadata => _metadata ?? default;

    /// <summary>True when the present field is one of these; then it was read.</summary>
    public bool TryRead(ref StrictObjectReader json)
    {
        if (json.Is("ttl"u8, 0))
        {
            _ttl = json.DurationMicros();
        }
        else if (json.Is("lease"u8, 1))
        {
            _lease = json.Lease();
        }
        else if (json.Is("lockDelay"u8, 2))
        {
            _lockDelay = json.DurationMicros();
        }
        else if (json.Is("maxHold"u8, 3))
        {
            _maxHold = json.DurationMicros();
        }
        else if (json.Is("metadata"u8, 4))
        {
            _metadata = json.RawObject(ApiLimits.MaxMetadataBytes);
        }
        else
        {
            return false;
        }
        return true;
    }

    /// <summary>True when the present field is <c>wait</c>, which only requests that can wait have.</summary>
    public bool TryReadWait(ref StrictObjectReader json)
    {
        if (!json.Is("wait"u8, 5))
        {
            return false;
        }
        _wait = json.DurationMicros();
        return true;
    }

    /// <summary>Null when all is well, else a sentence.</summary>
    public readonly string? Refuse(long minTtlMicros) =>
        RefuseLease(minTtlMicros)
        ?? (_wait > ApiLimits.MaxWaitMicros ? $"the field \"wait\" is above {DurationText.Format(ApiLimits.MaxWaitMicros)}, the longest wait" : null)
        ?? (_lockDelay > ApiLimits.MaxLockDelayMicros
            ? $"the field \"lockDelay\" is above {DurationText.Format(ApiLimits.MaxLockDelayMicros)}, the longest delay"
            : null)
        ?? RefuseMaxHold(minTtlMicros);

    /// <summary>A command without a lease of its own as yet.</summary>
    public readonly AcquireCommand ToCommand(ObjectName name, string owner) =>
        new(name.Name, owner, TtlMicros, LeaseId.None, Lease, WaitMicros)
        {
            Space = name.Space,
            LockDelayMicros = LockDelayMicros,
            MaxHoldMicros = MaxHoldMicros,
            Metadata = Metadata,
        };

    /// <param name="field">What the owner is called in this request.</param>
    public static string? RefuseOwner(string? owner, string field = "owner")
    {
        if (string.IsNullOrEmpty(owner))
        {
            return owner is null ? $"the field \"{field}\" is missing" : $"the field \"{field}\" is empty";
        }
        return Encoding.UTF8.GetByteCount(owner) > ApiLimits.MaxOwnerBytes
            ? $"the field \"{field}\" is longer than {ApiLimits.MaxOwnerBytes} bytes"
            : null;
    }

    private readonly string? RefuseLease(long minTtlMicros) => (_ttl, _lease) switch
    {
        (null, null) => "the field \"ttl\" is missing (or \"lease\", to hold it by an existing lease)",
        ({ }, { }) => "the fields \"ttl\" and \"lease\" are given together",
        ({ } micros, null) => Durations.RefuseTtl(micros, minTtlMicros),
        (null, { }) => null,
    };

    private readonly string? RefuseMaxHold(long minTtlMicros) => _maxHold switch
    {
        null => null,
        { } micros when micros < minTtlMicros => $"the field \"maxHold\" is below {DurationText.Format(minTtlMicros)}, the smallest TTL",
        > ApiLimits.MaxTtlMicros => $"the field \"maxHold\" is above {DurationText.Format(ApiLimits.MaxTtlMicros)}, the longest TTL",
        _ => null,
    };
}
