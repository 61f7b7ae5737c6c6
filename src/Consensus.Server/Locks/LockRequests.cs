using System.Text;
using Consensus.Api;
using Consensus.Api.Durations;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Json;

namespace Consensus.Server.Locks;

/// <summary>A lock request as read: exactly one of <see cref="TtlMicros"/> (above 0) and <see cref="Lease"/> is given.</summary>
internal readonly record struct LockWish(string Owner, long TtlMicros, LeaseId Lease, long WaitMicros);

/// <summary>Reads the bodies of lock requests. Each returns null with a sentence when the body is refused.</summary>
internal static class LockRequests
{
    public static LockWish? ReadAcquire(ReadOnlySpan<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        string? owner = null;
        string? mode = null;
        long? ttl = null;
        long? wait = null;
        LeaseId? lease = null;
        while (json.NextField())
        {
            if (json.Is("owner"u8, 0))
            {
                owner = json.Text();
            }
            else if (json.Is("ttl"u8, 1))
            {
                ttl = json.DurationMicros();
            }
            else if (json.Is("wait"u8, 2))
            {
                wait = json.DurationMicros();
            }
            else if (json.Is("lease"u8, 3))
            {
                lease = json.Lease();
            }
            else if (json.Is("mode"u8, 4))
            {
                mode = json.Text();
            }
            else
            {
                RefuseField(ref json);
            }
        }
        refusal = json.Refusal ?? RefuseOwner(owner) ?? RefuseLease(ttl, lease, minTtlMicros) ?? RefuseWait(wait) ?? RefuseMode(mode);
        return refusal is null ? new LockWish(owner!, ttl ?? 0, lease ?? LeaseId.None, wait ?? 0) : null;
    }

    public static FencingToken? ReadRenew(ReadOnlySpan<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        FencingToken? token = null;
        while (json.NextField())
        {
            if (json.Is("fencingToken"u8, 0))
            {
                token = json.Token();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (token is null ? "the field \"fencingToken\" is missing" : null);
        return refusal is null ? token : null;
    }

    private static void RefuseField(ref StrictObjectReader json)
    {
        if (json.Is("lockDelay"u8, 5))
        {
            json.Unsupported("lockDelay");
        }
        else if (json.Is("maxHold"u8, 6))
        {
            json.Unsupported("maxHold");
        }
        else if (json.Is("metadata"u8, 7))
        {
            json.Unsupported("metadata");
        }
        else
        {
            json.Unknown();
        }
    }

    private static string? RefuseOwner(string? owner)
    {
        if (string.IsNullOrEmpty(owner))
        {
            return owner is null ? "the field \"owner\" is missing" : "the field \"owner\" is empty";
        }
        return Encoding.UTF8.GetByteCount(owner) > ApiLimits.MaxOwnerBytes
            ? $"the field \"owner\" is longer than {ApiLimits.MaxOwnerBytes} bytes"
            : null;
    }

    private static string? RefuseLease(long? ttl, LeaseId? lease, long minTtlMicros) => (ttl, lease) switch
    {
        (null, null) => "the field \"ttl\" is missing (or \"lease\", to hold the lock by an existing lease)",
        ({ }, { }) => "the fields \"ttl\" and \"lease\" are given together",
        ({ } micros, null) => Durations.RefuseTtl(micros, minTtlMicros),
        (null, { }) => null,
    };

    private static string? RefuseWait(long? wait) => wait > ApiLimits.MaxWaitMicros
        ? $"the field \"wait\" is above {DurationText.Format(ApiLimits.MaxWaitMicros)}, the longest wait"
        : null;

    private static string? RefuseMode(string? mode) => mode switch
    {
        null or "exclusive" => null,
        "shared" => "the field \"mode\" is \"shared\", which is not supported by this version",
        _ => "the field \"mode\" is not \"exclusive\"",
    };
}
