using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>
/// One PEM file: private key, leaf, intermediates and trust anchors (every self-signed certificate in it is one), so that one rename replaces all and key and certificate never
/// differ. Immutable; lives as long as anything may still use it, and is never disposed under a handshake.
/// </summary>
public sealed class Bundle
{
    private Bundle(string path, X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection anchors)
    {
        Path = path;
        Leaf = leaf;
        Intermediates = intermediates;
        Anchors = anchors;
        var uris = CertificateName.UrisOf(leaf);
        Name = uris.Count == 1 && CertificateName.TryParse(uris[0], out var name) ? name : null;
        Context = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
    }

    /// <summary>The file, as it was given.</summary>
    public string Path { get; }

    /// <summary>The own certificate, with its private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>What lies between the leaf and an anchor.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>Whom to believe.</summary>
    public X509Certificate2Collection Anchors { get; }

    /// <summary>Who the leaf names; null if it is no certificate of a cluster's domain.</summary>
    public CertificateName? Name { get; }

    /// <summary>What a handshake presents; built once, since building looks for a chain.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>Reads a bundle and checks it by itself: key and certificate fit, an anchor is there, file modes. Who it names and whether it is valid now is the caller's question.</summary>
    /// <param name="path">The file.</param>
    /// <param name="label">What a sentence calls it, for example <c>--tls n1.pem</c>.</param>
    /// <exception cref="BundleException">It cannot be used.</exception>
    public static Bundle Load(string path, string label)
    {
        // The room's author completes this: directories (tls.crt, tls.key, ca.crt), modes, sizes, each refusal in its sentence.
        var pem = File.ReadAllText(path);
        return Read(pem, path, label);
    }

    /// <summary>The same, of text that was read already.</summary>
    public static Bundle Read(string pem, string path, string label)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(pem);
            using var first = X509Certificate2.CreateFromPem(pem, pem);
            var anchors = new X509Certificate2Collection();
            var intermediates = new X509Certificate2Collection();
            foreach (var certificate in all)
            {
                if (certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData))
                {
                    anchors.Add(certificate);
                }
                else if (!certificate.RawDataMemory.Span.SequenceEqual(first.RawDataMemory.Span))
                {
                    intermediates.Add(certificate);
                }
            }
            // The round through PKCS#12 gives the key a handle that SslStream takes on every platform.
            var leaf = X509CertificateLoader.LoadPkcs12(first.Export(X509ContentType.Pkcs12), null);
            return new Bundle(path, leaf, intermediates, anchors);
        }
        catch (CryptographicException e)
        {
            throw new BundleException($"{label}: {e.Message}", e);
        }
    }
}
