using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>The certificates of a file by what they are: signed by themselves, of a CA below such a one, or of somebody.</summary>
internal sealed record CertificateParts(
    IReadOnlyList<X509Certificate2> Leaves, X509Certificate2Collection Intermediates, X509Certificate2Collection Anchors)
{
    /// <exception cref="CryptographicException">A certificate cannot be read.</exception>
    /// <exception cref="BundleException">A certificate cannot be read.</exception>
    public static CertificateParts Of(IEnumerable<PemBlock> blocks, string label)
    {
        var leaves = new List<X509Certificate2>();
        var intermediates = new X509Certificate2Collection();
        var anchors = new X509Certificate2Collection();
        var seen = new HashSet<string>();
        foreach (var block in blocks.Where(block => block.Label == PemBlocks.Certificate))
        {
            var certificate = X509CertificateLoader.LoadCertificate(block.Data);
            if (!seen.Add(certificate.GetCertHashString(HashAlgorithmName.SHA256)))
            {
                continue;
            }
            if (AlternativeNames.Of(certificate) is null)
            {
                throw new BundleException($"{label} holds the certificate '{certificate.Subject}', whose alternative names cannot be read");
            }
            if (certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData))
            {
                anchors.Add(certificate);
            }
            else if (IsAuthority(certificate))
            {
                intermediates.Add(certificate);
            }
            else
            {
                leaves.Add(certificate);
            }
        }
        return new CertificateParts(leaves, intermediates, anchors);
    }

    public static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority);

    /// <exception cref="BundleException">There is none, or more than one.</exception>
    public X509Certificate2 SingleLeaf(string label) => Leaves switch
    {
        [var leaf] => leaf,
        [] => throw new BundleException(
            Anchors.Count + Intermediates.Count == 0
                ? $"{label} holds no certificate"
                : $"{label} holds no certificate of its own, only of CAs"),
        _ => throw new BundleException(
            $"{label} holds {Leaves.Count} certificates of its own where one is wanted: "
            + string.Join(", ", Leaves.Select(leaf => $"'{leaf.Subject}'"))),
    };
}
