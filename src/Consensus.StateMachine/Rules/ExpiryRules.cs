using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>What ends by cluster time, judged again by the stamp of the entry that ends it (rule 2).</summary>
internal sealed class ExpiryRules(StateTables state, Applying entry, HoldRules holds, WaitRules waits)
{
    /// <summary>The earliest deadline of a lease, a wait, a hold or a lock delay; <see cref="ClusterTime.Never"/> when there is none.</summary>
    public ClusterTime NextDeadline
    {
        get
        {
            var next = state.Leases.NextDeadline;
            foreach (var deadline in (ReadOnlySpan<ClusterTime>)[state.Waiters.NextDeadline, state.Holds.NextDeadline, state.Objects.NextDeadline])
            {
                next = deadline < next ? deadline : next;
            }
            return next;
        }
    }

    public bool HasDeadlines =>
        state.Leases.Count > 0 || state.Waiters.Count > 0 || state.Holds.HasDeadlines || state.Objects.HasDeadlines || state.Objects.HasUnsettled;

    /// <summary>Ends what is due by this entry's own stamp, oldest first, up to the bound of one command (rules 2, 9).</summary>
    public Noted Expire()
    {
        var most = state.Limits.MaxObjectsPerCommand;
        var touched = 0;
        while (touched < most && state.Leases.TryDue(entry.Stamp, out var lease))
        {
            touched += 1 + lease.Attachments + state.Sessions.RecordsOf(lease.Id);
            holds.EndLease(lease, LossCause.Expired);
            state.Expired.Add(lease.Id, entry.Stamp);
        }
        EndWaits(ref touched, most);
        while (touched < most && state.Holds.TryDue(entry.Stamp, out var key))
        {
            touched++;
            var hold = state.Holds.Find(key.Object, key.Token);
            Invariant.Require(hold is not null, "a hold's deadline goes with it");
            holds.Lose(key.Object, hold, LossCause.HeldTooLong);
        }
        while (touched < most && state.Objects.TryDue(entry.Stamp, out var delayed))
        {
            touched++;
            holds.EndDelays(delayed, entry.Stamp);
        }
        while (entry.Promotions < most && state.Objects.TryFirstUnsettled(out var unsettled))
        {
            holds.Promote(unsettled);
        }
        return new Noted(state.Revision);
    }

    /// <summary>All that are due end before anybody behind them is looked for: else each end would walk past the rest of them.</summary>
    private void EndWaits(ref int touched, int most)
    {
        TouchedObjects? freed = null;
        while (touched < most && state.Waiters.TryDue(entry.Stamp, out var place))
        {
            var ended = waits.End(place);
            touched += ended.Count;
            (freed ??= new TouchedObjects()).Add(ended);
        }
        if (freed is not null)
        {
            holds.Promote(freed);
        }
    }
}
