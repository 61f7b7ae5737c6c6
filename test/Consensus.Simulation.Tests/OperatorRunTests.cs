using Consensus.Simulation.Runs;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests;

/// <summary>Runs in which operators change what is in force do what they are there for.</summary>
public sealed class OperatorRunTests
{
    [Test]
    public void Limits_and_settings_change_while_they_are_judged_by()
    {
        var outcomes = Enumerable.Range(1, 5).SelectMany(seed => OutcomesOf((ulong)seed)).ToList();
        Assert.That(outcomes.OfType<PermitsChanged>().Count(changed => changed.Permits != changed.Before), Is.Positive);
        Assert.That(outcomes.OfType<SettingPut>().Count(), Is.Positive);
        Assert.That(outcomes.OfType<BoundReached>().Count(full => full.Bound == BoundKind.Leases), Is.Positive);
    }

    private static List<Outcome?> OutcomesOf(ulong seed)
    {
        var drawn = SimulationPlan.Draw(seed);
        var run = new SimulationRun(drawn with
        {
            Clients = drawn.Clients with { ThinkMicros = 20_000 },
            Coordination = new() { Clients = 6, Names = 1, PermitWeight = 15, SettingWeight = 1, LeaseWeight = 30 },
            Cluster = drawn.Cluster with { MembersDiffer = true, Limits = drawn.Cluster.Limits with { MaxLeases = 4 } },
        });
        run.Run();
        return [.. run.History.Operations.Select(operation => operation.Outcome)];
    }

    [Test]
    public void Some_runs_have_operators_and_most_have_none()
    {
        var drawn = Enumerable.Range(1, 400).Count(seed => SimulationPlan.Draw((ulong)seed).Coordination.PermitWeight > 0);
        Assert.That(drawn, Is.InRange(20, 100));
    }
}
