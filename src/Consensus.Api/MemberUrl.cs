using System.Diagnostics.CodeAnalysis;

namespace Consensus.Api;

/// <summary>
/// Where a member serves clients: a scheme, a host and a port. Anything more (a path, a query, a fragment, user information) would be dropped on the way, and a request would go to
/// another place than the one that was written down: so it is refused.
/// </summary>
public static class MemberUrl
{
    /// <summary>With its colon.</summary>
    private static readonly string DefaultPort = ApiRoutes.DefaultClientUrl[ApiRoutes.DefaultClientUrl.LastIndexOf(':')..];

    /// <summary>Reads a URL, or <c>host:port</c> of one that begins with <c>http://</c>.</summary>
    /// <param name="refusal">What is wrong with it, as the end of a sentence: <c>it has a path</c>; empty when nothing is.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Uri? url, out string refusal)
    {
        var address = text is null || text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        refusal = Uri.TryCreate(address, UriKind.Absolute, out url) ? WhyNot(url) ?? "" : "it is no URL";
        return url is not null && refusal.Length == 0;
    }

    /// <summary>
    /// Reads a URL, or <c>host:port</c> or <c>host</c> of one that begins with this scheme; a port that is left out as well is the
    /// members' own.
    /// </summary>
    /// <param name="refusal">As of the other.</param>
    public static bool TryParse(string text, string scheme, [NotNullWhen(true)] out Uri? url, out string refusal)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            var hasPort = text.LastIndexOf(':') > text.LastIndexOf(']');
            text = $"{scheme}://{text}{(hasPort ? "" : DefaultPort)}";
        }
        return TryParse(text, out url, out refusal);
    }

    /// <summary>What is wrong with it, as the end of a sentence; null when nothing is.</summary>
    public static string? WhyNot(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        // What is empty, such as the query of "http://a?", is told by its mark alone.
        var text = url.OriginalString;
        return !url.IsAbsoluteUri || url.Scheme is not ("http" or "https") ? "its scheme is neither http nor https"
            : url.Fragment.Length > 0 || text.Contains('#', StringComparison.Ordinal) ? "it has a fragment"
            : url.Query.Length > 0 || text.Contains('?', StringComparison.Ordinal) ? "it has a query"
            : url.AbsolutePath != "/" ? "it has a path"
            : url.UserInfo.Length > 0 || text.Contains('@', StringComparison.Ordinal) ? "it has user information"
            : url.Host.Length == 0 ? "it names no host"
            : url.Port <= 0 ? "it names no port"
            : null;
    }
}
