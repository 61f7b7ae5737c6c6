using System.Globalization;
using System.Security.Cryptography;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Access;

/// <summary>Rights in a real process that is started with a bundle, and again on the same directory.</summary>
internal sealed class ProcessRightsTests
{
    private const string Rules = """{"rules":[{"verbs":["read"],"spaces":["keys"],"name":"config"}]}""";

    private readonly TestCertificates _certificates = new();
    private readonly TemporaryDirectory _data = new();

    [TearDown]
    public void End()
    {
        _certificates.Dispose();
        _data.Dispose();
    }

    [Test]
    public async Task Row_17_A_member_that_forms_a_cluster_with_a_bundle_judges_rights_from_the_beginning_and_after_a_restart()
    {
        var ports = FreePorts.Next(2);
        string[] arguments =
        [
            "--name", "n1", "--tls", _certificates.Member("n1"), "--data-dir", _data.Path,
            "--listen-client", Local(ports[0]), "--listen-peer", Local(ports[1]),
        ];
        var admin = _certificates.WithUris("consensus://c-test/client/admin");
        var billing = _certificates.WithUris("consensus://c-test/client/billing");
        int Ask(MadeCertificate who, string method, string target, string body = "")
        {
            using var connection = TlsHttp.Open(ports[0], who);
            connection.Send(TlsHttp.Request(method, target, $"Content-Length: {body.Length}") + body);
            return connection.Receive().Status;
        }
        using (var member = new ServerProcess(arguments))
        {
            await UntilServedAsync(() => Ask(admin, "GET", "/v1/auth/roles"), member);
            Assert.That(Ask(billing, "GET", "/v1/kv/config"), Is.EqualTo(403));
            Assert.That(Ask(billing, "POST", "/v1/auth/enable"), Is.EqualTo(403));
            Assert.That(Ask(admin, "PUT", "/v1/kv/config?value=1"), Is.EqualTo(200));
            Assert.That(Ask(admin, "PUT", "/v1/auth/roles/billing", Rules), Is.EqualTo(200));
            Assert.That(Ask(admin, "PUT", "/v1/auth/principals/billing", """{"roles":["billing"]}"""), Is.EqualTo(200));
            Assert.That(Ask(billing, "GET", "/v1/kv/config"), Is.EqualTo(200));
            const int Terminate = 15;
            member.Signal(Terminate);
            Assert.That(await member.ExitAsync(), Is.Zero, member.Output);
        }
        using (var member = new ServerProcess(arguments))
        {
            await UntilServedAsync(() => Ask(admin, "GET", "/v1/auth/roles"), member);
            Assert.That(Ask(billing, "GET", "/v1/kv/config"), Is.EqualTo(200));
            Assert.That(Ask(billing, "GET", "/v1/kv/?prefix="), Is.EqualTo(403));
            Assert.That(Ask(billing, "PUT", "/v1/kv/config?value=2"), Is.EqualTo(403));
            using var standing = TlsHttp.Open(ports[0], billing);
            Assert.That(standing.Ask("GET", "/v1/kv/config").Status, Is.EqualTo(200));
            var fingerprint = Convert.ToHexString(SHA256.HashData(billing.Leaf.RawData));
            Assert.That(Ask(admin, "PUT", $"/v1/auth/revocations/{fingerprint}"), Is.EqualTo(200));
            Assert.That(standing.Ask("GET", "/v1/kv/config").Status, Is.EqualTo(401));
        }
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    /// <summary>A process that starts listens late, leads later, and says until then that nobody's rights are known.</summary>
    private static Task UntilServedAsync(Func<int> ask, ServerProcess member) => Patience.UntilAsync(
        () =>
        {
            Assert.That(member.HasExited, Is.False, member.Output);
            try
            {
                return ask() == 200;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return false;
            }
        },
        "the administrator is served");
}
