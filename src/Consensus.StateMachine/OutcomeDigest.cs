using System.Collections.Immutable;
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
        HoldGranted => 9,
        HoldQueued => 10,
        HoldRefused => 11,
        WaitCancelled => 12,
        WaitDetached => 13,
        WaitTakenOver => 14,
        HoldRenewed => 15,
        HoldReleased => 16,
        NotHolder => 17,
        BoundReached => 18,
        QuotaExceeded => 19,
        TooManyObjects => 20,
        IdempotencyMismatch => 21,
        ReplayedHoldGone => 22,
        Noted => 23,
        ManyGranted => 24,
        HandedOver => 25,
        NoSuchWaiter => 26,
        PermitsMismatch => 27,
        TxnDone => 28,
        KeyWrittenTwice => 29,
        FencePassed => 30,
        FenceStale => 31,
        TokenFromFuture => 32,
        FenceReset => 33,
        AnswerTooLarge => 34,
        RetryTooLate => 35,
        Withdrawn => 36,
        RequestWithdrawn => 37,
        SettingPut => 38,
        SettingOutOfRange => 39,
        SessionRefused => 40,
        Settled => 41,
        PermitsChanged => 42,
        PermitsOut => 43,
        SemaphoreUnused => 44,
        TokenNotExclusive => 45,
        Forbidden => 46,
        PolicyChanged => 47,
        PolicyRefused => 48,
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
        HoldGranted o => o.Hold.Token.Value,
        HoldQueued o => o.Position,
        HoldRefused o => o.Holder?.Token.Value ?? 0,
        HoldRenewed o => o.Hold.Deadline.Micros,
        NotHolder o => o.Loss?.AtRevision.Value ?? 0,
        BoundReached o => (long)o.Bound,
        ReplayedHoldGone o => o.Left.IsEmpty ? 0 : DigestOf(o.Left),
        ManyGranted o => DigestOf(o.Holds),
        HandedOver o => o.Hold.Token.Value,
        PermitsMismatch o => o.Permits,
        PermitsChanged o => (o.Permits << 32) ^ o.Out,
        PermitsOut o => (o.Permits << 32) ^ o.Out,
        TxnDone o => DigestOf(o),
        FencePassed o => o.Highest.Value,
        FenceStale o => o.Highest.Value,
        FenceReset o => o.Existed ? 1 : 0,
        Withdrawn o => (long)o.Result,
        SettingPut o => o.Value,
        SettingOutOfRange o => (long)o.Setting,
        SessionRefused o => (long)o.Reason,
        Forbidden o => (long)o.Reason,
        PolicyChanged o => o.PolicyRevision,
        PolicyRefused o => (long)o.Reason,
        Settled o => (long)o.Result ^ (o.First is { } first ? (KindOf(first) << 8) ^ (DetailOf(first) << 16) : 0),
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

    private static long DigestOf(ImmutableArray<Hold> holds)
    {
        var hash = StateHash.Initial;
        foreach (var hold in holds)
        {
            hash = hash.Add(hold.Token.Value);
        }
        return (long)hash.Value;
    }

    private static long DigestOf(TxnDone done)
    {
        var hash = StateHash.Initial.Add(done.Succeeded ? 1 : 0);
        foreach (var result in done.Results)
        {
            hash = result switch
            {
                TxnPutResult put => hash.Add(1).Add(put.Version).Add(put.CreateRevision.Value),
                TxnDeleteResult delete => hash.Add(2).Add(delete.Deleted),
                TxnGetResult get => hash.Add(3).Add(get.Count).Add(get.Items.Length),
                TxnGetNotKept get => hash.Add(4).Add(get.Count).Add(get.Items),
                _ => Invariant.Unreachable<StateHash>(result),
            };
        }
        return (long)hash.Value;
    }
}
