namespace Consensus.Cli.Bench;

/// <summary>
/// Counts durations in buckets whose width grows with them, so that every percentile is known to within 1/32 of itself, from a microsecond to an hour, in 8 KiB. One thread at a time;
/// those of several threads are added up afterwards.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBuckets = 32;
    private const int SubBits = 5;
    private const int Buckets = SubBuckets * 32;

    private readonly long[] _counts = new long[Buckets];
    private long _sumMicros;

    public long Count { get; private set; }

    public TimeSpan Min { get; private set; } = TimeSpan.MaxValue;

    public TimeSpan Max { get; private set; } = TimeSpan.Zero;

    public TimeSpan Mean => Count == 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds((double)_sumMicros / Count);

    public void Add(TimeSpan duration)
    {
        var micros = Math.Max(0, duration.Ticks / TimeSpan.TicksPerMicrosecond);
        _counts[Math.Min(Buckets - 1, BucketOf(micros))]++;
        _sumMicros += micros;
        Count++;
        Min = duration < Min ? duration : Min;
        Max = duration > Max ? duration : Max;
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < Buckets; i++)
        {
            _counts[i] += other._counts[i];
        }
        _sumMicros += other._sumMicros;
        Count += other.Count;
        Min = other.Min < Min ? other.Min : Min;
        Max = other.Max > Max ? other.Max : Max;
    }

    /// <summary>The duration that this share (0 to 1) of all did not exceed; zero of none.</summary>
    public TimeSpan Percentile(double share)
    {
        if (Count == 0)
        {
            return TimeSpan.Zero;
        }
        var wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        var seen = 0L;
        for (var i = 0; i < Buckets; i++)
        {
            seen += _counts[i];
            if (seen >= wanted)
            {
                // The last of a bucket stands for all of it; never more than was seen.
                var upper = TimeSpan.FromMicroseconds(LowerBoundOf(i + 1) - 1);
                return upper < Max ? upper : Max;
            }
        }
        return Max;
    }

    /// <summary>How many were in [from, to).</summary>
    public IEnumerable<(TimeSpan From, TimeSpan To, long Count)> Ranges(IReadOnlyList<TimeSpan> bounds)
    {
        for (var i = 0; i + 1 < bounds.Count; i++)
        {
            var (from, to) = (Micros(bounds[i]), Micros(bounds[i + 1]));
            var count = 0L;
            for (var bucket = 0; bucket < Buckets; bucket++)
            {
                var lower = LowerBoundOf(bucket);
                count += lower >= from && lower < to ? _counts[bucket] : 0;
            }
            yield return (bounds[i], bounds[i + 1], count);
        }
    }

    private static long Micros(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Below 32 µs each has a bucket of its own; from there each doubling has 32.</summary>
    private static int BucketOf(long micros)
    {
        if (micros < SubBuckets)
        {
            return (int)micros;
        }
        var shift = 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)micros) - SubBits;
        return ((shift + 1) * SubBuckets) + (int)((micros >> shift) - SubBuckets);
    }

    private static long LowerBoundOf(int bucket)
    {
        if (bucket < SubBuckets)
        {
            return bucket;
        }
        var shift = (bucket / SubBuckets) - 1;
        return (long)(SubBuckets + (bucket % SubBuckets)) << shift;
    }
}
