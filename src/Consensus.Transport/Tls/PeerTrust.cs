using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;

namespace Consensus.Transport.Tls;

/// <summary>
/// Whose certificate is believed on a peer link: that of a member of the own domain, and of one member where one is wanted. No address has
/// a say.
/// </summary>
internal static class PeerTrust
{
    private const int MaxUriChars = 200;

    /// <summary>
    /// Null when the certificate is a member's of our domain; else what is wrong with it, as the end of a sentence about whoever showed it.
    /// </summary>
    /// <param name="wanted">The only member that will do; empty: any.</param>
    /// <param name="name">Whose it is; null when there is something wrong.</param>
    public static string? ObjectionTo(
        X509Certificate2? leaf,
        X509Certificate2Collection? others,
        TlsGeneration generation,
        CertificateUse use,
        DateTimeOffset now,
        string wanted,
        out CertificateName? name)
    {
        name = null;
        var verdict = CertificateJudge.Judge(leaf, others, generation.Peer.Anchors, use, now);
        if (verdict.Refusal is { } refusal)
        {
            return $"its certificate is not believed: {refusal}";
        }
        if (generation.Peer.Name is not { } own)
        {
            return "the own certificate names no domain, so that nobody is of it";
        }
        if (verdict.Name is not { } shown)
        {
            return verdict.Uri is null
                ? $"its certificate names nobody: consensus://{own.Domain}/member/NAME is wanted"
                : $"its certificate is for {Printable(verdict.Uri)}: consensus://{own.Domain}/member/NAME is wanted";
        }
        if (shown.Domain != own.Domain)
        {
            return $"its certificate is of the domain {shown.Domain}, and this member's of {own.Domain}";
        }
        if (shown.Role != CertificateRole.Member)
        {
            return $"its certificate is that of the client {shown.Name}, and only members speak here";
        }
        if (wanted.Length > 0 && shown.Name != wanted)
        {
            return $"its certificate is that of {shown.Name}, and {wanted} is wanted";
        }
        name = shown;
        return null;
    }

    /// <summary>Null unless it is revoked; else the end of a sentence as above.</summary>
    /// <param name="member">Whose it is.</param>
    public static string? IfRevoked(X509Certificate2 leaf, string member, MemberCertificates members) =>
        members.IsRevoked(leaf)
            ? $"its certificate, of the member {member}, is revoked: consensusctl cert renew {member} makes another one"
            : null;

    /// <summary>It goes into a log of ours.</summary>
    private static string Printable(string uri) => string.Concat(uri.Take(MaxUriChars).Select(c => c is > ' ' and <= '~' ? c : '?'));
}
