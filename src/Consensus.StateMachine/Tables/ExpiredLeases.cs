using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Leases that ran out lately, as this process applied it: what is told of the end of a lease. It is no part of the replicated state: nothing is judged by it, and a snapshot does not
/// have it.
/// </summary>
internal sealed class ExpiredLeases
{
    private const int Most = 20_000;

    private readonly CowTree<LeaseId, ClusterTime> _stamps = new();
    private readonly Queue<(LeaseId Id, ClusterTime Stamp)> _order = new();

    /// <summary>A lease that was there at this time or later, and is not any more, ran out exactly if it is here.</summary>
    public ClusterTime KnownFrom { get; private set; } = ClusterTime.Zero;

    public void Add(LeaseId id, ClusterTime stamp)
    {
        _stamps.Set(id, stamp);
        _order.Enqueue((id, stamp));
        if (_order.Count > Most)
        {
            Forget();
        }
    }

    /// <summary>The state was restored as of this time: of what ended before, or at that very time, nothing is known.</summary>
    public void Begin(ClusterTime stamp) => KnownFrom = stamp.PlusMicros(1);

    public FrozenTree<LeaseId, ClusterTime> Freeze() => _stamps.Freeze();

    private void Forget()
    {
        var (id, stamp) = _order.Dequeue();
        // An id that was drawn twice ran out twice.
        if (_stamps.TryGet(id, out var last) && last == stamp)
        {
            _stamps.Remove(id);
        }
        // Whoever saw it then may have seen it before its end.
        KnownFrom = stamp.PlusMicros(1);
    }
}
