using Consensus.Primitives;

namespace Consensus.StateMachine.Tables;

/// <summary>On what terms something is asked for and held: what is the same in a waiting place and in the hold that comes of it, which share the object.</summary>
/// <param name="Count">Permits; 1 but for a semaphore.</param>
/// <param name="MaxHoldMicros">From the grant on; 0: without end. A hold has its end too, in <see cref="HoldRecord.Until"/>.</param>
internal sealed record HoldTerms(
    LockMode Mode,
    long Count,
    long LockDelayMicros,
    long MaxHoldMicros,
    ReadOnlyMemory<byte> Metadata,
    ReadOnlyMemory<byte> Value)
{
    private static readonly HoldTerms Plain = new(LockMode.Exclusive, 1, 0, 0, default, default);

    private const int OverheadBytes = 100;

    /// <summary>What it takes in memory, about: nothing where it is plain.</summary>
    public long Bytes => IsPlain ? 0 : OverheadBytes + Metadata.Length + Value.Length;

    private bool IsPlain => Mode == LockMode.Exclusive && Count == 1 && LockDelayMicros == 0 && MaxHoldMicros == 0 && Metadata.IsEmpty && Value.IsEmpty;

    /// <summary>Nearly all holds are on plain terms: these cost no memory each.</summary>
    public static HoldTerms Of(LockMode mode, long count, long lockDelayMicros, long maxHoldMicros, ReadOnlyMemory<byte> metadata, ReadOnlyMemory<byte> value) =>
        mode == LockMode.Exclusive && count == 1 && lockDelayMicros == 0 && maxHoldMicros == 0 && metadata.IsEmpty && value.IsEmpty
            ? Plain
            : new HoldTerms(mode, count, lockDelayMicros, maxHoldMicros, metadata, value);
}

/// <summary>One who asks, with all that a grant needs. Exactly one of the two leases is given: an own one starts at the grant.</summary>
internal readonly record struct Claim(
    OwnerName Owner, RequestId Request, long TtlMicros, LeaseId OwnLease, LeaseId SharedLease, HoldTerms Terms)
{
    /// <summary>The number of the request of the lease's session that stands in line for it; 0 for any other.</summary>
    public long Number { get; init; }

    /// <summary>Of that request; empty for any other.</summary>
    public ReadOnlyMemory<byte> Fingerprint { get; init; }

    /// <summary>How many locks that request asks for at once; 0 for any other.</summary>
    public long LockCount { get; init; }

    /// <summary>As of <see cref="SessionMark"/>, both.</summary>
    public bool IsNumbered { get; init; }

    public bool IsUntaken { get; init; }
}

/// <summary>What a hold has when its lease is a session.</summary>
/// <param name="Begun">The session's version with which it began.</param>
/// <param name="Number">
/// Of the request that waited for it, 0 when none did: asked again, that finds the hold, also when its client acknowledged the number meanwhile.
/// </param>
/// <param name="Fingerprint">Of that request; empty when none waited.</param>
/// <param name="LockCount">How many locks that request was granted at once; 0 for one that asked for a single object.</param>
internal sealed record SessionMark(long Begun, long Number, ReadOnlyMemory<byte> Fingerprint, long LockCount)
{
    /// <summary>It was asked for under a number of the session, which finds it: it is not given back because its answer was not taken.</summary>
    public bool IsNumbered { get; init; }

    /// <summary>Its client is known not to have been told of the grant: nobody was connected to hear of it.</summary>
    public bool IsUntaken { get; init; }
}
