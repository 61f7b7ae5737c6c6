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
internal readonly record struct Claim(string Owner, RequestId Request, long TtlMicros, LeaseId OwnLease, LeaseId SharedLease, HoldTerms Terms)
{
    /// <summary>The request of the lease's session that waited for it; null for any other.</summary>
    public WaitedAs? Waited { get; init; }
}

/// <summary>The request of a session that stood in line for a hold: asked again, it finds the hold, also when its client acknowledged the number meanwhile.</summary>
/// <param name="Number">In the session that the hold's lease is; at least 1.</param>
internal sealed record WaitedAs(long Number, ReadOnlyMemory<byte> Fingerprint);
