using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Tests;

/// <summary>Runs in which all clients want the same lock do what they are there for.</summary>
public sealed class LineRunTests
{
    private static bool HasLine(SimulationPlan plan) => plan.Clients is { Locks: 1, LockWeight: 400 };

    [Test]
    public void Acquires_wait_for_company_where_a_line_is_long_and_moves()
    {
        var awaited = 0L;
        foreach (var plan in Enumerable.Range(1, 200).Select(seed => SimulationPlan.Draw((ulong)seed)).Where(HasLine).Take(5))
        {
            var run = new SimulationRun(plan);
            run.Run();
            awaited += run.Cluster.Nodes.Sum(node => node.Process?.Core.TimesCompanyWasAwaited ?? 0);
        }
        Assert.That(awaited, Is.GreaterThan(20));
    }

    [Test]
    public void Some_runs_have_a_long_line_and_most_have_none() =>
        Assert.That(Enumerable.Range(1, 400).Count(seed => HasLine(SimulationPlan.Draw((ulong)seed))), Is.InRange(20, 90));
}
