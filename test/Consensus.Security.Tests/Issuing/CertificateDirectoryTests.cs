using System.Runtime.Versioning;
using Consensus.Security.Certificates;
using Consensus.Security.Issuing;

namespace Consensus.Security.Tests.Issuing;

/// <summary>The directory in which certificates are made: what is written, what is left alone, and a run that was killed.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class CertificateDirectoryTests
{
    private static readonly DateTimeOffset Now = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private TemporaryDirectory _temporary = null!;

    private string Place => Path.Combine(_temporary.Path, "certs");

    [SetUp]
    public void MakeDirectory() => _temporary = new TemporaryDirectory();

    [TearDown]
    public void RemoveDirectory() => _temporary.Dispose();

    private string FileOf(string name) => Path.Combine(Place, name);

    private Bundle Load(string name) => Bundle.Load(FileOf(name + ".pem"), name);

    private CreationPlan Plan(params string[] members) =>
        new() { Directory = Place, Members = [.. members.Select(name => new WantedMember(name, ["10.0.0.1"]))] };

    private IssuedBundles Create(params string[] members) => CertificateCreation.Run(Plan(members), Now);

    private static string RefusalOf(Action work) => Assert.Throws<BundleException>(work)!.Message;

    private string[] Names() => [.. Directory.EnumerateFiles(Place).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private Dictionary<string, string> Contents() => Names().ToDictionary(name => name, name => File.ReadAllText(FileOf(name)));

    private static bool Believes(Bundle who, Bundle whom, DateTimeOffset? now = null) =>
        CertificateJudge.Judge(whom.Leaf, whom.Intermediates, who.Anchors, CertificateUse.Client, now ?? Now).IsBelieved;

    [Test]
    public void The_first_creation_makes_an_authority_an_admin_and_each_member()
    {
        var issued = CertificateCreation.Run(Plan("n1", "n2") with { Clients = ["billing"] }, Now);
        Assert.That(Names(), Is.EqualTo(new[] { "admin.pem", "billing.pem", "ca.key.pem", "ca.pem", "n1.pem", "n2.pem" }));
        Assert.That(issued.Domain, Does.Match("^c-[0-9a-f]{8}$"));
        Assert.That(
            (issued.IsNewAuthority, issued.Written.Select(bundle => bundle.Name!.Name)),
            Is.EqualTo((true, new[] { "billing", "admin", "n1", "n2" })));
        Assert.That(Load("admin").Name, Is.EqualTo(new CertificateName(issued.Domain, CertificateRole.Client, "admin")));
        Assert.That(Load("n2").Name, Is.EqualTo(new CertificateName(issued.Domain, CertificateRole.Member, "n2")));
        Assert.That(Believes(Load("n1"), Load("n2")) && Believes(Load("n1"), Load("admin")));
        Assert.That(Bundle.LoadAnchors(FileOf("ca.pem"), "ca.pem"), Is.EqualTo(Load("n1").Anchors));
        Assert.That(File.GetUnixFileMode(Place), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        Assert.That(
            Names().Select(name => File.GetUnixFileMode(FileOf(name))),
            Has.All.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        var key = PemBlocks.Read(File.ReadAllText(FileOf("ca.key.pem")), "ca").Single(PemBlocks.IsKey).Text;
        Assert.That(
            Contents().Where(file => file.Value.Contains(key, StringComparison.Ordinal)).Select(file => file.Key),
            Is.EqualTo(new[] { "ca.key.pem" }));
    }

    [Test]
    public void Two_clusters_never_share_a_domain_unless_it_is_named()
    {
        var first = Create("n1").Domain;
        var second = CertificateCreation.Run(Plan("n1") with { Directory = FileOf("other") }, Now).Domain;
        Assert.That(second, Is.Not.EqualTo(first));
        var named = CertificateCreation.Run(Plan("n1") with { Directory = FileOf("named"), Domain = "Prod" }, Now);
        Assert.That(named.Domain, Is.EqualTo("Prod"));
    }

    [Test]
    public void Further_names_are_of_the_same_authority_and_there_is_one_admin()
    {
        var domain = Create("n1").Domain;
        var admin = File.ReadAllText(FileOf("admin.pem"));
        var issued = CertificateCreation.Run(Plan("n4") with { Days = 30 }, Now.AddDays(10));
        Assert.That((issued.Domain, issued.IsNewAuthority, issued.Written.Count), Is.EqualTo((domain, false, 1)));
        Assert.That(Load("n4").NotAfter, Is.EqualTo(Now.AddDays(40)));
        Assert.That(Believes(Load("n1"), Load("n4"), Now.AddDays(10)));
        Assert.That(File.ReadAllText(FileOf("admin.pem")), Is.EqualTo(admin));
    }

    [Test]
    public void What_is_there_is_never_overwritten_and_then_nothing_is_written_at_all()
    {
        Create("n1");
        var before = Contents();
        Assert.That(
            RefusalOf(() => Create("n2", "n1")),
            Is.EqualTo($"{FileOf("n1.pem")} is there already, so nothing was written: consensusctl cert renew n1 issues it anew"));
        Assert.That(
            RefusalOf(() => CertificateCreation.Run(Plan("n2") with { Domain = "other" }, Now)),
            Does.Contain("another domain needs another --dir"));
        Assert.That(Contents(), Is.EqualTo(before));

        File.Delete(FileOf("ca.key.pem"));
        Assert.That(
            RefusalOf(() => Create("n2")),
            Is.EqualTo($"{FileOf("ca.pem")} is there without ca.key.pem, the CA's key: put that beside it, or give another --dir"));
        Assert.That(Names(), Is.EqualTo(new[] { "admin.pem", "ca.pem", "n1.pem" }));
    }

    [Test]
    public void A_creation_that_was_killed_is_gone_on_with()
    {
        Create("n1");
        File.Delete(FileOf("ca.pem"));
        File.Delete(FileOf("n1.pem"));
        File.WriteAllText(FileOf(".n1.pem.new"), "half");
        Create("n1");
        Assert.That(Names(), Is.EqualTo(new[] { "admin.pem", "ca.key.pem", "ca.pem", "n1.pem" }));
        Assert.That(Believes(Load("admin"), Load("n1")));
        Assert.That(File.GetUnixFileMode(FileOf("n1.pem")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [TestCase("ca", "'ca'")]
    [TestCase("ca.key", "'ca.key'")]
    [TestCase("a/b", "is no name")]
    [TestCase("../n1", "is no name")]
    [TestCase("", "is no name")]
    [TestCase("admin", "no member can be called 'admin'")]
    public void A_name_that_would_be_another_file_is_refused(string name, string why)
    {
        Assert.That(RefusalOf(() => Create(name)), Does.Contain(why));
        Assert.That(Directory.Exists(Place), Is.False);
    }

    [Test]
    public void A_plan_that_makes_no_sense_says_so()
    {
        Assert.That(Plan().Mistake(), Does.StartWith("nothing is asked for"));
        Assert.That((Plan("n1") with { Clients = ["n1"] }).Mistake(), Is.EqualTo("'n1' is asked for twice, and each name has one file"));
        Assert.That((Plan("n1") with { Domain = "a b" }).Mistake(), Does.StartWith("'a b' is no domain"));
        Assert.That((Plan("n1") with { Days = 0 }).Mistake(), Is.EqualTo("a certificate is valid for 1 to 3650 days"));
        Assert.That((Plan("n1") with { Days = 3651 }).Mistake(), Is.Not.Null);
        Assert.That((Plan() with { Members = [new WantedMember("n1", ["*"])] }).Mistake(), Does.StartWith("n1: '*' has a wildcard"));
        Assert.That((Plan() with { Members = [new WantedMember("n1", [])] }).Mistake(), Is.EqualTo("n1 has no host"));
        Assert.That(Plan("n1").Mistake(), Is.Null);
    }

    [Test]
    public void A_renewal_keeps_name_role_hosts_and_what_else_is_believed_and_changes_the_key()
    {
        Create("n1");
        using var company = CertificateAuthority.Create("company", Now);
        File.AppendAllText(FileOf("n1.pem"), company.CertificatePem);
        var before = Load("n1");
        var admin = File.ReadAllText(FileOf("admin.pem"));
        var issued = CertificateRenewal.Run(Place, ["n1"], null, Now.AddDays(100));
        var after = Load("n1");
        Assert.That((after.Name, after.Hosts), Is.EqualTo((before.Name, before.Hosts)));
        Assert.That(after.Anchors.Select(anchor => anchor.Thumbprint), Is.EquivalentTo(before.Anchors.Select(anchor => anchor.Thumbprint)));
        Assert.That(after.Leaf.GetPublicKey(), Is.Not.EqualTo(before.Leaf.GetPublicKey()));
        Assert.That(after.NotAfter, Is.EqualTo(Now.AddDays(100 + 1825)));
        Assert.That(issued.Written.Select(bundle => bundle.Path), Is.EqualTo(new[] { FileOf("n1.pem") }));
        Assert.That(File.ReadAllText(FileOf("admin.pem")), Is.EqualTo(admin));
    }

    [Test]
    public void Without_a_name_all_of_the_domain_are_renewed_and_nothing_else_is_touched()
    {
        Create("n1", "n2");
        using var stranger = CertificateAuthority.Create("company", Now);
        File.WriteAllText(FileOf("company.pem"), stranger.CertificatePem);
        var foreign = stranger.IssueClient("mine", Now);
        File.WriteAllText(FileOf("mine.pem"), foreign);
        File.SetUnixFileMode(FileOf("mine.pem"), UnixFileMode.UserRead);
        File.SetUnixFileMode(FileOf("n2.pem"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var issued = CertificateRenewal.Run(Place, [], 20, Now);
        Assert.That(issued.Written.Select(bundle => bundle.Name!.Name), Is.EqualTo(new[] { "admin", "n1", "n2" }));
        Assert.That(Load("n1").NotAfter, Is.EqualTo(Now.AddDays(20)));
        Assert.That(File.ReadAllText(FileOf("mine.pem")), Is.EqualTo(foreign));
        Assert.That(File.GetUnixFileMode(FileOf("n2.pem")).HasFlag(UnixFileMode.GroupRead), "a group that read it reads it still");
        Assert.That(RefusalOf(() => CertificateRenewal.Run(Place, ["mine"], null, Now)), Does.Contain("is not of the domain"));
        Assert.That(
            RefusalOf(() => CertificateRenewal.Run(Place, ["n3"], null, Now)),
            Is.EqualTo($"{FileOf("n3.pem")} is not there: cert create makes the bundle of a new name"));
        Assert.That(RefusalOf(() => CertificateRenewal.Run(_temporary.Path, [], null, Now)), Does.Contain("ca.key.pem is not there"));
    }

    [Test]
    public void An_authority_that_is_none_is_refused()
    {
        Create("n1");
        foreach (var text in new[] { "", File.ReadAllText(FileOf("ca.pem")), File.ReadAllText(FileOf("n1.pem")), "-----BEGIN X-----" })
        {
            File.WriteAllText(FileOf("ca.key.pem"), text);
            Assert.That(RefusalOf(() => Create("n2")), Does.StartWith(FileOf("ca.key.pem")));
        }
        File.Delete(FileOf("ca.key.pem"));
        File.WriteAllText(FileOf("ca.key.pem"), "");
        Assert.That(RefusalOf(() => Create("n2")), Does.Contain("can be read by everybody"));
    }
}
