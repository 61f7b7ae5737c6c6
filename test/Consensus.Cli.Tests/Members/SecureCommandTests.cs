using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Every kind of command over https: what asks once, what streams, what renews, what opens clients of its own.</summary>
internal sealed class SecureCommandTests
{
    private readonly TestCertificates _certificates = new();
    private TlsFront _front = null!;

    [OneTimeSetUp]
    public void Start() => _front = new TlsFront(OneMember.Endpoint, _certificates.Member("n1")) { DemandsCertificate = true };

    [OneTimeTearDown]
    public void Stop()
    {
        _front.Dispose();
        _certificates.Dispose();
    }

    [TestCase("kv put secure/a v")]
    [TestCase("lock acquire secure/once --ttl 1s")]
    [TestCase("lock run secure/run --ttl 1s -- sleep 0.9")]
    [TestCase("elect secure --candidate a -- true")]
    [TestCase("snapshot save SNAPSHOT")]
    [TestCase("bench --workload lock --clients 2 --duration 200ms")]
    [TestCase("check consistency")]
    [TestCase("top -o json")]
    [TestCase("status")]
    [TestCase("completion members")]
    public async Task A_command_is_done_over_https(string line)
    {
        using var directory = new TemporaryDirectory();
        var words = line.Replace("SNAPSHOT", Path.Combine(directory.Path, "backup"), StringComparison.Ordinal).Split(' ');
        var before = _front.Clients.Count;

        using var process = new CliProcess(_front.Endpoint, ["--tls", _certificates.Client("admin"), .. words]);
        var run = await process.EndAsync();

        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Output);
        Assert.That(_front.Clients.Skip(before), Is.Not.Empty.And.All.EqualTo("consensus://c-test/client/admin"));
    }

    [Test]
    public async Task A_watch_goes_on_over_https()
    {
        using var process = new CliProcess(_front.Endpoint, "--tls", _certificates.Client("admin"), "watch", "secure/watched/");
        await Eventually.True(() => process.OutputSoFar.Length > 0, "the watch has begun");
        await Member.RowsAsync("kv", "put", "secure/watched/a", "v");

        await Eventually.True(() => process.OutputSoFar.Contains("secure/watched/a", StringComparison.Ordinal), "the change is told");
        process.Signal(CliProcess.SigInt);
        Assert.That((await process.EndAsync()).ExitCode, Is.EqualTo(130));
    }
}
