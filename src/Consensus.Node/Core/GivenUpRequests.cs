namespace Consensus.Node.Core;

/// <summary>The newest requests that were given up, by their sequence, up to <paramref name="capacity"/> of them: the oldest is forgotten for a new one.</summary>
internal sealed class GivenUpRequests(int capacity)
{
    private readonly LinkedList<long> _oldestFirst = new();
    private readonly Dictionary<long, LinkedListNode<long>> _places = [];

    /// <summary>Idempotent.</summary>
    public void Add(long sequence)
    {
        if (_places.ContainsKey(sequence))
        {
            return;
        }
        if (_places.Count >= capacity)
        {
            Remove(_oldestFirst.First!.Value);
        }
        _places.Add(sequence, _oldestFirst.AddLast(sequence));
    }

    /// <summary>False when it was not given up, or is forgotten.</summary>
    public bool Remove(long sequence)
    {
        if (!_places.Remove(sequence, out var place))
        {
            return false;
        }
        _oldestFirst.Remove(place);
        return true;
    }
}
