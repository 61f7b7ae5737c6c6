namespace Consensus.Server.WebTokens;

/// <summary>
/// Signatures that a token may carry: all by a key of which only the public half is here. Those by a shared secret are none of them, since
/// whoever verifies could sign too (RFC 7518 §3.1).
/// </summary>
internal static class WebTokenAlgorithms
{
    /// <summary>Every one there is.</summary>
    public static readonly IReadOnlyList<string> All = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    /// <summary>Whether a key of this kind makes such signatures.</summary>
    internal static bool Fits(string algorithm, WebTokenKey key) => algorithm switch
    {
        "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" => key.Curve is null,
        "ES256" => key.Curve == "P-256",
        "ES384" => key.Curve == "P-384",
        "ES512" => key.Curve == "P-521",
        _ => false,
    };
}
