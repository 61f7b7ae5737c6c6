using System.Globalization;
using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Audit;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Audit;

/// <summary>A real process, from its start to its end.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AuditProcessTests
{
    private const int Terminate = 15;

    private readonly TestCertificates _certificates = new();
    private readonly TemporaryDirectory _data = new();
    private ServerProcess? _process;

    [TearDown]
    public void End()
    {
        TestContext.Out.WriteLine(_process?.Output);
        _process?.Dispose();
        _certificates.Dispose();
        _data.Dispose();
    }

    private int Start(params string[] more)
    {
        var ports = FreePorts.Next(2);
        _process?.Dispose();
        _process = new ServerProcess(
        [
            "--name", "n1", "--tls", _certificates.Member("n1"), "--data-dir", Path.Combine(_data.Path, "n1"),
            "--listen-peer", Local(ports[0]), "--listen-client", Local(ports[1]), .. more,
        ]);
        return ports[1];
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    [Test]
    public async Task A_member_with_certificates_keeps_one_from_its_start_to_its_end_and_goes_on_after_a_restart()
    {
        var file = Path.Combine(_data.Path, "n1", "audit", "audit.log");
        for (var starts = 1; starts <= 2; starts++)
        {
            var port = Start();
            await Patience.UntilAsync(
                () => _process!.HasExited || _process.Output.Contains("Ready after", StringComparison.Ordinal),
                "it is ready");
            var admin = _certificates.WithUris("consensus://c-test/client/admin");
            using (var connection = TlsHttp.Open(port, admin))
            {
                connection.Send(TlsHttp.Request("PUT", "/v1/auth/roles/r", "Content-Length: 12") + "{\"rules\":[]}");
                Assert.That(connection.Receive().Status, Is.EqualTo(200));
                Assert.That(connection.Ask("GET", "/v1/status").Body, Does.Contain("\"auditDropped\":0"));
            }
            Assert.That(TlsHttp.Ask(port, null, "GET", "/v1/status").Status, Is.EqualTo(401));
            _process!.Signal(Terminate);
            Assert.That(await _process.ExitAsync(), Is.Zero);
        }
        var report = AuditVerification.Verify([file]);
        Assert.That(report.Wrong, Is.Empty);
        Assert.That(report.Files.Single().Member, Is.EqualTo("n1"));
        string[] once = ["start", "policy", "policy", "authenticated-failed", "stop"];
        Assert.That(
            File.ReadLines(file).Skip(1).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()),
            Is.EqualTo(once.Concat(once)));
    }

    [Test]
    public async Task A_file_that_cannot_be_one_is_a_refused_start()
    {
        var other = Path.Combine(_data.Path, "passwd");
        await File.WriteAllTextAsync(other, "root:x:0:0\n");
        Start("--audit", other);
        Assert.That(await _process!.ExitAsync(), Is.EqualTo(1));
        Patience.Until(
            () => _process.Output.Contains($"consensusd: {other} holds something else than an audit log", StringComparison.Ordinal),
            "it says why");
    }
}
