using Consensus.Primitives;

namespace Consensus.Exploration.Search;

/// <summary>States that were met, by a hash of 64 bits: eight bytes for each, and among 10,000,000 of them two of one hash with a chance of 3 in 1,000,000.</summary>
internal sealed class VisitedStates
{
    private ulong[] _table = new ulong[1 << 12];

    public int Count { get; private set; }

    /// <summary>True when it is new.</summary>
    public bool Add(ReadOnlySpan<int> state)
    {
        if ((Count + 1) * 3L > _table.Length * 2L)
        {
            Grow();
        }
        if (!TryPlace(_table, HashOf(state)))
        {
            return false;
        }
        Count++;
        return true;
    }

    private static ulong HashOf(ReadOnlySpan<int> state)
    {
        var hash = StateHash.Initial;
        foreach (var number in state)
        {
            hash = hash.Add(number);
        }
        // 0 marks an empty place.
        return Math.Max(hash.Value, 1);
    }

    private static bool TryPlace(ulong[] table, ulong hash)
    {
        var mask = table.Length - 1;
        // The last words added are still near the surface of the hash.
        var at = (int)((hash * 0x9E3779B97F4A7C15UL) >> 32) & mask;
        while (table[at] != 0)
        {
            if (table[at] == hash)
            {
                return false;
            }
            at = (at + 1) & mask;
        }
        table[at] = hash;
        return true;
    }

    private void Grow()
    {
        var larger = new ulong[_table.Length * 2];
        foreach (var hash in _table)
        {
            if (hash != 0)
            {
                TryPlace(larger, hash);
            }
        }
        _table = larger;
    }
}
