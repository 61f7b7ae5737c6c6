using System.Globalization;
using System.Text;
using Consensus.Node;
using Consensus.Security.Certificates;
using Consensus.Server.Options;

namespace Consensus.Server.Hosting;

/// <summary>The few lines that a start prints: where it listens, where its data is, what to try next.</summary>
internal static class StartupText
{
    /// <param name="status">Of the member as it was recovered or formed: whom it knows.</param>
    /// <param name="certificate">Its own; null without TLS.</param>
    public static string Listening(ServerOptions options, NodeStatus status, Bundle? certificate = null)
    {
        var text = new StringBuilder();
        var others = OthersOf(status);
        text.Append(CultureInfo.InvariantCulture, $"consensusd {ConsensusServer.Version}: {options.Name}, {Membership(status, others.Count)} cluster {status.Cluster}\n");
        text.Append(CultureInfo.InvariantCulture, $"  clients  {options.ClientScheme}://{options.ListenClient}\n");
        text.Append(CultureInfo.InvariantCulture, $"  members  {options.ListenPeer}{(options.AdvertisePeer == options.ListenPeer.ToString() ? "" : $", told to the others as {options.AdvertisePeer}")}\n");
        if (others.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"  others   {Addresses(others)}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"  data     {Path.GetFullPath(options.DataDirectory)}\n");
        if (certificate is { Name: { } name })
        {
            var whose = $"{certificate.Path}: {name.Name} of {name.Domain}";
            text.Append(CultureInfo.InvariantCulture, $"  tls      {whose}, until {certificate.NotAfter:yyyy-MM-dd}\n");
        }
        if (options.Insecure)
        {
            text.Append("  INSECURE: whoever reaches these addresses can read and change everything; there is no TLS and no access control\n");
        }
        if (!IsMember(status))
        {
            text.Append(CultureInfo.InvariantCulture, $"Waits to be added: {HowToAdd(options.Name)}\n");
            return text.ToString();
        }
        text.Append("Try, in another terminal:\n");
        var curl = $"curl {(certificate is null ? "" : "--cacert ca.pem --cert admin.pem ")}{TryUrl(options)}/v1/locks/demo";
        text.Append(CultureInfo.InvariantCulture, $"  {curl} -d '{{\"owner\":\"me\",\"ttl\":\"60s\"}}'\n");
        text.Append(CultureInfo.InvariantCulture, $"  {curl}\n");
        return text.ToString();
    }

    /// <summary>What an operator types for a process that waits to be added.</summary>
    public static string HowToAdd(string name) => $"consensusctl members add {name} (--endpoints of a member), and when it has caught up consensusctl members promote {name}";

    /// <summary>Said once of a member that is not ready for long: what it waits for.</summary>
    public static string Waiting(NodeStatus status)
    {
        if (!IsMember(status))
        {
            return $"Still waits to be added to cluster {status.Cluster}: {HowToAdd(status.Name)}.\n";
        }
        if (!status.Leader.IsNone)
        {
            return $"Not ready yet: {status.LeaderName} leads, and this member is catching up with it.\n";
        }
        var others = OthersOf(status);
        var reached = others.Where(member => member.IsLinked).ToList();
        var missed = others.Where(member => !member.IsLinked).ToList();
        var text = "Not ready yet: no leader is known.";
        if (reached.Count > 0)
        {
            text += $" Linked with {string.Join(", ", reached.Select(member => member.Name))}.";
        }
        if (missed.Count > 0)
        {
            text += $" Not reached: {Addresses(missed)}; start them, check the network, and where they have moved give --peer-address NAME=HOST:PORT.";
        }
        else if (others.Count > 0)
        {
            text += " If that stays, they do not reach this member: where it tells them to dial it is said above, and --advertise-peer changes it.";
        }
        return text + "\n";
    }

    public static string Ready(NodeStatus status, TimeSpan uptime) => string.Create(
        CultureInfo.InvariantCulture,
        $"Ready after {uptime.TotalSeconds:0.0} s: cluster {status.Cluster}, leader {status.LeaderName}, term {status.Term}, revision {status.Revision}.\n");

    private static List<MemberStatus> OthersOf(NodeStatus status) =>
        [.. status.Members.Where(member => !member.IsSelf).OrderBy(member => member.Name, StringComparer.Ordinal)];

    private static bool IsMember(NodeStatus status) => status.Members.Any(member => member.IsSelf);

    private static string Membership(NodeStatus status, int others) => (IsMember(status), others) switch
    {
        (false, _) => "no member yet of",
        (true, 0) => "the only member of",
        _ => string.Create(CultureInfo.InvariantCulture, $"one of {others + 1} members of"),
    };

    private static string Addresses(IEnumerable<MemberStatus> members) => string.Join(", ", members.Select(member => $"{member.Name} {member.PeerAddress}"));

    private static string TryUrl(ServerOptions options)
    {
        var address = options.ListenClient;
        return $"{options.ClientScheme}://{(ListenAddress.IsAny(address.Address) ? $"127.0.0.1:{address.Port}" : address.ToString())}";
    }
}
