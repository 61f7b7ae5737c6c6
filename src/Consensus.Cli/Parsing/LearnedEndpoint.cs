using Consensus.Api;
using Consensus.Client;

namespace Consensus.Cli.Parsing;

/// <summary>The address of a member as the cluster tells it. Where https was asked for, an address in the clear is asked nothing.</summary>
internal static class LearnedEndpoint
{
    /// <param name="refusal">Why it is not to be used, as a sentence; empty when it is.</param>
    /// <returns>Null: it is not to be used.</returns>
    public static Uri? Of(string? url, ConsensusClientOptions options, out string refusal)
    {
        refusal = "";
        if (options.SocketPath is not null)
        {
            refusal = "it is not asked: at an admin socket its own member is, and no other.";
            return null;
        }
        if (!MemberUrl.TryParse(url, out var endpoint, out _))
        {
            refusal = "its client address is not known.";
            return null;
        }
        if (endpoint.Scheme != Uri.UriSchemeHttps
            && (options.Tls is not null || options.Endpoints.All(given => given.Scheme == Uri.UriSchemeHttps)))
        {
            refusal = $"its client address {url} is not https, and nothing is sent in the clear.";
            return null;
        }
        if (options.Token is not null && !ClientToken.MayGoTo(endpoint))
        {
            refusal = $"its client address {url} is not https, and a token goes nowhere in the clear.";
            return null;
        }
        return endpoint;
    }
}
