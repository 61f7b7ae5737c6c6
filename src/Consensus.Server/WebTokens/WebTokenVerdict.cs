namespace Consensus.Server.WebTokens;

/// <summary>What came of a token.</summary>
/// <param name="Principal">Its issuer's name, a colon, and its <c>sub</c>; null: it is nobody's.</param>
/// <param name="Issuer">The name of the issuer; null where the token is nobody's.</param>
/// <param name="Until">From then on it is nobody's any more.</param>
/// <param name="HasExpired">Everything else about it is right.</param>
internal readonly record struct WebTokenVerdict(string? Principal, string? Issuer, DateTimeOffset Until, bool HasExpired)
{
    /// <summary>Of whatever is not believed.</summary>
    public static readonly WebTokenVerdict Nobody = new(null, null, default, false);
}
