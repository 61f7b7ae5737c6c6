using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary>A bundle as it lies in the directory.</summary>
/// <param name="File">Its file, with the directory as it was given.</param>
/// <param name="Bundle">What it is.</param>
/// <param name="Text">Its PEM.</param>
internal sealed record StoredBundle(string File, Bundle Bundle, string Text);

/// <summary>
/// A directory in which certificates are made: <c>ca.key.pem</c> with the authority's key and certificate (two of each while one takes the
/// other's place; the first signs), <c>ca.pem</c> with what is believed, and a bundle for each name. That one file holds key and
/// certificate of the authority is what lets every command be begun again after it was killed.
/// </summary>
internal sealed class CertificateDirectory : IDisposable
{
    public const string AnchorsName = "ca.pem";
    public const string AuthorityName = "ca.key.pem";

    private const string Extension = ".pem";

    private readonly string _path;
    private List<CertificateAuthority> _authorities;

    private CertificateDirectory(string path, List<CertificateAuthority> authorities)
    {
        _path = path;
        _authorities = authorities;
    }

    /// <summary>The authorities; the first signs. Two while a change is under way.</summary>
    public IReadOnlyList<CertificateAuthority> Authorities => _authorities;

    public CertificateAuthority Signing => _authorities[0];

    public string Domain => Signing.Domain;

    public IEnumerable<X509Certificate2> Anchors => _authorities.Select(authority => authority.Certificate);

    public string AnchorsFile => FileOf(_path, AnchorsName);

    public string AuthorityFile => FileOf(_path, AuthorityName);

    public static bool HasAuthority(string path) => File.Exists(FileOf(path, AuthorityName));

    /// <exception cref="BundleException">It is none, or its authority cannot be read.</exception>
    public static CertificateDirectory Open(string path)
    {
        if (!HasAuthority(path))
        {
            throw new BundleException(
                $"{FileOf(path, AuthorityName)} is not there, and only where the CA's key is can certificates be issued: give --dir DIR");
        }
        var file = FileOf(path, AuthorityName);
        try
        {
            var blocks = PemBlocks.Read(BundleText.OfBundle(file, file), file);
            var keys = blocks.Where(PemBlocks.IsKey).ToList();
            var certificates = blocks.Where(block => block.Label == PemBlocks.Certificate).ToList();
            if (keys.Count != certificates.Count || keys.Count is < 1 or > 2)
            {
                throw new BundleException(
                    $"{file} is no CA of consensusctl cert create: it holds {keys.Count} keys and {certificates.Count} certificates");
            }
            return new CertificateDirectory(
                path,
                [.. keys.Zip(certificates, (key, certificate) =>
                    CertificateAuthority.Read(key.Text, X509CertificateLoader.LoadCertificate(certificate.Data), file))]);
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            throw new BundleException($"{file} cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    /// <exception cref="BundleException">There is the certificate of an authority whose key is elsewhere.</exception>
    public static void DemandNoAuthority(string path)
    {
        if (File.Exists(FileOf(path, AnchorsName)))
        {
            throw new BundleException(
                $"{FileOf(path, AnchorsName)} is there without {AuthorityName}, the CA's key: put that beside it, or give another --dir");
        }
    }

    /// <summary>Makes the directory, and an authority in it.</summary>
    /// <exception cref="BundleException">It cannot be made, or there is one already.</exception>
    public static CertificateDirectory Create(string path, string domain, DateTimeOffset now)
    {
        OwnFile.MakeDirectory(path);
        var created = new CertificateDirectory(path, [CertificateAuthority.Create(domain, now)]);
        OwnFile.WriteNew(created.AuthorityFile, created.AuthorityText());
        return created;
    }

    public string FileFor(string name) => FileOf(_path, name + Extension);

    /// <summary>Every bundle of the domain in the directory, by name. What holds no private key is none.</summary>
    /// <exception cref="BundleException">A file with a private key is no bundle, or cannot be read.</exception>
    public IReadOnlyList<StoredBundle> Bundles() =>
    [
        .. Directory.EnumerateFiles(_path, "*" + Extension)
            .Where(file => Path.GetFileName(file) is not (AnchorsName or AuthorityName) && !Path.GetFileName(file).StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .Where(HoldsKey)
            .Select(Load)
            .Where(stored => stored.Bundle.Name?.Domain == Domain),
    ];

    /// <exception cref="BundleException">It is not there, or not of this domain.</exception>
    public StoredBundle BundleOf(string name)
    {
        var file = FileFor(name);
        if (!File.Exists(file))
        {
            throw new BundleException($"{file} is not there: cert create makes the bundle of a new name");
        }
        var stored = Load(file);
        return stored.Bundle.Name?.Domain == Domain
            ? stored
            : throw new BundleException($"{file} is not of the domain {Domain}, so this CA does not renew it");
    }

    /// <summary>Writes who is believed if no file says it. One that is there is a change's to write: it says how far that is.</summary>
    public void RestoreAnchors()
    {
        if (!File.Exists(AnchorsFile))
        {
            WriteAnchors(_authorities);
        }
    }

    /// <summary>Writes who is believed, if the file says something else.</summary>
    public void WriteAnchors(IEnumerable<CertificateAuthority> believed)
    {
        var text = string.Concat(believed.Select(authority => authority.CertificatePem));
        if (!File.Exists(AnchorsFile) || BundleText.OfAnchors(AnchorsFile, AnchorsFile) != text)
        {
            OwnFile.Replace(AnchorsFile, text);
        }
    }

    /// <summary>Whether <c>ca.pem</c> holds this authority's certificate.</summary>
    public bool IsPublished(CertificateAuthority authority) =>
        File.Exists(AnchorsFile)
        && BundleText.OfAnchors(AnchorsFile, AnchorsFile).Contains(authority.CertificatePem, StringComparison.Ordinal);

    /// <summary>Replaces the authorities, by one rename.</summary>
    public void SetAuthorities(params CertificateAuthority[] authorities)
    {
        _authorities = [.. authorities];
        OwnFile.Replace(AuthorityFile, AuthorityText());
    }

    public void Dispose() => _authorities.ForEach(authority => authority.Dispose());

    private static string FileOf(string directory, string name) => Path.Combine(directory, name);

    private static StoredBundle Load(string file)
    {
        var text = BundleText.OfBundle(file, file);
        return new StoredBundle(file, Bundle.Read(text, file, file), text);
    }

    private static bool HoldsKey(string file) => BundleText.OfAnchors(file, file).Contains("PRIVATE KEY-----", StringComparison.Ordinal);

    private string AuthorityText() => string.Concat(_authorities.Select(authority => authority.ToPem()));
}
