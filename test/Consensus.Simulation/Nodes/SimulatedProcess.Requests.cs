using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Membership;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Simulation.Nodes;

/// <summary>The way in for clients' requests: what <c>ConsensusNode</c> does between an endpoint and the loop.</summary>
public sealed partial class SimulatedProcess
{
    private static readonly WireWriter Encoder = new(1024);

    /// <summary>Hands a command to the loop; it is answered once, unless the process ends first.</summary>
    public SimulatedCommand Execute(CommandEnvelope envelope, Action<CommandAnswer> answered)
    {
        envelope = _cluster.Wiring.Taken(this, envelope);
        Encoder.Clear();
        CommandCodec.Write(Encoder, envelope);
        var request = new RequestId(Node.Id, Boot, ++_sequence);
        var pending = new SimulatedCommand(request, envelope, Encoder.ToArray(), answer => answered(_cluster.Wiring.Answers(this, answer)));
        Post(new CommandInput(pending));
        _cluster.Wiring.Asked(this, envelope, pending.Request);
        return pending;
    }

    public void Read(ReadConsistency consistency, Revision minRevision, Action<ReadAnswer> answered) =>
        Post(new ReadInput(new SimulatedRead(minRevision, answered)
        {
            NeedsReadIndex = consistency == ReadConsistency.Linearizable && _cluster.Wiring.ReadsAskForAnIndex,
        }));

    /// <summary>Asks this member for a change of who belongs to the cluster; answered once, unless the process ends first.</summary>
    public void ChangeMembership(MembershipChange change, Action<MembershipAnswer> answered) =>
        Post(new MembershipInput(new SimulatedChange(new RequestId(Node.Id, Boot, ++_sequence), change, answered)));

    /// <summary>The client of a command that waits for a lock closed its connection.</summary>
    public void ClientGone(SimulatedCommand command) => Post(new CommandCancelledInput(command));

    /// <summary>A hold was granted to a client that is gone (rule 18).</summary>
    public void GiveBack(Consensus.StateMachine.ObjectName name, RequestId request, bool hasKey) => Post(new HoldAbandonedInput(name, request, hasKey));

    public LeaseId NewLeaseId() => new((long)(_random.NextUInt64() >> 1) | 1);
}
