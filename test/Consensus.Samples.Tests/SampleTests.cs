using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.Samples.Tests;

/// <summary>Each sample does what its README says, against a cluster of three real members.</summary>
[NonParallelizable]
public sealed class SampleTests
{
    private ProcessCluster? _cluster;

    private ProcessCluster Cluster => _cluster ?? throw new InvalidOperationException("not started");

    private IEnumerable<Uri> Endpoints => Enumerable.Range(0, 3).Select(member => new Uri($"http://127.0.0.1:{Cluster.ClientPortOf(member)}"));

    [OneTimeSetUp]
    public async Task StartAsync() => _cluster = await ProcessCluster.StartAsync(3);

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    [Test]
    public async Task Curl_alone_reaches_every_primitive()
    {
        BashRun.NeedsCurl();
        using var sample = new SampleRun("curl/walk-through.sh", Endpoints);
        var lines = await sample.SucceedAsync();

        Assert.That(lines, Does.Contain("# done: every request was answered as expected"));
        foreach (var route in new[] { "kv", "txn", "leases", "locks", "multilock", "semaphores", "elections", "fences", "cluster", "status" })
        {
            Assert.That(lines.Any(line => line.StartsWith("$ curl ", StringComparison.Ordinal) && line.Contains($"/v1/{route}", StringComparison.Ordinal)), route);
        }
    }

    [Test]
    public async Task A_job_under_a_lock_runs_on_one_host_after_the_other()
    {
        using var sample = new SampleRun("lock-run/run.sh", Endpoints);
        var lines = await sample.SucceedAsync();

        var steps = lines.Where(line => line.StartsWith("host-", StringComparison.Ordinal) && line.Contains(':', StringComparison.Ordinal)).ToList();
        Assert.That(steps, Has.Count.EqualTo(6));
        for (var i = 0; i < steps.Count; i += 2)
        {
            var host = steps[i].Split(':')[0];
            Assert.That(steps[i], Does.StartWith($"{host}: begins, lock samples/reports/nightly, fencing token "));
            Assert.That(steps[i + 1], Is.EqualTo($"{host}: done"));
        }
    }

    [Test]
    public async Task A_job_keeps_its_lock_while_the_leader_of_the_cluster_is_killed()
    {
        using var sample = new SampleRun("lock-run/run.sh", Endpoints, new Dictionary<string, string> { ["WORK_SECONDS"] = "8" });
        await ProcessCluster.EventuallyAsync(() => Task.FromResult(sample.HasEnded || sample.Output.Contains(": begins", StringComparison.Ordinal)), "a job has begun");
        var leader = await Cluster.LeaderAsync();
        Cluster.Kill(leader);
        var lines = await sample.SucceedAsync();
        Cluster.Start(leader);
        await Cluster.UntilReadyAsync();

        Assert.That(lines.Count(line => line.EndsWith(": done", StringComparison.Ordinal)), Is.EqualTo(3));
        Assert.That(lines, Has.None.Contain("could not be kept"));
    }

    [Test]
    public async Task A_stale_write_is_lost_without_a_token_and_refused_with_one()
    {
        using var sample = new SampleRun("fenced-writer/run.sh", Endpoints);
        var lines = await sample.SucceedAsync();

        Assert.That(lines.Where(line => line.StartsWith("balance: ", StringComparison.Ordinal)), Is.EqualTo(new[] { "balance: 110", "balance: 150", "balance: 160" }));
        Assert.That(lines, Has.Exactly(1).Match("^alice: the store refuses token [0-9]+$"));
    }

    [Test]
    public async Task A_program_sees_each_change_of_its_configuration_whole()
    {
        using var sample = new SampleRun("configuration-watcher/run.sh", Endpoints);
        var lines = await sample.SucceedAsync();

        Assert.That(lines.Where(line => line.StartsWith("settings: ", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "settings: colour=blue", "settings: colour=blue size=3", "settings: colour=red size=4", "settings: colour=red",
        }));
        Assert.That(lines, Does.Contain("stops"));
    }

    [Test]
    public async Task When_the_working_process_is_killed_the_other_takes_over_with_a_higher_token()
    {
        using var sample = new SampleRun("leader-elected-worker/run.sh", Endpoints);
        var lines = await sample.SucceedAsync();

        var terms = lines.Where(line => line.Contains(": leads with token ", StringComparison.Ordinal)).Select(line => line.Split(": leads with token ")).ToList();
        var killed = lines.Single(line => line.StartsWith("# kill -9 ", StringComparison.Ordinal))["# kill -9 ".Length..];

        // On a machine that is busy beyond measure a leader may lose its term to its clock and win another.
        Assert.That(terms, Has.Count.GreaterThanOrEqualTo(2));
        Assert.That(terms.Select(term => long.Parse(term[1])), Is.Ordered.Ascending.And.Unique);
        Assert.That(terms.Select(term => term[0]), Does.Contain(killed));
        Assert.That(terms[^1][0], Is.Not.EqualTo(killed));
        Assert.That(lines, Does.Contain($"{terms[^1][0]}: stops"));
    }
}
