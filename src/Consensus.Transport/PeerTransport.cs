using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Joining;
using Consensus.Transport.Links;
using Consensus.Transport.Listening;
using Consensus.Transport.Snapshots;

namespace Consensus.Transport;

/// <summary>
/// Links to the other members over TCP, in mutual TLS where the cluster has it. For each peer one connection that we dialled, used only to
/// send, and one that it dialled, used
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
    private readonly LinkSet _links;
    private readonly IncomingConnections _incoming;
    private readonly SnapshotTransfers _snapshots;
    private readonly JoinerList _joiners;

    private volatile FormedHandshake _handshake;
    private int _disposed;

    /// <summary>Of the latest <see cref="SetPeers"/>; null before the first. With the node's turn, as the next.</summary>
    private Dictionary<MemberId, PeerEndpoint>? _peers;

    private HashSet<MemberId> _removed = [];

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
        _handshake = new FormedHandshake(_self, _peers, _removed);
        _joiners = new JoinerList(options.Time);
        var dialer = new PeerDialer(options.DialTimeout, options.HandshakeTimeout, options.Time, options.Tls);
        _snapshots = new SnapshotTransfers(
            new SnapshotSettings(_self, () => _handshake, dialer, options.Log, options.SnapshotStall, options.SnapshotAckTimeout, options.Fatal), events);
        var linkSettings = new LinkSettings(
            _self,
            () => _handshake,
            dialer,
            options.Whereabouts,
            known => _links!.Hears(known),
            events,
            new RateLimitedLog(options.Log, options.Time),
            options.Log,
            options.Time,
            options.RedialFirst,
            options.RedialLongest,
            options.MaxQueuedBytesPerLink,
            options.MaxFrameBytes,
            options.Tls,
            options.Renewal,
            options.Fatal);
        _links = new LinkSet(linkSettings, _snapshots.Stop);
        _incoming = new IncomingConnections(() => _handshake, _links, _joiners, events, options.MaxFrameBytes, options.SnapshotStall);
        listener.Use(_incoming);
    }

    /// <inheritdoc/>
    public IReadOnlyList<JoiningMember> Joiners
    {
        get
        {
            var handshake = _handshake;
            return _joiners.List(member => !handshake.HasPeer(member) && !handshake.IsRemoved(member));
        }
    }

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyList<PeerEndpoint> peers)
    {
        _peers = peers.Where(peer => peer.Member != _self.Member).ToDictionary(peer => peer.Member);
        _links.SetPeers(_peers.Values, PublishHandshake, gone => _incoming.Close(member => member == gone));
    }

    /// <inheritdoc/>
    public void SetRemoved(IReadOnlyList<MemberId> removed)
    {
        _removed = [.. removed];
        _links.DropGuests(_removed.Contains, PublishHandshake);
        _incoming.Close(member => _removed.Contains(member) && _links.Find(member) is null);
    }

    /// <inheritdoc/>
    public bool Send(MemberId to, ReadOnlySpan<byte> frame, bool isUrgent = false) => _links.Find(to) is { } link && link.Send(frame, isUrgent);

    /// <inheritdoc/>
    public (long Held, long Limit) QueuedBytes => _links.QueuedBytes;

    /// <inheritdoc/>
    public void Flush() => _links.Flush();

    /// <inheritdoc/>
    public void SendSnapshot(MemberId to, ReadOnlyMemory<byte> header, Stream content) =>
        _snapshots.Start(_links.Find(to)?.Peer ?? new PeerEndpoint(to, "", ""), header, content);

    /// <summary>
    /// Closes the port first, so that peers that redial learn at once that this process is gone, then every connection, and waits for their
    /// threads. After it returned no event is told any more; a snapshot under way is told as not sent. Not from within an event.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        _listener.StopAccepting();
        var links = _links.Close();
        _snapshots.Dispose();
        _listener.Dispose();
        foreach (var link in links)
        {
            link.Dispose();
        }
    }

    /// <summary>As <see cref="Dispose"/>, on another thread.</summary>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    private void PublishHandshake() => _handshake = new FormedHandshake(_self, _peers, _removed);
}
