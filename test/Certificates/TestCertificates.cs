using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Certificates;

/// <summary>What is wrong with a certificate.</summary>
internal enum Flaw
{
    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>Its time has not begun.</summary>
    NotYetValid,

    /// <summary>Signed by a CA of the same name and domain with another key.</summary>
    OtherAuthority,

    /// <summary>Extended key usage: server alone.</summary>
    ServerOnly,

    /// <summary>Extended key usage: client alone.</summary>
    ClientOnly,

    /// <summary>No extended key usage.</summary>
    NoUsage,

    /// <summary>Extended key usage: any, and nothing by name.</summary>
    AnyUsage,

    /// <summary>An extended key usage that cannot be read.</summary>
    DamagedUsage,

    /// <summary>A leaf by its place that says it is a CA.</summary>
    IsAuthority,

    /// <summary>Two URI names: the right one and another.</summary>
    TwoUris,

    /// <summary>No URI name.</summary>
    NoUri,

    /// <summary>A URI name with a line break.</summary>
    BrokenUri,

    /// <summary>Alternative names that cannot be read to their end.</summary>
    DamagedNames,

    /// <summary>Alternative names with something behind their end.</summary>
    NamesWithTail,

    /// <summary>Of another domain, signed by the right CA.</summary>
    OtherDomain,

    /// <summary>Signed by the key of a client's certificate, which comes with it.</summary>
    SignedByClient,
}

/// <summary>
/// Certificates of one domain for tests: a CA, bundles of members and clients as <c>consensusctl cert create</c> makes them, and every
/// wrong kind. Files lie in a temporary directory, for their owner only.
/// </summary>
/// <param name="domain">The domain.</param>
/// <param name="time">By which clock they are valid; the machine's if nothing is given.</param>
internal sealed class TestCertificates(string domain = "c-test", TimeProvider? time = null) : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string AnyUsage = "2.5.29.37.0";

    private readonly TemporaryDirectory _directory = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Signs all that is right.</summary>
    public CertificateAuthority Authority { get; } = CertificateAuthority.Create(domain, (time ?? TimeProvider.System).GetUtcNow());

    /// <summary>When certificates are made that a handshake is to believe: TLS itself goes by the machine's clock.</summary>
    public static DateTimeOffset Now => DateTimeOffset.UtcNow;

    /// <summary>Where the files lie.</summary>
    public string Directory => _directory.Path;

    /// <summary>The CA's certificate as a file, for whoever trusts and shows nothing.</summary>
    public string AuthorityFile => Write("ca.pem", Authority.CertificatePem);

    /// <summary>The file of a member's bundle; another call with the same name replaces it, with a new key.</summary>
    public string Member(string name, params string[] hosts) => Write(name + ".pem", Authority.IssueMember(name, hosts, _time.GetUtcNow()));

    /// <summary>The file of a client's bundle.</summary>
    public string Client(string name) => Write(name + ".pem", Authority.IssueClient(name, _time.GetUtcNow()));

    /// <summary>Writes a file for its owner only, whole: as a command does, by a rename.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(Directory, name);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        using (var writer = new StreamWriter(path + ".new", options))
        {
            writer.Write(text);
        }
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    /// <summary>A certificate with its key, and as a bundle's text, that names a member or client and is wrong in one way.</summary>
    public MadeCertificate Wrong(Flaw flaw, CertificateRole role = CertificateRole.Client, string name = "billing") =>
        Make(new Recipe(role, name) { Flaw = flaw });

    /// <summary>One with nothing wrong, which says where its CA, its revocation list and its status are found (AIA, CRL, OCSP).</summary>
    /// <param name="flaw">Or with this wrong beside it.</param>
    public MadeCertificate WithAddresses(
        Uri addresses, CertificateRole role = CertificateRole.Client, string name = "billing", Flaw? flaw = null) =>
        Make(new Recipe(role, name) { Addresses = addresses, Flaw = flaw });

    /// <summary>A client's, which names whatever is given.</summary>
    public MadeCertificate WithUris(params string[] uris) => Make(new Recipe(CertificateRole.Client, "foreign") { Uris = uris });

    public void Dispose()
    {
        Authority.Dispose();
        _directory.Dispose();
    }

    private MadeCertificate Make(Recipe recipe)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = CertificateAuthority.Create(Authority.Domain, _time.GetUtcNow());
        var signedByClient = recipe.Flaw == Flaw.SignedByClient;
        var issuerPem = signedByClient ? Authority.IssueClient("mallory", _time.GetUtcNow())
            : recipe.Flaw == Flaw.OtherAuthority ? stranger.ToPem()
            : Authority.ToPem();
        using var issuer = X509Certificate2.CreateFromPem(issuerPem, issuerPem);
        using var signer = issuer.GetECDsaPrivateKey()!;
        var request = Request(recipe, key);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, true, false));
        var now = _time.GetUtcNow();
        var (from, until) = recipe.Flaw switch
        {
            Flaw.Expired => (now.AddDays(-30), now.AddDays(-1)),
            Flaw.NotYetValid => (now.AddDays(1), now.AddDays(30)),
            _ => (now.AddMinutes(-10), now.AddDays(30)),
        };
        using var leaf = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), from, until, RandomNumberGenerator.GetBytes(16));
        using var both = leaf.CopyWithPrivateKey(key);
        var others = signedByClient ? issuer.ExportCertificatePem() + "\n" : "";
        var bundle = key.ExportPkcs8PrivateKeyPem() + "\n" + leaf.ExportCertificatePem() + "\n" + others + Authority.CertificatePem;
        X509Certificate2Collection sent = signedByClient ? [X509CertificateLoader.LoadCertificate(issuer.RawData)] : [];
        return new MadeCertificate(X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null), sent, bundle);
    }

    private CertificateRequest Request(Recipe recipe, ECDsa key)
    {
        var request = new CertificateRequest($"CN={recipe.Name}, O={Authority.Domain}", key, HashAlgorithmName.SHA256);
        var extensions = request.CertificateExtensions;
        extensions.Add(new X509BasicConstraintsExtension(recipe.Flaw == Flaw.IsAuthority, false, 0, critical: true));
        var usages = new OidCollection();
        foreach (var usage in UsagesOf(recipe))
        {
            usages.Add(new Oid(usage));
        }
        if (recipe.Flaw == Flaw.DamagedUsage)
        {
            extensions.Add(new X509Extension("2.5.29.37", [0x30, 0x05, 0x06, 0x7F, 0x01], critical: false));
        }
        else if (usages.Count > 0)
        {
            extensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        }
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        foreach (var uri in UrisOf(recipe))
        {
            names.AddUri(new Uri(uri));
        }
        extensions.Add(Changed(names.Build(), recipe.Flaw));
        if (recipe.Addresses is { } addresses)
        {
            extensions.Add(new X509AuthorityInformationAccessExtension([$"{addresses}ocsp"], [$"{addresses}issuer"]));
            extensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([$"{addresses}list"]));
        }
        return request;
    }

    private static string[] UsagesOf(Recipe recipe) => recipe.Flaw switch
    {
        Flaw.NoUsage => [],
        Flaw.AnyUsage => [AnyUsage],
        Flaw.ServerOnly => [ServerAuthentication],
        Flaw.ClientOnly => [ClientAuthentication],
        _ when recipe.Role == CertificateRole.Member => [ServerAuthentication, ClientAuthentication],
        _ => [ClientAuthentication],
    };

    private string[] UrisOf(Recipe recipe)
    {
        var named = recipe.Flaw == Flaw.OtherDomain ? Authority.Domain + "-other" : Authority.Domain;
        var own = new CertificateName(named, recipe.Role, recipe.Name).Uri;
        return recipe.Uris ?? recipe.Flaw switch
        {
            Flaw.NoUri => [],
            Flaw.TwoUris => [own, new CertificateName(Authority.Domain, recipe.Role, "another").Uri],
            _ => [own],
        };
    }

    /// <summary>Encoded names with what no builder makes: a byte of a URI that is a line break, or an end that is missing.</summary>
    private static X509Extension Changed(X509Extension names, Flaw? flaw)
    {
        var encoded = names.RawData;
        switch (flaw)
        {
            case Flaw.BrokenUri:
                encoded[^1] = (byte)'\n';
                break;
            case Flaw.DamagedNames:
                // The last name says that it is longer than what is left.
                encoded[encoded.AsSpan().LastIndexOf("consensus:"u8) - 1] += 5;
                break;
            case Flaw.NamesWithTail:
                encoded = [.. encoded, 5, 0];
                break;
            default:
                break;
        }
        return new X509Extension(names.Oid!, encoded, critical: false);
    }

    private sealed record Recipe(CertificateRole Role, string Name)
    {
        public Flaw? Flaw { get; init; }

        public Uri? Addresses { get; init; }

        public string[]? Uris { get; init; }
    }
}

/// <summary>A certificate that a test made.</summary>
/// <param name="Leaf">With its key, as SslStream takes it.</param>
/// <param name="Others">What is to be presented with it.</param>
/// <param name="BundleText">Key, leaf, others and the right CA's certificate, for a file.</param>
internal sealed record MadeCertificate(X509Certificate2 Leaf, X509Certificate2Collection Others, string BundleText);
