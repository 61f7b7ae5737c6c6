namespace Consensus.StateMachine.Comparison;

/// <summary>What there is in a range of a table. Members with equal sums of a range have the same records in it.</summary>
/// <param name="Digest">The sum of the records' hashes, whatever their order.</param>
public readonly record struct RangeSum(long Count, ulong Digest)
{
    public static RangeSum operator +(RangeSum a, RangeSum b) => new(a.Count + b.Count, a.Digest + b.Digest);

    public static RangeSum operator -(RangeSum a, RangeSum b) => new(a.Count - b.Count, a.Digest - b.Digest);
}
