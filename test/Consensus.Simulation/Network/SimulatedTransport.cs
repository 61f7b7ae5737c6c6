using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Network;

/// <summary>One process's way to the others, as production's runtime sees it: production frames on simulated connections.</summary>
internal sealed class SimulatedTransport(SimulatedCluster cluster, SimulatedProcess process) : IPeerTransport
{
    private readonly HashSet<MemberId> _snapshotsUnderWay = [];
    private readonly WireWriter _encoder = new(1 << 12);
    private byte[] _frame = [];
    private PeerMessage? _message;
    private bool _hasAsked;

    /// <summary>Whom its process wants to be linked with; null before its first turn, when it lets nobody in.</summary>
    public HashSet<MemberId>? Peers { get; private set; }

    /// <summary>Ids that were members once and never will be again, as far as its process knows.</summary>
    public HashSet<MemberId> Removed { get; private set; } = [];

    public IReadOnlyList<JoiningMember> Joiners => [];

    public void SetPeers(IReadOnlyList<PeerEndpoint> peers)
    {
        Peers = [.. peers.Select(peer => peer.Member)];
        PeersChanged();
    }

    public void SetRemoved(IReadOnlyList<MemberId> removed)
    {
        Removed = [.. removed];
        PeersChanged();
    }

    public (long Held, long Limit) QueuedBytes =>
        (cluster.Network.QueuedBytes(process.Node.Number), cluster.Network.Options.MaxQueuedBytes * cluster.Nodes.Count);

    public bool Send(MemberId to, ReadOnlySpan<byte> frame, bool isUrgent = false)
    {
        _frame = frame.ToArray();
        _message = PeerCodec.Read(_frame)!;
        _hasAsked |= _message is ForwardCommands or ForwardChange or ForwardTransfer or RaftPeerMessage { Message: ReadIndexRequest };
        return cluster.Wiring.Send(process, to, _message);
    }

    public void Flush()
    {
        if (_hasAsked)
        {
            _hasAsked = false;
            cluster.Asked(process);
        }
    }

    public void SendSnapshot(MemberId to, ReadOnlyMemory<byte> header, Stream content)
    {
        var mayBegin = _snapshotsUnderWay.Add(to);
        new SnapshotTransfer(cluster, process, to, header.ToArray(), content, outcome =>
        {
            if (mayBegin)
            {
                _snapshotsUnderWay.Remove(to);
            }
            process.Events.SnapshotSent(to, header, outcome);
        }).Begin(mayBegin);
    }

    /// <summary>Sends what may be another message than the runtime wanted to send.</summary>
    public bool SendMessage(MemberId to, PeerMessage message)
    {
        if (!ReferenceEquals(message, _message))
        {
            _encoder.Clear();
            PeerCodec.Write(_encoder, message);
            (_frame, _message) = (_encoder.ToArray(), message);
        }
        return cluster.Network.Send(process, to, _frame, message is RaftPeerMessage, message.IsUrgent);
    }

    private void PeersChanged()
    {
        if (cluster.LinksChange && Peers is not null)
        {
            cluster.Network.PeersChanged(process);
        }
    }
}
