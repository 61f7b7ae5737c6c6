using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tls;

/// <summary>
/// Whom a certificate makes its holder on the client port. A certificate of the domain's own anchors that names a client of the own domain:
/// that name. One of further anchors (<c>--tls-clients</c>): <c>uri:</c> and its URI, whatever that says, so that no other CA can make a
/// name of the domain. A member's is nobody: whoever steals one has the log, and is not to have an account beside it.
/// </summary>
internal static class CallerJudge
{
    /// <summary>No local name has a colon, so that no two sources make one principal.</summary>
    private const string UriPrefix = "uri:";

    /// <summary>A principal, of 256 at most, is in every log entry and every kept answer of its holder.</summary>
    private const int MostUriCharacters = 252;

    private const string UseClients = "use a client's (consensusctl cert create --client NAME)";

    private const string NoCertificate =
        "a client certificate is needed here, or a token: consensusctl cert create --client NAME makes the one, and consensusctl --tls NAME.pem "
        + "or curl --cert NAME.pem presents it; consensusctl auth token create makes the other";

    private const string NoName = "the client certificate names nobody";

    /// <param name="leaf">Null: none was presented, and nobody asks.</param>
    /// <param name="others">What came with it.</param>
    public static CallerVerdict Judge(
        TlsGeneration generation, X509Certificate2? leaf, X509Certificate2Collection? others, DateTimeOffset now)
    {
        if (leaf is null)
        {
            return new CallerVerdict(generation, IsBelieved: true, null, NoCertificate, DateTimeOffset.MaxValue);
        }
        var own = CertificateJudge.Judge(leaf, others, generation.Own.Anchors, CertificateUse.Client, now);
        if (own is { IsBelieved: true, Name: { } name })
        {
            return OfDomain(generation, leaf, name);
        }
        if (generation.ClientAnchors.Count > 0)
        {
            var foreign = CertificateJudge.Judge(leaf, others, generation.ClientAnchors, CertificateUse.Client, now);
            if (foreign.IsBelieved)
            {
                return OfUri(generation, leaf, foreign.Uri);
            }
        }
        return own.IsBelieved
            ? Nobody(generation, leaf, $"{NoName}: consensus://DOMAIN/client/NAME is not among its names")
            : NotBelieved(generation, own.Refusal!);
    }

    private static CallerVerdict OfDomain(TlsGeneration generation, X509Certificate2 leaf, CertificateName name) =>
        name.Role == CertificateRole.Member
            ? Nobody(generation, leaf, $"the certificate is that of the member {name.Name}, which is nobody to this port: {UseClients}")
        : name.Domain != generation.Own.Name?.Domain
            ? Nobody(generation, leaf, $"the client certificate is of another domain, {name.Domain}")
        : Somebody(generation, leaf, name.Name);

    private static CallerVerdict OfUri(TlsGeneration generation, X509Certificate2 leaf, string? uri) =>
        uri is null
            ? Nobody(generation, leaf, $"{NoName}: it has no URI among its names")
        : uri.Length > MostUriCharacters || uri.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? Nobody(generation, leaf, $"{NoName}: its URI has characters that no URI has, or more than {MostUriCharacters}")
        : Somebody(generation, leaf, UriPrefix + uri);

    private static CallerVerdict Somebody(TlsGeneration generation, X509Certificate2 leaf, string principal) =>
        new(generation, IsBelieved: true, new Actor(principal, CredentialOf(leaf)), "", leaf.NotAfter.ToUniversalTime());

    /// <summary>For as long as the certificates of this moment are the present ones: what becomes valid later shakes hands anew.</summary>
    private static CallerVerdict NotBelieved(TlsGeneration generation, string because) =>
        new(generation, IsBelieved: false, null, $"the client certificate is not believed: {because}", DateTimeOffset.MaxValue);

    /// <summary>The SHA-256 of the whole certificate: by this it is revoked.</summary>
    private static string CredentialOf(X509Certificate2 leaf) =>
        Actor.CertificatePrefix + Convert.ToHexStringLower(SHA256.HashData(leaf.RawDataMemory.Span));

    private static CallerVerdict Nobody(TlsGeneration generation, X509Certificate2 leaf, string refusal) =>
        new(generation, IsBelieved: true, null, refusal, leaf.NotAfter.ToUniversalTime());
}
