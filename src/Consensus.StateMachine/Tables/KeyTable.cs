using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>A lease with one key that it carries.</summary>
internal readonly record struct LeaseKey(LeaseId Lease, Key Key) : IComparable<LeaseKey>
{
    public int CompareTo(LeaseKey other)
    {
        var byLease = Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Key.CompareTo(other.Key);
    }
}

internal readonly record struct KeysView(FrozenTree<Key, KeyRecord> ByKey, FrozenTree<LeaseKey, bool> ByLease)
{
    /// <summary>How many keys have the prefix (empty: all); O(log n).</summary>
    public static long CountOf(FrozenTree<Key, KeyRecord> keys, Key prefix)
    {
        var end = AfterPrefix(prefix);
        return (end is { } stop ? keys.Rank(stop) : keys.Count) - keys.Rank(prefix);
    }

    /// <summary>The first so many that the lease carries.</summary>
    public ImmutableArray<Key> Of(LeaseId lease, int most)
    {
        var list = ImmutableArray.CreateBuilder<Key>();
        foreach (var (item, _) in ByLease.From(new LeaseKey(lease, default)))
        {
            if (item.Lease != lease || list.Count == most)
            {
                break;
            }
            list.Add(item.Key);
        }
        return list.ToImmutable();
    }

    /// <summary>The smallest key after all that have the prefix; null when there is none.</summary>
    private static Key? AfterPrefix(Key prefix)
    {
        var bytes = prefix.Bytes.ToArray();
        for (var last = bytes.Length - 1; last >= 0; last--)
        {
            if (bytes[last] < byte.MaxValue)
            {
                bytes[last]++;
                return new Key(bytes.AsSpan(0, last + 1));
            }
        }
        return null;
    }
}

/// <summary>The keys with their values, and which lease carries which.</summary>
internal sealed class KeyTable
{
    private const int OverheadBytes = 160;
    private const int LeasedBytes = 32;

    private readonly CowTree<Key, KeyRecord> _primary = new(new Measure());
    private readonly CowTree<LeaseKey, bool> _byLease = new();

    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    public bool TryGet(Key key, out KeyRecord record) => _primary.TryGet(key, out record);

    /// <summary>With the equal key that is stored: whoever keeps it on keeps no second copy of its bytes.</summary>
    public bool TryGet(Key key, out Key stored, out KeyRecord record) => _primary.Peek().TryGet(key, out stored, out record);

    /// <summary>In order, from this key on; not to be walked over a write.</summary>
    public IEnumerable<(Key Key, KeyRecord Record)> From(Key key) => _primary.Peek().From(key);

    /// <summary>The keys as a tree of their own, in which a transaction may write; O(1).</summary>
    public CowTree<Key, KeyRecord> Fork() => _primary.Fork();

    public FrozenTree<Key, KeyRecord> Peek() => _primary.Peek();

    /// <summary>Those that the lease carries.</summary>
    public List<Key> Of(LeaseId lease)
    {
        var keys = new List<Key>();
        foreach (var (item, _) in _byLease.Peek().From(new LeaseKey(lease, default)))
        {
            if (item.Lease != lease)
            {
                break;
            }
            keys.Add(item.Key);
        }
        return keys;
    }

    /// <summary>Makes one change of a key.</summary>
    /// <param name="change">What it says of before is what is stored.</param>
    public void Change(KeyChange change)
    {
        var (leaseBefore, leaseAfter) = (LeaseOf(change.Before), LeaseOf(change.After));
        if (leaseBefore != leaseAfter)
        {
            if (!leaseBefore.IsNone)
            {
                _byLease.Remove(new LeaseKey(leaseBefore, change.Key));
            }
            if (!leaseAfter.IsNone)
            {
                _byLease.Set(new LeaseKey(leaseAfter, change.Key), true);
            }
        }
        if (change.After is { } after)
        {
            _primary.Set(change.Key, after);
        }
        else
        {
            _primary.Remove(change.Key);
        }
    }

    public KeysView Freeze() => new(_primary.Freeze(), _byLease.Freeze());

    public static LeaseId LeaseOf(KeyRecord? record) => record?.Lease ?? LeaseId.None;

    public static long SizeOf(Key key, KeyRecord? record) => record is null ? 0 : SizeOf(key, record.Value, record.Lease);

    /// <summary>What a key takes in memory, about.</summary>
    public static long SizeOf(Key key, ReadOnlyMemory<byte> value, LeaseId lease) => OverheadBytes + key.Length + value.Length + (lease.IsNone ? 0 : LeasedBytes);

    /// <summary>Throws unless the leases' keys are those that say so, and the sums are those of keys and values.</summary>
    public void Verify()
    {
        var all = _primary.Peek().All();
        Indexes.Require(
            _byLease, all.Where(static k => !k.Value.Lease.IsNone).Select(static k => (new LeaseKey(k.Value.Lease, k.Key), true)), "the index of keys by lease");
        Indexes.RequireSums(_primary, new Measure(), "the keys");
    }

    public static void Write(WireWriter writer, Key key, KeyRecord record) => KeyRecordCodec.Write(writer, key, record);

    /// <summary>Adds a key as it was written, and gives the lease that carries it. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public LeaseId Load(ReadOnlyMemory<byte> item)
    {
        var (key, record) = KeyRecordCodec.Read(item);
        if (_primary.Contains(key))
        {
            throw new WireFormatException("a key twice");
        }
        Change(new KeyChange(record.ModRevision, key, null, record));
        return record.Lease;
    }

    /// <summary>Values are large: they are hashed where they are, and not written first.</summary>
    private sealed class Measure : IMeasure<Key, KeyRecord>
    {
        public long Bytes(Key key, KeyRecord record) => SizeOf(key, record);

        public bool IsLeased(KeyRecord record) => !record.Lease.IsNone;

        public ulong Digest(Key key, KeyRecord record) => StateHash.Initial
            .Add(key.Bytes)
            .Add(record.Value.Span)
            .Add(record.CreateRevision.Value)
            .Add(record.ModRevision.Value)
            .Add(record.Version)
            .Add(record.Lease.Value)
            .Value;
    }
}
