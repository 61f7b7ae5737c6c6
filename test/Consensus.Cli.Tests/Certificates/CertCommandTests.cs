using System.Runtime.Versioning;
using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Security.Certificates;

namespace Consensus.Cli.Tests.Certificates;

[UnsupportedOSPlatform("windows")]
internal sealed class CertCommandTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    private TemporaryDirectory _temporary = null!;

    private string Place => Path.Combine(_temporary.Path, "certs");

    [SetUp]
    public void MakeDirectory() => _temporary = new TemporaryDirectory();

    [TearDown]
    public void RemoveDirectory() => _temporary.Dispose();

    private string FileOf(string name) => Path.Combine(Place, name);

    private Task<CliRun> RunAsync(params string[] arguments) => Ctl.RunAsync(Nowhere, ["cert", .. arguments, "--dir", Place]);

    private static Task<CliRun> ShowAsync(params string[] arguments) => Ctl.RunAsync(Nowhere, ["cert", "show", .. arguments]);

    private async Task CreateAsync(params string[] arguments)
    {
        var run = await RunAsync(["create", .. arguments]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task Create_makes_a_file_for_each_and_says_what_to_do_with_them()
    {
        var run = await RunAsync("create", "n1=10.0.0.1,db1.example.org", "n2=10.0.0.2", "--client", "billing", "--domain", "prod");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.That(lines[0], Is.EqualTo("FILE\tFOR\tDOMAIN\tUNTIL\tHOSTS"));
        Assert.That(lines[1], Does.Match($"^{FileOf("billing.pem")}\tclient billing\tprod\t[0-9-]{{10}}\t-$"));
        Assert.That(lines[2], Does.StartWith($"{FileOf("admin.pem")}\tclient admin\tprod\t"));
        Assert.That(lines[3], Does.Match(
            $"^{FileOf("n1.pem")}\tmember n1\tprod\t[0-9-]{{10}}\t10.0.0.1, db1.example.org, localhost, 127.0.0.1, ::1$"));
        Assert.That(lines[5], Does.StartWith($"{FileOf("ca.key.pem")} is the CA's key: whoever has it can be any member and any client."));
        Assert.That(Bundle.Load(FileOf("n2.pem"), "n2").Name, Is.EqualTo(new CertificateName("prod", CertificateRole.Member, "n2")));
    }

    [Test]
    public async Task Create_beside_a_CA_adds_and_overwrites_nothing()
    {
        await CreateAsync("n1=10.0.0.1");
        var run = await RunAsync("create", "n4=10.0.0.4", "-o", "json");
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("newAuthority").GetBoolean(), Is.False);
        var bundle = document.RootElement.GetProperty("bundles").EnumerateArray().Single();
        Assert.That(bundle.GetProperty("file").GetString(), Is.EqualTo(FileOf("n4.pem")));
        Assert.That(bundle.GetProperty("kind").GetString(), Is.EqualTo("member"));
        Assert.That(bundle.GetProperty("hosts").EnumerateArray().Select(host => host.GetString()), Does.Contain("10.0.0.4"));
        Assert.That(bundle.GetProperty("fingerprint").GetString(), Does.Match("^[0-9a-f]{64}$"));
        Assert.That(bundle.GetProperty("notAfter").GetString(), Does.Match("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"));

        run = await RunAsync("create", "n1=10.0.0.1");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")));
        Assert.That(
            run.Error,
            Is.EqualTo(
                $"consensusctl: {FileOf("n1.pem")} is there already, so nothing was written: "
                + "consensusctl cert renew n1 issues it anew.\n"));
    }

    [Test]
    public async Task Renew_issues_anew_and_names_what_is_not_there()
    {
        await CreateAsync("n1=10.0.0.1", "n2=10.0.0.2");
        var before = await File.ReadAllTextAsync(FileOf("n1.pem"));
        var run = await RunAsync("renew", "n1", "--days", "30");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(await File.ReadAllTextAsync(FileOf("n1.pem")), Is.Not.EqualTo(before));
        Assert.That(run.Output.Split('\n')[1], Does.StartWith($"{FileOf("n1.pem")}\tmember n1\t"));
        run = await RunAsync("renew");
        Assert.That(run.Output.Split('\n').Count(line => line.StartsWith(Place, StringComparison.Ordinal)), Is.EqualTo(3));
        run = await RunAsync("renew", "n3");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")));
        Assert.That(run.Error, Is.EqualTo($"consensusctl: {FileOf("n3.pem")} is not there: cert create makes the bundle of a new name.\n"));
    }

    [Test]
    public async Task Renew_of_the_CA_says_which_phase_is_done_and_what_comes_next()
    {
        await CreateAsync("n1=10.0.0.1");
        var run = await RunAsync("renew", "--ca");
        Assert.That(run.Output, Does.Contain("Phase 1 of 3 is done").And.Contains("phase 2: consensusctl cert renew --ca"));
        run = await RunAsync("renew", "--ca");
        Assert.That(run.Output, Does.Contain("Phase 2 of 3 is done").And.Contains("phase 3: consensusctl cert renew --ca"));
        run = await RunAsync("renew", "--ca", "-o", "json");
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("phase").GetInt32(), Is.EqualTo(3));
        Assert.That(document.RootElement.GetProperty("bundles").GetArrayLength(), Is.EqualTo(2));
    }

    [TestCase("cert", "create")]
    [TestCase("cert", "create", "n1")]
    [TestCase("cert", "create", "=10.0.0.1")]
    [TestCase("cert", "create", "n1=")]
    [TestCase("cert", "create", "n1=10.0.0.1,")]
    [TestCase("cert", "create", "n1=10.0.0.1:7379")]
    [TestCase("cert", "create", "n1=*.example.org")]
    [TestCase("cert", "create", "n/1=10.0.0.1")]
    [TestCase("cert", "create", "ca=10.0.0.1")]
    [TestCase("cert", "create", "n1=10.0.0.1", "n1=10.0.0.2")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--client", "n1")]
    [TestCase("cert", "create", "--client", "")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--domain", "a b")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--days", "0")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--days", "many")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--dir", "")]
    [TestCase("cert", "create", "n1=10.0.0.1", "--frob")]
    [TestCase("cert", "create", "n1=10.0.0.1", "-o", "msgpack")]
    [TestCase("cert", "renew", "--ca", "n1")]
    [TestCase("cert", "renew", "--ca", "--days", "5")]
    [TestCase("cert", "renew", "--days", "3651")]
    [TestCase("cert", "renew", "../n1")]
    [TestCase("cert", "show")]
    [TestCase("cert", "show", "")]
    [TestCase("cert")]
    public async Task What_makes_no_sense_is_exit_2(params string[] arguments)
    {
        // Nothing is written then; were it, it lay in this test's own directory.
        var isPlaced = arguments is not [_, "create" or "renew", ..] || arguments.Contains("--dir");
        string[] line = isPlaced ? arguments : [.. arguments, "--dir", Place];
        var run = await Ctl.RunAsync(Nowhere, line);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1), run.Error);
        Assert.That(Directory.Exists(Place), Is.False);
    }

    [Test]
    public async Task Show_says_who_until_when_and_that_nothing_is_wrong()
    {
        await CreateAsync("n1=10.0.0.1", "--domain", "prod");
        var run = await ShowAsync(FileOf("n1.pem"));
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.That(lines[0], Is.EqualTo("KIND\tNAME\tDOMAIN\tFROM\tUNTIL\tDAYS LEFT\tISSUER\tHOSTS"));
        Assert.That(lines[1], Does.Match(
            "^member\tn1\tprod\t[0-9-]{10}\t[0-9-]{10}\t182[45]\tCN=Consensus CA 1, O=prod\t10.0.0.1, localhost, 127.0.0.1, ::1$"));
        Assert.That(lines[2], Does.StartWith("ca\tCN=Consensus CA 1, O=prod\tprod\t"));
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That((await ShowAsync(FileOf("ca.pem"))).ExitCode, Is.Zero);
        Assert.That((await ShowAsync(FileOf("ca.key.pem"))).ExitCode, Is.Zero);
    }

    [Test]
    public async Task Show_says_what_is_wrong_and_is_exit_1()
    {
        using var certificates = new TestCertificates();
        var expired = certificates.Write("n1.pem", certificates.Wrong(Flaw.Expired, CertificateRole.Member, "n1").BundleText);
        var run = await ShowAsync(expired);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(
            run.Output.TrimEnd().Split('\n')[^1],
            Does.Match($"^Wrong: {expired} expired on [0-9-]+: consensusctl cert renew n1\\.$"));

        // An authority's time begins ten minutes before it is made.
        var made = new DateTimeOffset(certificates.Authority.Certificate.NotBefore.AddMinutes(10));
        var ending = certificates.Write("soon.pem", certificates.Authority.IssueClient("billing", made, days: 3));
        run = await ShowAsync(ending, "-o", "json");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("certificates")[0].GetProperty("daysLeft").GetInt32(), Is.EqualTo(2));
        Assert.That(
            document.RootElement.GetProperty("wrong")[0].GetString(),
            Does.Contain("expires in 2 days").And.Contains("cert renew billing"));

        run = await ShowAsync(Path.Combine(certificates.Directory, "none.pem"));
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")));
        Assert.That(run.Error, Does.EndWith("none.pem: there is no such file.\n"));
        run = await ShowAsync(certificates.Write("text.pem", "hello"));
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"consensusctl: {certificates.Directory}/text.pem holds no certificate.\n")));
    }

    [Test]
    public async Task Show_of_a_bundle_that_everybody_can_read_says_that_beside_what_is_in_it()
    {
        await CreateAsync("n1=10.0.0.1");
        File.SetUnixFileMode(FileOf("n1.pem"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var run = await ShowAsync(FileOf("n1.pem"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(
            run.Output,
            Does.Contain("\tn1\t").And.Contains($"Wrong: {FileOf("n1.pem")} can be read by everybody (0404): chmod 600 "));
    }
}
