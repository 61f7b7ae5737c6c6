using Consensus.Primitives;

namespace Consensus.StateMachine.Tables;

/// <summary>A lease as it is stored. Immutable; a change replaces it.</summary>
/// <param name="Attachments">Keys, holds and waiting places that it carries.</param>
/// <param name="IsOwn">Made for holds: it ends by itself when the last of them goes.</param>
internal sealed record LeaseRecord(LeaseId Id, long TtlMicros, ClusterTime Deadline, int Keys, int Holds, int Attachments, bool IsOwn)
{
    public bool HasWaiters => Attachments > Keys + Holds;
}

/// <summary>Under which identity a request may be retried: its idempotency key within its principal (rule 21).</summary>
internal readonly record struct Identity(string Principal, Key IdempotencyKey) : IComparable<Identity>
{
    public bool IsNone => IdempotencyKey.IsEmpty;

    public int CompareTo(Identity other)
    {
        var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
        return byPrincipal != 0 ? byPrincipal : IdempotencyKey.CompareTo(other.IdempotencyKey);
    }
}

/// <summary>What a request with an identity had as its effect, kept to answer a retry with.</summary>
/// <param name="Sequence">Its place among all kept, by age.</param>
/// <param name="Blob">What does not fit into the numbers, encoded as the kind says.</param>
internal sealed record KeptOutcome(
    long Sequence,
    ClusterTime Stored,
    ReadOnlyMemory<byte> Fingerprint,
    EffectKind Kind,
    Key Key,
    long A,
    long B,
    long C,
    long D,
    ReadOnlyMemory<byte> Blob = default)
{
    public int Bytes => 160 + Key.Length + Fingerprint.Length + Blob.Length;
}

/// <summary>That a request with an identity had an effect whose outcome is no longer kept.</summary>
/// <param name="Sequence">The place it had among all kept.</param>
/// <param name="Dropped">When its outcome was dropped, or there was no room for it.</param>
internal sealed record ForgottenOutcome(long Sequence, ClusterTime Dropped, ForgottenKind Kind);

/// <summary>What is still known of it. The numbers are in snapshots.</summary>
internal enum ForgottenKind
{
    /// <summary>Nothing: it may have been granted something.</summary>
    Dropped = 0,

    /// <summary>There was never room for its outcome. It was granted nothing, for what grants is refused then.</summary>
    Unkept = 1,

    /// <summary>The same, and it is harmless to do it again.</summary>
    UnkeptRepeatable = 2,
}

/// <summary>Outcomes that changed state. The numbers are in snapshots.</summary>
internal enum EffectKind
{
    /// <summary>A create revision, B mod revision, C version, D lease.</summary>
    Put = 1,

    /// <summary>A revision, B count.</summary>
    Delete = 2,

    /// <summary>A revision, B lease, C TTL in microseconds.</summary>
    LeaseGranted = 3,

    /// <summary>A revision, B lease, C keys deleted, D locks freed.</summary>
    LeaseRevoked = 4,

    /// <summary>A token, B waited microseconds, C space.</summary>
    LockGranted = 5,

    /// <summary>A revision.</summary>
    LockReleased = 6,

    /// <summary>A revision; the blob has the holds (<see cref="Wire.HoldCodec"/>).</summary>
    ManyGranted = 10,

    /// <summary>A revision; the blob has the hold.</summary>
    HandedOver = 11,

    /// <summary>An election's new value: A token, B revision.</summary>
    Proclaimed = 12,

    /// <summary>A revision, B 1 when the compares held; blob: <c>TxnResults</c>.</summary>
    TxnDone = 16,

    /// <summary>A revision, B token: the fence was raised to it.</summary>
    FenceRaised = 17,

    /// <summary>A revision: there was a fence.</summary>
    FenceReset = 18,

    /// <summary>A revision: what it had been granted was given back when the request was withdrawn.</summary>
    Withdrawn = 19,
}

/// <summary>A lease with one thing that hangs on it.</summary>
internal readonly record struct LeaseItem(LeaseId Lease, Key Name) : IComparable<LeaseItem>
{
    public int CompareTo(LeaseItem other)
    {
        var byLease = Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Name.CompareTo(other.Name);
    }
}

internal readonly record struct Due(ClusterTime Deadline, long Id) : IComparable<Due>
{
    public int CompareTo(Due other)
    {
        var byTime = Deadline.CompareTo(other.Deadline);
        return byTime != 0 ? byTime : Id.CompareTo(other.Id);
    }
}
