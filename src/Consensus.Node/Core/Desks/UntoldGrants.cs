using System.Collections.Immutable;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// What was, or may yet be, granted under a key to a client that nobody can tell any more: whoever asks again in time finds it, else it is
/// given back. Each stands for as long as any other, so the oldest is due first. Of a request that was granted nothing there is nothing to
/// remember: it leaves as soon as that is known.
/// </summary>
/// <param name="bytes">What they count in.</param>
internal sealed class UntoldGrants(ByteBudget bytes)
{
    private readonly LinkedList<UntoldGrant> _oldestFirst = new();

    /// <summary>By the numbers of their requests, all of which are of this process.</summary>
    private readonly Dictionary<long, LinkedListNode<UntoldGrant>> _places = [];

    /// <summary>What is known of the same request already is added to it, and is due with it.</summary>
    public void Add(UntoldGrant grant)
    {
        if (TryTake(grant.Request, out var before))
        {
            grant = grant with { Names = [.. before.Names.Union(grant.Names)] };
        }
        _places.Add(grant.Request.Sequence, _oldestFirst.AddLast(grant));
        bytes.Hold(grant.Bytes);
    }

    public bool TryFind(RequestId request, out UntoldGrant grant)
    {
        var isThere = _places.TryGetValue(request.Sequence, out var place);
        grant = isThere ? place!.Value : default;
        return isThere;
    }

    public bool TryTake(RequestId request, out UntoldGrant grant)
    {
        grant = default;
        if (!_places.Remove(request.Sequence, out var place))
        {
            return false;
        }
        grant = place.Value;
        _oldestFirst.Remove(place);
        bytes.LetGo(grant.Bytes);
        return true;
    }

    public bool TryTakeDue(long now, out UntoldGrant grant)
    {
        grant = default;
        return _oldestFirst.First is { } oldest && oldest.Value.DueMicros <= now && TryTakeOldest(out grant);
    }

    public bool TryTakeOldest(out UntoldGrant grant)
    {
        grant = default;
        return _oldestFirst.First is { } oldest && TryTake(oldest.Value.Request, out grant);
    }
}

/// <param name="Names">Of all that the one request asked for, in the order asked; at least one.</param>
/// <param name="Lane">In which its end goes: that of the request while it is not known to be applied; null: that of such commands.</param>
/// <param name="DueMicros">Loop time at which it is given back.</param>
internal readonly record struct UntoldGrant(ImmutableArray<ObjectName> Names, RequestId Request, CommandLane? Lane, long DueMicros)
{
    /// <summary>With its place in the list and in the table.</summary>
    private const int OwnBytes = 200;

    /// <summary>About what it takes.</summary>
    public long Bytes => OwnBytes + NameBytes.Of(Names);
}
