using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Primitives;

namespace Consensus.Security.Certificates;

/// <summary>
/// Who names the members and clients of one domain: a P-256 key and its own certificate, which says the domain. Signs leaves and nothing
/// else (path length 0). Whoever has the key can name anybody, so it stays off the members.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long an authority's own certificate is valid.</summary>
    public const int AuthorityDays = 3_650;

    /// <summary>How long a member's is, unless said otherwise.</summary>
    public const int MemberDays = 1_825;

    /// <summary>How long a client's is, unless said otherwise.</summary>
    public const int ClientDays = 365;

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string UriPrefix = "consensus://";
    private const int SerialBytes = 16;

    // A certificate is valid a little before it was made: the clock of who judges it may be behind.
    private static readonly TimeSpan Earlier = TimeSpan.FromMinutes(10);

    private readonly ECDsa _key;

    private CertificateAuthority(ECDsa key, X509Certificate2 certificate, string domain, int number)
    {
        _key = key;
        Certificate = certificate;
        Domain = domain;
        Number = number;
    }

    /// <summary>Its own certificate, without the key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Names the cluster; stands in every certificate that it signs.</summary>
    public string Domain { get; }

    /// <summary>The first authority of a domain is 1, the one that takes its place 2, and so on: two never have the same subject.</summary>
    public int Number { get; }

    /// <summary>What a leaf that it signed names its issuer's key by.</summary>
    internal ReadOnlyMemory<byte> KeyIdentifier =>
        Certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes;

    /// <summary>Its certificate as PEM.</summary>
    public string CertificatePem => Certificate.ExportCertificatePem() + "\n";

    /// <summary>Makes one.</summary>
    /// <param name="domain">By the rule for members' names.</param>
    /// <param name="now">When.</param>
    /// <param name="days">How long it is valid.</param>
    /// <param name="number">Which one of the domain it is.</param>
    public static CertificateAuthority Create(string domain, DateTimeOffset now, int days = AuthorityDays, int number = 1)
    {
        Demand(MemberName.IsValid(domain), domain, "domain");
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = Subject(domain, string.Create(CultureInfo.InvariantCulture, $"Consensus CA {number}"));
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var extensions = request.CertificateExtensions;
        extensions.Add(new X509BasicConstraintsExtension(true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        extensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        extensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        extensions.Add(AlternativeNames.Encode([UriOf(domain, number)], []));
        var certificate = request.Create(subject, X509SignatureGenerator.CreateForECDsa(key), now - Earlier, now.AddDays(days), Serial());
        return new CertificateAuthority(key, certificate, domain, number);
    }

    /// <summary>Takes one that <see cref="Create"/> made.</summary>
    /// <param name="keyPem">Its key.</param>
    /// <param name="certificate">Its certificate; becomes its own.</param>
    /// <param name="label">What a sentence calls the file that they come from.</param>
    /// <exception cref="BundleException">They are not of one authority.</exception>
    public static CertificateAuthority Read(string keyPem, X509Certificate2 certificate, string label)
    {
        var key = ECDsa.Create();
        try
        {
            if (!TryReadName(certificate, out var domain, out var number))
            {
                throw new BundleException($"{label} is no CA that consensusctl cert create made: its certificate names no domain");
            }
            key.ImportFromPem(keyPem);
            using var both = certificate.CopyWithPrivateKey(key);
            return new CertificateAuthority(key, certificate, domain, number);
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            throw new BundleException($"{label}: its key does not fit its certificate", e);
        }
    }

    /// <summary>The domain that an authority's certificate names, and which of the domain's authorities it is.</summary>
    /// <returns>False of a certificate of another kind.</returns>
    public static bool TryReadName(X509Certificate2 certificate, out string domain, out int number)
    {
        (domain, number) = ("", 0);
        if (AlternativeNames.Of(certificate) is not { Uris: [var uri] } || !uri.StartsWith(UriPrefix, StringComparison.Ordinal))
        {
            return false;
        }
        var parts = uri[UriPrefix.Length..].Split('/');
        if (parts is not [var named, "ca", var counted] || !MemberName.IsValid(named)
            || !int.TryParse(counted, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }
        domain = named;
        return true;
    }

    /// <summary>Its key and certificate as PEM: what is kept to sign more.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem() + "\n" + CertificatePem;

    /// <summary>Makes the bundle of a member: it answers and it dials, at its hosts and at this machine's own names.</summary>
    /// <param name="name">The member's.</param>
    /// <param name="hosts">DNS names and addresses.</param>
    /// <param name="now">When.</param>
    /// <param name="days">How long it is valid; never longer than the authority itself.</param>
    /// <param name="anchors">Whom the member believes; this authority if nothing is given.</param>
    /// <returns>The bundle as PEM: a new key, the leaf, the anchors.</returns>
    /// <exception cref="BundleException">A name or a host is none, or the authority's own time is over.</exception>
    public string IssueMember(
        string name,
        IEnumerable<string> hosts,
        DateTimeOffset now,
        int days = MemberDays,
        IEnumerable<X509Certificate2>? anchors = null) =>
        Issue(CertificateRole.Member, name, hosts.Select(HostName.Parse).Concat(HostName.OfThisMachine).Distinct(), now, days, anchors);

    /// <summary>Makes the bundle of a client: it dials and never answers.</summary>
    /// <inheritdoc cref="IssueMember"/>
    public string IssueClient(string name, DateTimeOffset now, int days = ClientDays, IEnumerable<X509Certificate2>? anchors = null) =>
        Issue(CertificateRole.Client, name, [], now, days, anchors);

    /// <inheritdoc/>
    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }

    private static string UriOf(string domain, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{UriPrefix}{domain}/ca/{number}");

    private static X500DistinguishedName Subject(string domain, string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        subject.AddOrganizationName(domain);
        return subject.Build();
    }

    private static byte[] Serial() => RandomNumberGenerator.GetBytes(SerialBytes);

    private static void Demand(bool isValid, string text, string what)
    {
        if (!isValid)
        {
            throw new BundleException($"'{text}' is no {what}: {MemberName.Form}");
        }
    }

    private string Issue(
        CertificateRole role,
        string name,
        IEnumerable<string> hosts,
        DateTimeOffset now,
        int days,
        IEnumerable<X509Certificate2>? anchors)
    {
        Demand(MemberName.IsValid(name), name, "name");
        var end = new DateTimeOffset(Certificate.NotAfter.ToUniversalTime());
        if (end <= now)
        {
            throw new BundleException($"the CA certificate expired on {end:yyyy-MM-dd}: consensusctl cert renew --ca begins the next one");
        }
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(Domain, name), key, HashAlgorithmName.SHA256);
        var extensions = request.CertificateExtensions;
        extensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        extensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        extensions.Add(new X509EnhancedKeyUsageExtension(UsagesOf(role), critical: false));
        extensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        extensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        extensions.Add(AlternativeNames.Encode([new CertificateName(Domain, role, name).Uri], hosts));
        var until = now.AddDays(days);
        using var leaf = request.Create(
            Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now - Earlier, until < end ? until : end, Serial());
        var believed = string.Concat((anchors ?? [Certificate]).Select(anchor => anchor.ExportCertificatePem() + "\n"));
        return key.ExportPkcs8PrivateKeyPem() + "\n" + leaf.ExportCertificatePem() + "\n" + believed;
    }

    private static OidCollection UsagesOf(CertificateRole role)
    {
        var usages = new OidCollection { new Oid(ClientAuthentication) };
        if (role == CertificateRole.Member)
        {
            usages.Add(new Oid(ServerAuthentication));
        }
        return usages;
    }
}
