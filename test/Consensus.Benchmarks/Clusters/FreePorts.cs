using System.Net;
using System.Net.Sockets;

namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// Loopback ports that nobody listens on, from below the range that the kernel gives to outgoing connections: a port of that range
/// could be taken by a connection while its server is down between a kill and a restart.
/// </summary>
internal static class FreePorts
{
    private const int First = 20_000;
    private const int Last = 32_000;

    private static readonly HashSet<int> Given = [];

    public static int Next()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var port = Random.Shared.Next(First, Last);
            if (!Given.Contains(port) && IsFree(port))
            {
                Given.Add(port);
                return port;
            }
        }

        throw new BenchException("found no free loopback port");
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
