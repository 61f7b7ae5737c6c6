using System.Security.Cryptography.X509Certificates;
using System.Text;
using Consensus.Fuzzing;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Support;

namespace Consensus.Security.Tests.Certificates;

/// <summary>
/// Row 51 of the attacks: whatever a bundle's file holds, it is a bundle or is refused in one sentence; whatever certificate is presented,
/// there is a verdict.
/// </summary>
internal sealed class BundleFuzzTests
{
    private readonly SetClock _clock = new();
    private readonly CertificateAuthority _authority;
    private readonly string _bundle;

    public BundleFuzzTests()
    {
        _authority = CertificateAuthority.Create("c-1", _clock.Now);
        _bundle = _authority.IssueMember("n1", ["10.0.0.1", "db"], _clock.Now);
    }

    [OneTimeTearDown]
    public void Dispose() => _authority.Dispose();

    /// <returns>Whether it was a bundle.</returns>
    private static bool Reads(string pem)
    {
        try
        {
            _ = Bundle.Read(pem, "n1.pem", "n1.pem");
            return true;
        }
        catch (BundleException refusal)
        {
            Assert.That(refusal.Message, Does.StartWith("n1.pem"));
            return false;
        }
    }

    [Test]
    public void A_bundle_with_changed_text_is_read_or_refused()
    {
        var random = Mutator.Random(1);
        var original = Encoding.Latin1.GetBytes(_bundle);
        var refused = 0;
        for (var round = 0; round < Mutator.Rounds(400); round++)
        {
            var text = Encoding.Latin1.GetString(Mutator.Change(original, random));
            refused += Reads(text) ? 0 : 1;
            Assert.That(() => Bundle.ReadAnchors(text, "a.pem"), Throws.TypeOf<BundleException>(), "it holds a key, or is damaged");
        }
        Assert.That(refused, Is.Positive);
    }

    [Test]
    public void A_bundle_of_which_one_part_has_changed_content_is_read_or_refused()
    {
        var random = Mutator.Random(2);
        var blocks = PemBlocks.Read(_bundle, "n1.pem");
        var refused = 0;
        for (var round = 0; round < Mutator.Rounds(600); round++)
        {
            var changed = (int)random.Next(blocks.Count);
            var text = string.Concat(blocks.Select((block, index) =>
                new string(System.Security.Cryptography.PemEncoding.Write(
                    block.Label, index == changed ? Mutator.Change(block.Data, random) : block.Data)) + "\n"));
            refused += Reads(text) ? 0 : 1;
        }
        Assert.That(refused, Is.Positive);
    }

    [Test]
    public void A_certificate_with_changed_content_is_judged_and_not_believed_unless_it_is_the_same()
    {
        var random = Mutator.Random(3);
        var leaf = PemBlocks.Read(_bundle, "n1.pem")[1].Data;
        var judged = 0;
        for (var round = 0; round < Mutator.Rounds(1_000); round++)
        {
            var bytes = Mutator.Change(leaf, random);
            X509Certificate2 certificate;
            try
            {
                certificate = X509CertificateLoader.LoadCertificate(bytes);
            }
            catch (System.Security.Cryptography.CryptographicException)
            {
                continue;
            }
            using (certificate)
            {
                var verdict = CertificateJudge.Judge(
                    certificate, [certificate], [_authority.Certificate], CertificateUse.Client, _clock.Now);
                Assert.That(verdict.IsBelieved, Is.EqualTo(certificate.RawDataMemory.Span.SequenceEqual(leaf)), verdict.Refusal);
                judged++;
            }
        }
        Assert.That(judged, Is.Positive);
    }
}
