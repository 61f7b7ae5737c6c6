using Consensus.Chaos;
using Consensus.Chaos.Runs;

namespace Consensus.EndToEnd.Tests;

/// <summary>A short run of scripts/chaos: real processes under drawn faults, their answers judged by the simulation's checkers.</summary>
[NonParallelizable]
public sealed class ChaosTests
{
    [TestCase(3)]
    [TestCase(5)]
    public async Task What_clients_see_under_faults_keeps_every_promise(int nodes)
    {
        var options = new ChaosOptions { Nodes = nodes, Minutes = 0, Round = TimeSpan.FromSeconds(20) };
        await TestContext.Out.WriteLineAsync($"seed {options.Seed}");
        var report = await new ChaosRun(options, line => TestContext.Out.WriteLine(line)).RunAsync();
        Assert.That(report.Injected, Is.Not.Empty);
        Assert.That(report.Operations, Is.GreaterThan(0));
        Assert.That(report.Told, Is.GreaterThan(0));
    }
}
