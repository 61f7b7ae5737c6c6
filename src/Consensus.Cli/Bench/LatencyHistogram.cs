using HdrHistogram;

namespace Consensus.Cli.Bench;

/// <summary>
/// How long the operations of a run took, to within a hundredth, from a microsecond to an hour. One thread at a time; those of several threads are added up afterwards.
/// </summary>
/// <remarks>
/// Clients that ask one thing after the other leave something out: while the servers stand still for a second, each of them waits with one operation, and the hundreds that it would have
/// asked for are not there to be slow. <see cref="Correct"/> puts them in (coordinated omission, after Gil Tene).
/// </remarks>
internal sealed class LatencyHistogram
{
    // In ticks of 100 ns: of nanoseconds the library tells the edges of buckets wrongly from some minutes on, whose width does not fit into 32 bits.
    private const long ResolutionTicks = TimeSpan.TicksPerMicrosecond;
    private const long LongestTicks = TimeSpan.TicksPerHour;
    private const int SignificantDigits = 2;

    private readonly LongHistogram _counts = NewCounts();
    private double _sumTicks;

    public long Count => _counts.TotalCount;

    public TimeSpan Min { get; private set; } = TimeSpan.MaxValue;

    public TimeSpan Max { get; private set; } = TimeSpan.Zero;

    public TimeSpan Mean => Count == 0 ? TimeSpan.Zero : new TimeSpan((long)(_sumTicks / Count));

    public void Add(TimeSpan duration)
    {
        var ticks = Countable(duration);
        _counts.RecordValue(ticks);
        _sumTicks += ticks;
        Min = duration < Min ? duration : Min;
        Max = duration > Max ? duration : Max;
    }

    public void Add(LatencyHistogram other)
    {
        _counts.Add(other._counts);
        _sumTicks += other._sumTicks;
        Min = other.Min < Min ? other.Min : Min;
        Max = other.Max > Max ? other.Max : Max;
    }

    /// <summary>The duration that this share (0 to 1) of the operations did not exceed; zero of none.</summary>
    public TimeSpan Percentile(double share) => Percentile(_counts, share);

    /// <summary>
    /// The same with the operations that were not asked for because their client waited. A client asks as soon as it is answered, so it would have asked once in the median of all operations'
    /// durations; not in their mean, which the stalls have lengthened. Who waited n medians has left out n - 1 operations, and they would have waited one median less each.
    /// </summary>
    public LatencyPercentiles Correct()
    {
        var interval = Math.Max(ResolutionTicks, Countable(Percentile(0.5)));
        var all = NewCounts();
        foreach (var bucket in _counts.RecordedValues())
        {
            var value = _counts.MedianEquivalentValue(bucket.ValueIteratedTo);
            all.RecordValueWithCount(value, bucket.CountAtValueIteratedTo);
            for (var missing = value - interval; missing >= interval; missing -= interval)
            {
                all.RecordValueWithCount(missing, bucket.CountAtValueIteratedTo);
            }
        }
        return new LatencyPercentiles(all.TotalCount, share => Percentile(all, share));
    }

    /// <summary>How many operations took [from, to), for each two bounds that follow one another.</summary>
    public IEnumerable<(TimeSpan From, TimeSpan To, long Count)> Ranges(IReadOnlyList<TimeSpan> bounds)
    {
        for (var i = 0; i + 1 < bounds.Count; i++)
        {
            var (from, to) = (bounds[i].Ticks, bounds[i + 1].Ticks);
            var count = 0L;
            foreach (var bucket in _counts.RecordedValues())
            {
                var value = _counts.LowestEquivalentValue(bucket.ValueIteratedTo);
                count += value >= from && value < to ? bucket.CountAtValueIteratedTo : 0;
            }
            yield return (bounds[i], bounds[i + 1], count);
        }
    }

    private static LongHistogram NewCounts() => new(ResolutionTicks, LongestTicks, SignificantDigits);

    private static long Countable(TimeSpan duration) => Math.Clamp(duration.Ticks, 0, LongestTicks);

    /// <summary>The last value of a bucket stands for all of it; never more than was seen.</summary>
    private TimeSpan Percentile(LongHistogram counts, double share)
    {
        if (counts.TotalCount == 0)
        {
            return TimeSpan.Zero;
        }
        var time = new TimeSpan(counts.HighestEquivalentValue(counts.GetValueAtPercentile(100 * share)));
        return time < Max ? time : Max;
    }
}

/// <summary>A distribution's percentiles.</summary>
/// <param name="Count">Of what it is made of.</param>
/// <param name="At">The duration that this share (0 to 1) did not exceed; zero of none.</param>
internal sealed record LatencyPercentiles(long Count, Func<double, TimeSpan> At);
