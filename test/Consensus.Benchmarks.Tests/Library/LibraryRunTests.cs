using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Tests.Support;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Tests.Library;

internal sealed class LibraryRunTests
{
    private const int Clients = 4;

    [Test]
    public void Everybody_puts_and_locks_without_a_refusal_and_a_wait_keeps_no_write_from_being_done()
    {
        using var small = new SmallCluster("client", "--seconds", "0.5", "--clients", "4");
        KeySpace.UseKeys(20);
        try
        {
            Measurer.Fill(small.Cluster);
        }
        finally
        {
            KeySpace.UseValuesOf(256);
        }

        var (samples, waits) = new LibraryRun(small.Options, small.Factory, small.Path).Run(small.Cluster, round: 1);

        Assert.That(
            samples.Select(sample => (sample.Measured.Workload, sample.Measured.System)),
            Is.EqualTo(
                from workload in new[] { "put", "lock" }
                from speaker in new[] { "raw", "raw, key", "raw, session", "HttpClient", "library" }
                select (workload, speaker)));
        Assert.Multiple(() =>
        {
            foreach (var (measured, refused) in samples)
            {
                var what = $"{measured.Workload}, {measured.System}: {measured.FirstError}";
                Assert.That(measured.Errors, Is.Zero, what);
                Assert.That(measured.AllOperations, Is.GreaterThanOrEqualTo(Clients), what);
                Assert.That(refused, Is.Zero, what);
            }
        });
        var wait = waits.Single();
        Assert.That(wait.NotDone, Is.Zero, wait.FirstError);
        Assert.That(wait.Granted, Is.True);
        Assert.That(wait.Writes, Is.GreaterThanOrEqualTo(Clients));
        Assert.That(wait.Numbers, Is.InRange(Clients + 1, wait.Writes + 1), "the wait is under the session, and writes beside it are");
        Assert.That(wait.Refused, Is.Zero);
    }

    [Test]
    public void A_ratio_is_the_median_of_those_within_each_round()
    {
        var text = LibraryReport.Write(
            BenchOptions.Parse(["client"]),
            [
                Sample("raw", 1, rate: 1_000, errors: 0), Sample("library", 1, rate: 100, errors: 0),
                Sample("raw", 2, rate: 100, errors: 0), Sample("library", 2, rate: 90, errors: 1),
                Sample("raw", 3, rate: 10, errors: 0), Sample("library", 3, rate: 5, errors: 2),
            ]);
        var row = text.Split('\n').Single(line => line.Contains("library", StringComparison.Ordinal))
            .Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.That(row[..5], Is.EqualTo(new[] { "put", "library", "64", "90.0", "0.50" }));
        Assert.That(row[^2..], Is.EqualTo(new[] { "3", "12" }), "failures and refusals are summed");
    }

    [Test]
    public void A_round_has_the_parts_that_are_asked_for()
    {
        using var small = new SmallCluster("client", "--seconds", "0.2", "--clients", "1", "--workloads", "lock", "--parts", "raw,wait");
        var (samples, waits) = new LibraryRun(small.Options, small.Factory, small.Path).Run(small.Cluster, round: 2);
        Assert.That(samples.Select(sample => sample.Measured.System), Is.EqualTo(new[] { "raw" }));
        Assert.That(waits, Has.Count.EqualTo(1));
    }

    [Test]
    public void Only_what_it_measures_can_be_asked_of_it() => Assert.That(
        () => BenchOptions.Parse(["client", "--workloads", "get"]),
        Throws.TypeOf<BenchException>().With.Message.EqualTo("--workloads takes put,lock, not 'get'"));

    private static LibrarySample Sample(string who, int round, double rate, long errors) =>
        new(new Measurement(who, "put", 64, round, 1, 100, rate, 1, 2, 3, 4, 5, 6, 7, errors, null, 0), Refused: 4);
}
