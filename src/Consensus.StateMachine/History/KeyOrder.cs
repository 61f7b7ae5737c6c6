namespace Consensus.StateMachine.History;

/// <summary>The changes of keys in a chunk, ordered by key, then by age. Immutable.</summary>
internal sealed class KeyOrder
{
    private readonly ChangeChunk _chunk;
    private readonly int[] _positions;

    public KeyOrder(ChangeChunk chunk, int count)
    {
        (_chunk, Covered) = (chunk, count);
        var positions = new List<int>(count);
        for (var position = 0; position < count; position++)
        {
            if (chunk[position].Change is KeyChange)
            {
                positions.Add(position);
            }
        }
        positions.Sort(Compare);
        _positions = [.. positions];
    }

    /// <summary>How many of the chunk's changes it knows.</summary>
    public int Covered { get; }

    public int Count => _positions.Length;

    public KeyChange this[int place] => At(_positions[place]);

    /// <summary>Where the change stands in the chunk.</summary>
    public int PositionOf(int place) => _positions[place];

    /// <summary>The place of the first change of this key or a later one, that stands at this position of the chunk or behind it if the key is this very one.</summary>
    public int Seek(Key key, int position)
    {
        int low = 0, high = _positions.Length;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            var order = this[middle].Key.CompareTo(key);
            if (order < 0 || (order == 0 && _positions[middle] < position))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    public KeyChange? FirstOf(Key key, int position)
    {
        var place = Seek(key, position);
        return place < Count && this[place].Key == key ? this[place] : null;
    }

    private KeyChange At(int position) => (KeyChange)_chunk[position].Change;

    private int Compare(int a, int b)
    {
        var byKey = At(a).Key.CompareTo(At(b).Key);
        return byKey != 0 ? byKey : a.CompareTo(b);
    }
}
