using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>Forgetting the history (rules 28, 29). What is due is the leader's question; that it is forgotten is an entry of the log.</summary>
internal sealed class CompactionRules(StateTables state, Applying entry)
{
    /// <summary>Changes that the leader asks to forget in one entry, so that none takes long to apply.</summary>
    private const int Batch = 2_000;

    /// <summary>Fewer than this wait until they are overdue by a tenth: a trickle of writes is not doubled by entries that forget it.</summary>
    private const int Worthwhile = 500;

    /// <inheritdoc cref="ReplicatedState.CompactionDue"/>
    public Revision? Due(ClusterTime now, out bool moreIsDue)
    {
        var limits = state.Limits;
        var oldest = ClusterTime.Never;
        var (due, byBytes) = (0, false);
        var excess = state.History.Bytes - limits.MaxHistoryBytes;
        excess += excess > 0 ? limits.MaxHistoryBytes / 64 : 0;
        foreach (var recorded in state.History.All())
        {
            var isOld = now - recorded.Stamp >= limits.HistoryKeepMicros;
            if (due == Batch || (!isOld && excess <= 0))
            {
                break;
            }
            oldest = due == 0 ? recorded.Stamp : oldest;
            byBytes |= excess > 0;
            excess -= recorded.Bytes;
            due++;
        }
        moreIsDue = due == Batch;
        var overdue = now - oldest >= limits.HistoryKeepMicros + (limits.HistoryKeepMicros / 10);
        return due > 0 && (byBytes || overdue || due >= Worthwhile) ? LastWholeRevision(due) : null;
    }

    public Noted Compact(CompactCommand c)
    {
        var upTo = c.UpTo < state.Revision ? c.UpTo : state.Revision;
        if (CountUpTo(upTo) > state.Limits.MaxObjectsPerCommand)
        {
            upTo = LastWholeRevision(state.Limits.MaxObjectsPerCommand);
        }
        if (upTo > state.History.CompactRevision)
        {
            Forget(upTo);
        }
        return new Noted(state.Revision);
    }

    /// <summary>
    /// Each entry forgets what its own changes push beyond <see cref="Limits.MaxHistoryBytes"/>: the leader asks for it once a second, and in a second of large values the history
    /// grows by as much as the disks take. What the entry changed itself stays until the next one. It forgets a step at most, but whole
    /// revisions: one that replaces or deletes more leaves the rest to those after it and to the leader; what that is made of was in the
    /// state before.
    /// </summary>
    public void ForgetBeyondBound()
    {
        var excess = state.History.Bytes - state.Limits.MaxHistoryBytes;
        if (excess <= 0)
        {
            return;
        }
        var (upTo, count) = (state.History.CompactRevision, 0);
        foreach (var recorded in state.History.All())
        {
            var revision = recorded.Change.Revision;
            var isEnough = excess <= 0 || count >= state.Limits.MaxObjectsPerStep;
            if (revision > entry.RevisionBefore || (revision != upTo && isEnough))
            {
                break;
            }
            upTo = revision;
            excess -= recorded.Bytes;
            count++;
        }
        if (upTo > state.History.CompactRevision)
        {
            Forget(upTo);
        }
    }

    private void Forget(Revision upTo)
    {
        var forgotten = CountUpTo(upTo);
        entry.Output.Light += forgotten;
        state.History.Forget(forgotten, upTo);
    }

    private int CountUpTo(Revision revision) => state.History.All().TakeWhile(recorded => recorded.Change.Revision <= revision).Count();

    /// <summary>The revision with which the oldest so many changes end, never within a revision: the first one may take more than so many.</summary>
    private Revision LastWholeRevision(int count)
    {
        var (first, last) = (Revision.Zero, Revision.Zero);
        foreach (var recorded in state.History.All().Take(count + 1))
        {
            var revision = recorded.Change.Revision;
            first = first == Revision.Zero ? revision : first;
            if (count-- > 0)
            {
                last = revision;
            }
            else if (revision == last && last != first)
            {
                // It goes on beyond the count: the one before it is the last whole one.
                return new Revision(last.Value - 1);
            }
        }
        return last;
    }
}
