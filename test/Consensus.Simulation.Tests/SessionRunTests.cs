using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Tests;

/// <summary>Runs with sessions do what they are there for.</summary>
public sealed class SessionRunTests
{
    [Test]
    public void Numbers_of_sessions_are_answered_and_some_are_settled_before_they_arrive([Values(1UL, 2UL, 3UL)] ulong seed)
    {
        var run = new SimulationRun(SimulationPlan.Draw(seed) with { Sessions = 3 });
        run.Run();
        Assert.That(run.Sessions.Count, Is.GreaterThan(50));
        Assert.That(run.Sessions.Fenced, Is.Positive);
    }

    [Test]
    public void Some_runs_have_sessions_and_most_have_none()
    {
        var drawn = Enumerable.Range(1, 200).Count(seed => SimulationPlan.Draw((ulong)seed).Sessions > 0);
        Assert.That(drawn, Is.InRange(20, 100));
    }

    [Test]
    public void Holders_under_sessions_are_told_what_ended_and_what_a_number_came_to([Values(1UL, 2UL)] ulong seed)
    {
        var run = new SimulationRun(SimulationPlan.Draw(seed) with { Holders = new() { Clients = 3 } });
        run.Run();
        Assert.That(run.Sessions.Count, Is.GreaterThan(50));
        Assert.That(run.News.Judged, Is.GreaterThan(5));
        Assert.That(run.News.Ends, Is.Positive);
    }

    [Test]
    public void Some_runs_have_holders_under_sessions_and_most_have_none()
    {
        var drawn = Enumerable.Range(1, 200).Count(seed => SimulationPlan.Draw((ulong)seed).Holders.Clients > 0);
        Assert.That(drawn, Is.InRange(20, 100));
    }
}
