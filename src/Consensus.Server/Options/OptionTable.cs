namespace Consensus.Server.Options;

/// <summary>One option: its flag without the dashes, its name in a file and in the environment, and what it is for.</summary>
/// <param name="Value">What the value is, for the help; null for a switch.</param>
internal sealed record OptionDefinition(string Flag, string? Value, string Help)
{
    /// <summary>In a configuration file: <c>dataDir</c>.</summary>
    public string FileName { get; } = ToCamelCase(Flag);

    /// <summary>In the environment: <c>CONSENSUS_DATA_DIR</c>.</summary>
    public string EnvironmentName { get; } = "CONSENSUS_" + Flag.Replace('-', '_').ToUpperInvariant();

    public bool IsSwitch => Value is null;

    private static string ToCamelCase(string flag)
    {
        var words = flag.Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}

/// <summary>Every option of <c>consensusd</c>, in the order of its help.</summary>
internal static class OptionTable
{
    public const string Name = "name";
    public const string DataDir = "data-dir";
    public const string ListenClient = "listen-client";
    public const string ListenPeer = "listen-peer";
    public const string AdvertiseClient = "advertise-client";
    public const string AdvertisePeer = "advertise-peer";
    public const string ClusterToken = "cluster-token";
    public const string InitialCluster = "initial-cluster";
    public const string PeerAddress = "peer-address";
    public const string Join = "join";
    public const string ElectionTimeout = "election-timeout";
    public const string HeartbeatInterval = "heartbeat-interval";
    public const string SnapshotEntries = "snapshot-entries";
    public const string MinTtl = "min-ttl";
    public const string InitialSettings = "initial-settings";
    public const string AllowedHosts = "allowed-hosts";
    public const string Tls = "tls";
    public const string TlsClients = "tls-clients";
    public const string TlsMin = "tls-min";
    public const string PeerTls = "peer-tls";
    public const string Jwt = "jwt";
    public const string EncryptionKey = "encryption-key";
    public const string AdminSocket = "admin-socket";
    public const string Audit = "audit";
    public const string AuditLevel = "audit-level";
    public const string AuditRequired = "audit-required";
    public const string Insecure = "insecure";
    public const string Config = "config";

    public static readonly IReadOnlyList<OptionDefinition> All =
    [
        new(Name, "NAME", "this member's name: 1 to 63 of A-Z a-z 0-9 . _ - (n1)"),
        new(DataDir, "DIR", "where its log and snapshots are kept (./data)"),
        new(ListenClient, "IP:PORT", "where it listens for clients (127.0.0.1:7379)"),
        new(ListenPeer, "IP:PORT", "where it listens for the other members (127.0.0.1:7380)"),
        new(AdvertiseClient, "URL", "where clients reach it (http:// or, with --tls, https:// and the listen address)"),
        new(AdvertisePeer, "HOST:PORT", "where the other members reach it (its own entry in --initial-cluster, or the listen address)"),
        new(ClusterToken, "TEXT", "keeps clusters apart; the same on all members (consensus; with --tls the domain of the certificate)"),
        new(InitialCluster, "N1=HOST:PORT,N2=…", "all members of a new cluster with their peer addresses (this member alone)"),
        new(PeerAddress, "N1=HOST:PORT,N2=…", "members that have moved, and where they are: for this start, when several moved at once (none)"),
        new(Join, "HOST:PORT,…", "peer addresses of members of a cluster that this one, with an empty data directory, is to be added to (none)"),
        new(ElectionTimeout, "DURATION", "how long it waits for a leader before it stands for election (1s)"),
        new(HeartbeatInterval, "DURATION", "how often it shows itself as leader (100ms)"),
        new(SnapshotEntries, "COUNT", "applied entries after which a snapshot is taken (10000)"),
        new(MinTtl, "DURATION", "the smallest TTL of a lease; not below 100ms (1s)"),
        new(InitialSettings, "NAME=VALUE,…", "settings of a new cluster, such as quota-bytes=8GiB; later consensusctl settings changes them (none)"),
        new(AllowedHosts, "NAME,NAME,…", "more host names under which clients may ask; * allows any (none)"),
        new(Tls, "FILE", "key, certificate and CA, or a directory of tls.key, tls.crt, ca.crt: https for clients, TLS for members (none)"),
        new(TlsClients, "FILE", "certificates of more CAs, whose clients are let in by the URI in their certificates (none)"),
        new(TlsMin, "VERSION", "the oldest TLS that clients may speak: 1.3, or 1.2 (1.3)"),
        new(PeerTls, "FILE", "as --tls, for the links among members alone (that of --tls)"),
        new(Jwt, "FILE", "a JSON list of issuers, whose JSON Web Tokens are believed by the keys in files that it names (none)"),
        new(
            EncryptionKey,
            "FILE",
            "keys that seal its log and snapshots on disk, a line each: an id and 32 bytes in base64 (none: they are plain)"),
        new(AdminSocket, "none", "no admin.sock in the data directory, at which its own user and root may everything (there is one)"),
        new(Audit, "FILE", "where it records who asked for what; none: nowhere (with --tls audit/ in the data directory, else none)"),
        new(
            AuditLevel,
            "LEVEL,SPACE=LEVEL,…",
            "what it records: denied, admin, write or all, and of single spaces more or less: admin,locks=write (admin)"),
        new(AuditRequired, null, "do nothing that is to be recorded while the record cannot be written: 503"),
        new(Insecure, null, "listen beyond loopback without TLS: whoever reaches the addresses can read and change everything"),
        new(Config, "FILE", "a JSON file of these options: {\"name\":\"n1\",\"dataDir\":\"/var/lib/consensus\"}"),
    ];

    public static OptionDefinition? FindFlag(string flag) => All.FirstOrDefault(option => option.Flag == flag);
}
