using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Network;
using Consensus.StateMachine;

namespace Consensus.Simulation.Nodes;

/// <summary>A whole cluster in one thread in virtual time. Everything in it follows from its plan.</summary>
public sealed class SimulatedCluster
{
    public SimulatedCluster(ClusterPlan plan, Wiring? wiring = null, IClusterObserver? observer = null)
    {
        Invariant.Require(plan.Nodes is >= 1 and <= 7, "a cluster has 1 to 7 nodes");
        Plan = plan;
        Wiring = wiring ?? new Wiring();
        Observer = observer ?? new NobodyWatches();
        Random = new DeterministicRandom(plan.Seed);
        Time = new Scheduler();
        Trace = new Trace(Time) { Keep = plan.TraceLines };
        Network = new SimulatedNetwork(Time, Trace, Random.NextUInt64(), plan.Nodes + plan.Spares, plan.Network, LinksChange);
        var members = Enumerable.Range(0, plan.Nodes).Select(number => new SimulatedNode(this, number, Random.NextUInt64())).ToList();
        Id = new ClusterId((long)(Random.NextUInt64() >> 1) | 1);
        Initial = Configuration.OfVoters(members.Select(node => node.Member));
        Nodes = [.. members, .. Enumerable.Range(plan.Nodes, plan.Spares).Select(number => new SimulatedNode(this, number, Random.NextUInt64()))];
        Network.Connect(Nodes);
        foreach (var node in members)
        {
            node.Form(Id, Initial);
        }
    }

    public ClusterPlan Plan { get; }

    /// <summary>The bounds that all members judge by.</summary>
    public Limits Limits => Wiring.LimitsOf(Plan.Limits);

    public Wiring Wiring { get; }

    public IClusterObserver Observer { get; set; }

    public DeterministicRandom Random { get; }

    public Scheduler Time { get; }

    public Trace Trace { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>All machines, those too that never joined.</summary>
    public IReadOnlyList<SimulatedNode> Nodes { get; }

    /// <summary>Machines whose data directory belongs to the cluster.</summary>
    public IReadOnlyList<SimulatedNode> Formed => LinksChange ? [.. Nodes.Where(node => node.IsFormed)] : Nodes;

    /// <summary>The process of the node of this number; null while it has none.</summary>
    /// <param name="goesOn">Else of the next node that has one, as a client finds it that tries one address after the other.</param>
    public SimulatedProcess? ProcessFrom(int number, bool goesOn)
    {
        if (!goesOn || Nodes[number].Process is not null)
        {
            return Nodes[number].Process;
        }
        return Enumerable.Range(number, Nodes.Count)
            .Select(at => Nodes[at % Nodes.Count].Process)
            .FirstOrDefault(static process => process is not null);
    }

    public Configuration Initial { get; }

    /// <summary>Who is linked with whom follows the configuration; else all are linked from the start, as with members that never change.</summary>
    public bool LinksChange => Plan.Spares > 0;

    public ClusterId Id { get; }

    /// <summary>Told of every process that ended.</summary>
    public event Action<SimulatedNode, SimulatedProcess, EndKind>? OnProcessEnded;

    /// <summary>Told when a member begins something with a snapshot: to save, take over or remove one.</summary>
    public event Action<SimulatedProcess>? OnSnapshotWork;

    /// <summary>Told when a member's process has just asked its leader for something: a read index, commands, a change, a hand-over.</summary>
    public event Action<SimulatedProcess>? OnAsked;

    /// <summary>Snapshots of leaders that arrived at other members.</summary>
    public long SnapshotsTaken { get; internal set; }

    /// <summary>The running member that leads in the highest term; null when none does.</summary>
    public SimulatedNode? Leader => Nodes
        .Where(node => node.Process?.Core.Role == RaftRole.Leader)
        .MaxBy(node => node.Process!.Core.Term);

    public void StartAll()
    {
        foreach (var node in Nodes)
        {
            if (node.Process is null && node.MayStart)
            {
                node.Start();
            }
        }
    }

    /// <summary>The machine with this member's data directory; null when that is lost.</summary>
    public SimulatedNode? Find(MemberId member)
    {
        foreach (var node in Nodes)
        {
            if (node.Id == member)
            {
                return node;
            }
        }
        return null;
    }

    internal void WorkBegins(SimulatedProcess process) => OnSnapshotWork?.Invoke(process);

    internal void Asked(SimulatedProcess process) => OnAsked?.Invoke(process);

    internal void ProcessEnded(SimulatedNode node, SimulatedProcess process, EndKind kind) => OnProcessEnded?.Invoke(node, process, kind);

    /// <summary>For a cluster that is only run.</summary>
    private sealed class NobodyWatches : IClusterObserver
    {
        public void Recovered(SimulatedNode node, Consensus.Node.Ports.RecoveredLog recovered)
        {
        }

        public void Turned(SimulatedProcess process, Consensus.Node.Core.NodeOutput output)
        {
        }

        public void Begins(SimulatedNode node, IReadOnlyList<Consensus.Node.Ports.PersistRequest> batch)
        {
        }

        public void Durable(SimulatedNode node, IReadOnlyList<Consensus.Node.Ports.PersistRequest> batch)
        {
        }

        public void SnapshotTaken(SimulatedNode node, SnapshotMark mark)
        {
        }

        public void Escaped(SimulatedProcess process, Exception failure) => LastWords.Escaped(process.Node.Name, failure);

        public void ChangeAnswered(Consensus.Node.Core.PendingChange change)
        {
        }

        public void Wiped(SimulatedNode node)
        {
        }

        public void Ended(SimulatedNode node)
        {
        }
    }
}
