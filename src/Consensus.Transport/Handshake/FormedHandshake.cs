using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;

namespace Consensus.Transport.Handshake;

/// <summary>Judges handshakes for a member that belongs to a cluster (rule 7). Immutable and without I/O.</summary>
/// <param name="self">This member, formed.</param>
/// <param name="peers">The other members; null while the log that names them is not read yet.</param>
/// <param name="removed">Ids that were members once and never will be again.</param>
internal sealed class FormedHandshake(PeerIdentity self, IReadOnlyDictionary<MemberId, PeerEndpoint>? peers, IReadOnlySet<MemberId> removed)
{
    /// <summary>Bytes of addresses in one Welcome, so that it fits its frame whatever the names' lengths.</summary>
    private const int MaxAddressBytes = 896;

    /// <summary>Whether the configuration has a member with this id, this one aside.</summary>
    public bool HasPeer(MemberId member) => peers is not null && peers.ContainsKey(member);

    public bool IsRemoved(MemberId member) => removed.Contains(member);

    /// <summary>As acceptor: may this dialler have the connection it asks for?</summary>
    public HandshakeReply Judge(Hello hello)
    {
        var from = hello.Identity;
        if (!from.TokenDigest.Span.SequenceEqual(self.TokenDigest.Span))
        {
            return Refuse(RefusalCode.TokenMismatch, $"{self.Name} was started with another --cluster-token than {from.Name}.");
        }
        if (from.IsFormed && from.Cluster != self.Cluster)
        {
            return Refuse(
                RefusalCode.ClusterMismatch,
                $"{self.Name} belongs to cluster {self.Cluster}, {from.Name} to cluster {from.Cluster}.");
        }
        if (hello.Purpose == Purpose.Join)
        {
            return JudgeJoiner(from);
        }
        if (hello.Wanted != self.Name || from.Name == self.Name)
        {
            return Refuse(RefusalCode.WrongName, $"{from.Name} dialled {hello.Wanted}, but {self.Name} answers at this address.");
        }
        var claimed = ClusterIdentity.MemberIdOf(from.Name, from.Incarnation);
        if (from.IsFormed && from.Member != claimed)
        {
            return Refuse(RefusalCode.Inconsistent, $"The member id {from.Member} does not belong to {from.Name} and its incarnation.");
        }
        if (peers is null)
        {
            return Refuse(RefusalCode.NotReady, $"{self.Name} is still starting.");
        }
        if (removed.Contains(claimed))
        {
            return RefuseRemoved(from);
        }
        // Whoever is formed belongs to this cluster, or waits to. If our configuration does not know it, ours may be the older one, and it the very
        // leader that we have to hear (Raft §6).
        if (!peers.ContainsKey(claimed) && !from.IsFormed)
        {
            return Members().Any(member => member.Name == from.Name)
                ? Refuse(
                    RefusalCode.DirectoryReplaced,
                    $"The data directory of {from.Name} was replaced: cluster {self.Cluster} knows {from.Name} with another incarnation.")
                : Refuse(RefusalCode.UnknownMember, $"Cluster {self.Cluster}, which {self.Name} belongs to, has no member {from.Name}.");
        }
        if (!from.IsFormed && hello.Purpose != Purpose.Meet)
        {
            return Refuse(RefusalCode.NotReady, $"{from.Name} is not formed yet.");
        }
        if (hello.Purpose == Purpose.Link && !PeerAddress.CanBeAdvertised(from.Address))
        {
            return Refuse(RefusalCode.Inconsistent, $"The address '{from.Address}' that {from.Name} advertises is not host:port.");
        }
        return new Welcome(self, hello.Purpose switch
        {
            Purpose.Meet => [.. Members().Select(member => member with { Address = "" })],
            Purpose.Link => Whereabouts(_ => null),
            _ => [],
        });
    }

    /// <summary>The members with their addresses, for as many as fit into a Welcome.</summary>
    /// <param name="current">Where a member is at present; null: where the log says.</param>
    public IReadOnlyList<KnownMember> Whereabouts(Func<MemberId, string?> current)
    {
        var left = MaxAddressBytes;
        return Members().ConvertAll(member =>
        {
            var address = current(member.Member) ?? member.Address;
            return member with { Address = (left -= address.Length) >= 0 ? address : "" };
        });
    }

    /// <summary>
    /// A process of a new incarnation is told the cluster, unless its name is still in use: a member whose data directory was lost is another member,
    /// and the old one has to be removed first, so that nobody counts on what it had promised.
    /// </summary>
    private HandshakeReply JudgeJoiner(PeerIdentity from)
    {
        var claimed = ClusterIdentity.MemberIdOf(from.Name, from.Incarnation);
        if (from.IsFormed && from.Member != claimed)
        {
            return Refuse(RefusalCode.Inconsistent, $"The member id {from.Member} does not belong to {from.Name} and its incarnation.");
        }
        if (!PeerAddress.CanBeAdvertised(from.Address))
        {
            return Refuse(RefusalCode.Inconsistent, $"The address '{from.Address}' that {from.Name} advertises is not host:port.");
        }
        if (claimed == self.Member)
        {
            return Refuse(RefusalCode.WrongName, $"{self.Name} dialled itself.");
        }
        if (peers is null)
        {
            return Refuse(RefusalCode.NotReady, $"{self.Name} is still starting.");
        }
        if (removed.Contains(claimed))
        {
            return RefuseRemoved(from);
        }
        return Members().Any(member => member.Name == from.Name && member.Member != claimed)
            ? Refuse(
                RefusalCode.DirectoryReplaced,
                $"Cluster {self.Cluster} has a member {from.Name} with another data directory: if that one is lost, remove it (consensusctl members remove {from.Name}) and then start consensusd --name {from.Name} again with the same command line; else give the new one another --name.")
            : new Welcome(self, Whereabouts(_ => null));
    }

    private Refusal RefuseRemoved(PeerIdentity from) =>
        Refuse(RefusalCode.Removed, MemberRemovedException.Sentence(from.Name, self.Cluster) + ".");

    /// <summary>As dialler: why the one who welcomed us is not the peer that we meant; null when it is.</summary>
    public string? Mistaken(Welcome welcome, PeerEndpoint peer)
    {
        var to = welcome.Identity;
        if (!to.TokenDigest.Span.SequenceEqual(self.TokenDigest.Span) || to.Cluster != self.Cluster)
        {
            return $"the process at {peer.Address} belongs to another cluster";
        }
        return to.Member != peer.Member || to.Name != peer.Name || ClusterIdentity.MemberIdOf(to.Name, to.Incarnation) != peer.Member
            ? $"the process at {peer.Address} is not {peer.Name} of this cluster"
            : null;
    }

    /// <summary>
    /// Whether a refusal obliges this member to stop. Only its own cluster can say so: a stranger who took over a peer's address, or a peer
    /// that was formed anew with another cluster, must not be able to stop a healthy member. And a member that the other does not know
    /// <i>yet</i> may be one whose entry the other has still to receive.
    /// </summary>
    public bool MustStop(Refusal refusal) =>
        refusal.Code is (RefusalCode.DirectoryReplaced or RefusalCode.Removed) && refusal.Cluster == self.Cluster;

    /// <summary>Of the configuration. One that was just removed is a peer for a little longer, so that it hears of it, but no member any more.</summary>
    private List<KnownMember> Members() =>
    [
        new KnownMember(self.Name, self.Member, self.Address),
        .. peers!.Values.Where(peer => !removed.Contains(peer.Member)).Select(peer => new KnownMember(peer.Name, peer.Member, peer.Address)),
    ];

    private Refusal Refuse(RefusalCode code, string sentence) => new(code, sentence, self.Cluster, self.Name);
}
