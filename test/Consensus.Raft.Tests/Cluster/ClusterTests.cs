namespace Consensus.Raft.Tests.Cluster;

/// <summary>Whole clusters of cores under faults drawn from a seed, then healed: safety throughout, progress in the end.</summary>
public sealed class ClusterTests
{
    [Test]
    public void Safety_holds_under_faults_and_progress_follows_healing([Range(1, 300)] int seed)
    {
        var size = 1 + (seed % 5);
        var cluster = new SimulatedCluster((ulong)seed, size)
        {
            DropPercent = seed * 7 % 20,
            DuplicatePercent = seed * 3 % 20,
            MaxDelay = 1 + (seed * 11 % 40),
            MaxDiskDelay = 1 + (seed * 5 % 30),
            CrashPermille = seed % 3,
            CutPermille = seed * 13 % 7,
        };
        cluster.Run(3000, 20);
        cluster.Heal();
        var before = cluster.CommittedCount;
        Assert.That(cluster.RunUntil(() => cluster.CommittedCount > before + 10, 5000, 50), Is.True, "a healed cluster commits again");
        var target = cluster.CommittedCount;
        Assert.That(
            cluster.RunUntil(() => cluster.Members.All(m => m.Applied.Value >= target), 3000, 0),
            Is.True,
            "every member catches up");
    }

    [Test]
    public void Reads_are_answered_in_a_quiet_cluster()
    {
        var cluster = new SimulatedCluster(5, 3);
        cluster.Run(2000, 30);
        Assert.That(cluster.Reads, Is.GreaterThan(50));
    }

    [Test]
    public void A_quiet_cluster_keeps_its_leader()
    {
        var cluster = new SimulatedCluster(9, 5) { MaxDelay = 2 };
        Assert.That(cluster.RunUntil(() => cluster.CurrentLeader is not null, 2000, 0), Is.True);
        var terms = cluster.Leaders.Count;
        cluster.Run(300, 0);
        Assert.That(cluster.Leaders, Has.Count.LessThanOrEqualTo(terms + 1), "at most a transfer, no election by time-out");
    }
}
