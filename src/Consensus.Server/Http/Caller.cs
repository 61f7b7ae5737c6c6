using Consensus.Node;

namespace Consensus.Server.Http;

/// <summary>Who asked, for a person: what is known without access control.</summary>
internal static class Caller
{
    /// <summary>The address at the other end of the connection, which may be a proxy's, and the member that it asked.</summary>
    public static string Of(HttpContext http, IConsensusNode node)
    {
        var address = http.Connection.RemoteIpAddress;
        if (address is { IsIPv4MappedToIPv6: true })
        {
            address = address.MapToIPv4();
        }
        return $"{address?.ToString() ?? "an unknown address"} through {node.Status.Name}";
    }
}
