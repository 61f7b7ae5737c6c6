using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Nodes;

/// <summary>
/// How production parts are put together. The base class does it rightly; broken variants override one step, to show that a checker sees it.
/// </summary>
public class Wiring
{
    /// <summary>What recovery found, as observers see it.</summary>
    public virtual RecoveredLog OnRecovered(SimulatedNode node, RecoveredLog recovered) => recovered;

    /// <summary>What recovery found, as it is given to the core.</summary>
    public virtual RecoveredLog BeforeCore(SimulatedNode node, RecoveredLog recovered) => recovered;

    /// <summary>The log thread took a batch and begins to write it.</summary>
    public virtual void BatchTaken(SimulatedProcess process, List<PersistRequest> batch)
    {
    }

    /// <summary>A frame leaves the loop; false when it could not.</summary>
    public virtual bool Send(SimulatedProcess process, MemberId to, PeerMessage message) => process.SendFrame(to, message);

    /// <summary>A member asks to send this one a snapshot's file; null refuses it.</summary>
    public virtual ISnapshotArrival? Arriving(SimulatedProcess process, MemberId from, byte[] header, long lengthBytes, out SnapshotRejection? rejection) =>
        process.Events.SnapshotArriving(from, header, lengthBytes, out rejection);

    /// <summary>The transport reads a snapshot's file to send it; null when that was done.</summary>
    public virtual Exception? ReadOutgoing(Stream content, Span<byte> into) => SnapshotContent.Read(content, into);

    /// <summary>The bounds that members judge by.</summary>
    public virtual Limits LimitsOf(Limits planned) => planned;

    /// <summary>What a member is started with, of what was planned for it.</summary>
    public virtual NodeCoreOptions OptionsOf(NodeCoreOptions planned) => planned;

    /// <summary>A frame comes to the loop.</summary>
    public virtual PeerMessage Arrives(SimulatedProcess process, PeerMessage message) => message;

    /// <summary>The boot of which the loop is told when a link stands.</summary>
    public virtual long BootAtLinkUp(SimulatedProcess process, long boot) => boot;

    /// <summary>A member takes a client's command.</summary>
    public virtual CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) => envelope;

    /// <summary>A member answers a client's command.</summary>
    public virtual CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer) => answer;

    /// <summary>A member has taken a client's command, under this request.</summary>
    public virtual void Asked(SimulatedProcess process, CommandEnvelope envelope, RequestId request)
    {
    }

    /// <summary>A member notices that the client of a command that waits closed its connection.</summary>
    public virtual void ClientGone(SimulatedProcess process, SimulatedCommand command) => process.ClientGone(command);

    /// <summary>The news of a session that go with the answer to its renewal.</summary>
    public virtual SessionNews? NewsOf(SimulatedProcess process, StateView view, LeaseId session, long since) =>
        view.GetSessionNews(session, since, since, new NewsRoom(1_000, static _ => 1));

    /// <summary>The first revision that a watch is told of, when <paramref name="from"/> is what it asked for.</summary>
    public virtual Revision WatchBegins(SimulatedProcess process, Revision from, StateView view) => from;

    /// <summary>True when a linearizable read asks for a read index.</summary>
    public virtual bool ReadsAskForAnIndex => true;
}
