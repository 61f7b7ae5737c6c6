using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

/// <summary>What a backup loses when it becomes the state of a new cluster.</summary>
/// <param name="Keys">Keys that were tied to leases, and went with them.</param>
public sealed record NewClusterLosses(long Leases, long Holds, long Waiters, long Keys);

/// <summary>
/// A backup as the first state of a new cluster (rule 15). Its clients' holds have run on, or ended, in the cluster that it was taken of: whoever believes to hold something must
/// ask again, and gets a token that no cluster has ever given.
/// </summary>
public sealed partial class ReplicatedState
{
    /// <summary>Further than any cluster writes between a backup and its restore: at 10,000 writes a second, five days.</summary>
    private const long RevisionLeap = 1L << 32;

    /// <summary>So many revisions for each second since 1970: also a second restore of the same backup is above the first, and what was granted there.</summary>
    private const long RevisionsPerSecond = 1L << 20;

    /// <summary>
    /// Ends all waits, leases and holds, with the keys that were tied to them; forgets the members and the past; and raises the revision to at least
    /// max(present + 2^32, <paramref name="unixSeconds"/> × 2^20). Keys, fences, what was released or lost, and stored results of requests stay.
    /// </summary>
    /// <param name="unixSeconds">Of the restore, since 1970.</param>
    public NewClusterLosses BeginNewCluster(long unixSeconds)
    {
        _output = new ApplyOutput();
        (_request, _identity, _stamp, _promotions, _own) = (RequestId.None, default, AppliedStamp, 0, null);
        var before = (Leases: (long)_leases.Count, Holds: _soleHolds + _holds.Count, Waiters: (long)_waiters.Count, Keys: (long)_keys.Count);

        // First: what ends below has revisions of its own, and those too must be new.
        Revision = new Revision(Math.Max(Revision.Value + RevisionLeap, unixSeconds * RevisionsPerSecond));

        // Waiters before what they wait for, so that nobody is granted anything.
        foreach (var (place, _) in _waiters.Peek().All().ToList())
        {
            RemoveWaiter(place);
        }
        foreach (var (name, _) in _unsettled.Peek().All().ToList())
        {
            SetUnsettled(name, LockAt(name), false);
        }
        foreach (var (id, _) in _leases.Peek().All().ToList())
        {
            if (_leases.TryGet(id, out var lease))
            {
                EndLease(lease, LossReason.Revoked);
            }
        }
        foreach (var (member, _) in _members.Peek().All().ToList())
        {
            _members.Remove(member);
        }
        _history.RemoveFirst(_history.Count);
        CompactRevision = Revision;
        Hash = Hash.Add(Revision.Value);
        Invariant.Require(_leases.Count == 0 && _soleHolds + _holds.Count == 0 && _waiters.Count == 0, "a new cluster begins with nothing held");
        return new NewClusterLosses(before.Leases, before.Holds, before.Waiters, before.Keys - _keys.Count);
    }
}
