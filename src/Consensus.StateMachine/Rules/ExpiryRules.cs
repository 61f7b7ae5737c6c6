using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>What ends by cluster time, judged again by the stamp of the entry that ends it (rule 2).</summary>
internal sealed class ExpiryRules(StateTables state, Applying entry, HoldRules holds, WaitRules waits, SweepRules sweep)
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
        state.Leases.Count > 0 || state.Waiters.Count > 0 || state.Holds.HasDeadlines || state.Objects.HasDeadlines
        || state.Objects.HasUnsettled || !state.Detaching.IsEmpty || state.Policies.IsSweeping;

    /// <summary>
    /// Goes on with what entries before it left over, and ends what is due by its own stamp, oldest first: up to the bound of one step
    /// (rules 2, 9).
    /// </summary>
    public Noted Expire()
    {
        var ended = 0;
        waits.GoOnDetaching();
        sweep.GoOn();
        EndLeases(ref ended);
        EndWaits(ref ended);
        while (HasRoom(ended) && state.Holds.TryDue(entry.Stamp, out var key))
        {
            ended++;
            var hold = state.Holds.Find(key.Object, key.Token);
            Invariant.Require(hold is not null, "a hold's deadline goes with it");
            holds.Lose(key.Object, hold, LossCause.HeldTooLong);
        }
        while (HasRoom(ended) && state.Objects.TryDue(entry.Stamp, out var delayed))
        {
            ended++;
            holds.EndDelays(delayed, entry.Stamp);
        }
        while (HasRoom(ended) && state.Objects.TryFirstUnsettled(out var unsettled))
        {
            // One where nobody can be granted anything was looked at all the same.
            ended++;
            entry.Output.Objects++;
            holds.Promote(unsettled);
        }
        return new Noted(state.Revision);
    }

    /// <summary>Who is granted what became free counts beside what ended: together they are one step.</summary>
    private bool HasRoom(int ended) => ended + entry.Promotions < state.Limits.MaxObjectsPerStep;

    /// <summary>A lease ends whole, whatever it carries: one that would take the step beyond its bound is alone in the next.</summary>
    private void EndLeases(ref int ended)
    {
        while (HasRoom(ended) && state.Leases.TryDue(entry.Stamp, out var lease))
        {
            var objects = 1 + lease.Attachments + state.Sessions.RecordsOf(lease.Id);
            if (ended + entry.Promotions > 0 && !HasRoom(ended + objects - 1))
            {
                return;
            }
            ended += objects;
            holds.EndLease(lease, LossCause.Expired);
            state.Expired.Add(lease.Id, entry.Stamp);
        }
    }

    /// <summary>All that are due end before anybody behind them is looked for: else each end would walk past the rest of them.</summary>
    private void EndWaits(ref int ended)
    {
        TouchedObjects? freed = null;
        while (HasRoom(ended) && state.Waiters.TryDue(entry.Stamp, out var place))
        {
            var places = waits.End(place);
            ended += places.Count;
            (freed ??= new TouchedObjects()).Add(places);
        }
        if (freed is null)
        {
            return;
        }
        if (state.Waiters.TryDue(entry.Stamp, out _))
        {
            // The step is full: the next one ends the others first.
            holds.PromoteLater(freed);
        }
        else
        {
            holds.Promote(freed);
        }
    }
}
