using System.Globalization;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Tests.Https.Support;
using Consensus.Security.Tokens;
using Consensus.Storage.Backups;

namespace Consensus.Security.Tests.Access;

/// <summary>Row 52: a backup knows nothing of what was revoked after it, and a restore that is told to ends all its tokens.</summary>
internal sealed class RestoredTokenTests
{
    private readonly TestCertificates _certificates = new();
    private readonly TemporaryDirectory _data = new();
    private readonly int[] _ports = FreePorts.Next(2);

    [TearDown]
    public void End()
    {
        _certificates.Dispose();
        _data.Dispose();
    }

    [Test]
    public async Task Row_52_A_token_that_was_revoked_after_the_backup_lives_again_unless_tokens_are_dropped()
    {
        var admin = _certificates.WithUris("consensus://c-test/client/admin");
        var token = BearerToken.Create();
        var backup = Path.Combine(_data.Path, "backup");
        using (var member = Start("first"))
        {
            await UntilAsync(admin, 200, member);
            Assert.That(Put(admin, "/v1/auth/principals/svc", """{"roles":["reader"]}"""), Is.EqualTo(200));
            var hash = Convert.ToHexStringLower(token.SecretHash);
            Assert.That(Put(admin, $"/v1/auth/tokens/{token.Id}", $$"""{"principal":"svc","hash":"{{hash}}"}"""), Is.EqualTo(200));
            Assert.That(Shown(token), Is.EqualTo(404), "who may read is told that there is no such key");
            await SaveAsync(admin, backup);
            Assert.That(TlsHttp.Ask(_ports[0], admin, "DELETE", $"/v1/auth/tokens/{token.Id}").Status, Is.EqualTo(200));
            Assert.That(Shown(token), Is.EqualTo(401));
        }
        foreach (var drop in new[] { false, true })
        {
            var directory = $"restored-{drop}";
            var done = BackupRestore.Run(new RestorePlan
            {
                File = backup,
                DataDirectory = Path.Combine(_data.Path, directory),
                Name = "n1",
                ClusterToken = "c-test",
                PeerAddress = Local(_ports[1]),
                UnixSeconds = 1,
                DropTokens = drop,
            });
            Assert.That((done.JudgesRights, done.LiveTokens, done.DroppedTokens), Is.EqualTo((true, 1L, drop ? 1L : 0L)));
            using var member = Start(directory);
            await UntilAsync(admin, 200, member);
            Assert.That(Shown(token), Is.EqualTo(drop ? 401 : 404));
            Assert.That(TlsHttp.Ask(_ports[0], admin, "GET", "/v1/auth/principals/svc").Body, Does.Contain("reader"), "who may what stays");
        }
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private ServerProcess Start(string directory) => new(
    [
        "--name", "n1", "--tls", _certificates.Member("n1"),
        "--data-dir", Path.Combine(_data.Path, directory), "--admin-socket", "none",
        "--listen-client", Local(_ports[0]), "--listen-peer", Local(_ports[1]),
    ]);

    private int Put(MadeCertificate who, string target, string body)
    {
        using var connection = TlsHttp.Open(_ports[0], who);
        connection.Send(TlsHttp.Request("PUT", target, $"Content-Length: {body.Length}") + body);
        return connection.Receive().Status;
    }

    private int Shown(BearerToken token) =>
        TlsHttp.Ask(_ports[0], null, "GET", "/v1/kv/none", $"Authorization: Bearer {token.Text}").Status;

    private async Task SaveAsync(MadeCertificate who, string file)
    {
        using var handler = new SocketsHttpHandler { SslOptions = { ClientCertificates = [who.Leaf] } };
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, answering, _, _) => answering is not null;
        using var client = new HttpClient(handler);
        await File.WriteAllBytesAsync(file, await client.GetByteArrayAsync(new Uri($"https://{Local(_ports[0])}/v1/snapshot")));
    }

    /// <summary>A process that starts listens late, and leads later.</summary>
    private Task UntilAsync(MadeCertificate who, int status, ServerProcess member) => Patience.UntilAsync(
        () =>
        {
            Assert.That(member.HasExited, Is.False, member.Output);
            try
            {
                return TlsHttp.Ask(_ports[0], who, "GET", "/v1/auth/roles").Status == status;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return false;
            }
        },
        "the administrator is served");
}
