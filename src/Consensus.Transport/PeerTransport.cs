using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Links;
using Consensus.Transport.Listening;
using Consensus.Transport.Snapshots;

namespace Consensus.Transport;

/// <summary>
/// Links to the other members over plain TCP. For each peer one connection that we dialled, used only to send, and one that it dialled, used
/// only to receive; snapshots travel on connections of their own. Wire format: <c>peer.proto</c>.
/// </summary>
/// <remarks>
/// Threads: for each peer one that dials and then watches the outgoing link, one that receives, and, once the network pushed back, one that
/// writes what is left over; one for each snapshot under way. Frames are sent by the thread that has the node's turn. No timer and no thread pool is in
/// the way of a heartbeat.
/// </remarks>
public sealed class PeerTransport : IPeerTransport, IDisposable, IAsyncDisposable
{
    private readonly PeerListener _listener;
    private readonly PeerIdentity _self;
    private readonly LinkSettings _linkSettings;
    private readonly IncomingConnections _incoming;
    private readonly SnapshotTransfers _snapshots;
    private readonly Lock _disposeGate = new();

    /// <summary>Stopped links whose threads may still run. Changed with the node's turn, then by dispose.</summary>
    private readonly List<OutgoingLink> _retired = [];

    /// <summary>Never changed in place: a new one replaces it, so that every thread may read it.</summary>
    private volatile Dictionary<MemberId, OutgoingLink> _links = [];

    private volatile FormedHandshake _handshake;
    private bool _disposed;

    /// <summary>
    /// Takes over the listener: from now on it serves formed members, who are told to try again until <see cref="SetPeers"/> is called
    /// first. Disposing of the transport disposes of the listener.
    /// </summary>
    public PeerTransport(PeerListener listener, PeerTransportOptions options, IPeerEvents events)
    {
        var identity = options.Identity;
        Invariant.Require(identity.IsFormed, "only a formed member has links");
        Invariant.Require(
            identity.Member == ClusterIdentity.MemberIdOf(identity.Name, identity.Incarnation),
            "the data directory's member id belongs to its name and incarnation");
        _listener = listener;
        _self = new PeerIdentity(
            identity.TokenDigest, identity.Cluster, identity.Member, identity.Name, identity.Incarnation, options.Boot, options.AdvertisedAddress);
        _handshake = new FormedHandshake(_self, null);
        var dialer = new PeerDialer(options.DialTimeout, options.HandshakeTimeout, options.Time);
        _linkSettings = new LinkSettings(
            _self,
            () => _handshake,
            dialer,
            events,
            new RateLimitedLog(options.Log, options.Time),
            options.Time,
            options.RedialFirst,
            options.RedialLongest,
            options.MaxQueuedBytesPerLink,
            options.MaxFrameBytes);
        _snapshots = new SnapshotTransfers(
            new SnapshotSettings(_self, () => _handshake, dialer, options.Log, options.SnapshotStall, options.SnapshotAckTimeout), events);
        _incoming = new IncomingConnections(
            () => _handshake, member => _links.GetValueOrDefault(member), events, options.MaxFrameBytes, options.SnapshotStall);
        listener.Use(_incoming);
    }

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyList<PeerEndpoint> peers)
    {
        lock (_disposeGate)
        {
            if (_disposed)
            {
                return;
            }
            var wanted = peers.Where(peer => peer.Member != _self.Member).ToDictionary(peer => peer.Member);
            var links = new Dictionary<MemberId, OutgoingLink>();
            foreach (var peer in wanted.Values)
            {
                if (_links.TryGetValue(peer.Member, out var link))
                {
                    if (link.Peer != peer)
                    {
                        link.Move(peer);
                        _snapshots.Stop(peer.Member);
                    }
                }
                else
                {
                    link = new OutgoingLink(peer, _linkSettings, _retired.FindLast(old => old.Peer.Member == peer.Member)?.Thread);
                    link.Start();
                }
                links.Add(peer.Member, link);
            }
            var vanished = _links.Values.Where(link => !wanted.ContainsKey(link.Peer.Member)).ToList();
            _links = links;
            // Only now: whoever is welcomed must find its link.
            _handshake = new FormedHandshake(_self, wanted);
            foreach (var link in vanished)
            {
                Retire(link);
            }
        }
    }

    /// <inheritdoc/>
    public bool Send(MemberId to, ReadOnlySpan<byte> frame) => _links.TryGetValue(to, out var link) && link.Send(frame);

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (var (_, link) in _links)
        {
            link.Flush();
        }
    }

    /// <inheritdoc/>
    public void SendSnapshot(MemberId to, ReadOnlyMemory<byte> header, Stream content) =>
        _snapshots.Start(_links.TryGetValue(to, out var link) ? link.Peer : new PeerEndpoint(to, "", ""), header, content);

    /// <summary>
    /// Closes the port first, so that peers that redial learn at once that this process is gone, then every connection, and waits for their
    /// threads. After it returned no event is told any more; a snapshot under way is told as not sent. Not from within an event.
    /// </summary>
    public void Dispose()
    {
        List<OutgoingLink> links;
        lock (_disposeGate)
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            links = [.. _links.Values, .. _retired];
            _links = [];
        }
        _listener.StopAccepting();
        foreach (var link in links)
        {
            link.Stop(silent: true);
        }
        _snapshots.Dispose();
        _listener.Dispose();
        foreach (var link in links)
        {
            link.Dispose();
        }
    }

    /// <summary>As <see cref="Dispose"/>, on another thread.</summary>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    private void Retire(OutgoingLink link)
    {
        link.Stop(silent: false);
        _snapshots.Stop(link.Peer.Member);
        _incoming.Close(link.Peer.Member);
        foreach (var ended in _retired.Where(old => !old.Thread.IsAlive).ToList())
        {
            _retired.Remove(ended);
            ended.Dispose();
        }
        _retired.Add(link);
    }
}
