using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Transport.Handshake;

/// <summary>Judges handshakes for a member that belongs to a cluster (rule 7). Immutable and without I/O.</summary>
/// <param name="self">This member, formed.</param>
/// <param name="peers">The other members; null while the log that names them is not read yet.</param>
internal sealed class FormedHandshake(PeerIdentity self, IReadOnlyDictionary<MemberId, PeerEndpoint>? peers)
{
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
        if (!peers.ContainsKey(claimed))
        {
            return peers.Values.Any(peer => peer.Name == from.Name)
                ? Refuse(
                    RefusalCode.DirectoryReplaced,
                    $"The data directory of {from.Name} was replaced: cluster {self.Cluster} knows {from.Name} with another incarnation.")
                : Refuse(RefusalCode.UnknownMember, $"Cluster {self.Cluster}, which {self.Name} belongs to, has no member {from.Name}.");
        }
        if (!from.IsFormed && hello.Purpose != Purpose.Meet)
        {
            return Refuse(RefusalCode.NotReady, $"{from.Name} is not formed yet.");
        }
        return new Welcome(self, hello.Purpose == Purpose.Meet ? Members(peers) : []);
    }

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
    public bool MustStop(Refusal refusal) => refusal.Code == RefusalCode.DirectoryReplaced && refusal.Cluster == self.Cluster;

    private List<KnownMember> Members(IReadOnlyDictionary<MemberId, PeerEndpoint> others) =>
        [new KnownMember(self.Name, self.Member), .. others.Values.Select(peer => new KnownMember(peer.Name, peer.Member))];

    private Refusal Refuse(RefusalCode code, string sentence) => new(code, sentence, self.Cluster, self.Name);
}
