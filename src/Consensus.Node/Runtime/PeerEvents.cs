using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Wire;

namespace Consensus.Node.Runtime;

/// <summary>What the transport's threads tell a member.</summary>
internal sealed class PeerEvents(NodeCoreOptions options, NodeSurroundings outside, INodeThreads threads, SnapshotArrivals arrivals, NodeRuntime runtime) : IPeerEvents
{
    public void Received(MemberId from, ReadOnlySpan<byte> frame)
    {
        if (PeerCodec.Read(frame) is { } message)
        {
            threads.PostFromPeer(new PeerMessageInput(from, message), frame.Length);
        }
    }

    public void ReceivedAll() => threads.TurnForPeers();

    public void LinkUp(MemberId peer, long boot) => threads.PostToLoop(new LinkUpInput(peer, boot));

    public void LinkDown(MemberId peer) => threads.PostToLoop(new LinkDownInput(peer));

    public void ProcessGone(MemberId peer) => threads.PostToLoop(new ProcessGoneInput(peer));

    public void SnapshotSent(MemberId to, ReadOnlyMemory<byte> header, SnapshotOutcome outcome) =>
        threads.PostToLoop(new SnapshotSentInput((InstallSnapshotRequest)RaftCodec.ReadMessage(header.Span)!, outcome));

    public void RefusedByPeer(MemberId peer, string reason) => outside.Fatal(reason, null);

    public void RemovedFromCluster(MemberId saidBy) => runtime.TellRemoved();

    public ISnapshotArrival? SnapshotArriving(MemberId from, ReadOnlySpan<byte> header, long lengthBytes, out SnapshotRejection? rejection)
    {
        if (RaftCodec.ReadMessage(header) is not InstallSnapshotRequest request || request.From != from || request.To != options.Self)
        {
            rejection = new SnapshotRejection(SnapshotRefusal.NotNow, "it was meant for another member");
            return null;
        }
        return arrivals.Begin(request, lengthBytes, out rejection);
    }
}
