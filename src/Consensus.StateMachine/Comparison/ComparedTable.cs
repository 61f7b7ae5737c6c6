namespace Consensus.StateMachine.Comparison;

/// <summary>From a place on, to before another; null is the table's begin or end.</summary>
public readonly record struct PlaceRange(ReadOnlyMemory<byte>? From, ReadOnlyMemory<byte>? To);

/// <summary>One record as it is shown to whoever looks for what differs: its name, and what it says without a value that somebody stored.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Digest">A hash of all that is replicated of it, values too.</param>
/// <param name="Name">What it is, in words.</param>
public sealed record ComparedItem(ReadOnlyMemory<byte> Place, ulong Digest, string Name, string Content);

/// <summary>
/// One table of a view, as members compare theirs. Its records stand in one order at every member, each at a place, which is its key as bytes that have this order.
/// Any thread may ask, for as long as it likes.
/// </summary>
public abstract class ComparedTable
{
    private protected ComparedTable(string name) => Name = name;

    public string Name { get; }

    /// <summary>Of the whole table.</summary>
    public abstract RangeSum Sum { get; }

    /// <summary>Whether a record of this table could stand there.</summary>
    public abstract bool IsPlace(ReadOnlyMemory<byte> place);

    /// <summary>Of the range; zeros where its end is before its begin. Takes O(log n), of the history time by its chunks.</summary>
    public RangeSum SumOf(PlaceRange range)
    {
        var (start, end) = Borders(range);
        return end.Count > start.Count ? end - start : default;
    }

    /// <summary>Places within the range, in order, at which it is cut into so many parts that have about as many records; fewer where there are not so many.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Cut(PlaceRange range, int parts)
    {
        var (start, end) = Borders(range);
        var cuts = new List<ReadOnlyMemory<byte>>();
        var last = start.Count;
        for (var part = 1; part < parts; part++)
        {
            var rank = start.Count + ((end.Count - start.Count) * part / parts);
            if (rank > last && rank < end.Count && PlaceFrom(rank) is { } place && SumBefore(place).Count is var found && found > last && found < end.Count)
            {
                cuts.Add(place);
                last = found;
            }
        }
        return cuts;
    }

    /// <summary>In order.</summary>
    public IEnumerable<ComparedItem> Items(PlaceRange range)
    {
        var (start, end) = Borders(range);
        return Items(start.Count, end.Count);
    }

    /// <summary>Of what stands before a place.</summary>
    private protected abstract RangeSum SumBefore(ReadOnlyMemory<byte> place);

    /// <summary>The first place that has at least so many records before it; null when there is none.</summary>
    private protected abstract ReadOnlyMemory<byte>? PlaceFrom(long rank);

    private protected abstract IEnumerable<ComparedItem> Items(long from, long to);

    private (RangeSum Start, RangeSum End) Borders(PlaceRange range) =>
        (range.From is { } from ? SumBefore(from) : default, range.To is { } to ? SumBefore(to) : Sum);
}
