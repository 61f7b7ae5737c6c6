using System.Globalization;

namespace Consensus.Ports;

/// <summary>What the kernel waits for on a connection of this machine, as /proc tells it: no socket tells it of the other end, nor of one that a library made.</summary>
internal static class TcpTimers
{
    private const string KeepAlive = "02";

    /// <summary>How many ends of connections the kernel asks after while they are silent.</summary>
    /// <param name="localPort">Of the end that is looked at.</param>
    public static int KeptAlive(int localPort) => Ends(localPort).Count(timer => timer == KeepAlive);

    /// <summary>How many ends of connections there are.</summary>
    public static int Established(int localPort) => Ends(localPort).Count();

    /// <summary>The same of the ends that are connected to a port.</summary>
    public static int KeptAliveTo(int remotePort) => Ends(remotePort, isRemote: true).Count(timer => timer == KeepAlive);

    private static IEnumerable<string> Ends(int port, bool isRemote = false)
    {
        const string IsEstablished = "01";
        const int Local = 1, Remote = 2, State = 3, Timer = 5;
        var suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (var file in (string[])["/proc/net/tcp", "/proc/net/tcp6"])
        {
            foreach (var line in File.Exists(file) ? File.ReadLines(file).Skip(1) : [])
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields[State] == IsEstablished && fields[isRemote ? Remote : Local].EndsWith(suffix, StringComparison.Ordinal))
                {
                    yield return fields[Timer].Split(':')[0];
                }
            }
        }
    }
}
