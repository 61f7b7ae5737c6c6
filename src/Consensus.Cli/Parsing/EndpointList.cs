using Consensus.Api;
using Consensus.Client;

namespace Consensus.Cli.Parsing;

/// <summary>Client addresses separated by commas; "http://" may be left out.</summary>
internal static class EndpointList
{
    /// <summary>The value of --endpoints. An empty one is a mistake: a script's unset variable must not mean another cluster than the environment's.</summary>
    /// <exception cref="UsageException">It names no endpoint, or some part is no address.</exception>
    public static IReadOnlyList<Uri> ParseOption(string text) =>
        text.AsSpan().Trim(" ,").IsEmpty ? throw new UsageException("--endpoints names no endpoint; write host:port or http://host:port, separated by commas.") : Parse(text);

    /// <summary>The value of the environment's variable; empty is the default.</summary>
    /// <exception cref="UsageException">Some part is no address.</exception>
    public static IReadOnlyList<Uri> ParseVariable(string name, Func<string, string?> valueOf)
    {
        var text = valueOf(name);
        // The runtime's replacement for what is not UTF-8, which no address holds.
        return text?.Contains('\uFFFD') == true ? throw new UsageException($"{name} is not valid UTF-8: '{text}'.") : Parse(text);
    }

    /// <summary>Addresses; empty is the default.</summary>
    /// <exception cref="UsageException">Some part is no address.</exception>
    public static IReadOnlyList<Uri> Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return [ConsensusClientOptions.DefaultEndpoint];
        }
        var endpoints = new List<Uri>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!MemberUrl.TryParse(part, out var endpoint, out var refusal))
            {
                throw new UsageException($"'{part}' is no endpoint: {refusal}; write host:port or http://host:port, separated by commas.");
            }
            endpoints.Add(endpoint);
        }
        return endpoints.Count > 0 ? endpoints : [ConsensusClientOptions.DefaultEndpoint];
    }
}
