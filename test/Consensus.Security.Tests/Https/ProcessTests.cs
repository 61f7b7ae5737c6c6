using System.Globalization;
using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>Real processes that are started with a bundle each, and nothing else than without.</summary>
internal sealed class ProcessTests
{
    private readonly TestCertificates _certificates = new();
    private readonly TemporaryDirectory _data = new();
    private readonly List<ServerProcess> _processes = [];

    [TearDown]
    public void End()
    {
        foreach (var process in _processes)
        {
            TestContext.Out.WriteLine(process.Output);
            process.Dispose();
        }
        _certificates.Dispose();
        _data.Dispose();
    }

    [Test]
    public async Task Three_members_with_a_bundle_each_form_a_cluster_that_serves_its_clients_and_nobody_else()
    {
        const int Members = 3;
        var ports = FreePorts.Next(2 * Members);
        var peers = string.Join(',', Enumerable.Range(1, Members).Select(i => Peer(i, ports[i - 1])));
        for (var i = 1; i <= Members; i++)
        {
            _processes.Add(new ServerProcess(
            [
                "--name", $"n{i}", "--tls", _certificates.Member($"n{i}"), "--data-dir", Path.Combine(_data.Path, $"n{i}"),
                "--listen-peer", Local(ports[i - 1]), "--listen-client", Local(ports[Members + i - 1]), "--initial-cluster", peers,
            ]));
        }
        var clients = ports[Members..];
        foreach (var port in clients)
        {
            await Patience.UntilAsync(() => IsReady(port), "the member is ready");
        }
        var admin = _certificates.WithUris("consensus://c-test/client/admin");
        var billing = _certificates.WithUris("consensus://c-test/client/billing");
        foreach (var (port, number) in clients.Select((port, number) => (port, number)))
        {
            using var connection = TlsHttp.Open(port, admin);
            connection.Send(TlsHttp.Request("PUT", $"/v1/kv/k{number}", "Content-Length: 1") + number);
            Assert.That(connection.Receive().Status, Is.EqualTo(200));
            for (var other = 0; other < number; other++)
            {
                Assert.That(connection.Ask("GET", $"/v1/kv/k{other}").Body, Does.Contain($"\"value\":\"{other}\""));
            }
            using var status = JsonDocument.Parse(connection.Ask("GET", "/v1/status").Body);
            Assert.That(status.RootElement.GetProperty("insecure").GetBoolean(), Is.False);
            Assert.That(status.RootElement.GetProperty("alarms").ToString(), Does.Not.Contain("certificate"));
            using var cluster = JsonDocument.Parse(connection.Ask("GET", "/v1/cluster").Body);
            var told = cluster.RootElement.GetProperty("members").EnumerateArray()
                .Select(member => member.GetProperty("clientUrl").GetString());
            Assert.That(told, Is.EquivalentTo(clients.Select(each => $"https://{Local(each)}")));
            Assert.That(TlsHttp.Ask(port, billing, "GET", "/v1/status").Status, Is.EqualTo(403), "it has no role");
            Assert.That(TlsHttp.Ask(port, null, "GET", "/v1/status").Status, Is.EqualTo(401));
            var member = _certificates.WithUris("consensus://c-test/member/n2");
            Assert.That(TlsHttp.Ask(port, member, "GET", "/v1/status").Status, Is.EqualTo(401));
            using var plain = new TlsHttp(port);
            plain.Send(TlsHttp.Request("GET", "/v1/status"));
            Assert.That(plain.Receive().Status, Is.EqualTo(400));
        }
        Assert.That(_processes[0].Output, Does.Contain("n1 of c-test, until").And.Not.Contain("INSECURE"));
        _certificates.Member("n1");
        const int HangUp = 1;
        _processes[0].Signal(HangUp);
        const string ReadAnew = "certificates read anew (2): n1 of c-test";
        Patience.Until(() => _processes[0].Output.Contains(ReadAnew, StringComparison.Ordinal), "it is read anew");
        using var afterwards = TlsHttp.Open(clients[0], admin);
        Assert.That(afterwards.Ask("GET", "/v1/kv/k2").Body, Does.Contain("\"value\":\"2\""));
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private static string Peer(int number, int port) => string.Create(CultureInfo.InvariantCulture, $"n{number}=127.0.0.1:{port}");

    private bool IsReady(int port)
    {
        Assert.That(_processes.Where(process => process.HasExited), Is.Empty);
        try
        {
            return TlsHttp.Ask(port, null, "GET", "/readyz").Status == 200;
        }
        catch (System.Net.Sockets.SocketException)
        {
            // It does not listen yet.
            return false;
        }
    }
}
