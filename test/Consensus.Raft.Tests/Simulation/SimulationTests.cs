namespace Consensus.Raft.Tests.Simulation;

public sealed class SimulationTests
{
    private const int FaultTicks = 2500;

    [Test]
    public void Cluster_is_safe_under_faults_and_makes_progress_after_them([Range(0, 11)] int block)
    {
        const int SeedsInBlock = 25;
        var elections = 0;
        var reads = 0;
        var snapshots = 0;
        var changes = 0;
        long committed = 0;
        for (var i = 0; i < SeedsInBlock; i++)
        {
            var seed = (ulong)((block * SeedsInBlock) + i);
            var simulator = Run(seed);
            elections += simulator.Elections;
            reads += simulator.ReadsAnswered;
            snapshots += simulator.SnapshotsInstalled;
            changes += simulator.Changes;
            committed += simulator.Committed.Value;
        }
        // A simulation in which nothing happens would find nothing.
        Assert.Multiple(() =>
        {
            Assert.That(elections, Is.GreaterThan(SeedsInBlock * 2));
            Assert.That(reads, Is.GreaterThan(SeedsInBlock * 50));
            Assert.That(snapshots, Is.GreaterThan(SeedsInBlock / 5));
            Assert.That(changes, Is.GreaterThan(SeedsInBlock * 2));
            Assert.That(committed, Is.GreaterThan(SeedsInBlock * 100));
        });
        TestContext.Out.WriteLine($"{elections} elections, {reads} reads, {snapshots} snapshots, {changes} configurations, {committed} entries");
    }

    /// <summary>For a quiet hour: <c>dotnet test --filter FullyQualifiedName~Long_run</c>.</summary>
    [Test, Explicit("By hand: takes a quiet hour.")]
    public void Long_run_over_many_seeds([Range(0, 19)] int block)
    {
        for (var i = 0; i < 200; i++)
        {
            Run((ulong)(1_000_000 + (block * 200) + i));
        }
    }

    private static Simulator Run(ulong seed)
    {
        var simulator = new Simulator(seed);
        try
        {
            simulator.RunFaults(FaultTicks);
            simulator.HealAndCheckProgress();
            simulator.CheckThatTheLeaderStays();
        }
        catch (Exception failure)
        {
            throw new AssertionException($"seed {seed}: {failure.Message}\n{simulator.Describe()}", failure);
        }
        return simulator;
    }
}
