using Consensus.Cli.Bench;
using Consensus.Primitives;

namespace Consensus.Cli.Tests.Bench;

internal sealed class LatencyHistogramTests
{
    private static TimeSpan Micros(double micros) => TimeSpan.FromMicroseconds(micros);

    private static TimeSpan Millis(double millis) => TimeSpan.FromMilliseconds(millis);

    [TestCase(1UL)]
    [TestCase(2UL)]
    public void Every_percentile_is_right_to_within_a_hundredth_of_itself(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var histogram = new LatencyHistogram();
        var all = new List<long>();
        for (var i = 0; i < 10_000; i++)
        {
            var micros = random.Next(1L << (1 + (int)random.Next(30)));
            all.Add(micros);
            histogram.Add(Micros(micros));
        }
        all.Sort();
        foreach (var share in new[] { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            var exact = all[(int)Math.Ceiling(share * all.Count) - 1];
            var told = histogram.Percentile(share).TotalMicroseconds;
            Assert.That(told, Is.InRange(exact, (exact * 1.01) + 1), $"at {share}");
        }
        Assert.That((histogram.Min, histogram.Max, histogram.Count), Is.EqualTo((Micros(all[0]), Micros(all[^1]), 10_000L)));
        Assert.That(histogram.Mean.TotalMicroseconds, Is.EqualTo(all.Average()).Within(0.1));
    }

    [Test]
    public void A_stall_is_in_the_corrected_percentiles_and_not_in_those_of_what_was_sent()
    {
        // One client for eleven seconds: ten thousand operations of a millisecond each, and one that waited for a second in which a thousand would have been asked for.
        var histogram = new LatencyHistogram();
        for (var i = 0; i < 10_000; i++)
        {
            histogram.Add(Millis(1));
        }
        histogram.Add(Millis(1_000));

        var corrected = histogram.Correct();

        Assert.That(histogram.Percentile(0.99).TotalMilliseconds, Is.EqualTo(1).Within(0.02));
        Assert.That(histogram.Percentile(0.999).TotalMilliseconds, Is.EqualTo(1).Within(0.02));
        Assert.That(corrected.Count, Is.EqualTo(11_000).Within(10));
        Assert.That(corrected.At(0.5).TotalMilliseconds, Is.EqualTo(1).Within(0.02));
        Assert.That(corrected.At(0.9).TotalMilliseconds, Is.EqualTo(1).Within(0.02), "the slow ones are one in eleven");
        Assert.That(corrected.At(0.99).TotalMilliseconds, Is.EqualTo(890).Within(10), "the hundredth slowest: 110 of them waited longer");
        Assert.That(corrected.At(1), Is.EqualTo(Millis(1_000)));
        Assert.That((histogram.Count, histogram.Max), Is.EqualTo((10_001L, Millis(1_000))), "what was measured stays as it was");
    }

    [Test]
    public void A_run_without_stalls_is_not_corrected()
    {
        var histogram = new LatencyHistogram();
        for (var i = 0; i < 1_000; i++)
        {
            histogram.Add(Micros(1_000 + i));
        }

        var corrected = histogram.Correct();

        Assert.That(corrected.Count, Is.EqualTo(histogram.Count));
        foreach (var share in new[] { 0.5, 0.9, 0.99, 1 })
        {
            Assert.That(corrected.At(share), Is.EqualTo(histogram.Percentile(share)), $"at {share}");
        }
    }

    [Test]
    public void Stalls_of_all_clients_count_for_each_of_them()
    {
        var both = new LatencyHistogram();
        for (var client = 0; client < 4; client++)
        {
            var one = new LatencyHistogram();
            for (var i = 0; i < 1_000; i++)
            {
                one.Add(Millis(1));
            }
            one.Add(Millis(100));
            both.Add(one);
        }

        Assert.That(both.Correct().Count, Is.EqualTo(4 * 1_100).Within(10));
    }

    [Test]
    public void What_is_longer_than_an_hour_or_shorter_than_nothing_is_counted_at_the_edge()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(TimeSpan.FromHours(5));
        histogram.Add(TimeSpan.FromTicks(-1));
        histogram.Add(TimeSpan.Zero);
        Assert.That((histogram.Count, histogram.Max), Is.EqualTo((3L, TimeSpan.FromHours(5))));
        Assert.That(histogram.Percentile(1).TotalHours, Is.EqualTo(1).Within(0.01));
    }

    [Test]
    public void Histograms_add_up()
    {
        var (one, two, both) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        for (var i = 1; i <= 1_000; i++)
        {
            (i % 3 == 0 ? one : two).Add(Micros(i * 17));
            both.Add(Micros(i * 17));
        }
        one.Add(two);
        foreach (var share in new[] { 0.1, 0.5, 0.99 })
        {
            Assert.That(one.Percentile(share), Is.EqualTo(both.Percentile(share)));
        }
        Assert.That((one.Count, one.Mean, one.Min, one.Max), Is.EqualTo((both.Count, both.Mean, both.Min, both.Max)));
    }

    [Test]
    public void Nothing_has_no_percentiles_and_no_picture()
    {
        var histogram = new LatencyHistogram();
        Assert.That((histogram.Percentile(0.5), histogram.Correct().At(0.5), histogram.Mean), Is.EqualTo((TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero)));
        Assert.That(HistogramPicture.Draw(histogram), Is.Empty);
    }

    [Test]
    public void The_picture_counts_each_once_and_its_longest_bar_is_full()
    {
        var histogram = new LatencyHistogram();
        for (var i = 0; i < 900; i++)
        {
            histogram.Add(Micros(1_200));
        }
        for (var i = 0; i < 99; i++)
        {
            histogram.Add(Micros(4_000));
        }
        histogram.Add(TimeSpan.FromSeconds(2));
        var ranges = HistogramPicture.Ranges(histogram);
        Assert.That(ranges.Sum(range => range.Count), Is.EqualTo(1_000));
        Assert.That((ranges[0].Count, ranges[^1].Count), Is.EqualTo((900L, 1L)));
        var lines = HistogramPicture.Draw(histogram).ToList();
        Assert.That(lines[0], Does.Contain(new string('█', 48)).And.Contain("90.0 %").And.StartWith("      1.0 – 1.5 ms"));
        Assert.That(lines[^1], Does.Contain("▏").And.EndWith(" 1"), "one of a thousand is seen too");
    }
}
