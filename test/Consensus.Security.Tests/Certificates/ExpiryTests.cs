using Consensus.Security.Certificates;

namespace Consensus.Security.Tests.Certificates;

internal sealed class ExpiryTests
{
    private static readonly DateTimeOffset Made = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private static Bundle BundleOf(int authorityDays, int days)
    {
        using var authority = CertificateAuthority.Create("c-1", Made, authorityDays);
        return Bundle.Read(authority.IssueMember("n1", ["a"], Made, days), "/etc/consensus/n1.pem", "n1.pem");
    }

    [TestCase(0, 100, null, false)]
    [TestCase(40, 60, null, false)]
    [TestCase(40.5, 59, "the certificate of n1 (n1.pem) expires in 59 days, on 2030-09-09: consensusctl cert renew n1", false)]
    [TestCase(93, 7, "the certificate of n1 (n1.pem) expires in 7 days, on 2030-09-09: consensusctl cert renew n1", false)]
    [TestCase(93.5, 6, "the certificate of n1 (n1.pem) expires in 6 days, on 2030-09-09: consensusctl cert renew n1", true)]
    [TestCase(99, 1, "the certificate of n1 (n1.pem) expires in 1 day, on 2030-09-09: consensusctl cert renew n1", true)]
    [TestCase(99.5, 0, "the certificate of n1 (n1.pem) expires within a day, on 2030-09-09: consensusctl cert renew n1", true)]
    [TestCase(
        100.5, -1, "the certificate of n1 (n1.pem) expired on 2030-09-09, and nobody can connect anew: consensusctl cert renew n1", true)]
    public void A_leafs_end_is_told_from_sixty_days_on_and_loudly_in_the_last_week(double after, int left, string? alarm, bool isUrgent) =>
        Assert.That(Expiry.Of(BundleOf(3650, 100), Made.AddDays(after)), Is.EqualTo(new Expiry(Made.AddDays(100), left, alarm, isUrgent)));

    [Test]
    public void Whose_anchors_end_first_needs_another_authority()
    {
        using var old = CertificateAuthority.Create("c-1", Made, days: 80);
        using var signing = CertificateAuthority.Create("c-1", Made, days: 3650);
        var pem = signing.IssueMember("n1", ["a"], Made, 100, [old.Certificate]);
        Assert.That(
            Expiry.Of(Bundle.Read(pem, "n1.pem", "n1.pem"), Made.AddDays(70)).Alarm,
            Is.EqualTo("the CA certificate (n1.pem) expires in 10 days, on 2030-08-20: consensusctl cert renew --ca"));
    }

    [Test]
    public void While_one_anchor_lasts_the_end_of_an_older_one_is_no_alarm()
    {
        using var old = CertificateAuthority.Create("c-1", Made, days: 10);
        using var signing = CertificateAuthority.Create("c-1", Made, days: 3650);
        var pem = signing.IssueMember("n1", ["a"], Made, 1000, [old.Certificate, signing.Certificate]);
        Assert.That(Expiry.Of(Bundle.Read(pem, "n1.pem", "n1.pem"), Made.AddDays(9)).Alarm, Is.Null);
    }
}
