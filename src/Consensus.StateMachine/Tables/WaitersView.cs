using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>The waiting places as they were when it was taken.</summary>
/// <param name="ByIdentity">Where a request stands that can be asked again.</param>
/// <param name="Several">The places of requests for several locks, each in the order asked.</param>
internal readonly record struct WaitersView(
    FrozenTree<WaiterKey, WaiterRecord> Places, FrozenTree<Identity, WaiterKey> ByIdentity, FrozenTree<RequestPlace, ObjectName> Several)
{
    /// <summary>All places of the waiter's request, in the order asked.</summary>
    public IReadOnlyList<WaiterRecord> PlacesOf(WaiterRecord waiter)
    {
        if (waiter.LockCount <= 1)
        {
            return [waiter];
        }
        var places = new List<WaiterRecord>();
        var objects = Several.From(new RequestPlace(waiter.Sequence, 0));
        foreach (var (key, name) in objects.TakeWhile(item => item.Key.Sequence == waiter.Sequence))
        {
            Places.TryGet(new WaiterKey(name, key.Sequence), out var place);
            places.Add(place);
        }
        return places;
    }

    /// <summary>1 for the next in line, detached ones counted; of several lines the largest.</summary>
    public long PositionOf(WaiterRecord waiter)
    {
        var places = Places;
        return PlacesOf(waiter).Max(place => places.Rank(place.Key) - places.Rank(new WaiterKey(place.Object, 0)) + 1);
    }
}
