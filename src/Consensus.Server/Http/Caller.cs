using Consensus.Node;
using Consensus.Server.Hosting;
using Consensus.Server.Routing;

namespace Consensus.Server.Http;

/// <summary>Who asked, for a person.</summary>
internal static class Caller
{
    /// <summary>
    /// The name that it showed, where one is asked for; the address at the other end of the connection, which may be a proxy's; and the
    /// member that it asked.
    /// </summary>
    public static string Of(ApiCall call, IConsensusNode node)
    {
        var address = call.Http.Connection.RemoteIpAddress;
        if (address is { IsIPv4MappedToIPv6: true })
        {
            address = address.MapToIPv4();
        }
        var from = address?.ToString() ?? (AdminSocket.Of(call.Http) is null ? "an unknown address" : "the admin socket");
        return $"{(call.Actor.Name.Length == 0 ? from : $"{call.Actor.Name} from {from}")} through {node.Status.Name}";
    }
}
