using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

/// <summary>Forgetting the history (rules 28, 29). What is due is the leader's question; that it is forgotten is an entry of the log.</summary>
public sealed partial class ReplicatedState
{
    /// <summary>Changes that the leader asks to forget in one entry, so that none takes long to apply.</summary>
    private const int CompactionBatch = 2_000;

    /// <summary>Fewer than this wait until they are overdue by a tenth: a trickle of writes is not doubled by entries that forget it.</summary>
    private const int CompactionWorthwhile = 500;

    /// <summary>
    /// The revision up to which history is to be forgotten by now: what is older than <see cref="Limits.HistoryKeepMicros"/>, and the oldest while all
    /// takes more than <see cref="Limits.MaxHistoryBytes"/>. Null when nothing is due yet.
    /// </summary>
    /// <param name="now">In cluster time.</param>
    /// <param name="moreIsDue">One entry does not take it all: ask again once it is applied.</param>
    public Revision? CompactionDue(ClusterTime now, out bool moreIsDue)
    {
        var oldest = ClusterTime.Never;
        var (due, byBytes) = (0, false);
        var excess = _history.Bytes - _limits.MaxHistoryBytes;
        excess += excess > 0 ? _limits.MaxHistoryBytes / 64 : 0;
        foreach (var recorded in _history.Freeze().From(Revision.Zero))
        {
            var isOld = now - recorded.Stamp >= _limits.HistoryKeepMicros;
            if (due == CompactionBatch || (!isOld && excess <= 0))
            {
                break;
            }
            oldest = due == 0 ? recorded.Stamp : oldest;
            byBytes |= excess > 0;
            excess -= recorded.Bytes;
            due++;
        }
        moreIsDue = due == CompactionBatch;
        var overdue = now - oldest >= _limits.HistoryKeepMicros + (_limits.HistoryKeepMicros / 10);
        return due > 0 && (byBytes || overdue || due >= CompactionWorthwhile) ? LastWholeRevision(due) : null;
    }

    private Noted Compact(CompactCommand c)
    {
        var upTo = c.UpTo < Revision ? c.UpTo : Revision;
        if (CountUpTo(upTo) > _limits.MaxObjectsPerCommand)
        {
            upTo = LastWholeRevision(_limits.MaxObjectsPerCommand);
        }
        if (upTo > CompactRevision)
        {
            var forgotten = CountUpTo(upTo);
            _history.RemoveFirst(forgotten);
            _output.Objects += forgotten;
            CompactRevision = upTo;
        }
        return new Noted(Revision);
    }

    private int CountUpTo(Revision revision) =>
        _history.Freeze().From(Revision.Zero).TakeWhile(recorded => recorded.Change.Revision <= revision).Count();

    /// <summary>The revision with which the oldest so many changes end, never within a revision: the first one may take more than so many.</summary>
    private Revision LastWholeRevision(int count)
    {
        var (first, last) = (Revision.Zero, Revision.Zero);
        foreach (var recorded in _history.Freeze().From(Revision.Zero).Take(count + 1))
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
