using Consensus.Simulation.Runs;
using Consensus.StateMachine;

namespace Consensus.Simulation.Tests;

/// <summary>Runs in which rights end and begin do what they are there for.</summary>
public sealed class PrincipalRunTests
{
    [Test]
    public void Rights_end_and_begin_while_everything_goes_on()
    {
        var (revocations, refusals, writes) = (0, 0, 0);
        foreach (var seed in Enumerable.Range(1, 5))
        {
            var drawn = SimulationPlan.Draw((ulong)seed);
            var run = new SimulationRun(drawn with { Principals = 3, Cluster = drawn.Cluster with { Limits = Limits.Default } });
            run.Run();
            (revocations, refusals, writes) =
                (revocations + run.Rights.Revocations, refusals + run.Rights.Refusals, writes + run.Rights.Writes);
        }
        Assert.That(revocations, Is.GreaterThan(20));
        Assert.That(refusals, Is.GreaterThan(50));
        Assert.That(writes, Is.GreaterThan(50));
    }

    [Test]
    public void Some_runs_have_principals_and_most_have_none()
    {
        var drawn = Enumerable.Range(1, 400).Count(seed => SimulationPlan.Draw((ulong)seed).Principals > 0);
        Assert.That(drawn, Is.InRange(20, 100));
    }
}
