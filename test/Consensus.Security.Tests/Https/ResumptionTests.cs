using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>A session that is resumed brings no certificate again: whom it is of is judged all the same.</summary>
internal sealed class ResumptionTests : HttpsTest
{
    private readonly TestCertificates _company = new("company");
    private readonly TemporaryDirectory _directory = new();

    protected override string ClientsFile => Path.Combine(_directory.Path, "clients.pem");

    [OneTimeSetUp]
    public void WriteAnchors() => File.WriteAllText(ClientsFile, _company.Authority.CertificatePem);

    [OneTimeTearDown]
    public void End()
    {
        _company.Dispose();
        _directory.Dispose();
    }

    [TearDown]
    public void PutBack() => WriteAnchors();

    [Test]
    public void Row_32_A_session_is_resumed_only_while_its_certificate_is_believed()
    {
        using var another = CertificateAuthority.Create("another", Time.GetUtcNow());
        var options = TlsHttp.OptionsFor(_company.WithUris("spiffe://company/web"));
        var full = Ask(options);
        Assert.That(full.Status, Is.EqualTo(200));
        AssertResumed(Ask(options), full);
        Anchors(_company.Authority.CertificatePem + another.CertificatePem);
        AssertResumed(Ask(options), full);
        Anchors(another.CertificatePem);
        Assert.That(Ask(options).Status, Is.Zero, "the handshake fails");
        Anchors(_company.Authority.CertificatePem);
        Assert.That(Ask(options).Status, Is.EqualTo(200));
    }

    [Test]
    public void Row_32_A_certificate_that_came_with_one_between_is_believed_when_its_session_is_resumed()
    {
        var (client, root) = Chained("spiffe://company/batch");
        Anchors(root);
        var options = TlsHttp.OptionsFor(client);
        var full = Ask(options);
        Assert.That(full.Status, Is.EqualTo(200));
        for (var i = 0; i < 3; i++)
        {
            AssertResumed(Ask(options), full);
        }
        Anchors(_company.Authority.CertificatePem);
        Assert.That(Ask(options).Status, Is.Zero, "what lies between vouches for nobody");
    }

    [Test]
    public void Row_32_A_session_that_was_begun_without_a_certificate_is_nobodys_when_it_is_resumed()
    {
        var options = TlsHttp.OptionsFor(null);
        var full = Ask(options);
        Assert.That(full.Status, Is.EqualTo(401));
        var again = Ask(options);
        AssertResumed(again with { Status = 200 }, full);
        Assert.That(again.Status, Is.EqualTo(401));
    }

    private static void AssertResumed((long Bytes, int Status) again, (long Bytes, int Status) full)
    {
        Assert.That(again.Status, Is.EqualTo(200));
        Assert.That(again.Bytes, Is.LessThan(full.Bytes / 2), "the server did not send its certificate again");
    }

    private void Anchors(string pem)
    {
        File.WriteAllText(ClientsFile, pem);
        Assert.That(Watcher.Look(), Is.True, Watcher.Refusal);
    }

    /// <summary>A client of a CA that another CA vouches for, and the latter's certificate.</summary>
    private (MadeCertificate Client, string Root) Chained(string uri)
    {
        using ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256), middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, until) = (Time.GetUtcNow().AddMinutes(-10), Time.GetUtcNow().AddDays(30));
        var rootRequest = new CertificateRequest("CN=root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, critical: true));
        using var root = rootRequest.CreateSelfSigned(from, until);
        var middleRequest = new CertificateRequest("CN=between", middleKey, HashAlgorithmName.SHA256);
        middleRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        var middle = middleRequest.Create(root, from, until, [2]);
        var request = new CertificateRequest("CN=batch", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(middle.SubjectName, X509SignatureGenerator.CreateForECDsa(middleKey), from, until, [3]);
        using var both = leaf.CopyWithPrivateKey(key);
        var client = new MadeCertificate(X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null), [middle], "");
        return (client, root.ExportCertificatePem() + "\n");
    }
}
