using Consensus.Primitives;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>What changed since <see cref="CompactRevision"/>. It shares keys and values with the present state.</summary>
public sealed partial class ReplicatedState
{
    private readonly ChangeLog _history = new();
    private Revision _lastChange;

    /// <summary>The last revision that is forgotten; 0 when nothing is.</summary>
    public Revision CompactRevision { get; private set; }

    /// <summary>Makes one change of a key: the key itself, its bytes, the lease that carries it, and the history.</summary>
    private void ChangeKey(KeyChange change)
    {
        var (leaseBefore, leaseAfter) = (change.Before?.Lease ?? LeaseId.None, change.After?.Lease ?? LeaseId.None);
        if (leaseBefore != leaseAfter)
        {
            if (!leaseBefore.IsNone)
            {
                _leaseKeys.Remove(new LeaseItem(leaseBefore, change.Key));
                ChangeLease(leaseBefore, keys: -1);
            }
            if (!leaseAfter.IsNone)
            {
                _leaseKeys.Set(new LeaseItem(leaseAfter, change.Key), true);
                ChangeLease(leaseAfter, keys: 1);
            }
        }
        if (change.After is { } after)
        {
            _keys.Set(change.Key, after);
        }
        else
        {
            _keys.Remove(change.Key);
        }
        _stateBytes += SizeOf(change.Key, change.After) - SizeOf(change.Key, change.Before);
        Record(change);
    }

    private void Record(Change change)
    {
        Invariant.Require(change.Revision >= _lastChange && change.Revision > CompactRevision, "history is written in order");
        _lastChange = change.Revision;
        _output.Objects++;
        _history.Append(new Recorded(change, _stamp));
    }

    /// <summary>An election has another leader, none, or another value; the present revision is the change's.</summary>
    private void RecordElection(Key name, Hold? leader) => Record(new ElectionChange(Revision, name, leader));
}
