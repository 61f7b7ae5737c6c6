using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>What a table's <c>Verify</c> asks of its indexes.</summary>
internal static class Indexes
{
    /// <summary>Throws unless the index has exactly these pairs, each once.</summary>
    /// <param name="what">What the index is, for the message.</param>
    public static void Require<TKey, TValue>(CowTree<TKey, TValue> index, IEnumerable<(TKey Key, TValue Value)> expected, string what)
        where TKey : IComparable<TKey>
    {
        var count = 0;
        foreach (var (key, value) in expected)
        {
            Invariant.Require(index.TryGet(key, out var found) && EqualityComparer<TValue>.Default.Equals(found, value), $"{what} has {key}");
            count++;
        }
        Invariant.Require(index.Count == count, $"{what} has nothing else");
    }

    /// <summary>As above, for an index that is never walked, and so needs no order.</summary>
    public static void Require<TKey, TValue>(Dictionary<TKey, TValue> index, IEnumerable<(TKey Key, TValue Value)> expected, string what)
        where TKey : notnull
    {
        var count = 0;
        foreach (var (key, value) in expected)
        {
            Invariant.Require(index.TryGetValue(key, out var found) && EqualityComparer<TValue>.Default.Equals(found, value), $"{what} has {key}");
            count++;
        }
        Invariant.Require(index.Count == count, $"{what} has nothing else");
    }

    /// <summary>Throws unless the nodes of a table's tree add up to what its records are.</summary>
    public static void RequireSums<TKey, TValue>(CowTree<TKey, TValue> primary, IMeasure<TKey, TValue> measure, string what)
        where TKey : IComparable<TKey>
    {
        var sum = default(TreeSum);
        foreach (var (key, value) in primary.Peek().All())
        {
            sum += new TreeSum(measure.Bytes(key, value), measure.IsLeased(value) ? 1 : 0, measure.Digest(key, value));
        }
        Invariant.Require(primary.Sum == sum, $"{what} add up to their sums");
    }
}
