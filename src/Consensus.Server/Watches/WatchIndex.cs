using System.Diagnostics.CodeAnalysis;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Watches;

/// <summary>The groups of all watches, found by what changed: exact names in one step, prefixes in one step for each length of prefix that is watched.</summary>
internal sealed class WatchIndex
{
    /// <summary>Without and with the keys before the events.</summary>
    private readonly Dictionary<Key, WatchGroup?[]> _keys = new(KeyBytes.Comparer);
    private readonly Dictionary<Key, WatchGroup?[]> _prefixes = new(KeyBytes.Comparer);
    private readonly Dictionary<Key, WatchGroup?[]> _elections = new(KeyBytes.Comparer);
    private readonly Dictionary<Key, WatchGroup?[]>.AlternateLookup<ReadOnlySpan<byte>> _prefixBytes;

    /// <summary>How many prefixes of a length are watched.</summary>
    private readonly SortedDictionary<int, int> _prefixLengths = [];

    public WatchIndex() => _prefixBytes = _prefixes.GetAlternateLookup<ReadOnlySpan<byte>>();

    public IEnumerable<WatchGroup> All => _keys.Values.Concat(_prefixes.Values).Concat(_elections.Values).SelectMany(pair => pair).OfType<WatchGroup>();

    public bool TryGet(WatchTarget target, [NotNullWhen(true)] out WatchGroup? group)
    {
        group = TableOf(target.Kind).TryGetValue(target.Name, out var pair) ? pair[PlaceOf(target)] : null;
        return group is not null;
    }

    public void Add(WatchGroup group)
    {
        var target = group.Target;
        var table = TableOf(target.Kind);
        if (!table.TryGetValue(target.Name, out var pair))
        {
            table[target.Name] = pair = new WatchGroup?[2];
            if (target.Kind == WatchKind.Prefix)
            {
                _prefixLengths[target.Name.Length] = _prefixLengths.GetValueOrDefault(target.Name.Length) + 1;
            }
        }
        pair[PlaceOf(target)] = group;
    }

    public void Remove(WatchGroup group)
    {
        var target = group.Target;
        var table = TableOf(target.Kind);
        var pair = table[target.Name];
        pair[PlaceOf(target)] = null;
        if (pair is not [null, null])
        {
            return;
        }
        table.Remove(target.Name);
        if (target.Kind == WatchKind.Prefix && --_prefixLengths[target.Name.Length] == 0)
        {
            _prefixLengths.Remove(target.Name.Length);
        }
    }

    /// <summary>Adds the groups that are told of the change.</summary>
    public void Find(Change change, List<WatchGroup> found)
    {
        switch (change)
        {
            case KeyChange key:
                if (_keys.TryGetValue(key.Key, out var exact))
                {
                    AddTo(found, exact);
                }
                foreach (var length in _prefixLengths.Keys)
                {
                    if (length > key.Key.Length)
                    {
                        break;
                    }
                    if (_prefixBytes.TryGetValue(key.Key.Bytes[..length], out var withPrefix))
                    {
                        AddTo(found, withPrefix);
                    }
                }
                break;
            case ElectionChange election:
                if (_elections.TryGetValue(election.Name, out var observers))
                {
                    AddTo(found, observers);
                }
                break;
            default:
                Invariant.Unreachable<int>(change);
                break;
        }
    }

    private static int PlaceOf(WatchTarget target) => target.WithPrevious ? 1 : 0;

    private static void AddTo(List<WatchGroup> found, WatchGroup?[] pair)
    {
        foreach (var group in pair)
        {
            if (group is not null)
            {
                found.Add(group);
            }
        }
    }

    private Dictionary<Key, WatchGroup?[]> TableOf(WatchKind kind) => kind switch
    {
        WatchKind.Key => _keys,
        WatchKind.Prefix => _prefixes,
        WatchKind.Election => _elections,
        _ => Invariant.Unreachable<Dictionary<Key, WatchGroup?[]>>(kind),
    };

    /// <summary>Finds a key by bytes that are not one yet.</summary>
    private sealed class KeyBytes : IEqualityComparer<Key>, IAlternateEqualityComparer<ReadOnlySpan<byte>, Key>
    {
        public static readonly KeyBytes Comparer = new();

        public bool Equals(Key x, Key y) => x == y;

        public int GetHashCode(Key obj) => GetHashCode(obj.Bytes);

        public bool Equals(ReadOnlySpan<byte> alternate, Key other) => alternate.SequenceEqual(other.Bytes);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public Key Create(ReadOnlySpan<byte> alternate) => new(alternate);
    }
}
