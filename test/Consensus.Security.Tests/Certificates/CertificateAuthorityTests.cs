using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Security.Tests.Certificates;

internal sealed class CertificateAuthorityTests
{
    private static readonly DateTimeOffset Now = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private static Bundle Read(string pem) => Bundle.Read(pem, "n1.pem", "n1.pem");

    private static DateTimeOffset End(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());

    [Test]
    public void An_authority_signs_leaves_and_no_other_authority_for_ten_years()
    {
        using var authority = CertificateAuthority.Create("c-1", Now);
        var constraints = authority.Certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.That(
            (constraints.CertificateAuthority, constraints.HasPathLengthConstraint, constraints.PathLengthConstraint, constraints.Critical),
            Is.EqualTo((true, true, 0, true)));
        Assert.That(End(authority.Certificate), Is.EqualTo(Now.AddDays(3650)));
        Assert.That(authority.Certificate.HasPrivateKey, Is.False);
        using var key = authority.Certificate.GetECDsaPublicKey()!;
        Assert.That(key.ExportParameters(false).Curve.Oid.Value, Is.EqualTo("1.2.840.10045.3.1.7"));
    }

    [Test]
    public void A_members_leaf_names_the_member_alone_and_is_for_both_ends_and_for_all_its_hosts()
    {
        using var authority = CertificateAuthority.Create("C-Prod.1", Now);
        var bundle = Read(authority.IssueMember("N_1", ["10.0.0.1", "DB.example.org", "fd00:0::1", "10.0.0.1"], Now));
        Assert.That(CertificateName.UrisOf(bundle.Leaf), Is.EqualTo(new[] { "consensus://C-Prod.1/member/N_1" }));
        Assert.That(bundle.Hosts, Is.EqualTo(new[] { "10.0.0.1", "db.example.org", "fd00::1", "localhost", "127.0.0.1", "::1" }));
        foreach (var host in bundle.Hosts)
        {
            Assert.That(MemberBundle.Covers(bundle, host), host);
        }
        Assert.That(MemberBundle.Covers(bundle, "10.0.0.2"), Is.False);
        foreach (var use in Enum.GetValues<CertificateUse>())
        {
            var verdict = CertificateJudge.Judge(bundle.Leaf, null, bundle.Anchors, use, Now);
            Assert.That(
                (verdict.Refusal, verdict.Name),
                Is.EqualTo(((string?)null, new CertificateName("C-Prod.1", CertificateRole.Member, "N_1"))));
        }
        Assert.That(bundle.NotAfter, Is.EqualTo(Now.AddDays(1825)));
    }

    [Test]
    public void A_clients_leaf_is_for_no_host_and_never_answers()
    {
        using var authority = CertificateAuthority.Create("c-1", Now);
        var bundle = Read(authority.IssueClient("billing", Now));
        Assert.That(
            (bundle.Name, bundle.Hosts),
            Is.EqualTo((new CertificateName("c-1", CertificateRole.Client, "billing"), Array.Empty<string>())));
        Assert.That(CertificateJudge.Judge(bundle.Leaf, null, bundle.Anchors, CertificateUse.Client, Now).Refusal, Is.Null);
        Assert.That(
            CertificateJudge.Judge(bundle.Leaf, null, bundle.Anchors, CertificateUse.Server, Now).Refusal,
            Does.Contain("not for a server"));
        Assert.That(bundle.NotAfter, Is.EqualTo(Now.AddDays(365)));
    }

    [Test]
    public void A_leaf_is_valid_for_a_clock_that_is_some_minutes_behind_and_never_longer_than_its_authority()
    {
        using var authority = CertificateAuthority.Create("c-1", Now, days: 100);
        var bundle = Read(authority.IssueMember("n1", ["10.0.0.1"], Now));
        Assert.That(CertificateJudge.Judge(bundle.Leaf, null, bundle.Anchors, CertificateUse.Client, Now.AddMinutes(-5)).Refusal, Is.Null);
        Assert.That(bundle.NotAfter, Is.EqualTo(End(authority.Certificate)));
        Assert.That(Read(authority.IssueClient("a", Now, days: 3)).NotAfter, Is.EqualTo(Now.AddDays(3)));
        Assert.That(
            () => authority.IssueClient("b", Now.AddDays(101)),
            Throws.TypeOf<BundleException>().With.Message
                .EqualTo("the CA certificate expired on 2030-09-09: consensusctl cert renew --ca begins the next one"));
    }

    [Test]
    public void Serial_numbers_are_random()
    {
        using var authority = CertificateAuthority.Create("c-1", Now);
        var serials = Enumerable.Range(0, 20).Select(_ => Read(authority.IssueClient("a", Now)).Leaf.SerialNumberBytes.ToArray()).ToList();
        Assert.That(serials.Select(Convert.ToHexString).Distinct().Count(), Is.EqualTo(20));
        // A random one has a leading zero byte once in 256, and two once in 65,536.
        Assert.That(serials.Select(serial => serial.Length), Has.All.InRange(14, 17));
        Assert.That(serials.Select(serial => serial[^1]).Distinct().Count(), Is.GreaterThan(1));
    }

    [Test]
    public void An_authority_that_is_read_again_signs_what_the_first_is_believed_for()
    {
        using var first = CertificateAuthority.Create("c-1", Now, number: 7);
        using var again = CertificateAuthority.Read(first.ToPem(), X509Certificate2.CreateFromPem(first.ToPem()), "ca.key.pem");
        Assert.That((again.Domain, again.Number), Is.EqualTo(("c-1", 7)));
        var bundle = Read(again.IssueMember("n1", ["a"], Now));
        Assert.That(CertificateJudge.Judge(bundle.Leaf, null, [first.Certificate], CertificateUse.Server, Now).Refusal, Is.Null);
    }

    [Test]
    public void A_key_of_another_authority_and_a_certificate_that_is_no_authoritys_are_refused()
    {
        using var one = CertificateAuthority.Create("c-1", Now);
        using var two = CertificateAuthority.Create("c-1", Now);
        Assert.That(
            () => CertificateAuthority.Read(one.ToPem(), X509Certificate2.CreateFromPem(two.CertificatePem), "ca.key.pem"),
            Throws.TypeOf<BundleException>().With.Message.EqualTo("ca.key.pem: its key does not fit its certificate"));
        var client = one.IssueClient("a", Now);
        Assert.That(
            () => CertificateAuthority.Read(client, X509Certificate2.CreateFromPem(client), "ca.key.pem"),
            Throws.TypeOf<BundleException>().With.Message.Contains("names no domain"));
    }

    [TestCase("10.0.0.1", "10.0.0.1")]
    [TestCase("FD00:0:0::A", "fd00::a")]
    [TestCase("Db-1.Example.ORG", "db-1.example.org")]
    [TestCase("my_container", "my_container")]
    [TestCase("localhost", "localhost")]
    public void A_host_is_brought_to_its_one_form(string text, string form) => Assert.That(HostName.Parse(text), Is.EqualTo(form));

    [TestCase("", "no host")]
    [TestCase("*.example.org", "wildcard")]
    [TestCase("10.0.0", "no host")]
    [TestCase("10.0.0.300", "no host")]
    [TestCase("0x7f.1", "no host")]
    [TestCase("db:7379", "no host")]
    [TestCase("[::1]", "brackets")]
    [TestCase("[::1]:7379", "brackets")]
    [TestCase("fe80::1%eth0", "zone")]
    [TestCase("https://db", "no host")]
    [TestCase("a..b", "no host")]
    [TestCase("-a", "no host")]
    [TestCase("a.", "no host")]
    [TestCase("a b", "no host")]
    [TestCase("a\nb", "no host")]
    [TestCase("dbé", "no host")]
    public void What_is_no_host_is_refused(string text, string why) =>
        Assert.That(() => HostName.Parse(text), Throws.TypeOf<BundleException>().With.Message.Contains(why));

    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("a b")]
    [TestCase("ä")]
    public void Nobody_is_named_by_what_is_no_name(string name)
    {
        using var authority = CertificateAuthority.Create("c-1", Now);
        Assert.That(() => authority.IssueClient(name, Now), Throws.TypeOf<BundleException>().With.Message.Contains("is no name"));
        Assert.That(() => CertificateAuthority.Create(name, Now), Throws.TypeOf<BundleException>().With.Message.Contains("is no domain"));
    }
}
