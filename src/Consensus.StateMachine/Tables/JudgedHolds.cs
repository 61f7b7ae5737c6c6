using Consensus.Primitives;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Up to which of its holds each lease was judged by the present policy, so that thousands of holds are not judged at each renewal. No part
/// of the state: whoever does not remember it, after a snapshot, judges them once more and comes to the same.
/// </summary>
internal sealed class JudgedHolds
{
    /// <summary>So many holds are judged as fast as one is remembered.</summary>
    private const int Few = 8;

    private readonly Dictionary<LeaseId, FencingToken> _upTo = [];
    private Policy? _by;

    /// <summary>The leases of which it is remembered.</summary>
    public IEnumerable<LeaseId> Leases => _upTo.Keys;

    /// <summary>The last hold of which it is known that it and all before it may be held; none where none is.</summary>
    public FencingToken UpTo(LeaseId lease, Policy present) =>
        ReferenceEquals(present, _by) ? _upTo.GetValueOrDefault(lease) : FencingToken.None;

    public void Remember(LeaseRecord lease, FencingToken upTo, Policy present)
    {
        if (!ReferenceEquals(present, _by))
        {
            _upTo.Clear();
            _by = present;
        }
        if (lease.Holds > Few)
        {
            _upTo[lease.Id] = upTo;
        }
    }

    /// <summary>The lease is no more.</summary>
    public void Forget(LeaseId lease) => _upTo.Remove(lease);
}
