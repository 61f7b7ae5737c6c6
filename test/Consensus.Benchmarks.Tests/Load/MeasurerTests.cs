using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Load;
using Consensus.Cli.Bench;

namespace Consensus.Benchmarks.Tests.Load;

internal sealed class MeasurerTests
{
    [Test]
    public void A_stall_is_in_the_p99_that_is_told_and_not_in_that_of_what_was_sent()
    {
        var latency = new LatencyHistogram();
        for (var i = 0; i < 5_000; i++)
        {
            latency.Add(TimeSpan.FromMilliseconds(2));
        }
        latency.Add(TimeSpan.FromMilliseconds(500));

        var measured = Measurer.Describe(
            "consensus", "put", 1, 1, new LoadResult(TimeSpan.FromSeconds(10.5), 5_001, 5_001, 0, null, latency, TimeSpan.Zero), TimeSpan.Zero, 0);

        Assert.That(measured.Operations, Is.EqualTo(5_001), "of what was not sent none was done");
        Assert.That((measured.SentP99Ms!.Value, measured.SentP999Ms!.Value), Is.EqualTo((2.0, 2.0)).Within(0.05));
        Assert.That(measured.P99Ms, Is.EqualTo(395).Within(8), "of 5,250 one in a hundred waited longer than that");
        Assert.That(measured.P999Ms, Is.EqualTo(490).Within(8));
        Assert.That(measured.MaxMs, Is.EqualTo(500));
        Assert.That(measured.P50Ms, Is.EqualTo(2).Within(0.05));
    }

    [Test]
    public void Both_are_reported()
    {
        var text = LoadReport.Write(
            [new("consensus", "put", 64, 1, 1, 100, 100, 1, 22, 3, 4, 5, 6, 7, 0, null, 0) { SentP99Ms = 11 }], ["consensus"]);
        Assert.That(text, Does.Contain("| p99 ms | of the sent | p99.9 ms |").And.Contain("|   22.0 |        11.0 |     3.00 |"));
    }
}
