using Consensus.Primitives;

namespace Consensus.StateMachine.Trees;

/// <summary>
/// An ordered map as a B+tree whose nodes are copied on write. The owner writes; <see cref="Freeze"/> hands out the present root, after which every node
/// reachable from it is never written again: a write copies the path that it touches. Readers of a frozen root need no lock.
/// </summary>
/// <param name="measure">By what the pairs are summed in the nodes; null for a tree whose sums nobody asks for, an index.</param>
internal sealed class CowTree<TKey, TValue>(IMeasure<TKey, TValue>? measure = null)
    where TKey : IComparable<TKey>
{
    private Node<TKey, TValue>? _root;
    private long _epoch = 1;

    public int Count => _root?.Total ?? 0;

    /// <summary>Of all pairs; zeros without a measure.</summary>
    public TreeSum Sum => _root?.Sum ?? default;

    /// <summary>An immutable picture of the present content; O(1).</summary>
    public FrozenTree<TKey, TValue> Freeze()
    {
        _epoch++;
        return Peek();
    }

    /// <summary>A tree of its own with the present content; O(1). What is written to the one is never seen in the other.</summary>
    public CowTree<TKey, TValue> Fork()
    {
        _epoch++;
        return new CowTree<TKey, TValue>(measure) { _root = _root, _epoch = _epoch };
    }

    public bool TryGet(TKey key, out TValue value) => Peek().TryGet(key, out value);

    public bool Contains(TKey key) => TryGet(key, out _);

    /// <summary>The owner's own look at the content; not to be kept over a write.</summary>
    public FrozenTree<TKey, TValue> Peek() => new(_root);

    /// <summary>Adds or replaces.</summary>
    public void Set(TKey key, TValue value)
    {
        if (_root is null)
        {
            _root = new Leaf<TKey, TValue>(_epoch);
        }
        _root = _root.Owned(_epoch);
        var split = _root.Set(key, value, measure, _epoch);
        if (split is not null)
        {
            _root = new Branch<TKey, TValue>(_epoch, _root, split);
        }
    }

    /// <summary>False when the key is not there.</summary>
    public bool Remove(TKey key)
    {
        if (_root is null || !Contains(key))
        {
            return false;
        }
        _root = _root.Owned(_epoch);
        _root.Remove(key, measure, _epoch);
        if (_root.Total == 0)
        {
            _root = null;
        }
        else if (_root is Branch<TKey, TValue> { ChildCount: 1 } branch)
        {
            _root = branch.Child(0);
        }
        return true;
    }

    /// <summary>The smallest key, if there is any.</summary>
    public bool TryFirst(out TKey key, out TValue value) => Peek().TryFirst(out key, out value);

    /// <summary>The first that is not smaller than <paramref name="from"/>, if there is any.</summary>
    public bool TryFirstFrom(TKey from, out TKey key, out TValue value) => Peek().TryFirstFrom(from, out key, out value);
}

/// <summary>A node belongs to the epoch in which it was made; a later epoch copies it before writing.</summary>
internal abstract class Node<TKey, TValue>(long epoch)
    where TKey : IComparable<TKey>
{
    protected const int Capacity = 32;

    protected long Epoch { get; } = epoch;

    /// <summary>Pairs below this node.</summary>
    public abstract int Total { get; }

    /// <summary>Of the pairs below this node.</summary>
    public abstract TreeSum Sum { get; }

    public abstract TKey FirstKey { get; }

    public Node<TKey, TValue> Owned(long epoch) => Epoch == epoch ? this : Copy(epoch);

    /// <summary>Writes into this node, which the epoch owns; gives the new right half when it had to split.</summary>
    public abstract Node<TKey, TValue>? Set(TKey key, TValue value, IMeasure<TKey, TValue>? measure, long epoch);

    /// <summary>Removes a key that is there.</summary>
    public abstract void Remove(TKey key, IMeasure<TKey, TValue>? measure, long epoch);

    protected abstract Node<TKey, TValue> Copy(long epoch);

    protected static void InsertAt<T>(ref T[] array, int count, int at, T item)
    {
        if (count == array.Length)
        {
            Array.Resize(ref array, Math.Min(Capacity, Math.Max(4, count * 2)));
        }
        Array.Copy(array, at, array, at + 1, count - at);
        array[at] = item;
    }

    protected static void RemoveAt<T>(T[] array, int count, int at)
    {
        Array.Copy(array, at + 1, array, at, count - at - 1);
        array[count - 1] = default!;
    }
}

internal sealed class Leaf<TKey, TValue> : Node<TKey, TValue>
    where TKey : IComparable<TKey>
{
    private TKey[] _keys;
    private TValue[] _values;

    /// <summary>Of the pairs; empty without a measure.</summary>
    private ulong[] _digests;

    private int _count;
    private TreeSum _sum;

    public Leaf(long epoch)
        : base(epoch) => (_keys, _values, _digests) = ([], [], []);

    private Leaf(long epoch, TKey[] keys, TValue[] values, ulong[] digests, int count)
        : base(epoch) => (_keys, _values, _digests, _count) = (keys, values, digests, count);

    public override int Total => _count;

    public override TreeSum Sum => _sum;

    public int Count => _count;

    public override TKey FirstKey => _keys[0];

    public TKey KeyAt(int index) => _keys[index];

    public TValue ValueAt(int index) => _values[index];

    /// <summary>Of one pair; 0 without a measure.</summary>
    public ulong DigestAt(int index) => _digests.Length == 0 ? 0 : _digests[index];

    /// <summary>The place of the key, or the complement of where it would stand.</summary>
    public int Find(TKey key)
    {
        int low = 0, high = _count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = _keys[middle].CompareTo(key);
            if (order == 0)
            {
                return middle;
            }
            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        return ~low;
    }

    public override Node<TKey, TValue>? Set(TKey key, TValue value, IMeasure<TKey, TValue>? measure, long epoch)
    {
        var digest = measure?.Digest(key, value) ?? 0;
        var at = Find(key);
        if (at >= 0)
        {
            if (measure is not null)
            {
                _sum += SumOf(key, value, digest, measure) - SumAt(at, measure);
                _digests[at] = digest;
            }
            _values[at] = value;
            return null;
        }
        at = ~at;
        Leaf<TKey, TValue>? right = null;
        if (_count == Capacity)
        {
            // Appending in order is common (indexes by time): then the left half stays nearly full.
            var keep = at == Capacity ? Capacity - 1 : Capacity / 2;
            right = new Leaf<TKey, TValue>(epoch, _keys[keep..], _values[keep..], measure is null ? [] : _digests[keep..], Capacity - keep);
            right.AddUp(measure);
            _sum -= right._sum;
            Array.Clear(_keys, keep, Capacity - keep);
            Array.Clear(_values, keep, Capacity - keep);
            _count = keep;
            if (at > keep)
            {
                right.Insert(at - keep, key, value, digest, measure);
                return right;
            }
        }
        Insert(at, key, value, digest, measure);
        return right;
    }

    public override void Remove(TKey key, IMeasure<TKey, TValue>? measure, long epoch)
    {
        var at = Find(key);
        Invariant.Require(at >= 0, "only a key that is there is removed");
        if (measure is not null)
        {
            _sum -= SumAt(at, measure);
            RemoveAt(_digests, _count, at);
        }
        RemoveAt(_keys, _count, at);
        RemoveAt(_values, _count, at);
        _count--;
    }

    /// <summary>Takes over everything of the right neighbour when both fit into one.</summary>
    public bool TryMerge(Leaf<TKey, TValue> right)
    {
        if (_count + right._count > Capacity / 2)
        {
            return false;
        }
        Array.Resize(ref _keys, Math.Max(_keys.Length, _count + right._count));
        Array.Resize(ref _values, Math.Max(_values.Length, _count + right._count));
        Array.Copy(right._keys, 0, _keys, _count, right._count);
        Array.Copy(right._values, 0, _values, _count, right._count);
        if (_digests.Length > 0)
        {
            Array.Resize(ref _digests, _keys.Length);
            Array.Copy(right._digests, 0, _digests, _count, right._count);
        }
        _sum += right._sum;
        _count += right._count;
        return true;
    }

    protected override Node<TKey, TValue> Copy(long epoch) =>
        new Leaf<TKey, TValue>(epoch, (TKey[])_keys.Clone(), (TValue[])_values.Clone(), _digests.Length == 0 ? [] : (ulong[])_digests.Clone(), _count) { _sum = _sum };

    /// <summary>Of one pair.</summary>
    private TreeSum SumAt(int index, IMeasure<TKey, TValue> measure) => SumOf(_keys[index], _values[index], _digests[index], measure);

    private static TreeSum SumOf(TKey key, TValue value, ulong digest, IMeasure<TKey, TValue> measure) =>
        new(measure.Bytes(key, value), measure.IsLeased(value) ? 1 : 0, digest);

    private void AddUp(IMeasure<TKey, TValue>? measure)
    {
        for (var i = 0; measure is not null && i < _count; i++)
        {
            _sum += SumAt(i, measure);
        }
    }

    private void Insert(int at, TKey key, TValue value, ulong digest, IMeasure<TKey, TValue>? measure)
    {
        InsertAt(ref _keys, _count, at, key);
        InsertAt(ref _values, _count, at, value);
        if (measure is not null)
        {
            InsertAt(ref _digests, _count, at, digest);
            _sum += SumOf(key, value, digest, measure);
        }
        _count++;
    }
}

internal sealed class Branch<TKey, TValue> : Node<TKey, TValue>
    where TKey : IComparable<TKey>
{
    private Node<TKey, TValue>[] _children;
    private TKey[] _firstKeys;
    private int _count;
    private int _total;
    private TreeSum _sum;

    public Branch(long epoch, Node<TKey, TValue> left, Node<TKey, TValue> right)
        : base(epoch)
    {
        _children = [left, right];
        _firstKeys = [left.FirstKey, right.FirstKey];
        _count = 2;
        _total = left.Total + right.Total;
        _sum = left.Sum + right.Sum;
    }

    /// <summary>What its children add up to is known: to look at each of them costs more than all else of a copy.</summary>
    private Branch(Branch<TKey, TValue> other, long epoch)
        : base(epoch) =>
        (_children, _firstKeys, _count, _total, _sum) =
        ((Node<TKey, TValue>[])other._children.Clone(), (TKey[])other._firstKeys.Clone(), other._count, other._total, other._sum);

    private Branch(long epoch, Node<TKey, TValue>[] children, TKey[] firstKeys, int count)
        : base(epoch)
    {
        (_children, _firstKeys, _count) = (children, firstKeys, count);
        for (var i = 0; i < count; i++)
        {
            _total += children[i].Total;
            _sum += children[i].Sum;
        }
    }

    public override int Total => _total;

    public override TreeSum Sum => _sum;

    public int ChildCount => _count;

    public override TKey FirstKey => _firstKeys[0];

    public Node<TKey, TValue> Child(int index) => _children[index];

    /// <summary>The child under which the key is, or would be.</summary>
    public int ChildFor(TKey key)
    {
        int low = 1, high = _count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (_firstKeys[middle].CompareTo(key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        return low - 1;
    }

    public override Node<TKey, TValue>? Set(TKey key, TValue value, IMeasure<TKey, TValue>? measure, long epoch)
    {
        var at = ChildFor(key);
        var child = _children[at] = _children[at].Owned(epoch);
        var before = (child.Total, child.Sum);
        var split = child.Set(key, value, measure, epoch);
        _total += child.Total - before.Total + (split?.Total ?? 0);
        if (measure is not null)
        {
            _sum += child.Sum - before.Sum + (split?.Sum ?? default);
        }
        _firstKeys[at] = child.FirstKey;
        return split is null ? null : Adopt(at + 1, split, epoch);
    }

    public override void Remove(TKey key, IMeasure<TKey, TValue>? measure, long epoch)
    {
        var at = ChildFor(key);
        var child = _children[at] = _children[at].Owned(epoch);
        var before = child.Sum;
        child.Remove(key, measure, epoch);
        _total--;
        _sum += child.Sum - before;
        if (child.Total == 0)
        {
            Drop(at);
            return;
        }
        _firstKeys[at] = child.FirstKey;
        if (child is Branch<TKey, TValue> { ChildCount: 1 } && _count == 1)
        {
            return;
        }
        MergeLeaves(at, epoch);
    }

    protected override Node<TKey, TValue> Copy(long epoch) => new Branch<TKey, TValue>(this, epoch);

    private Branch<TKey, TValue>? Adopt(int at, Node<TKey, TValue> child, long epoch)
    {
        Branch<TKey, TValue>? right = null;
        if (_count == Capacity)
        {
            var keep = at == Capacity ? Capacity - 1 : Capacity / 2;
            right = new Branch<TKey, TValue>(epoch, _children[keep..], _firstKeys[keep..], Capacity - keep);
            Array.Clear(_children, keep, Capacity - keep);
            Array.Clear(_firstKeys, keep, Capacity - keep);
            _count = keep;
            _total -= right._total;
            _sum -= right._sum;
            if (at > keep)
            {
                // The child's pairs are in our totals already: they move with it.
                _total -= child.Total;
                _sum -= child.Sum;
                right.Insert(at - keep, child);
                right._total += child.Total;
                right._sum += child.Sum;
                return right;
            }
        }
        Insert(at, child);
        return right;
    }

    private void Insert(int at, Node<TKey, TValue> child)
    {
        InsertAt(ref _children, _count, at, child);
        InsertAt(ref _firstKeys, _count, at, child.FirstKey);
        _count++;
    }

    private void Drop(int at)
    {
        RemoveAt(_children, _count, at);
        RemoveAt(_firstKeys, _count, at);
        _count--;
    }

    /// <summary>Joins a leaf that became small with a small neighbour, so that deleting leaves no trail of nearly empty leaves.</summary>
    private void MergeLeaves(int at, long epoch)
    {
        var left = at + 1 < _count ? at : at - 1;
        if (left < 0 || _children[left] is not Leaf<TKey, TValue> || _children[left + 1] is not Leaf<TKey, TValue> right)
        {
            return;
        }
        if (_children[left].Total + right.Total <= Capacity / 2)
        {
            var owned = (Leaf<TKey, TValue>)_children[left].Owned(epoch);
            _children[left] = owned;
            owned.TryMerge(right);
            Drop(left + 1);
        }
    }
}
