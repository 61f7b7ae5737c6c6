using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Consensus.Transport.Dialing;

/// <summary>host:port of a peer, where the host is an IP address (IPv6 in brackets) or a name.</summary>
internal static class PeerAddress
{
    /// <summary>The longest host name that DNS allows (RFC 1035 §2.3.4, as text), in brackets or not, and a port.</summary>
    private const int MaxLength = 255 + 1 + 5;

    /// <summary>Whether it is short, printable and host:port: whoever tells another member to dial an address must tell one like this.</summary>
    public static bool CanBeAdvertised(string address) =>
        address.Length <= MaxLength && address.All(c => c is > ' ' and <= '~') && TrySplit(address, out _, out _);

    public static bool TrySplit(string address, out string host, out int port)
    {
        (host, port) = ("", 0);
        var colon = address.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port is < 1 or > ushort.MaxValue)
        {
            return false;
        }
        host = address[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        return host.Length > 0;
    }

    /// <summary>All end points of the address; empty when it is malformed or its name is not found in time.</summary>
    public static IReadOnlyList<IPEndPoint> Resolve(string address, TimeSpan within, CancellationToken stop)
    {
        if (!TrySplit(address, out var host, out var port))
        {
            return [];
        }
        if (IPAddress.TryParse(host, out var literal))
        {
            return [new IPEndPoint(literal, port)];
        }
        try
        {
            // The only wait here that needs the thread pool; addresses that matter for fast failover are usually literal or cached.
            var lookup = Dns.GetHostAddressesAsync(host, stop);
            return lookup.Wait(within, stop) ? [.. lookup.Result.Select(ip => new IPEndPoint(ip, port))] : [];
        }
        catch (Exception e) when (e is AggregateException or OperationCanceledException or SocketException or ArgumentException)
        {
            return [];
        }
    }
}
