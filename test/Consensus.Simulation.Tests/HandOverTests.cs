using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Simulation.Network;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests;

/// <summary>What a hand-over costs where many stand in line and each asks again once it has given back: counted in the simulation.</summary>
public sealed class HandOverTests
{
    private const int Clients = 24;
    private const int HandOvers = 500;
    private const long ClientMicros = 100;
    private const long SyncMicros = 200;
    private const long MinuteMicros = 60_000_000;

    private static readonly Key Name = Key.FromText("wanted");

    [TestCase(HoldSpace.Lock)]
    [TestCase(HoldSpace.Election)]
    public void Hand_over_in_a_long_line_takes_no_more_than_one_flush_of_each_member(HoldSpace space)
    {
        var counts = new Counts();
        var cluster = new SimulatedCluster(
            new ClusterPlan
            {
                Seed = 1,
                Disk = new DiskTiming { SyncMicros = SyncMicros, JitterMicros = 50 },
                Network = new NetworkOptions { DelayMicros = 50, JitterMicros = 50 },
                SnapshotEntries = 1_000_000,
            },
            counts);
        cluster.StartAll();
        cluster.Time.RunUntil(MinuteMicros / 2, () => cluster.Nodes.All(node => node.Process!.Core.Status.Ready));
        var granted = 0;
        for (var i = 0; i < Clients; i++)
        {
            _ = new Client(cluster, cluster.Nodes[i % 3], new ObjectName(space, Name), () => granted++);
        }
        cluster.Time.RunUntil(MinuteMicros, () => granted >= Clients);
        var (flushes, frames, before, start) = (counts.Flushes, counts.Frames, granted, cluster.Time.Now);
        cluster.Time.RunUntil(MinuteMicros, () => granted >= before + HandOvers);
        Assert.That(granted, Is.EqualTo(before + HandOvers), "the line moves");
        var each = (double)(counts.Flushes - flushes) / HandOvers;
        TestContext.Out.WriteLine(
            $"{each} flushes, {(double)(counts.Frames - frames) / HandOvers} frames, {(cluster.Time.Now - start) / HandOvers} virtual us");
        Assert.That(each, Is.LessThan(3.0));
    }

    private sealed class Counts : Wiring
    {
        public long Flushes { get; private set; }

        public long Frames { get; private set; }

        public override void BatchTaken(SimulatedProcess process, List<PersistRequest> batch) => Flushes++;

        public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message)
        {
            Frames++;
            return base.Send(process, to, message);
        }
    }

    /// <summary>Takes the hold, gives it back, and stands in line again, for ever; some time from its member.</summary>
    private sealed class Client
    {
        private readonly SimulatedCluster _cluster;
        private readonly SimulatedNode _node;
        private readonly ObjectName _name;
        private readonly Action _granted;

        public Client(SimulatedCluster cluster, SimulatedNode node, ObjectName name, Action granted)
        {
            (_cluster, _node, _name, _granted) = (cluster, node, name, granted);
            Acquire();
        }

        private void Acquire()
        {
            var lease = _node.Process!.NewLeaseId();
            var asked = new AcquireCommand(_name.Name, "client", MinuteMicros, lease, LeaseId.None, MinuteMicros) { Space = _name.Space };
            Ask(asked, outcome =>
            {
                _granted();
                Release(((HoldGranted)outcome).Hold);
            });
        }

        private void Release(Hold hold) => Ask(
            new ReleaseHoldCommand(hold.Name, hold.Token, Force: false) { Space = hold.Space },
            outcome =>
            {
                Assert.That(outcome, Is.InstanceOf<HoldReleased>());
                Acquire();
            });

        private void Ask(Command command, Action<Outcome> answered) => _cluster.Time.After(ClientMicros, () => _node.Process!.Execute(
            new CommandEnvelope(command), answer => _cluster.Time.After(ClientMicros, () => answered(answer.Outcome!))));
    }
}
