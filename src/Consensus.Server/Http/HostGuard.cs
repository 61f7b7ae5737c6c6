using System.Net;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Server.Hosting;

namespace Consensus.Server.Http;

/// <summary>
/// Which <c>Host</c> headers are ours (rule 27). A page in a browser can reach loopback, and with a name of its own that resolves to it (DNS rebinding) it would even
/// be the same origin: so only known names are served.
/// </summary>
internal sealed class HostGuard
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase) { "localhost" };
    private readonly bool _allowsAny;
    private readonly bool _allowsLocalAddress;
    private readonly ITlsSource? _certificates;
    private Allowed _last = new("localhost", null);

    /// <summary>A header that was ours while this bundle was the own one.</summary>
    private sealed record Allowed(string Host, Bundle? Certificate);

    /// <param name="names">Host names and addresses without ports; <c>*</c> allows any.</param>
    /// <param name="listensOnAnyAddress">Then the address that a connection arrived at is ours too.</param>
    /// <param name="certificates">What the own certificate is for is ours too: whoever made it said so. Null: there is none.</param>
    public HostGuard(IEnumerable<string> names, bool listensOnAnyAddress, ITlsSource? certificates = null)
    {
        _certificates = certificates;
        foreach (var name in names)
        {
            _allowsAny |= name == "*";
            _names.Add(IsBracketed(name) && IPAddress.TryParse(name, out var address) ? address.ToString() : name);
        }
        _allowsLocalAddress = listensOnAnyAddress;
    }

    public bool Allows(HttpContext http)
    {
        var values = http.Request.Headers.Host;
        if (AdminSocket.Of(http) is not null)
        {
            // No name leads there.
            return true;
        }
        if (values.Count == 0)
        {
            // HTTP/1.0 has no Host, and no browser speaks it.
            return true;
        }
        var host = values.ToString();
        var certificate = _certificates?.Current.Own;
        var last = _last;
        if (_allowsAny || (host == last.Host && ReferenceEquals(certificate, last.Certificate)))
        {
            return true;
        }
        var name = NameOf(host);
        if (!AllowsName(name, http.Connection.LocalIpAddress) && (certificate is null || !MemberBundle.Covers(certificate.Leaf, name)))
        {
            return false;
        }
        _last = new Allowed(host, certificate);
        return true;
    }

    private bool AllowsName(string name, IPAddress? localAddress)
    {
        if (_names.Contains(name))
        {
            return true;
        }
        if (!IPAddress.TryParse(name, out var address))
        {
            return false;
        }
        return IPAddress.IsLoopback(address)
            || _names.Contains(address.ToString())
            || (_allowsLocalAddress && localAddress is not null && address.Equals(Unmapped(localAddress)));
    }

    /// <summary>An IPv6 address as URLs have it.</summary>
    private static bool IsBracketed(string name) => name.StartsWith('[') && name.EndsWith(']');

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>The host without its port, and an IPv6 address without its brackets.</summary>
    private static string NameOf(string host)
    {
        if (host.StartsWith('['))
        {
            var end = host.IndexOf(']', StringComparison.Ordinal);
            return end < 0 ? "" : host[1..end];
        }
        var colon = host.LastIndexOf(':');
        return colon < 0 ? host : host[..colon];
    }
}
