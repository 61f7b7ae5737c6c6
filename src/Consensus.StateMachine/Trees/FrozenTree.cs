using Consensus.Primitives;
using Consensus.StateMachine.Comparison;

namespace Consensus.StateMachine.Trees;

/// <summary>One picture of a <see cref="CowTree{TKey, TValue}"/>.</summary>
internal readonly struct FrozenTree<TKey, TValue>(Node<TKey, TValue>? root)
    where TKey : IComparable<TKey>
{
    public int Count => root?.Total ?? 0;

    /// <summary>Of all pairs; zeros without a measure.</summary>
    public TreeSum Sum => root?.Sum ?? default;

    public bool TryGet(TKey key, out TValue value) => TryGet(key, out _, out value);

    /// <summary>As <see cref="TryGet(TKey, out TValue)"/>, with the equal key that is stored: whoever keeps it on keeps no second copy of its bytes.</summary>
    public bool TryGet(TKey key, out TKey stored, out TValue value)
    {
        var node = root;
        while (node is Branch<TKey, TValue> branch)
        {
            node = branch.Child(branch.ChildFor(key));
        }
        if (node is Leaf<TKey, TValue> leaf)
        {
            var at = leaf.Find(key);
            if (at >= 0)
            {
                (stored, value) = (leaf.KeyAt(at), leaf.ValueAt(at));
                return true;
            }
        }
        (stored, value) = (default!, default!);
        return false;
    }

    /// <summary>The smallest key, if there is any; without an allocation.</summary>
    public bool TryFirst(out TKey key, out TValue value) => TryFirstBelow(root, out key, out value);

    /// <summary>The first key that is not smaller than <paramref name="from"/>, if there is any; without an allocation.</summary>
    public bool TryFirstFrom(TKey from, out TKey key, out TValue value)
    {
        Node<TKey, TValue>? next = null;
        var node = root;
        while (node is Branch<TKey, TValue> branch)
        {
            var child = branch.ChildFor(from);
            if (child + 1 < branch.ChildCount)
            {
                next = branch.Child(child + 1);
            }
            node = branch.Child(child);
        }
        if (node is Leaf<TKey, TValue> leaf)
        {
            var at = leaf.Find(from);
            at = at >= 0 ? at : ~at;
            if (at < leaf.Count)
            {
                (key, value) = (leaf.KeyAt(at), leaf.ValueAt(at));
                return true;
            }
        }
        return TryFirstBelow(next, out key, out value);
    }

    private static bool TryFirstBelow(Node<TKey, TValue>? node, out TKey key, out TValue value)
    {
        while (node is Branch<TKey, TValue> branch)
        {
            node = branch.Child(0);
        }
        if (node is Leaf<TKey, TValue> { Count: > 0 } leaf)
        {
            (key, value) = (leaf.KeyAt(0), leaf.ValueAt(0));
            return true;
        }
        (key, value) = (default!, default!);
        return false;
    }

    /// <summary>How many keys are smaller than this one; O(log n).</summary>
    public int Rank(TKey key) => (int)SumBefore(key).Count;

    /// <summary>The sum of the pairs whose keys are smaller than this one; O(log n). Without a measure its digest is 0.</summary>
    public RangeSum SumBefore(TKey key)
    {
        var (count, digest) = (0L, 0UL);
        var node = root;
        while (node is Branch<TKey, TValue> branch)
        {
            var child = branch.ChildFor(key);
            for (var i = 0; i < child; i++)
            {
                count += branch.Child(i).Total;
                digest += branch.Child(i).Sum.Digest;
            }
            node = branch.Child(child);
        }
        if (node is Leaf<TKey, TValue> leaf)
        {
            var at = leaf.Find(key);
            at = at >= 0 ? at : ~at;
            count += at;
            for (var i = 0; i < at; i++)
            {
                digest += leaf.DigestAt(i);
            }
        }
        return new RangeSum(count, digest);
    }

    /// <summary>The pair of this rank (0 is the first), which must be below <see cref="Count"/>, with its digest; O(log n).</summary>
    public (TKey Key, TValue Value, ulong Digest) At(long rank)
    {
        Invariant.Require(rank >= 0 && rank < Count, "a pair is asked for by a rank that there is");
        var node = root;
        while (node is Branch<TKey, TValue> branch)
        {
            var child = 0;
            for (; rank >= branch.Child(child).Total; child++)
            {
                rank -= branch.Child(child).Total;
            }
            node = branch.Child(child);
        }
        var leaf = (Leaf<TKey, TValue>)node!;
        return (leaf.KeyAt((int)rank), leaf.ValueAt((int)rank), leaf.DigestAt((int)rank));
    }

    /// <summary>Pairs in order of their keys, from the first one that is not smaller than <paramref name="key"/>.</summary>
    public IEnumerable<(TKey Key, TValue Value)> From(TKey key, bool includeAll = false)
    {
        if (root is null)
        {
            yield break;
        }
        var path = new Stack<(Branch<TKey, TValue> Branch, int Child)>();
        var node = root;
        while (node is Branch<TKey, TValue> branch)
        {
            var child = includeAll ? 0 : branch.ChildFor(key);
            path.Push((branch, child));
            node = branch.Child(child);
        }
        var leaf = (Leaf<TKey, TValue>)node;
        var at = includeAll ? 0 : leaf.Find(key);
        at = at >= 0 ? at : ~at;
        while (true)
        {
            for (; at < leaf.Count; at++)
            {
                yield return (leaf.KeyAt(at), leaf.ValueAt(at));
            }
            while (path.TryPeek(out var top) && top.Child + 1 >= top.Branch.ChildCount)
            {
                path.Pop();
            }
            if (path.Count == 0)
            {
                yield break;
            }
            var (next, index) = path.Pop();
            path.Push((next, index + 1));
            node = next.Child(index + 1);
            while (node is Branch<TKey, TValue> down)
            {
                path.Push((down, 0));
                node = down.Child(0);
            }
            leaf = (Leaf<TKey, TValue>)node;
            at = 0;
        }
    }

    public IEnumerable<(TKey Key, TValue Value)> All() => From(default!, includeAll: true);
}
