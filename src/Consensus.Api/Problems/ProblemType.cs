namespace Consensus.Api.Problems;

/// <summary>A kind of problem answer (RFC 9457): its stable slug, its title and its HTTP status.</summary>
public sealed record ProblemType(string Slug, string Title, int Status)
{
    public const string ContentType = "application/problem+json";

    public const string UriPrefix = "urn:consensus:problem:";

    /// <summary>The <c>type</c> member, stable for as long as the API's version.</summary>
    public string Uri { get; } = UriPrefix + Slug;
}
