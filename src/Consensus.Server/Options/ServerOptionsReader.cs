using System.Collections.Immutable;
using System.Net;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.Translation;

namespace Consensus.Server.Options;

/// <summary>Makes checked options of flags, environment and file. Every mistake is an <see cref="OptionsException"/> with one sentence.</summary>
public static class ServerOptionsReader
{
    private const int MaxInitialMembers = 15;
    private const int MaxMembers = 32;
    private const int MaxJoinAddresses = 32;

    private static readonly TimeSpan MinTtlLeast = TimeSpan.FromMicroseconds(ApiLimits.LowestMinTtlMicros);

    /// <param name="environment">Looks a variable up; null when it is not set.</param>
    public static ServerOptions Read(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var values = new OptionValues(RawOptions.Collect(arguments, environment));
        var insecure = values.Switch(OptionTable.Insecure);
        var tls = TlsOptionsReader.Read(values, insecure);
        var name = Name(values);
        var isOpen = insecure || tls is not null;
        var listenClient = Listen(values, OptionTable.ListenClient, 7379, name, isOpen);
        var listenPeer = Listen(values, OptionTable.ListenPeer, 7380, name, isOpen);
        if (listenClient.Port != 0 && listenClient.Equals(listenPeer))
        {
            throw new OptionsException($"--listen-client and --listen-peer are the same address, {listenClient}");
        }
        var (cluster, advertisePeer) = Cluster(values, name, listenPeer);
        var election = values.Duration(OptionTable.ElectionTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1));
        var heartbeat = values.Duration(
            OptionTable.HeartbeatInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(30));
        if (heartbeat * 2 >= election)
        {
            throw new OptionsException(
                $"--heartbeat-interval ({heartbeat.TotalMilliseconds} ms) is not below half of --election-timeout ({election.TotalMilliseconds} ms)");
        }
        var dataDirectory = values.Text(OptionTable.DataDir, "./data");
        return new ServerOptions
        {
            Name = name,
            DataDirectory = dataDirectory,
            ListenClient = listenClient,
            ListenPeer = listenPeer,
            AdvertiseClient = AdvertiseClient(values, listenClient, tls),
            AdvertisePeer = advertisePeer,
            ClusterToken = values.Text(OptionTable.ClusterToken, "consensus"),
            IsClusterTokenGiven = values.IsGiven(OptionTable.ClusterToken),
            InitialCluster = cluster,
            IsInitialClusterGiven = values.IsGiven(OptionTable.InitialCluster),
            PeerAddresses = values.IsGiven(OptionTable.PeerAddress)
                ? MemberList(values, OptionTable.PeerAddress, MaxMembers, "belong to a cluster")
                : [],
            Join = Join(values, advertisePeer),
            ElectionTimeout = election,
            HeartbeatInterval = heartbeat,
            SnapshotEntries = values.Count(OptionTable.SnapshotEntries, 10_000, 1, 100_000_000),
            MinTtl = values.Duration(OptionTable.MinTtl, TimeSpan.FromSeconds(1), MinTtlLeast, TimeSpan.FromHours(1)),
            InitialSettings = InitialSettings(values),
            AllowedHosts = AllowedHosts(values),
            Jwt = values.IsGiven(OptionTable.Jwt) ? values.Text(OptionTable.Jwt, "") : null,
            EncryptionKey = values.IsGiven(OptionTable.EncryptionKey) ? values.Text(OptionTable.EncryptionKey, "") : null,
            HasAdminSocket = !values.IsGiven(OptionTable.AdminSocket) || AdminSocket(values),
            Audit = AuditOptionsReader.Read(values, dataDirectory, knowsCallers: tls is not null),
            Insecure = insecure,
            Tls = tls,
        };
    }

    private static string Name(OptionValues values)
    {
        var name = values.Text(OptionTable.Name, "n1");
        return MemberName.IsValid(name) ? name : throw values.Wrong(OptionTable.Name, $"is \"{name}\"; it has to be {MemberName.Form}");
    }

    /// <param name="isOpen">Others may reach it: it has certificates, or is to do without.</param>
    private static IPEndPoint Listen(OptionValues values, string flag, int defaultPort, string name, bool isOpen)
    {
        var text = values.Text(flag, $"127.0.0.1:{defaultPort}");
        if (!ListenAddress.TryParse(text, out var endPoint))
        {
            throw values.Wrong(flag, $"is \"{text}\", not an IP address and a port such as 127.0.0.1:{defaultPort}");
        }
        if (!IPAddress.IsLoopback(endPoint.Address) && !isOpen)
        {
            var host = ListenAddress.IsAny(endPoint.Address) ? "HOST" : endPoint.Address.ToString();
            var remedy = $"give --tls FILE (consensusctl cert create {name}={host} makes one), or --insecure";
            throw values.Wrong(flag, $"is {endPoint}, which others can reach: {remedy}");
        }
        return endPoint;
    }

    private static string AdvertiseClient(OptionValues values, IPEndPoint listen, ServerTlsOptions? tls)
    {
        var scheme = ServerOptions.SchemeWith(tls);
        if (!values.IsGiven(OptionTable.AdvertiseClient))
        {
            return ListenAddress.IsAny(listen.Address)
                ? throw new OptionsException($"--advertise-client is missing: --listen-client is {listen}, which is no address that clients can reach")
                : $"{scheme}://{listen}";
        }
        var text = values.Text(OptionTable.AdvertiseClient, "");
        if (!MemberUrl.TryParse(text.Contains("://", StringComparison.Ordinal) ? text : $"{scheme}://{text}", out var url, out var refusal))
        {
            throw values.Wrong(OptionTable.AdvertiseClient, $"is \"{text}\": {refusal}; write a URL such as {scheme}://host:7379");
        }
        return tls is null || url.Scheme == scheme
            ? url.OriginalString.TrimEnd('/')
            : throw values.Wrong(
                OptionTable.AdvertiseClient,
                $"is \"{text}\", and with --tls clients reach this member over https: write {scheme}://{url.Authority}");
    }

    private static (ImmutableArray<InitialClusterMember> Members, string AdvertisePeer) Cluster(
        OptionValues values, string name, IPEndPoint listen)
    {
        // Whether the list fits this member matters for an empty data directory only; so that is asked once the directory is open.
        ImmutableArray<InitialClusterMember> members = values.IsGiven(OptionTable.InitialCluster)
            ? MemberList(values, OptionTable.InitialCluster, MaxInitialMembers, "vote")
            : [];
        var own = AdvertisePeer(values) ?? members.FirstOrDefault(member => member.Name == name)?.PeerAddress;
        if (own is null && ListenAddress.IsAny(listen.Address))
        {
            throw new OptionsException($"--advertise-peer is missing: --listen-peer is {listen}, which is no address that members can reach");
        }
        own ??= listen.ToString();
        return (members.IsEmpty ? [new InitialClusterMember(name, own)] : members, own);
    }

    private static string? AdvertisePeer(OptionValues values)
    {
        if (!values.IsGiven(OptionTable.AdvertisePeer))
        {
            return null;
        }
        var text = values.Text(OptionTable.AdvertisePeer, "");
        return ListenAddress.TrySplit(text, out _, out var port) && port != 0
            ? text
            : throw values.Wrong(OptionTable.AdvertisePeer, $"is \"{text}\", not a host and a port such as 127.0.0.1:7380");
    }

    private static ImmutableArray<InitialClusterMember> MemberList(OptionValues values, string flag, int most, string what)
    {
        var members = ImmutableArray.CreateBuilder<InitialClusterMember>();
        foreach (var entry in values.Text(flag, "").Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : entry[..equals];
            var address = equals < 0 ? "" : entry[(equals + 1)..];
            if (!MemberName.IsValid(name) || !ListenAddress.TrySplit(address, out _, out var port) || port == 0)
            {
                throw values.Wrong(flag, $"has the entry \"{entry}\", not a name and an address such as n1=127.0.0.1:7380");
            }
            if (members.Any(member => member.Name == name || member.PeerAddress == address))
            {
                throw values.Wrong(flag, $"has the entry \"{entry}\", whose name or address another entry has too");
            }
            members.Add(new InitialClusterMember(name, address));
        }
        return members.Count <= most
            ? members.ToImmutable()
            : throw values.Wrong(flag, $"names {members.Count} members; at most {most} can {what}");
    }

    private static ImmutableArray<string> Join(OptionValues values, string advertisePeer)
    {
        if (!values.IsGiven(OptionTable.Join))
        {
            return [];
        }
        if (values.IsGiven(OptionTable.InitialCluster))
        {
            throw values.Wrong(
                OptionTable.Join, "is given together with --initial-cluster; a member either forms a new cluster or joins one that exists");
        }
        var addresses = values.Text(OptionTable.Join, "").Split(',', StringSplitOptions.TrimEntries);
        foreach (var address in addresses)
        {
            if (!ListenAddress.TrySplit(address, out _, out var port) || port == 0)
            {
                throw values.Wrong(OptionTable.Join, $"has the entry \"{address}\", not a host and a port such as 127.0.0.1:7380");
            }
            if (address == advertisePeer)
            {
                throw values.Wrong(OptionTable.Join, $"has the entry \"{address}\", which is this member's own address");
            }
        }
        return addresses.Length <= MaxJoinAddresses
            ? [.. addresses.Distinct()]
            : throw values.Wrong(OptionTable.Join, $"has {addresses.Length} entries; at most {MaxJoinAddresses} are read");
    }

    private static ImmutableArray<SettingValue> InitialSettings(OptionValues values)
    {
        if (!values.IsGiven(OptionTable.InitialSettings))
        {
            return [];
        }
        var settings = ImmutableArray.CreateBuilder<SettingValue>();
        foreach (var entry in values.Text(OptionTable.InitialSettings, "").Split(',', StringSplitOptions.TrimEntries))
        {
            if (SettingTexts.TryRead(entry, out var mistake) is not { } setting)
            {
                throw values.Wrong(OptionTable.InitialSettings, mistake!);
            }
            if (settings.Any(other => other.Setting == setting.Setting))
            {
                throw values.Wrong(OptionTable.InitialSettings, $"has the entry \"{entry}\", whose setting another entry has too");
            }
            settings.Add(setting);
        }
        return settings.ToImmutable();
    }

    private static bool AdminSocket(OptionValues values) => values.Text(OptionTable.AdminSocket, "") is "none"
        ? false
        : throw values.Wrong(OptionTable.AdminSocket, "takes \"none\" alone: else it is admin.sock in the data directory");

    private static ImmutableArray<string> AllowedHosts(OptionValues values)
    {
        if (!values.IsGiven(OptionTable.AllowedHosts))
        {
            return [];
        }
        var hosts = values.Text(OptionTable.AllowedHosts, "").Split(',', StringSplitOptions.TrimEntries);
        foreach (var host in hosts)
        {
            if (host != "*" && Uri.CheckHostName(host) == UriHostNameType.Unknown)
            {
                throw values.Wrong(OptionTable.AllowedHosts, $"has the entry \"{host}\", not a host name or address without a port");
            }
        }
        return [.. hosts];
    }
}
