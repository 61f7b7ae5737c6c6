using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Comparison;

/// <summary>A table that is a tree.</summary>
/// <param name="text">Its name, and what it says.</param>
internal sealed class TreeComparison<TKey, TValue>(
    string name, FrozenTree<TKey, TValue> tree, PlaceForm<TKey> places, Func<TKey, TValue, (string Name, string Content)> text) : ComparedTable(name)
    where TKey : IComparable<TKey>
{
    public override RangeSum Sum => new(tree.Count, tree.Sum.Digest);

    public override bool IsPlace(ReadOnlyMemory<byte> place) => places.Read(place) is not null;

    private protected override RangeSum SumBefore(ReadOnlyMemory<byte> place) => tree.SumBefore(places.Read(place)!.Value.Key);

    private protected override ReadOnlyMemory<byte>? PlaceFrom(long rank) => rank < tree.Count ? places.Write(tree.At(rank).Key) : null;

    private protected override IEnumerable<ComparedItem> Items(long from, long to)
    {
        for (var rank = from; rank < to; rank++)
        {
            var (key, value, digest) = tree.At(rank);
            var (itemName, content) = text(key, value);
            yield return new ComparedItem(places.Write(key), digest, itemName, content);
        }
    }
}
