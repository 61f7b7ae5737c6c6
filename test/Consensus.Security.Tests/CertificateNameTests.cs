using Consensus.Security.Certificates;

namespace Consensus.Security.Tests;

public sealed class CertificateNameTests
{
    [TestCase("consensus://c-1/member/n1", CertificateRole.Member)]
    [TestCase("consensus://c-1/client/billing", CertificateRole.Client)]
    public void A_name_is_read_and_written_alike(string uri, CertificateRole role)
    {
        Assert.That(CertificateName.TryParse(uri, out var name), Is.True);
        Assert.That((name!.Role, name.Uri), Is.EqualTo((role, uri)));
    }

    [TestCase("")]
    [TestCase("consensus://c-1/member/")]
    [TestCase("consensus:///member/n1")]
    [TestCase("consensus://c-1/Member/n1")]
    [TestCase("CONSENSUS://c-1/member/n1")]
    [TestCase("consensus://c-1/member/n1/")]
    [TestCase("consensus://c-1/member/n%31")]
    [TestCase("consensus://c-1:80/member/n1")]
    [TestCase("consensus://c-1/operator/n1")]
    [TestCase("spiffe://c-1/member/n1")]
    public void What_deviates_names_nobody(string uri) => Assert.That(CertificateName.TryParse(uri, out _), Is.False);
}
