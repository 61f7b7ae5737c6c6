using System.Numerics;

namespace Consensus.Benchmarks.Generator;

/// <summary>
/// Counts of durations in nanoseconds in logarithmic buckets: 64 to each power of two, so that a percentile is read with at most
/// 1/64 (1.6 %) of error whatever its size, in constant memory and without allocation.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;
    private const int Octaves = 64 - SubBucketBits;

    private readonly long[] _counts = new long[(Octaves + 1) * SubBuckets];

    public long Count { get; private set; }

    /// <summary>The largest duration recorded, exact, in nanoseconds.</summary>
    public long Max { get; private set; }

    public void Record(long nanoseconds)
    {
        var value = Math.Max(0, nanoseconds);
        _counts[BucketOf(value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    /// <summary>
    /// The duration in nanoseconds that <paramref name="percent"/> of all recorded ones do not exceed (nearest rank), as the upper
    /// edge of its bucket; 0 when nothing was recorded.
    /// </summary>
    public long Percentile(double percent)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(percent / 100 * Count));
        var seen = 0L;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return Math.Min(UpperEdge(bucket), Max);
            }
        }

        return 0;
    }

    private static int BucketOf(long value)
    {
        if (value < SubBuckets)
        {
            return (int)value;
        }

        var shift = BitOperations.Log2((ulong)value) - SubBucketBits;
        return ((shift + 1) << SubBucketBits) + (int)((value >> shift) - SubBuckets);
    }

    private static long UpperEdge(int bucket)
    {
        if (bucket < SubBuckets)
        {
            return bucket;
        }

        var shift = (bucket >> SubBucketBits) - 1;
        var mantissa = (bucket & (SubBuckets - 1)) + SubBuckets;
        return ((mantissa + 1L) << shift) - 1;
    }
}
