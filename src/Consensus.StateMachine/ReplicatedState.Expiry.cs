using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>What ends by cluster time, judged again by the stamp of the entry that ends it (rule 2).</summary>
public sealed partial class ReplicatedState
{
    /// <summary>The earliest deadline of a lease, a wait, a hold or a lock delay, or what an entry left over; <see cref="ClusterTime.Never"/> when there is none.</summary>
    public ClusterTime NextDeadline
    {
        get
        {
            if (_unsettled.Count > 0)
            {
                return AppliedStamp;
            }
            var next = ClusterTime.Never;
            foreach (var tree in (ReadOnlySpan<Trees.CowTree<Due, ObjectName>>)[_waitDeadlines, _holdDeadlines, _delayDeadlines])
            {
                next = tree.TryFirst(out var due, out _) && due.Deadline < next ? due.Deadline : next;
            }
            return _leaseDeadlines.TryFirst(out var lease, out _) && lease.Deadline < next ? lease.Deadline : next;
        }
    }

    /// <summary>True while anything lives by cluster time: an idle leader then logs a time entry once a second (rule 1).</summary>
    public bool HasDeadlines =>
        _leaseDeadlines.Count > 0 || _waitDeadlines.Count > 0 || _holdDeadlines.Count > 0 || _delayDeadlines.Count > 0 || _unsettled.Count > 0;

    /// <summary>Ends what is due by this entry's own stamp, oldest first, up to the bound of one command (rules 2, 9).</summary>
    private Noted Expire()
    {
        var touched = 0;
        while (touched < _limits.MaxObjectsPerCommand
            && _leaseDeadlines.TryFirst(out var due, out _)
            && due.Deadline <= _stamp)
        {
            _leases.TryGet(new LeaseId(due.Id), out var lease);
            touched += 1 + lease.Attachments;
            EndLease(lease, LossReason.Expired);
        }
        EndWaits(ref touched);
        while (touched < _limits.MaxObjectsPerCommand
            && _holdDeadlines.TryFirst(out var due, out var name)
            && due.Deadline <= _stamp)
        {
            touched++;
            var hold = FindHold(name, new FencingToken(due.Id));
            Invariant.Require(hold is not null, "a hold's deadline goes with it");
            LoseHold(name, hold, LossReason.HeldTooLong);
        }
        while (touched < _limits.MaxObjectsPerCommand
            && _delayDeadlines.TryFirst(out var due, out var name)
            && due.Deadline <= _stamp)
        {
            touched++;
            var record = LockAt(name);
            StoreLock(name, record, EndDelay(record));
            Promote(name);
        }
        while (_promotions < _limits.MaxObjectsPerCommand && _unsettled.TryFirst(out var name, out _))
        {
            Promote(name);
        }
        return new Noted(Revision);
    }

    /// <summary>All that are due end before anybody behind them is looked for: else each end would walk past the rest of them.</summary>
    private void EndWaits(ref int touched)
    {
        TouchedObjects? freed = null;
        while (touched < _limits.MaxObjectsPerCommand
            && _waitDeadlines.TryFirst(out var due, out var name)
            && due.Deadline <= _stamp)
        {
            touched++;
            EndWait(new WaiterKey(name, due.Id));
            (freed ??= new TouchedObjects()).Add(name);
        }
        freed?.ForEach(Promote);
    }
}
