using System.Net;
using Consensus.Raft;
using Consensus.Security.Generations;
using Consensus.StateMachine;
using Consensus.Storage;

namespace Consensus.Server.Hosting;

/// <summary>What one member is started with, checked already.</summary>
public sealed record NodeHostOptions
{
    public required string Name { get; init; }

    public required string DataDirectory { get; init; }

    public required IPEndPoint ListenPeer { get; init; }

    /// <summary>Where the process is going to listen for clients: an address that cannot be had is refused before anything is written. Null: nowhere.</summary>
    public IPEndPoint? ListenClient { get; init; }

    /// <summary>host:port that the other members dial; the listening address when empty.</summary>
    public string AdvertisePeer { get; init; } = "";

    /// <summary>The URL that clients use.</summary>
    public required string AdvertiseClient { get; init; }

    public string ClusterToken { get; init; } = "";

    /// <summary>By which certificates it links to the other members; null: without.</summary>
    public ITlsSource? Tls { get; init; }

    /// <summary>Name and host:port of every initial member, this one included; null when it was not given: a cluster of one. Read for an empty directory only (rule 7).</summary>
    public IReadOnlyList<(string Name, string Address)>? InitialCluster { get; init; }

    /// <summary>
    /// Name and host:port of members of this directory's cluster that are elsewhere than the log says, for this start; the log learns it afterwards. Empty for an empty directory.
    /// </summary>
    public IReadOnlyList<(string Name, string Address)> PeerAddresses { get; init; } = [];

    /// <summary>host:port of members of a cluster to join; empty to form one. On a formed directory they are only asked, as long as there is no leader.</summary>
    public IReadOnlyList<string> Join { get; init; } = [];

    public RaftOptions Raft { get; init; } = new();

    public long SnapshotEntries { get; init; } = 10_000;

    public string Version { get; init; } = "";

    public StorageOptions Storage { get; init; } = new();

    /// <summary>The same on all members of a cluster.</summary>
    public Limits Limits { get; init; } = Limits.Default;

    /// <summary>Settings of a new cluster, that of the member which announces itself first; what a member of another one is given is not read, and it says so.</summary>
    public IReadOnlyList<SettingValue> InitialSettings { get; init; } = [];

    /// <summary>
    /// Whose role is <c>admin</c> in a new cluster, which then judges rights from its first entries on; empty: it does not.
    /// </summary>
    public string FirstAdmin { get; init; } = "";
}
