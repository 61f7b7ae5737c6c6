using Consensus.Benchmarks.Memory;
using Consensus.Benchmarks.Streams;
using Consensus.Benchmarks.Tests.Support;

namespace Consensus.Benchmarks.Tests.Streams;

internal sealed class StreamsRunTests
{
    [Test]
    public void Streams_of_every_kind_are_opened_and_others_are_answered_beside_them()
    {
        using var small = new SmallCluster("streams", "--seconds", "0.5");
        var sample = new StreamsRun(small.Options, small.Factory).Measure(small.Cluster, round: 1, count: 10);
        Assert.That(sample.Opened, Is.GreaterThanOrEqualTo(10));
        Assert.That(sample.OpenAtEnd, Is.InRange(1, 10));
        Assert.That(sample.After.Peak, Is.GreaterThanOrEqualTo(sample.Before.Resident));
        Assert.That(sample.NotDone, Is.Zero);
        Assert.That(sample.Probes.Select(probe => (probe.What, probe.Failed)), Is.EqualTo(
            new[] { ("get", 0L), ("renewal", 0L), ("put of 1 MiB", 0L) }));
    }

    [Test]
    public void The_highest_memory_is_told_as_what_it_is_above_that_without_streams()
    {
        var text = StreamsReport.Write(
            BenchOptions.Parse(["streams"]),
            [Sample(0, 1, 200, 9), Sample(40, 1, 320, 19), Sample(40, 2, 340, 700), Sample(0, 2, 220, 8)]);
        Assert.That(text, Does.Contain("with the streams is 120 MiB above that without"));
        var gets = text.Split('\n').Where(line => line.StartsWith("| get", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        Assert.That(gets.Select(row => (row[1], row[^1])), Is.EqualTo(new[] { ("0", "9.00"), ("40", "700") }), "the longest of all rounds");
    }

    private static StreamsSample Sample(int streams, int round, long peakMiB, double longest) => new(
        round,
        streams,
        Opened: streams,
        OpenAtEnd: streams,
        Seconds: 60,
        Writes: 10,
        WrittenMiB: 10,
        NotDone: 0,
        new MemberMemory(100 << 20, 90 << 20, 110 << 20),
        new MemberMemory(120 << 20, 90 << 20, peakMiB << 20),
        [new ProbeSample("get", 10, 0, 1, 2, longest)],
        Elections: 0);
}
