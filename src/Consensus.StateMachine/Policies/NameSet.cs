namespace Consensus.StateMachine.Policies;

/// <summary>The names that rules of one verb and one space cover.</summary>
internal sealed class NameSet
{
    /// <summary>In order.</summary>
    private readonly Key[] _names;

    /// <summary>In order, and none of them begins another.</summary>
    private readonly Key[] _prefixes;

    private NameSet(Key[] names, Key[] prefixes) => (_names, _prefixes) = (names, prefixes);

    /// <summary>Null for no rules.</summary>
    public static NameSet? Of(IEnumerable<AccessRule> rules)
    {
        var names = new SortedSet<Key>();
        var all = new SortedSet<Key>();
        foreach (var rule in rules)
        {
            (rule.IsPrefix ? all : names).Add(rule.Name);
        }
        var prefixes = new List<Key>();
        foreach (var prefix in all)
        {
            // What begins with another stands behind it.
            if (prefixes.Count == 0 || !prefix.StartsWith(prefixes[^1]))
            {
                prefixes.Add(prefix);
            }
        }
        return names.Count + prefixes.Count == 0 ? null : new NameSet([.. names], [.. prefixes]);
    }

    /// <summary>Whether one rule covers the name, or all names that begin with it.</summary>
    public bool Covers(Key name, bool isPrefix)
    {
        // Between a prefix and a name that begins with it there is nothing that does not begin with it too.
        var before = LastUpTo(_prefixes, name);
        if (before >= 0 && name.StartsWith(_prefixes[before]))
        {
            return true;
        }
        return !isPrefix && LastUpTo(_names, name) is >= 0 and var at && _names[at] == name;
    }

    /// <summary>The last that is not behind the name; -1 when there is none.</summary>
    private static int LastUpTo(Key[] sorted, Key name)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (sorted[middle].CompareTo(name) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low - 1;
    }
}
