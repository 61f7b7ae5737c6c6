using System.Diagnostics.CodeAnalysis;

namespace Consensus.Api;

/// <summary>
/// Where a member serves clients: a scheme, a host and a port. Anything more (a path, a query, a fragment, user information) would be dropped on the way, and a request would go to
/// another place than the one that was written down: so it is refused.
/// </summary>
public static class MemberUrl
{
    /// <summary>Reads a URL, or <c>host:port</c> of one that begins with <c>http://</c>.</summary>
    /// <param name="refusal">What is wrong with it, as the end of a sentence: <c>it has a path</c>; empty when nothing is.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Uri? url, out string refusal)
    {
        var address = text is null || text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        refusal = Uri.TryCreate(address, UriKind.Absolute, out url) ? WhyNot(url) ?? "" : "it is no URL";
        return url is not null && refusal.Length == 0;
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
