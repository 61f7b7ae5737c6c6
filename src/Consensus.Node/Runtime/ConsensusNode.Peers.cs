using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;

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
            catch (Exception e) when (e is IOException or StorageFailedException { MayPass: true })
            {
                // A newer snapshot took its place meanwhile, and the leader will offer that one; or there is no file descriptor left.
                _outside.Notice($"the snapshot up to index {install.Mark.LastIndex} is not sent now: {e.Message}");
                _inbox.PostToLoop(new SnapshotSentInput(install, SnapshotOutcome.Broken));
                return;
            }
            catch (StorageFailedException e)
            {
                _outside.Notice($"the snapshot up to index {install.Mark.LastIndex} cannot be read, another one is taken: {e.Message}");
                _inbox.PostToLoop(new SnapshotSentInput(install, new SnapshotOutcome(SnapshotEnd.Unreadable)));
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

    void IPeerEvents.SnapshotSent(MemberId to, ReadOnlyMemory<byte> header, SnapshotOutcome outcome) =>
        _inbox.PostToLoop(new SnapshotSentInput((InstallSnapshotRequest)RaftCodec.ReadMessage(header.Span)!, outcome));

    void IPeerEvents.RefusedByPeer(MemberId peer, string reason) => _outside.Fatal(reason, null);

    void IPeerEvents.RemovedFromCluster(MemberId saidBy) => TellRemoved();

    ISnapshotArrival? IPeerEvents.SnapshotArriving(
        MemberId from, ReadOnlySpan<byte> header, long lengthBytes, out SnapshotRejection? rejection)
    {
        if (RaftCodec.ReadMessage(header) is not InstallSnapshotRequest request || request.From != from || request.To != _options.Self)
        {
            rejection = new SnapshotRejection(SnapshotRefusal.NotNow, "it was meant for another member");
            return null;
        }
        return _arrivals.Begin(request, lengthBytes, out rejection);
    }
}
