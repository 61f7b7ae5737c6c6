using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests;

/// <summary>The simulated cluster itself: it elects, writes, survives and repeats.</summary>
public sealed class ClusterTests
{
    private static readonly Key A = Key.FromText("a");

    private static PutCommand Put(string value) => new(A, System.Text.Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None);

    private static void Until(SimulatedCluster cluster, Func<bool> condition, string what)
    {
        cluster.Time.RunUntil(cluster.Time.Now + 30_000_000, condition);
        Assert.That(condition(), Is.True, $"not within 30 virtual seconds: {what}");
    }

    private static void UntilLed(SimulatedCluster cluster) =>
        Until(cluster, () => cluster.Nodes.All(n => n.Process is null || n.Process.Core.Status.Ready), "every member is ready");

    private static CommandAnswer Write(SimulatedCluster cluster, SimulatedNode node, string value)
    {
        CommandAnswer? answer = null;
        node.Process!.Execute(new CommandEnvelope(Put(value)), given => answer = given);
        Until(cluster, () => answer is not null, "the write is answered");
        return answer!.Value;
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(7)]
    public void A_cluster_elects_a_leader_and_answers_writes_through_every_member(int nodes)
    {
        var cluster = new SimulatedCluster(new ClusterPlan { Seed = 1, Nodes = nodes });
        cluster.StartAll();
        UntilLed(cluster);
        foreach (var node in cluster.Nodes)
        {
            Assert.That(Write(cluster, node, node.Name).Outcome, Is.InstanceOf<PutDone>());
        }
        ReadAnswer? read = null;
        cluster.Nodes[0].Process!.Read(ReadConsistency.Linearizable, Revision.Zero, given => read = given);
        Until(cluster, () => read is not null, "the read is answered");
        Assert.That(read!.Value.View!.GetKey(A)!.Version, Is.EqualTo(nodes));
    }

    [Test]
    public void What_was_acknowledged_survives_a_loss_of_power_of_all_members()
    {
        var cluster = new SimulatedCluster(new ClusterPlan { Seed = 2, SnapshotEntries = 20 });
        cluster.StartAll();
        UntilLed(cluster);
        for (var i = 1; i <= 60; i++)
        {
            var answer = Write(cluster, cluster.Nodes[i % 3], $"{i}");
            Assert.That(((PutDone)answer.Outcome!).Version, Is.EqualTo(i));
            if (i % 5 == 0)
            {
                foreach (var node in cluster.Nodes)
                {
                    node.End(EndKind.PowerLoss);
                }
                cluster.StartAll();
                UntilLed(cluster);
            }
        }
        Assert.That(cluster.Nodes[0].Process!.Core.Status.SnapshotIndex.Value, Is.GreaterThan(0), "snapshots were among it");
    }

    [Test]
    public void A_member_that_lags_behind_the_log_gets_the_leaders_snapshot()
    {
        var cluster = new SimulatedCluster(new ClusterPlan { Seed = 3, SnapshotEntries = 20, Raft = new() { TrailingEntries = 5 } });
        cluster.StartAll();
        UntilLed(cluster);
        var late = cluster.Nodes.First(node => node != cluster.Leader);
        late.End(EndKind.PowerLoss);
        for (var i = 0; i < 100; i++)
        {
            Write(cluster, cluster.Leader!, $"{i}");
        }
        late.Start();
        Until(cluster, () => late.Process!.Core.AppliedIndex == cluster.Leader!.Process!.Core.AppliedIndex, "it caught up");
        Until(cluster, () => late.Process!.Core.Status.SnapshotIndex.Value > 0, "its status shows the snapshot");
        Until(cluster, () => cluster.Nodes.All(n => n.Process!.Core.View.AppliedIndex == n.Process.Core.AppliedIndex), "the views are fresh");
        Assert.That(late.Process!.Core.View.Hash, Is.EqualTo(cluster.Leader!.Process!.Core.View.Hash));
    }

    [Test]
    public void The_same_seed_gives_the_same_trace_and_another_seed_another()
    {
        StateHash Run(ulong seed)
        {
            var cluster = new SimulatedCluster(new ClusterPlan { Seed = seed, SnapshotEntries = 10 });
            cluster.StartAll();
            UntilLed(cluster);
            for (var i = 0; i < 30; i++)
            {
                Write(cluster, cluster.Nodes[i % 3], $"{i}");
                if (i == 15)
                {
                    cluster.Leader!.End(EndKind.PowerLoss);
                    cluster.StartAll();
                    UntilLed(cluster);
                }
            }
            return cluster.Trace.Hash;
        }

        var first = Run(4);
        Assert.That(Run(4), Is.EqualTo(first));
        Assert.That(Run(4), Is.Not.EqualTo(Run(5)));
    }
}
