using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>
/// One PEM file: private key, leaf, intermediates and trust anchors (every self-signed certificate in it is one), so that one rename
/// replaces all and key and certificate never differ. Immutable; lives as long as anything may still use it, and is never disposed under
/// a handshake.
/// </summary>
public sealed class Bundle
{
    private Bundle(string path, X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection anchors)
    {
        Path = path;
        Leaf = leaf;
        Intermediates = intermediates;
        Anchors = anchors;
        var names = AlternativeNames.Of(leaf) ?? AlternativeNames.None;
        Name = names.Uris is [var uri] && CertificateName.TryParse(uri, out var name) ? name : null;
        Hosts = names.Hosts;
        Context = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
    }

    /// <summary>The file, or the directory, as it was given.</summary>
    public string Path { get; }

    /// <summary>The own certificate, with its private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>What lies between the leaf and an anchor.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>Whom to believe.</summary>
    public X509Certificate2Collection Anchors { get; }

    /// <summary>Who the leaf names; null if it is no certificate of a cluster's domain.</summary>
    public CertificateName? Name { get; }

    /// <summary>The DNS names and addresses that the leaf is for, in its order.</summary>
    public IReadOnlyList<string> Hosts { get; }

    /// <summary>What a handshake presents; built once, since building looks for a chain.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>From when on the leaf is valid.</summary>
    public DateTimeOffset NotBefore => new(Leaf.NotBefore.ToUniversalTime());

    /// <summary>Until when the leaf is valid.</summary>
    public DateTimeOffset NotAfter => new(Leaf.NotAfter.ToUniversalTime());

    /// <summary>
    /// Reads a bundle and checks it by itself: who may read it, one key, one certificate that it fits, an anchor. Who it names and
    /// whether it is valid now are the caller's questions.
    /// </summary>
    /// <param name="path">The file, or a directory with <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c>.</param>
    /// <param name="label">What a sentence calls it, for example <c>--tls n1.pem</c>.</param>
    /// <exception cref="BundleException">It cannot be used.</exception>
    public static Bundle Load(string path, string label) => Read(BundleText.OfBundle(path, label), path, label);

    /// <summary>The same, of text that was read already.</summary>
    /// <inheritdoc cref="Load"/>
    public static Bundle Read(string pem, string path, string label)
    {
        try
        {
            var blocks = PemBlocks.Read(pem, label);
            var parts = CertificateParts.Of(blocks, label);
            var key = Single(blocks, label);
            var leaf = parts.SingleLeaf(label);
            if (parts.Anchors.Count == 0)
            {
                throw new BundleException($"{label} holds no CA certificate");
            }
            return new Bundle(path, WithKey(leaf, key, label), parts.Intermediates, parts.Anchors);
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            throw Unreadable(label, e);
        }
    }

    /// <summary>Reads a file of trust anchors alone: no key, and nothing but self-signed certificates.</summary>
    /// <inheritdoc cref="Load"/>
    public static X509Certificate2Collection LoadAnchors(string path, string label) =>
        ReadAnchors(BundleText.OfAnchors(path, label), label);

    /// <summary>The same, of text that was read already.</summary>
    /// <inheritdoc cref="Load"/>
    public static X509Certificate2Collection ReadAnchors(string pem, string label)
    {
        try
        {
            var blocks = PemBlocks.Read(pem, label);
            if (blocks.Any(PemBlocks.IsKey))
            {
                throw new BundleException($"{label} holds a private key, which is not asked for: give the CA certificates alone");
            }
            var parts = CertificateParts.Of(blocks, label);
            return parts switch
            {
                { Leaves: [var leaf, ..] } => throw new BundleException($"{label} holds '{leaf.Subject}', which is no CA's certificate"),
                { Anchors.Count: 0 } => throw new BundleException($"{label} holds no CA certificate that is signed by itself"),
                _ => parts.Anchors,
            };
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            throw Unreadable(label, e);
        }
    }

    private static BundleException Unreadable(string label, Exception cause) =>
        new($"{label} cannot be read ({cause.Message.TrimEnd('.')})", cause);

    private static PemBlock Single(IEnumerable<PemBlock> blocks, string label) => blocks.Where(PemBlocks.IsKey).ToList() switch
    {
        [var key] => key,
        [] => throw new BundleException($"{label} holds no private key"),
        { Count: var count } => throw new BundleException($"{label} holds {count} private keys where one is wanted"),
    };

    private static X509Certificate2 WithKey(X509Certificate2 leaf, PemBlock key, string label)
    {
        var both = TryRead<ECDsa>(ECDsa.Create(), key) is { } curve ? Fitting(() => leaf.CopyWithPrivateKey(curve), curve, label)
            : TryRead<RSA>(RSA.Create(), key) is { } rsa ? Fitting(() => leaf.CopyWithPrivateKey(rsa), rsa, label)
            : throw new BundleException($"{label}: its private key is damaged, or neither EC nor RSA");
        if (OperatingSystem.IsLinux())
        {
            return both;
        }
        // Elsewhere SslStream takes no key that lives in memory alone; the round through PKCS#12 gives it another handle.
        using (both)
        {
            return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static T? TryRead<T>(T key, PemBlock block)
        where T : AsymmetricAlgorithm
    {
        try
        {
            key.ImportFromPem(block.Text);
            return key;
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            key.Dispose();
            return null;
        }
    }

    private static X509Certificate2 Fitting(Func<X509Certificate2> join, AsymmetricAlgorithm key, string label)
    {
        using (key)
        {
            try
            {
                return join();
            }
            catch (Exception e) when (Damage.Shows(e))
            {
                throw new BundleException($"{label}: its key does not fit its certificate", e);
            }
        }
    }
}
