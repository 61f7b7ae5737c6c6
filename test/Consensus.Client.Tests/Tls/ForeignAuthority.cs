using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Client.Tests.Tls;

/// <summary>A CA that knows no clusters: it signs certificates for hosts.</summary>
internal sealed class ForeignAuthority : IDisposable
{
    private static readonly TimeProvider Clock = TimeProvider.System;

    private readonly X509Certificate2 _own;

    public ForeignAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=A company", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        var now = Clock.GetUtcNow();
        _own = request.CreateSelfSigned(now.AddMinutes(-10), now.AddDays(2));
    }

    public X509Certificate2Collection Anchors => [_own];

    public string Pem => _own.ExportCertificatePem() + "\n";

    /// <summary>Of a server at that address.</summary>
    public X509Certificate2 Issue(string address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=A server", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        var now = Clock.GetUtcNow();
        using var leaf = request.Create(_own, now.AddMinutes(-5), now.AddDays(1), RandomNumberGenerator.GetBytes(16));
        using var both = leaf.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose() => _own.Dispose();
}
