using System.Collections.Immutable;
using System.Net;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Server.Options;

/// <summary>A member of the cluster as <c>--initial-cluster</c> and <c>--peer-address</c> name it.</summary>
/// <param name="PeerAddress"><c>host:port</c>.</param>
public sealed record InitialClusterMember(string Name, string PeerAddress);

/// <summary>How one member runs: checked, complete, with every default filled in.</summary>
public sealed record ServerOptions
{
    public required string Name { get; init; }

    /// <summary>As given; relative to the working directory.</summary>
    public required string DataDirectory { get; init; }

    public required IPEndPoint ListenClient { get; init; }

    public required IPEndPoint ListenPeer { get; init; }

    /// <summary>The URL that clients reach this member under.</summary>
    public required string AdvertiseClient { get; init; }

    /// <summary>The <c>host:port</c> that members reach this one under.</summary>
    public required string AdvertisePeer { get; init; }

    public required string ClusterToken { get; init; }

    /// <summary>All members of a new cluster, with this one among them where that matters: for an empty data directory, for which alone it is read (rule 7).</summary>
    public required ImmutableArray<InitialClusterMember> InitialCluster { get; init; }

    /// <summary>False when <see cref="InitialCluster"/> is the default: this member alone.</summary>
    public required bool IsInitialClusterGiven { get; init; }

    /// <summary>Members that have moved, with their new addresses: for this start.</summary>
    public required ImmutableArray<InitialClusterMember> PeerAddresses { get; init; }

    /// <summary>Peer addresses of members of the cluster to join; empty to form one. Read for an empty data directory, and to be seen waiting.</summary>
    public required ImmutableArray<string> Join { get; init; }

    public required TimeSpan ElectionTimeout { get; init; }

    public required TimeSpan HeartbeatInterval { get; init; }

    /// <summary>Applied entries after which a snapshot is due.</summary>
    public required long SnapshotEntries { get; init; }

    public required TimeSpan MinTtl { get; init; }

    /// <summary>Of a new cluster: read when it is formed.</summary>
    public required ImmutableArray<SettingValue> InitialSettings { get; init; }

    /// <summary>Host names beside our own under which clients may ask; <c>*</c> allows any.</summary>
    public required ImmutableArray<string> AllowedHosts { get; init; }

    /// <summary>The file of the issuers whose JSON Web Tokens are believed; null: nobody's are.</summary>
    public string? Jwt { get; init; }

    /// <summary>The file of the keys that log and snapshots are sealed with; null: they are plain.</summary>
    public string? EncryptionKey { get; init; }

    /// <summary>Whoever has the machine may ask at a socket in the data directory.</summary>
    public bool HasAdminSocket { get; init; } = true;

    /// <summary>What it records of who asked for what; null: nothing.</summary>
    public AuditOptions? Audit { get; init; }

    /// <summary>Listens beyond loopback without TLS and without access control.</summary>
    public required bool Insecure { get; init; }

    /// <summary>Null: without TLS.</summary>
    public ServerTlsOptions? Tls { get; init; }

    /// <summary>False when <see cref="ClusterToken"/> is the default.</summary>
    public bool IsClusterTokenGiven { get; init; }

    /// <summary>Of the URLs under which clients reach this member.</summary>
    public string ClientScheme => SchemeWith(Tls);

    /// <summary>The scheme of a client's URL.</summary>
    public static string SchemeWith(ServerTlsOptions? tls) => tls is null ? "http" : "https";

    /// <summary>The core's ticks are milliseconds.</summary>
    public RaftOptions ToRaftOptions() => new()
    {
        ElectionTimeoutTicks = (int)ElectionTimeout.TotalMilliseconds,
        HeartbeatIntervalTicks = (int)HeartbeatInterval.TotalMilliseconds,
    };
}
