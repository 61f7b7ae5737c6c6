using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Support;

namespace Consensus.Security.Tests.Certificates;

/// <summary>What a bundle is, and the sentence with which each other thing is refused (row 49 of the attacks: modes, halves).</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class BundleTests
{
    private readonly SetClock _clock = new();
    private readonly TestCertificates _certificates;
    private readonly string _key;
    private readonly string _leaf;
    private readonly string _anchor;

    public BundleTests()
    {
        _certificates = new TestCertificates(time: _clock);
        var blocks = PemBlocks.Read(File.ReadAllText(_certificates.Member("n1", "10.0.0.1")), "n1.pem");
        (_key, _leaf, _anchor) = (blocks[0].Text + "\n", blocks[1].Text + "\n", blocks[2].Text + "\n");
    }

    [OneTimeTearDown]
    public void RemoveFiles() => _certificates.Dispose();

    private static string RefusalOf(string pem) =>
        Assert.Throws<BundleException>(() => Bundle.Read(pem, "n1.pem", "--tls n1.pem"))!.Message;

    private static string LoadRefusal(string path) => Assert.Throws<BundleException>(() => Bundle.Load(path, "--tls n1.pem"))!.Message;

    private string OtherKey() => PemBlocks.Read(_certificates.Authority.IssueClient("other", _clock.Now), "other")[0].Text + "\n";

    [Test]
    public void Its_parts_may_come_in_any_order_and_with_words_between_them()
    {
        var bundle = Bundle.Read("Made by hand, naïvely.\n" + _anchor + _leaf + "# the key\n" + _key + _anchor, "n1.pem", "--tls n1.pem");
        Assert.That(
            (bundle.Name!.Name, bundle.Anchors.Count, bundle.Intermediates.Count, bundle.Leaf.HasPrivateKey),
            Is.EqualTo(("n1", 1, 0, true)));
    }

    [Test]
    public void A_key_in_an_older_form_and_of_RSA_is_taken()
    {
        using var curve = ECDsa.Create();
        curve.ImportFromPem(_key);
        const string Parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        Assert.That(
            Bundle.Read(Parameters + curve.ExportECPrivateKeyPem() + "\n" + _leaf + _anchor, "n1.pem", "n1.pem").Name!.Name,
            Is.EqualTo("n1"));

        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=a", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var signer = ECDsa.Create();
        signer.ImportFromPem(_certificates.Authority.ToPem());
        using var leaf = request.Create(
            _certificates.Authority.Certificate.SubjectName,
            X509SignatureGenerator.CreateForECDsa(signer),
            _clock.Now,
            _clock.Now.AddDays(1),
            [1]);
        var pem = rsa.ExportRSAPrivateKeyPem() + "\n" + leaf.ExportCertificatePem() + "\n" + _anchor;
        Assert.That(Bundle.Read(pem, "a.pem", "a.pem").Leaf.HasPrivateKey);
        Assert.That(
            RefusalOf(_key + leaf.ExportCertificatePem() + "\n" + _anchor),
            Is.EqualTo("--tls n1.pem: its key does not fit its certificate"));
    }

    [Test]
    public void What_is_missing_is_named()
    {
        Assert.That(RefusalOf(""), Is.EqualTo("--tls n1.pem holds no private key"));
        Assert.That(RefusalOf(_leaf + _anchor), Is.EqualTo("--tls n1.pem holds no private key"));
        Assert.That(RefusalOf(_key), Is.EqualTo("--tls n1.pem holds no certificate"));
        Assert.That(RefusalOf(_key + _anchor), Is.EqualTo("--tls n1.pem holds no certificate of its own, only of CAs"));
        Assert.That(RefusalOf(_key + _leaf), Is.EqualTo("--tls n1.pem holds no CA certificate"));
    }

    [Test]
    public void What_is_there_twice_is_named()
    {
        var second = PemBlocks.Read(_certificates.Authority.IssueClient("billing", _clock.Now), "billing")[1].Text + "\n";
        Assert.That(RefusalOf(_key + OtherKey() + _leaf + _anchor), Is.EqualTo("--tls n1.pem holds 2 private keys where one is wanted"));
        Assert.That(
            RefusalOf(_key + _leaf + second + _anchor),
            Is.EqualTo("--tls n1.pem holds 2 certificates of its own where one is wanted: 'CN=n1, O=c-test', 'CN=billing, O=c-test'"));
    }

    [Test]
    public void A_key_that_does_not_fit_is_told() =>
        Assert.That(RefusalOf(OtherKey() + _leaf + _anchor), Is.EqualTo("--tls n1.pem: its key does not fit its certificate"));

    [Test]
    public void An_encrypted_key_is_told_as_such()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(_key);
        var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000);
        var encrypted = key.ExportEncryptedPkcs8PrivateKeyPem("password", parameters) + "\n";
        Assert.That(RefusalOf(encrypted + _leaf + _anchor), Does.StartWith("--tls n1.pem: its private key is encrypted"));
        const string Older =
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
        Assert.That(RefusalOf(Older + _leaf + _anchor), Does.StartWith("--tls n1.pem: its private key is encrypted"));
    }

    [Test]
    public void A_part_that_is_damaged_or_cut_off_is_not_passed_over()
    {
        Assert.That(
            RefusalOf((_key + _leaf + _anchor + _anchor)[..^40]),
            Is.EqualTo("--tls n1.pem is damaged: 1 of its 4 PEM blocks cannot be read"));
        Assert.That(
            RefusalOf(_key + _leaf.Replace("MII", "M!I", StringComparison.Ordinal) + _anchor),
            Does.Contain("1 of its 3 PEM blocks"));
        const string NoCertificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        Assert.That(RefusalOf(_key + _leaf + _anchor + NoCertificate), Does.StartWith("--tls n1.pem cannot be read ("));
        const string NoKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        Assert.That(RefusalOf(NoKey + _leaf + _anchor), Is.EqualTo("--tls n1.pem: its private key is damaged, or neither EC nor RSA"));
        const string List = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        Assert.That(RefusalOf(_key + _leaf + _anchor + List), Does.Contain("holds a block 'X509 CRL'"));
        Assert.That(
            RefusalOf(string.Concat(Enumerable.Repeat("-----BEGIN X-----\n", 300))),
            Is.EqualTo("--tls n1.pem has 300 PEM blocks; 256 are the most"));
        Assert.That(RefusalOf(_certificates.Wrong(Flaw.DamagedNames).BundleText), Does.Contain("alternative names cannot be read"));
    }

    [Test]
    public void A_file_that_others_can_read_or_change_is_refused_and_one_that_the_group_can_read_is_not()
    {
        var path = _certificates.Write("modes.pem", _key + _leaf + _anchor);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.SetUnixFileMode(path, Owner | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Assert.That(LoadRefusal(path), Is.EqualTo($"--tls n1.pem can be read by everybody (0644): chmod 600 {path}"));
        var link = Path.Combine(_certificates.Directory, "link.pem");
        File.CreateSymbolicLink(link, path);
        Assert.That(LoadRefusal(link), Does.Contain("can be read by everybody (0644)"), "it is the file that counts, not the link to it");
        File.SetUnixFileMode(path, Owner | UnixFileMode.OtherWrite);
        Assert.That(LoadRefusal(path), Is.EqualTo($"--tls n1.pem can be changed by everybody (0602): chmod o-w {path}"));
        File.SetUnixFileMode(path, Owner | UnixFileMode.GroupRead);
        Assert.That(Bundle.Load(path, "--tls n1.pem").Name!.Name, Is.EqualTo("n1"));
    }

    [Test]
    public void A_file_that_is_not_there_or_too_large_is_told()
    {
        Assert.That(LoadRefusal(Path.Combine(_certificates.Directory, "none.pem")), Is.EqualTo("--tls n1.pem: there is no such file"));
        Assert.That(
            LoadRefusal(Path.Combine(_certificates.Directory, "none", "n1.pem")),
            Is.EqualTo("--tls n1.pem: there is no such file"));
        Assert.That(LoadRefusal("a\0b"), Does.StartWith("--tls n1.pem cannot be read ("));
        var path = _certificates.Write("large.pem", _key + _leaf + _anchor + new string('\n', 1024 * 1024));
        Assert.That(LoadRefusal(path), Is.EqualTo("--tls n1.pem is larger than 1 MiB"));
    }

    [Test]
    [Platform("Linux")]
    public void What_is_no_regular_file_is_refused_and_never_waited_for()
    {
        var fifo = TemporaryDirectory.MakeFifo(Path.Combine(_certificates.Directory, "fifo.pem"));
        Assert.That(LoadRefusal(fifo), Is.EqualTo("--tls n1.pem cannot be read (it is no regular file)"));
        var link = Path.Combine(_certificates.Directory, "to-fifo.pem");
        File.CreateSymbolicLink(link, fifo);
        Assert.That(LoadRefusal(link), Is.EqualTo("--tls n1.pem cannot be read (it is no regular file)"));
        var mounted = Directory.CreateDirectory(Path.Combine(_certificates.Directory, "fifos")).FullName;
        TemporaryDirectory.MakeFifo(Path.Combine(mounted, "tls.key"));
        Assert.That(LoadRefusal(mounted), Is.EqualTo("--tls n1.pem: tls.key cannot be read (it is no regular file)"));
        Assert.That(
            () => Bundle.LoadAnchors(fifo, "--tls-clients a.pem"),
            Throws.TypeOf<BundleException>().With.Message.EqualTo("--tls-clients a.pem cannot be read (it is no regular file)"));
        Assert.That(
            () => CertificateReport.OfFile(fifo, _clock.Now),
                Throws.TypeOf<BundleException>().With.Message.Contains("it is no regular file"));
    }

    [Test]
    public void A_directory_as_Kubernetes_mounts_it_is_taken_and_only_its_key_is_secret()
    {
        var directory = Directory.CreateDirectory(Path.Combine(_certificates.Directory, "mounted")).FullName;
        File.WriteAllText(Path.Combine(directory, "tls.crt"), _leaf);
        File.WriteAllText(Path.Combine(directory, "ca.crt"), _anchor.TrimEnd());
        var key = Path.Combine(directory, "tls.key");
        Assert.That(LoadRefusal(directory), Is.EqualTo("--tls n1.pem: tls.key: there is no such file"));
        File.WriteAllText(key, _key);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(LoadRefusal(directory), Is.EqualTo($"--tls n1.pem: tls.key can be read by everybody (0404): chmod 600 {key}"));
        File.SetUnixFileMode(key, UnixFileMode.UserRead);
        Assert.That(Bundle.Load(directory, "--tls n1.pem").Name!.Name, Is.EqualTo("n1"));
    }

    [Test]
    public void A_file_of_anchors_holds_nothing_else()
    {
        string Refusal(string pem) => Assert.Throws<BundleException>(() => Bundle.ReadAnchors(pem, "--tls-clients a.pem"))!.Message;
        using var other = CertificateAuthority.Create("c-2", _clock.Now);
        Assert.That(Bundle.ReadAnchors(_anchor + other.CertificatePem, "a").Count, Is.EqualTo(2));
        Assert.That(Refusal(_anchor + _key), Does.StartWith("--tls-clients a.pem holds a private key"));
        Assert.That(Refusal(_anchor + _leaf), Is.EqualTo("--tls-clients a.pem holds 'CN=n1, O=c-test', which is no CA's certificate"));
        Assert.That(Refusal(""), Is.EqualTo("--tls-clients a.pem holds no CA certificate that is signed by itself"));
        Assert.That(Bundle.LoadAnchors(_certificates.AuthorityFile, "a").Count, Is.EqualTo(1));
    }
}
