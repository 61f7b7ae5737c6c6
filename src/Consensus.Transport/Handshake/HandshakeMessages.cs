using Consensus.Primitives;

namespace Consensus.Transport.Handshake;

/// <summary>What a connection is for.</summary>
internal enum Purpose
{
    Unspecified = 0,

    /// <summary>Frames from the dialler to the acceptor, for as long as both live.</summary>
    Link = 1,

    /// <summary>One snapshot file.</summary>
    Snapshot = 2,

    /// <summary>Members of a cluster that is not formed yet learn each other's incarnations.</summary>
    Meet = 3,

    /// <summary>A process that no configuration contains yet learns whose cluster it is, and is known as waiting to be added.</summary>
    Join = 4,
}

/// <summary>Why a connection was refused. Values are on the wire; one that this version does not know means "try again".</summary>
internal enum RefusalCode
{
    Unspecified = 0,
    NotReady = 1,
    TokenMismatch = 2,
    ClusterMismatch = 3,
    DirectoryReplaced = 4,
    UnknownMember = 5,
    WrongName = 6,
    InitialClusterMismatch = 7,
    Inconsistent = 8,
    Removed = 9,

    /// <summary>Another certificate than that of the name in its Hello.</summary>
    CertificateMismatch = 10,
}

/// <summary>Who speaks. <see cref="Cluster"/> and <see cref="Member"/> are none until it is formed.</summary>
/// <param name="Boot">Random, made with the process.</param>
/// <param name="Address">host:port that the others dial.</param>
internal sealed record PeerIdentity(
    ReadOnlyMemory<byte> TokenDigest,
    ClusterId Cluster,
    MemberId Member,
    string Name,
    long Incarnation,
    long Boot,
    string Address)
{
    public bool IsFormed => !Cluster.IsNone;
}

/// <summary>A member as met, or as the cluster knows it.</summary>
/// <param name="Address">In the answer to <see cref="Purpose.Link"/> and <see cref="Purpose.Join"/>: host:port where it is dialled; else empty.</param>
internal readonly record struct KnownMember(string Name, MemberId Member, string Address = "");

internal abstract record HandshakeMessage;

/// <param name="Wanted">Name of the member that the dialler means to reach; empty for <see cref="Purpose.Join"/>, which knows addresses only.</param>
/// <param name="InitialCluster">For <see cref="Purpose.Meet"/>, else empty: the whole list in its canonical form.</param>
/// <param name="Known">For <see cref="Purpose.Meet"/>: whom the dialler has met, itself included.</param>
/// <param name="Renews">
/// For <see cref="Purpose.Link"/>: the dialler's link stands, and ends by itself once all is sent on it; this one goes on where that one
/// ends.
/// </param>
internal sealed record Hello(
    PeerIdentity Identity,
    Purpose Purpose,
    string Wanted,
    string InitialCluster,
    IReadOnlyList<KnownMember> Known,
    bool Renews = false) : HandshakeMessage;

/// <summary>What the acceptor answers: <see cref="Welcome"/> or <see cref="Refusal"/>.</summary>
internal abstract record HandshakeReply : HandshakeMessage;

/// <param name="Known">To <see cref="Purpose.Meet"/>: whom the acceptor has met, or, when it is formed, the cluster's members; to <see cref="Purpose.Link"/> and <see cref="Purpose.Join"/> these, with as many addresses as fit.</param>
internal sealed record Welcome(PeerIdentity Identity, IReadOnlyList<KnownMember> Known) : HandshakeReply;

/// <param name="Sentence">For the operator of the refused one.</param>
/// <param name="Cluster">The refusing member's, none when it is not formed.</param>
/// <param name="Name">The refusing member's.</param>
internal sealed record Refusal(RefusalCode Code, string Sentence, ClusterId Cluster, string Name) : HandshakeReply
{
    /// <summary>True when waiting can be enough. A code of a later version counts as that: it cannot be judged.</summary>
    public bool IsTransient => Code is RefusalCode.NotReady or RefusalCode.Unspecified or > RefusalCode.CertificateMismatch;
}
