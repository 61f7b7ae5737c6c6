using System.Globalization;
using System.Text;
using Consensus.Node;
using Consensus.Server.Options;

namespace Consensus.Server.Hosting;

/// <summary>The few lines that a start prints: where it listens, where its data is, what to try next.</summary>
internal static class StartupText
{
    public static string Listening(ServerOptions options)
    {
        var text = new StringBuilder();
        var members = options switch
        {
            { Join.Length: > 0 } => "member of a cluster that it joins",
            { InitialCluster.Length: 1 } => "a single node",
            _ => $"one of {options.InitialCluster.Length} members",
        };
        text.Append(CultureInfo.InvariantCulture, $"consensusd {ConsensusServer.Version}: {options.Name}, {members}\n");
        text.Append(CultureInfo.InvariantCulture, $"  clients  http://{options.ListenClient}\n");
        text.Append(CultureInfo.InvariantCulture, $"  members  {options.ListenPeer}\n");
        text.Append(CultureInfo.InvariantCulture, $"  data     {Path.GetFullPath(options.DataDirectory)}\n");
        if (options.Insecure)
        {
            text.Append("  INSECURE: whoever reaches these addresses can read and change everything; there is no TLS and no access control\n");
        }
        text.Append("Try, in another terminal:\n");
        text.Append(CultureInfo.InvariantCulture, $"  curl {TryUrl(options)}/v1/locks/demo -d '{{\"owner\":\"me\",\"ttl\":\"60s\"}}'\n");
        text.Append(CultureInfo.InvariantCulture, $"  curl {TryUrl(options)}/v1/locks/demo\n");
        return text.ToString();
    }

    public static string Ready(NodeStatus status, TimeSpan uptime) => string.Create(
        CultureInfo.InvariantCulture,
        $"Ready after {uptime.TotalSeconds:0.0} s: cluster {status.Cluster}, leader {status.LeaderName}, term {status.Term}, revision {status.Revision}.\n");

    private static string TryUrl(ServerOptions options) =>
        ListenAddress.IsAny(options.ListenClient.Address) ? $"http://127.0.0.1:{options.ListenClient.Port}" : $"http://{options.ListenClient}";
}
