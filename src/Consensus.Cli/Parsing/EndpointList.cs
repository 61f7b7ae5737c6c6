using Consensus.Api;

namespace Consensus.Cli.Parsing;

/// <summary>Client addresses separated by commas; the scheme may be left out, and then the port too.</summary>
/// <param name="tls">
/// What https is asked for with, for sentences: then nothing is sent in the clear; null: what has no scheme is http.
/// </param>
internal sealed class EndpointList(string? tls)
{
    private readonly string _scheme = tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;

    /// <summary>The value of --endpoints. An empty one is a mistake: a script's unset variable must not mean another cluster than the environment's.</summary>
    /// <exception cref="UsageException">It names no endpoint, or some part is no address.</exception>
    public IReadOnlyList<Uri>? ParseOption(string text) =>
        text.AsSpan().Trim(" ,").IsEmpty ? throw new UsageException($"--endpoints names no endpoint; {Form}") : Parse(text);

    /// <summary>The value of the environment's variable; null when it is empty.</summary>
    /// <exception cref="UsageException">Some part is no address.</exception>
    public IReadOnlyList<Uri>? ParseVariable(string name, Func<string, string?> valueOf) => Parse(VariableText.Of(name, valueOf));

    /// <summary>Addresses; null for none.</summary>
    /// <exception cref="UsageException">Some part is no address.</exception>
    public IReadOnlyList<Uri>? Parse(string? text)
    {
        var endpoints = new List<Uri>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!MemberUrl.TryParse(part, _scheme, out var endpoint, out var refusal))
            {
                throw new UsageException($"'{part}' is no endpoint: {refusal}; {Form}");
            }
            if (tls is not null && endpoint.Scheme != _scheme)
            {
                throw new UsageException(
                    $"'{part}' is not https, and with {tls} nothing is sent in the clear; write https://{endpoint.Authority}.");
            }
            endpoints.Add(endpoint);
        }
        return endpoints.Count > 0 ? endpoints : null;
    }

    private string Form => $"write host:port or {_scheme}://host:port, separated by commas.";
}
