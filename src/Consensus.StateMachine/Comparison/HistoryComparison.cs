using Consensus.Primitives;
using Consensus.StateMachine.History;

namespace Consensus.StateMachine.Comparison;

/// <summary>The history, which is a log. Its items are revisions with all their changes; it counts the changes.</summary>
internal sealed class HistoryComparison(string name, PastChanges history) : ComparedTable(name)
{
    private static readonly Revision End = new(long.MaxValue);

    public override RangeSum Sum => history.SumBefore(End);

    public override bool IsPlace(ReadOnlyMemory<byte> place) => Places.Numbers.Read(place) is not null;

    private protected override RangeSum SumBefore(ReadOnlyMemory<byte> place) => history.SumBefore(new Revision(Places.Numbers.Read(place)!.Value.Key));

    private protected override ReadOnlyMemory<byte>? PlaceFrom(long rank)
    {
        var revision = history.RevisionAt(rank);
        if (history.SumBefore(revision).Count == rank)
        {
            return Places.Numbers.Write(revision.Value);
        }
        // It begins before: the next one is the first that has all of these before it.
        var next = history.SumBefore(revision.Next).Count;
        return next < Sum.Count ? Places.Numbers.Write(history.RevisionAt(next).Value) : null;
    }

    private protected override IEnumerable<ComparedItem> Items(long from, long to)
    {
        while (from < to)
        {
            var revision = history.RevisionAt(from);
            var sum = history.SumBefore(revision.Next) - history.SumBefore(revision);
            var (itemName, content) = ItemTexts.Of(revision, sum.Count, history.From(revision));
            yield return new ComparedItem(Places.Numbers.Write(revision.Value), sum.Digest, itemName, content);
            from += sum.Count;
        }
    }
}
