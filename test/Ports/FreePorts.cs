using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Consensus.Ports;

/// <summary>
/// Loopback ports that nobody listens on and that stay the asker's for as long as its process runs. They lie below the range that the kernel
/// gives to outgoing connections: a connection of anybody would otherwise take one before its server binds it, or between a kill and a restart.
/// A locked file for each keeps test processes that run side by side apart.
/// </summary>
internal static class FreePorts
{
    private const int First = 20_000;
    private const int Last = 32_000;

    private static readonly string Claims = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"consensus-ports-{Environment.UserName}")).FullName;

    // Never closed: the claims end with the process.
    private static readonly List<FileStream> Held = [];

    public static int Next() => Take([0]);

    public static int[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>A port P such that all of P + <paramref name="offsets"/> are the asker's.</summary>
    public static int Take(IReadOnlyList<int> offsets)
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var port = Random.Shared.Next(First, Last - offsets.Max());
            var claims = offsets.Select(offset => Claim(port + offset)).ToList();
            if (claims.All(claim => claim is not null))
            {
                lock (Held)
                {
                    Held.AddRange(claims!);
                }
                return port;
            }
            claims.ForEach(claim => claim?.Dispose());
        }
        throw new InvalidOperationException("found no free loopback port");
    }

    private static FileStream? Claim(int port)
    {
        FileStream? claim = null;
        try
        {
            claim = new FileStream(Path.Combine(Claims, port.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return claim;
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            claim?.Dispose();
            return null;
        }
    }
}
