using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>What a certificate says of itself.</summary>
/// <param name="Kind"><c>member</c>, <c>client</c>, <c>ca</c>, or <c>other</c> for one that names nobody of a cluster.</param>
/// <param name="Name">Who it names; null if it names nobody of a cluster.</param>
/// <param name="Domain">Of which domain; null as well, but for a CA's.</param>
/// <param name="Subject">Its subject.</param>
/// <param name="Issuer">The subject of who signed it.</param>
/// <param name="NotBefore">From when on it is valid.</param>
/// <param name="NotAfter">Until when.</param>
/// <param name="Hosts">The DNS names and addresses that it is for.</param>
/// <param name="Fingerprint">SHA-256 of it, in 64 small hexadecimal digits.</param>
public sealed record CertificateFacts(
    string Kind,
    string? Name,
    string? Domain,
    string Subject,
    string Issuer,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    IReadOnlyList<string> Hosts,
    string Fingerprint)
{
    /// <summary>Reads them.</summary>
    public static CertificateFacts Of(X509Certificate2 certificate)
    {
        var names = AlternativeNames.Of(certificate) ?? AlternativeNames.None;
        var name = names.Uris is [var uri] && CertificateName.TryParse(uri, out var parsed) ? parsed : null;
        var isAuthority = CertificateParts.IsAuthority(certificate);
        var domain = CertificateAuthority.TryReadName(certificate, out var own, out _) ? own : name?.Domain;
        return new CertificateFacts(
            isAuthority ? "ca" : name is null ? "other" : CertificateName.RoleText(name.Role),
            isAuthority ? null : name?.Name,
            domain,
            certificate.Subject,
            certificate.Issuer,
            new DateTimeOffset(certificate.NotBefore.ToUniversalTime()),
            new DateTimeOffset(certificate.NotAfter.ToUniversalTime()),
            names.Hosts,
            Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256)));
    }
}

/// <summary>What is in a file, or was presented, and what is wrong with it.</summary>
/// <param name="Certificates">The own one first.</param>
/// <param name="Wrong">Sentences without their stops; empty if nothing is.</param>
public sealed record CertificateReport(IReadOnlyList<CertificateFacts> Certificates, IReadOnlyList<string> Wrong)
{
    /// <summary>Looks into a bundle, or into a file of certificates alone.</summary>
    /// <exception cref="BundleException">There is nothing in it that can be shown.</exception>
    public static CertificateReport OfFile(string path, DateTimeOffset now)
    {
        try
        {
            var text = BundleText.OfShown(path, path);
            var blocks = PemBlocks.Read(text, path);
            var parts = CertificateParts.Of(blocks, path);
            List<X509Certificate2> all = [.. parts.Leaves, .. parts.Intermediates, .. parts.Anchors];
            if (all.Count == 0)
            {
                throw new BundleException($"{path} holds no certificate");
            }
            // An authority's own file has keys and no leaf, and is no bundle.
            var isBundle = blocks.Any(PemBlocks.IsKey) && parts.Leaves.Count > 0;
            var wrong = isBundle ? WrongWithBundle(path, now) : WrongTimes(all, now);
            return new CertificateReport([.. all.Select(CertificateFacts.Of)], [.. wrong]);
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            throw new BundleException($"{path} cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    /// <summary>Looks at what a server presented. Whether its CA is to be believed is not judged: nobody is believed here.</summary>
    /// <param name="leaf">The server's own.</param>
    /// <param name="others">What came with it.</param>
    /// <param name="host">Where it was found.</param>
    /// <param name="now">When.</param>
    public static CertificateReport OfPresented(
        X509Certificate2 leaf, IEnumerable<X509Certificate2> others, string host, DateTimeOffset now)
    {
        List<X509Certificate2> all = [leaf, .. others];
        var facts = all.ConvertAll(CertificateFacts.Of);
        var wrong = WrongTimes(all, now).ToList();
        if (facts[0].Kind != "member")
        {
            wrong.Add(facts[0].Kind == "other" ? "it names no member of a cluster" : $"it is a {facts[0].Kind}'s certificate, no member's");
        }
        if (!MemberBundle.Covers(leaf, host))
        {
            wrong.Add(
                $"it is for {string.Join(", ", facts[0].Hosts)}, not for {host}: who goes by host names, as curl does, refuses it");
        }
        return new CertificateReport(facts, wrong);
    }

    private static IEnumerable<string> WrongWithBundle(string path, DateTimeOffset now)
    {
        Bundle bundle;
        try
        {
            bundle = Bundle.Load(path, path);
            MemberBundle.DemandTime(bundle, path, now);
            if (bundle.Name is { Role: CertificateRole.Member } member)
            {
                MemberBundle.Demand(bundle, path, member.Name, now);
            }
        }
        catch (BundleException refusal)
        {
            return [refusal.Message];
        }
        return Expiry.Of(bundle, now).Alarm is { } alarm ? [alarm] : [];
    }

    private static IEnumerable<string> WrongTimes(IEnumerable<X509Certificate2> certificates, DateTimeOffset now) =>
        from certificate in certificates
        let facts = CertificateFacts.Of(certificate)
        where now > facts.NotAfter || now < facts.NotBefore
        select now > facts.NotAfter
            ? $"'{facts.Subject}' expired on {facts.NotAfter:yyyy-MM-dd}"
            : $"'{facts.Subject}' is not valid before {facts.NotBefore:yyyy-MM-dd HH:mm} UTC";
}
