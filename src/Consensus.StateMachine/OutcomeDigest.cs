using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

/// <summary>What of an outcome goes into the running hash: a number for its kind and one for its content, in a canonical form of our own (rule 13).</summary>
internal static class OutcomeDigest
{
    public static long KindOf(Outcome outcome) => outcome switch
    {
        PutDone => 1,
        ConditionFailed => 2,
        DeleteDone => 3,
        LeaseGranted => 4,
        LeaseIdTaken => 5,
        LeasesRenewed => 6,
        LeaseRevoked => 7,
        LeaseMissing => 8,
        LockGranted => 9,
        LockQueued => 10,
        LockHeld => 11,
        WaitCancelled => 12,
        WaitDetached => 13,
        WaitTakenOver => 14,
        LockRenewed => 15,
        LockReleased => 16,
        NotHolder => 17,
        BoundReached => 18,
        QuotaExceeded => 19,
        TooManyObjects => 20,
        IdempotencyMismatch => 21,
        ReplayedHoldGone => 22,
        Noted => 23,
        _ => Invariant.Unreachable<long>(outcome),
    };

    public static long DetailOf(Outcome outcome) => outcome switch
    {
        PutDone o => o.Version,
        ConditionFailed o => o.CurrentModRevision.Value,
        DeleteDone o => o.Deleted,
        LeaseGranted o => o.Id.Value,
        LeasesRenewed o => DigestOf(o),
        LeaseRevoked o => (o.KeysDeleted << 32) ^ o.LocksFreed,
        LockGranted o => o.Hold.Token.Value,
        LockQueued o => o.Position,
        LockHeld o => o.Holder?.Token.Value ?? 0,
        LockRenewed o => o.Hold.Deadline.Micros,
        NotHolder o => o.Loss?.AtRevision.Value ?? 0,
        BoundReached o => (long)o.Bound,
        _ => 0,
    };

    private static long DigestOf(LeasesRenewed renewed)
    {
        var hash = StateHash.Initial;
        foreach (var renewal in renewed.Renewals)
        {
            hash = hash.Add(renewal.Id.Value).Add(renewal.Deadline.Micros);
        }
        return (long)hash.Value;
    }
}
