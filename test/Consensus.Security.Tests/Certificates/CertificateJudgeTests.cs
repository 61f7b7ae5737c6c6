using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Support;

namespace Consensus.Security.Tests.Certificates;

/// <summary>What is believed of a presented certificate: rows 30 (wrong kinds) and 31 (addresses in them) of the attacks.</summary>
internal sealed class CertificateJudgeTests
{
    private readonly SetClock _clock = new();
    private readonly TestCertificates _certificates;

    public CertificateJudgeTests() => _certificates = new TestCertificates(time: _clock);

    [OneTimeTearDown]
    public void RemoveFiles() => _certificates.Dispose();

    private CertificateVerdict Judge(MadeCertificate made, CertificateUse use = CertificateUse.Client) =>
        CertificateJudge.Judge(made.Leaf, made.Others, [_certificates.Authority.Certificate], use, _clock.Now);

    [TestCase(Flaw.Expired, "it expired on 2030-05-31")]
    [TestCase(Flaw.NotYetValid, "it is not valid before 2030-06-02 12:00 UTC")]
    [TestCase(Flaw.OtherAuthority, "it is of a CA that is not known here")]
    [TestCase(Flaw.ServerOnly, "it is not for a client (extended key usage)")]
    [TestCase(Flaw.NoUsage, "it does not say what it is for (extended key usage)")]
    [TestCase(Flaw.AnyUsage, "it is not for a client (extended key usage)")]
    [TestCase(Flaw.IsAuthority, "it is a CA's own certificate")]
    [TestCase(Flaw.TwoUris, "it has 2 URI names where one is wanted")]
    [TestCase(Flaw.BrokenUri, "its URI name has characters that no URI has")]
    [TestCase(Flaw.DamagedNames, "its alternative names cannot be read")]
    [TestCase(Flaw.DamagedUsage, "it cannot be read")]
    [TestCase(Flaw.NamesWithTail, "its alternative names cannot be read")]
    [TestCase(Flaw.SignedByClient, "its chain does not hold")]
    public void Row_30_a_certificate_of_a_wrong_kind_names_nobody(Flaw flaw, string refusal)
    {
        var verdict = Judge(_certificates.Wrong(flaw));
        Assert.That(verdict.Refusal, Does.StartWith(refusal));
        Assert.That((verdict.IsBelieved, verdict.Name, verdict.Uri), Is.EqualTo((false, (CertificateName?)null, (string?)null)));
    }

    [Test]
    public void Row_30_who_may_only_answer_or_only_ask_does_not_do_the_other()
    {
        Assert.That(Judge(_certificates.Wrong(Flaw.ClientOnly, CertificateRole.Member), CertificateUse.Server).IsBelieved, Is.False);
        Assert.That(Judge(_certificates.Wrong(Flaw.ClientOnly, CertificateRole.Member), CertificateUse.Client).IsBelieved, Is.True);
        Assert.That(Judge(_certificates.Wrong(Flaw.ServerOnly, CertificateRole.Member), CertificateUse.Server).IsBelieved, Is.True);
    }

    [Test]
    public void A_CA_that_may_sign_for_servers_alone_makes_no_client()
    {
        using ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256), key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, until) = (_clock.Now.AddMinutes(-10), _clock.Now.AddDays(30));
        X509Certificate2 Root(params string[] usages)
        {
            var request = new CertificateRequest("CN=root", rootKey, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
            if (usages.Length > 0)
            {
                request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. usages.Select(usage => new Oid(usage))],
                    critical: false));
            }
            return request.CreateSelfSigned(from, until);
        }
        using X509Certificate2 free = Root(), forServers = Root("1.3.6.1.5.5.7.3.1");
        var leafRequest = new CertificateRequest("CN=web", key, HashAlgorithmName.SHA256);
        leafRequest.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using var leaf = leafRequest.Create(free.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), from, until, [2]);
        string? RefusalBy(X509Certificate2 root) => CertificateJudge.Judge(leaf, [], [root], CertificateUse.Client, _clock.Now).Refusal;
        Assert.That(RefusalBy(free), Is.Null);
        Assert.That(RefusalBy(forServers), Is.EqualTo("its CA may not sign for this use (extended key usage)"));
    }

    [Test]
    public void Another_domain_is_told_and_no_URI_names_nobody()
    {
        var other = Judge(_certificates.Wrong(Flaw.OtherDomain));
        Assert.That((other.Refusal, other.Name!.Domain), Is.EqualTo(((string?)null, "c-test-other")));
        var none = Judge(_certificates.Wrong(Flaw.NoUri));
        Assert.That((none.Refusal, none.Name, none.Uri), Is.EqualTo(((string?)null, (CertificateName?)null, (string?)null)));
    }

    [Test]
    public void A_URI_of_another_scheme_is_told_as_it_is()
    {
        var verdict = Judge(_certificates.WithUris("spiffe://example.org/ns/prod/sa/billing"));
        Assert.That(
            (verdict.Refusal, verdict.Name, verdict.Uri),
            Is.EqualTo(((string?)null, (CertificateName?)null, "spiffe://example.org/ns/prod/sa/billing")));
    }

    [Test]
    public void Nobody_and_who_comes_with_a_crowd_are_refused()
    {
        Assert.That(
            CertificateJudge.Judge(null, null, [_certificates.Authority.Certificate], CertificateUse.Client, _clock.Now).Refusal,
            Is.EqualTo("no certificate was presented"));
        var made = _certificates.WithUris("consensus://c-test/client/a");
        var crowd = made with { Others = [.. Enumerable.Repeat(_certificates.Authority.Certificate, 9)] };
        Assert.That(Judge(crowd).Refusal, Does.Contain("9 certificates came with it"));
    }

    [Test]
    public void Without_an_anchor_nobody_is_believed_whatever_he_brings_along()
    {
        var made = _certificates.WithUris("consensus://c-test/client/a");
        Assert.That(Judge(made).Refusal, Is.Null);
        X509Certificate2Collection brought = [_certificates.Authority.Certificate];
        Assert.That(
            CertificateJudge.Judge(made.Leaf, brought, [], CertificateUse.Client, _clock.Now).Refusal,
            Is.EqualTo("it is of a CA that is not known here"));
    }

    [Test]
    public void Once_the_authoritys_own_time_is_over_nobody_is_believed()
    {
        using var authority = CertificateAuthority.Create("c-1", _clock.Now, days: 10);
        var bundle = Bundle.Read(authority.IssueClient("a", _clock.Now), "a.pem", "a.pem");
        var verdict = CertificateJudge.Judge(bundle.Leaf, null, bundle.Anchors, CertificateUse.Client, _clock.Now.AddDays(11));
        Assert.That(verdict.Refusal, Does.StartWith("it expired on"));
    }

    /// <summary>The addresses lead to a socket that sees a connection, also where the chain lacks what is said to be there.</summary>
    [TestCase(null)]
    [TestCase(Flaw.OtherAuthority)]
    public void Row_31_addresses_in_a_certificate_are_never_dialled(Flaw? flaw)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var made = _certificates.WithAddresses(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), flaw: flaw);
        Assert.That(made.Leaf.Extensions.Count(extension => extension.Oid!.Value is "1.3.6.1.5.5.7.1.1" or "2.5.29.31"), Is.EqualTo(2));
        Assert.That(Judge(made).IsBelieved, Is.EqualTo(flaw is null));
        // A connection stands in the listener's queue once it is dialled, before anybody accepts it.
        Assert.That(listener.Pending(), Is.False);
        _ = Bundle.Read(made.BundleText, "billing.pem", "billing.pem");
        Assert.That(listener.Pending(), Is.False);
    }
}
