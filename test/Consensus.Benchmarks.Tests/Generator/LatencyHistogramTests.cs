using Consensus.Benchmarks.Generator;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Tests.Generator;

internal sealed class LatencyHistogramTests
{
    [Test]
    public void Percentiles_differ_from_the_exact_ones_by_less_than_two_percent()
    {
        var random = new DeterministicRandom(1);
        var histogram = new LatencyHistogram();
        var exact = new List<long>();
        for (var i = 0; i < 100_000; i++)
        {
            // From nanoseconds to minutes, evenly over the powers of two.
            var value = (long)(random.NextUInt64() >> (27 + (int)random.Next(36)));
            histogram.Record(value);
            exact.Add(value);
        }

        exact.Sort();
        foreach (var percent in new[] { 0.1, 1, 10, 50, 90, 99, 99.9 })
        {
            double expected = exact[(int)Math.Ceiling(percent / 100 * exact.Count) - 1];
            Assert.That(histogram.Percentile(percent), Is.GreaterThanOrEqualTo(expected).And.LessThanOrEqualTo(expected * 1.02), $"p{percent}");
        }

        Assert.That(histogram.Percentile(100), Is.EqualTo(exact[^1]));
        Assert.That(histogram.Max, Is.EqualTo(exact[^1]));
        Assert.That(histogram.Count, Is.EqualTo(exact.Count));
    }

    [Test]
    public void Small_values_and_the_largest_are_exact()
    {
        foreach (var value in new[] { 0, 1, 63, 64, 127, long.MaxValue })
        {
            var histogram = new LatencyHistogram();
            histogram.Record(value);
            Assert.That(histogram.Percentile(50), Is.EqualTo(value));
        }
    }

    [Test]
    public void An_empty_histogram_answers_zero() => Assert.That(new LatencyHistogram().Percentile(99), Is.Zero);
}
