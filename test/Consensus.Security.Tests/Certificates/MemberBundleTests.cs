using Consensus.Security.Certificates;
using Consensus.Security.Tests.Support;

namespace Consensus.Security.Tests.Certificates;

internal sealed class MemberBundleTests
{
    private readonly SetClock _clock = new();
    private readonly TestCertificates _certificates;

    public MemberBundleTests() => _certificates = new TestCertificates(time: _clock);

    [OneTimeTearDown]
    public void RemoveFiles() => _certificates.Dispose();

    private static Bundle Load(string path) => Bundle.Load(path, path);

    private static Bundle Read(string pem) => Bundle.Read(pem, "n1.pem", "n1.pem");

    private string? RefusalOf(Bundle bundle, DateTimeOffset? now = null)
    {
        try
        {
            MemberBundle.Demand(bundle, "--tls n1.pem", "n1", now ?? _clock.Now);
            return null;
        }
        catch (BundleException refusal)
        {
            return refusal.Message;
        }
    }

    [Test]
    public void A_members_own_bundle_is_taken() => Assert.That(RefusalOf(Load(_certificates.Member("n1", "10.0.0.1"))), Is.Null);

    [Test]
    public void Another_members_a_clients_and_nobodys_are_told_apart()
    {
        Assert.That(RefusalOf(Load(_certificates.Member("n2"))), Is.EqualTo("--tls n1.pem is the certificate of n2, but --name is n1"));
        Assert.That(
            RefusalOf(Load(_certificates.Client("n1"))),
            Is.EqualTo("--tls n1.pem is a client's certificate; a member needs consensus://DOMAIN/member/n1"));
        const string Nobody =
            "--tls n1.pem names nobody of a cluster; a member needs consensus://DOMAIN/member/n1 as its certificate's only URI name";
        Assert.That(RefusalOf(Read(_certificates.Wrong(Flaw.NoUri, CertificateRole.Member, "n1").BundleText)), Is.EqualTo(Nobody));
        Assert.That(RefusalOf(Read(_certificates.Wrong(Flaw.TwoUris, CertificateRole.Member, "n1").BundleText)), Is.EqualTo(Nobody));
    }

    [Test]
    public void Out_of_its_time_it_is_refused_with_the_command_that_helps()
    {
        var bundle = Load(_certificates.Member("n1"));
        Assert.That(
            RefusalOf(bundle, _clock.Now.AddDays(1826)),
            Is.EqualTo("--tls n1.pem expired on 2035-05-31: consensusctl cert renew n1"));
        Assert.That(
            RefusalOf(bundle, _clock.Now.AddDays(-1)),
            Is.EqualTo("--tls n1.pem is not valid before 2030-06-01 11:50 UTC, and this machine's clock says 2030-05-31 12:00"));
    }

    [TestCase(Flaw.ServerOnly, "it is not for a client")]
    [TestCase(Flaw.ClientOnly, "it is not for a server")]
    [TestCase(Flaw.OtherAuthority, "it is of a CA that is not known here")]
    public void What_the_other_members_would_not_believe_is_refused_at_home(Flaw flaw, string why) => Assert.That(
        RefusalOf(Read(_certificates.Wrong(flaw, CertificateRole.Member, "n1").BundleText)),
        Does.StartWith($"--tls n1.pem: no other member would believe its certificate: {why}"));

    [Test]
    public void The_host_that_clients_are_told_is_one_of_the_certificates()
    {
        var bundle = Load(_certificates.Member("n1", "10.0.0.1", "fd00::1", "db.example.org"));
        foreach (var host in new[] { "10.0.0.1", "[fd00::1]", "fd00:0::1", "DB.example.org", "localhost", "127.0.0.1" })
        {
            Assert.That(() => MemberBundle.DemandHost(bundle, "--advertise-client", host), Throws.Nothing, host);
        }
        Assert.That(
            () => MemberBundle.DemandHost(bundle, "--advertise-client https://db:7379", "db"),
            Throws.TypeOf<BundleException>().With.Message
                .EqualTo("--advertise-client https://db:7379: n1.pem is for 10.0.0.1, fd00::1, db.example.org, localhost, not for db"));
        Assert.That(MemberBundle.Covers(bundle, "a b"), Is.False);
    }
}
