using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Links;

/// <summary>
/// Our outgoing links: to the peers that the node named, and to guests. A guest is a member of this cluster that our configuration does not know
/// (any more, or yet) but that has a link to us: without one back we could not answer it, and it may be the leader that is about to send us the
/// configuration (Raft §6). A guest's link lasts as long as its own to us.
/// </summary>
/// <remarks>Thread-safe. <paramref name="unlinked"/> is told, within the lock, of each member whose link is stopped or moved.</remarks>
internal sealed class LinkSet(LinkSettings settings, Action<MemberId> unlinked)
{
    public const int MaxGuests = 32;

    private readonly Lock _gate = new();
    private readonly HashSet<MemberId> _guests = [];

    /// <summary>
    /// Members that have a link to us, and how many connections it has, two while it is renewed: their processes have said themselves where
    /// they are.
    /// </summary>
    private readonly Dictionary<MemberId, int> _linkedToUs = [];

    /// <summary>Links that are not started yet.</summary>
    private readonly List<OutgoingLink> _new = [];

    /// <summary>Stopped links whose threads may still run.</summary>
    private readonly List<OutgoingLink> _retired = [];

    /// <summary>Never changed in place: a new one replaces it, so that every thread may read it.</summary>
    private volatile Dictionary<MemberId, OutgoingLink> _links = [];

    private bool _closed;

    public OutgoingLink? Find(MemberId member) => _links.GetValueOrDefault(member);

    /// <summary>Bytes that wait for the network on all links, and how many may. Any thread.</summary>
    public (long Held, long Limit) QueuedBytes
    {
        get
        {
            var links = _links;
            return (links.Values.Sum(link => link.QueuedBytes), (long)settings.MaxQueuedBytes * links.Count);
        }
    }

    public void Flush()
    {
        foreach (var (_, link) in _links)
        {
            link.Flush();
        }
    }

    /// <summary>
    /// From now on there are links to these peers, and to the guests among the others.
    /// </summary>
    /// <param name="publish">Called within the lock when the new links can be found, before others are stopped: whoever is welcomed must find its link.</param>
    /// <param name="gone">Told, within the lock, of each member that is a peer no longer.</param>
    public void SetPeers(IReadOnlyCollection<PeerEndpoint> peers, Action publish, Action<MemberId> gone)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }
            var links = new Dictionary<MemberId, OutgoingLink>();
            foreach (var peer in peers)
            {
                _guests.Remove(peer.Member);
                links.Add(peer.Member, LinkTo(peer));
            }
            foreach (var guest in _guests)
            {
                links.Add(guest, _links[guest]);
            }
            var vanished = _links.Values.Where(link => !links.ContainsKey(link.Member)).ToList();
            _links = links;
            publish();
            StartTheNew();
            foreach (var link in vanished)
            {
                Retire(link);
                gone(link.Member);
            }
        }
    }

    /// <summary>Guests that may not be ones any more lose their links.</summary>
    public void DropGuests(Func<MemberId, bool> mustGo, Action publish)
    {
        lock (_gate)
        {
            publish();
            _guests.Where(mustGo).ToList().ForEach(Drop);
        }
    }

    /// <summary>Where a member is dialled at present; null when there is no link to it.</summary>
    public string? AddressOf(MemberId member) => Find(member)?.Peer.Address;

    /// <summary>A member whose identity was found right says where it is: it is dialled back there (rule 7).</summary>
    public void SaysWhereItIs(PeerIdentity from) => Find(from.Member)?.IsAt(from.Address);

    /// <summary>A peer that welcomed us says where it dials others.</summary>
    public void Hears(IReadOnlyList<KnownMember> known)
    {
        foreach (var member in known)
        {
            if (PeerAddress.CanBeAdvertised(member.Address))
            {
                Find(member.Member)?.MayBeAt(member.Address);
            }
        }
    }

    /// <summary>
    /// The link to a member that has just linked itself with us: a peer's, or a guest's from now on. Null when it must not have one (any more), when there are
    /// too many guests, or when we are ending.
    /// </summary>
    public OutgoingLink? FindOrInvite(Hello hello)
    {
        var from = hello.Identity;
        lock (_gate)
        {
            if (_links.TryGetValue(from.Member, out var link))
            {
                Enter(from.Member);
                return link;
            }
            // Asked only now: it may have been removed since its handshake was judged.
            if (_closed || _guests.Count >= MaxGuests || settings.Handshake().Judge(hello) is not Welcome)
            {
                return null;
            }
            link = LinkTo(new PeerEndpoint(from.Member, from.Name, from.Address));
            _guests.Add(from.Member);
            Enter(from.Member);
            _links = new Dictionary<MemberId, OutgoingLink>(_links) { [from.Member] = link };
            StartTheNew();
            return link;
        }
    }

    /// <summary>A connection that was given a link ended. If it was the last one of a guest, that is none any more.</summary>
    public void Leave(MemberId member)
    {
        lock (_gate)
        {
            if (--_linkedToUs[member] > 0)
            {
                return;
            }
            _linkedToUs.Remove(member);
            if (!_closed && _guests.Contains(member))
            {
                Drop(member);
            }
        }
    }

    /// <summary>
    /// A member that has a link to us counts as linked until this is disposed of, whatever comes of the link; null when it has none.
    /// </summary>
    public IDisposable? Keep(MemberId member)
    {
        lock (_gate)
        {
            if (!_linkedToUs.ContainsKey(member))
            {
                return null;
            }
            Enter(member);
            return new Kept(this, member);
        }
    }

    /// <summary>Stops all links without a further event. The result is to be disposed of, which waits for their threads.</summary>
    public IReadOnlyList<OutgoingLink> Close()
    {
        lock (_gate)
        {
            _closed = true;
            OutgoingLink[] links = [.. _links.Values, .. _retired];
            _links = [];
            foreach (var link in links)
            {
                link.Stop(silent: true);
            }
            return links;
        }
    }

    private void Enter(MemberId member) => _linkedToUs[member] = _linkedToUs.GetValueOrDefault(member) + 1;

    private OutgoingLink LinkTo(PeerEndpoint peer)
    {
        if (_links.TryGetValue(peer.Member, out var link))
        {
            if (link.IsLogged(peer.Address, _linkedToUs.ContainsKey(peer.Member)))
            {
                unlinked(peer.Member);
            }
            return link;
        }
        link = new OutgoingLink(peer, settings, _retired.FindLast(old => old.Member == peer.Member)?.Thread);
        if (settings.Whereabouts.TryGetValue(peer.Member, out var address))
        {
            link.IsAt(address);
        }
        _new.Add(link);
        return link;
    }

    /// <summary>Only once all can be found: the first of them may hear at once where another one is.</summary>
    private void StartTheNew()
    {
        _new.ForEach(link => link.Start());
        _new.Clear();
    }

    private void Drop(MemberId guest)
    {
        var link = _links[guest];
        _guests.Remove(guest);
        var links = new Dictionary<MemberId, OutgoingLink>(_links);
        links.Remove(guest);
        _links = links;
        Retire(link);
    }

    private void Retire(OutgoingLink link)
    {
        link.Stop(silent: false);
        unlinked(link.Member);
        foreach (var ended in _retired.Where(old => !old.Thread.IsAlive).ToList())
        {
            _retired.Remove(ended);
            ended.Dispose();
        }
        _retired.Add(link);
    }

    private sealed class Kept(LinkSet links, MemberId member) : IDisposable
    {
        public void Dispose() => links.Leave(member);
    }
}
