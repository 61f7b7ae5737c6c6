namespace Consensus.StateMachine.Policies;

/// <summary>Who asks, and by what it was known. An entry has both as its principal.</summary>
/// <param name="Name">Of the principal; empty for whoever shows no credential, which is bound as <see cref="Anonymous"/>.</param>
/// <param name="Credential">
/// <c>t:ID</c> of a token, <c>c:FINGERPRINT</c> of a certificate (the SHA-256 in 64 small hexadecimal digits), <c>j:ISSUER</c> of a signed
/// token of another's, <c>l</c> at the member's own socket; empty without one.
/// </param>
public sealed record Actor(string Name, string Credential)
{
    /// <summary>Between the name and the credential. No name has it.</summary>
    public const char Separator = '\u001f';

    public const string CertificatePrefix = "c:";

    public const string TokenPrefix = "t:";

    public const string WebTokenPrefix = "j:";

    /// <summary>As what rights are bound to whoever shows no credential.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>Whoever may open the member's socket, which is shown by the credential alone: nothing can be bound to the name.</summary>
    public const string Local = "local";

    public const string LocalCredential = "l";

    public static readonly Actor Nobody = new("", "");

    /// <summary>Of the token by which it is known; null: it is known by something else.</summary>
    public string? TokenId => Credential.StartsWith(TokenPrefix, StringComparison.Ordinal) ? Credential[TokenPrefix.Length..] : null;

    /// <summary>As it is logged.</summary>
    public string Principal => Credential.Length == 0 ? Name : Name + Separator + Credential;

    public static Actor Of(string principal)
    {
        if (principal.Length == 0)
        {
            return Nobody;
        }
        var end = principal.IndexOf(Separator, StringComparison.Ordinal);
        return end < 0 ? new Actor(principal, "") : new Actor(principal[..end], principal[(end + 1)..]);
    }

    /// <summary>Of an entry's principal: what identities and ownership go by, so that they outlive a credential.</summary>
    public static string NameOf(string principal) =>
        principal.IndexOf(Separator, StringComparison.Ordinal) is >= 0 and var end ? principal[..end] : principal;
}
