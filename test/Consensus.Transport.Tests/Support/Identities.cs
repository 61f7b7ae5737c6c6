using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Tests.Support;

internal static class Identities
{
    public const string Token = "a token";
    public static readonly ClusterId Cluster = new(77);

    public static DirectoryIdentity Formed(string name, long incarnation = 1, string token = Token, ClusterId? cluster = null) =>
        new(name, incarnation, ClusterIdentity.TokenDigest(token), cluster ?? Cluster, ClusterIdentity.MemberIdOf(name, incarnation));

    public static PeerIdentity OnWire(DirectoryIdentity identity, long boot = 5, string address = "127.0.0.1:1") =>
        new(identity.TokenDigest, identity.Cluster, identity.Member, identity.Name, identity.Incarnation, boot, address);

    public static PeerIdentity Unformed(string name, long incarnation = 1, string token = Token) =>
        new(ClusterIdentity.TokenDigest(token), ClusterId.None, MemberId.None, name, incarnation, 5, "127.0.0.1:1");

    public static PeerEndpoint EndpointOf(DirectoryIdentity identity, string address) => new(identity.Member, identity.Name, address);

    public static Hello HelloTo(string wanted, PeerIdentity from, Purpose purpose = Purpose.Link) => new(from, purpose, wanted, "", []);
}
