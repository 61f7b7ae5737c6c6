using Consensus.Simulation.Faults;
using Consensus.Simulation.Runs;
using Consensus.StateMachine;

namespace Consensus.Simulation.Tests;

/// <summary>Runs with clients that leave do what they are there for.</summary>
public sealed class LeavingRunTests
{
    [Test]
    public void What_was_granted_to_clients_that_had_left_ends_whether_anything_goes_wrong_or_not(
        [Values(1UL, 2UL)] ulong seed, [Values] bool isCalm)
    {
        var drawn = SimulationPlan.Draw(seed);
        // With room for what they ask, and more locks than are kept for those that do not come back.
        var leaving = drawn with
        {
            Leavers = new() { Clients = 3, Locks = 60 },
            Coordination = new(),
            Cluster = drawn.Cluster with { Limits = Limits.Default },
            DurationMicros = 20_000_000,
        };
        var calm = leaving with { Faults = new FaultOptions(FaultKinds.None, 500_000), Cluster = leaving.Cluster with { Network = new() } };
        var run = new SimulationRun(isCalm ? calm : leaving);
        run.Run();
        Assert.That(run.LeftHolds, Is.GreaterThan(10));
    }

    [Test]
    public void Some_runs_have_clients_that_leave_and_most_have_none()
    {
        var drawn = Enumerable.Range(1, 200).Count(seed => SimulationPlan.Draw((ulong)seed).Leavers.Clients > 0);
        Assert.That(drawn, Is.InRange(20, 100));
    }
}
