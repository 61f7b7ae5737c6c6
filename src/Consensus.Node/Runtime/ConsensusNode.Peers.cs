using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.StateMachine;

namespace Consensus.Node.Runtime;

/// <summary>The node's side of the links: frames out with a turn, events in from the transport's threads.</summary>
public sealed partial class ConsensusNode : IPeerEvents
{
    private void SendFrames(NodeOutput output)
    {
        foreach (var (to, message) in output.Sends)
        {
            _frame.Clear();
            PeerCodec.Write(_frame, message);
            if (!_transport!.Send(to, _frame.Written, message.IsUrgent) && message is ForwardCommands forward)
            {
                _core.NotSent(forward);
            }
        }
        if (output.Sends.Count > 0)
        {
            _transport!.Flush();
        }
    }

    private void SendSnapshot(InstallSnapshotRequest install)
    {
        var writer = new WireWriter();
        RaftCodec.WriteMessage(writer, install);
        var header = writer.ToArray();
        InBackground(() =>
        {
            Stream content;
            try
            {
                content = _outside.Snapshots.OpenRaw(install.Mark);
            }
            catch (IOException)
            {
                // A newer snapshot took its place meanwhile; the leader will offer that one.
                _inbox.PostToLoop(new SnapshotSentInput(install, Success: false));
                return;
            }
            _inbox.PostAction(() => _transport!.SendSnapshot(install.To, header, content));
        });
    }

    void IPeerEvents.Received(MemberId from, ReadOnlySpan<byte> frame)
    {
        var message = PeerCodec.Read(frame);
        if (message is not null && _inbox.PostFromPeer(new PeerMessageInput(from, message), frame.Length))
        {
            TakeTurn();
        }
    }

    void IPeerEvents.LinkUp(MemberId peer, long boot) => _inbox.PostToLoop(new LinkUpInput(peer, boot));

    void IPeerEvents.LinkDown(MemberId peer) => _inbox.PostToLoop(new LinkDownInput(peer));

    void IPeerEvents.ProcessGone(MemberId peer) => _inbox.PostToLoop(new ProcessGoneInput(peer));

    void IPeerEvents.SnapshotSent(MemberId to, ReadOnlyMemory<byte> header, bool success) =>
        _inbox.PostToLoop(new SnapshotSentInput((InstallSnapshotRequest)RaftCodec.ReadMessage(header.Span)!, success));

    void IPeerEvents.RefusedByPeer(MemberId peer, string reason) => _outside.Fatal(reason, null);

    void IPeerEvents.RemovedFromCluster(MemberId saidBy) => TellRemoved();

    ISnapshotArrival? IPeerEvents.SnapshotArriving(MemberId from, ReadOnlySpan<byte> header, long lengthBytes)
    {
        if (RaftCodec.ReadMessage(header) is not InstallSnapshotRequest request
            || request.From != from
            || request.To != _options.Self
            || request.Mark.LastIndex.Value <= Volatile.Read(ref _appliedIndex))
        {
            return null;
        }
        _outside.Notice($"receiving a snapshot up to index {request.Mark.LastIndex} ({lengthBytes} bytes)");
        return new Arrival(this, request, _outside.Snapshots.Receive(request.Mark, lengthBytes));
    }

    /// <summary>Writes the file, has it checked, decodes the state on this connection's thread, and only then tells the loop.</summary>
    private sealed class Arrival(ConsensusNode node, InstallSnapshotRequest request, IIncomingSnapshot incoming) : ISnapshotArrival
    {
        public void Write(ReadOnlySpan<byte> chunk) => incoming.Write(chunk);

        public void Complete()
        {
            var file = incoming.Complete();
            using var reader = node._outside.Snapshots.Open(file.Mark);
            var state = ReplicatedState.Restore(node._options.Limits, reader);
            node._inbox.PostToLoop(new SnapshotArrivedInput(request, file, state));
        }

        public void Dispose() => incoming.Dispose();
    }
}
