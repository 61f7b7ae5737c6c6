using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>What is watched where a process starts: a damaged log must be refused, and an undamaged one must not.</summary>
public sealed class RecoveryIsWatchedTests
{
    private const string Log = SimulatedNode.DataPath + "/wal";

    [Test]
    public void A_start_on_a_log_that_was_to_be_refused_is_seen()
    {
        var node = Stopped();
        node.MustRefuse = true;
        Assert.That(Assert.Throws<SimulationFailureException>(() => node.Start())!.Checker, Is.EqualTo("recovery"));
    }

    [Test]
    public void A_refusal_that_no_fault_explains_is_seen()
    {
        var node = Stopped();
        node.Disk.FlipBit($"{Log}/{node.Disk.List(Log)[0]}", 8, 0);
        Assert.That(Assert.Throws<SimulationFailureException>(() => node.Start())!.Checker, Is.EqualTo("recovery"));
    }

    private static SimulatedNode Stopped()
    {
        var cluster = new SimulatedCluster(new ClusterPlan { Seed = 1, Nodes = 1 });
        cluster.StartAll();
        cluster.Time.RunUntil(10_000_000);
        var node = cluster.Nodes[0];
        Assert.That(node.Process!.Core.Status.Ready, Is.True);
        node.End(EndKind.Killed);
        return node;
    }
}
