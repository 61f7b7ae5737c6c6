using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>Real processes that are started with a bundle each, and nothing else than without.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ProcessTests
{
    private const int Members = 3;

    private readonly int[] _ports = FreePorts.Next(2 * Members);
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
        var clients = await StartAsync();
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

    [Test]
    public async Task A_member_whose_certificate_is_revoked_is_cut_off_until_it_has_another_and_by_those_who_restart_too()
    {
        var clients = await StartAsync();
        var admin = _certificates.WithUris("consensus://c-test/client/admin");
        string Revocation(string member)
        {
            var bundle = Bundle.Load(Path.Combine(_certificates.Directory, member + ".pem"), member);
            return $"/v1/auth/revocations/{bundle.Leaf.GetCertHashString(HashAlgorithmName.SHA256)}";
        }

        foreach (var member in new[] { "n1", "n3" })
        {
            var refused = TlsHttp.Ask(clients[0], admin, "PUT", Revocation(member));
            Assert.That((refused.Status, refused.Body), Is.EqualTo((412, refused.Body)));
            Assert.That(refused.Body, Does.Contain($"is the one that the member {member} goes by"));
        }
        Assert.That(TlsHttp.Ask(clients[0], admin, "PUT", Revocation("n3") + "?force=true").Status, Is.EqualTo(200));
        await Patience.UntilAsync(() => Asked(clients[0], admin, "PUT", Revocation("n3")) == 200, "it is so already");
        const string Refused = "its certificate, of the member n3, is revoked";
        await Patience.UntilAsync(
            () => _processes[..2].TrueForAll(static process => process.Output.Contains(Refused, StringComparison.Ordinal)),
            "both refuse n3");
        await Patience.UntilAsync(() => Asked(clients[0], admin, "PUT", "/v1/kv/k?value=1") == 200, "the others serve");

        _processes[1].Dispose();
        _processes[1] = Start(2);
        await Patience.UntilAsync(() => Asked(clients[1], admin, "PUT", "/v1/kv/k?value=2") == 200, "n2 is back");
        Assert.That(_processes[2].HasExited, Is.False, "nobody told it to stop");
        await Patience.UntilAsync(
            () => _processes[1].Output.Contains(Refused, StringComparison.Ordinal), "n2 knows it from its disk, or of n1");
        await Patience.UntilAsync(
            () => TlsHttp.Ask(clients[2], admin, "GET", "/v1/kv/k").Status != 200, "n3 reaches nobody");

        _certificates.Member("n3");
        const int HangUp = 1;
        _processes[2].Signal(HangUp);
        await Patience.UntilAsync(() => Asked(clients[2], admin, "GET", "/v1/kv/k") == 200, "another certificate is believed");

        await Patience.UntilAsync(() => Asked(clients[0], admin, "PUT", Revocation("n1") + "?force=true") == 200, "n1 says so of itself");
        Assert.That(TlsHttp.Ask(clients[0], admin, "GET", "/v1/status").Body, Does.Contain("the certificate of this member is revoked"));
    }

    private static int Asked(int port, MadeCertificate who, string method, string target)
    {
        try
        {
            return TlsHttp.Ask(port, who, method, target).Status;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
        {
            // It does not listen yet.
            return 0;
        }
    }

    /// <summary>Three members with a bundle each.</summary>
    /// <returns>Their client ports.</returns>
    private async Task<int[]> StartAsync()
    {
        for (var i = 1; i <= Members; i++)
        {
            _certificates.Member($"n{i}");
            _processes.Add(Start(i));
        }
        var clients = _ports[Members..];
        foreach (var port in clients)
        {
            await Patience.UntilAsync(() => IsReady(port), "the member is ready");
        }
        return clients;
    }

    private ServerProcess Start(int number) => new(
    [
        "--name", $"n{number}", "--tls", Path.Combine(_certificates.Directory, $"n{number}.pem"),
        "--data-dir", Path.Combine(_data.Path, $"n{number}"),
        "--listen-peer", Local(_ports[number - 1]), "--listen-client", Local(_ports[Members + number - 1]),
        "--initial-cluster", string.Join(',', Enumerable.Range(1, Members).Select(i => Peer(i, _ports[i - 1]))),
    ]);

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
