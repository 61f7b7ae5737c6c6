using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.WebTokens;

/// <summary>Web tokens at a real process, from its start to its end.</summary>
[UnsupportedOSPlatform("windows")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WebTokenProcessTests
{
    private const int HangUp = 1;
    private const int Terminate = 15;

    private readonly TestCertificates _certificates = new();
    private readonly TemporaryDirectory _directory = new();
    private readonly TokenMaker _maker = new();
    private ServerProcess? _process;

    [TearDown]
    public void End()
    {
        TestContext.Out.WriteLine(_process?.Output);
        _process?.Dispose();
        _certificates.Dispose();
        _directory.Dispose();
        _maker.Dispose();
    }

    private string Data => Path.Combine(_directory.Path, "n1");

    private string Issuers => Path.Combine(_directory.Path, "issuers.json");

    private string KeySet => Path.Combine(_directory.Path, "jwks.json");

    private int Start(params string[] more)
    {
        var ports = FreePorts.Next(2);
        _process = new ServerProcess(
        [
            "--name", "n1", "--jwt", Issuers, "--data-dir", Data, "--listen-peer", Local(ports[0]),
            "--listen-client", Local(ports[1]), .. more,
        ]);
        return ports[1];
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private Task UntilSaidAsync(string text) => Patience.UntilAsync(
        () => _process!.Output.Contains(text, StringComparison.Ordinal) || _process.HasExited, $"it says {text}");

    private void Write(JsonNode issuers, JsonNode keys)
    {
        File.WriteAllText(KeySet, keys.ToJsonString());
        File.WriteAllText(Issuers, issuers.ToJsonString());
    }

    /// <summary>Of the time of day as the file of the issuers, just written, has it: the process has no other.</summary>
    private string Jwt(string id = "r1") => _maker.Sign(
        TokenMaker.Header(id == "e1" ? "ES256" : "RS256", id), TokenMaker.Claims(new DateTimeOffset(File.GetLastWriteTimeUtc(Issuers))));

    [Test]
    public async Task Row_23_A_token_is_taken_is_no_longer_with_its_key_and_is_written_nowhere()
    {
        Write(new JsonArray(TokenMaker.Description()), _maker.KeySet());
        var port = Start("--tls", _certificates.Member("n1"), "--audit-level", "all", "--snapshot-entries", "1");
        await UntilSaidAsync("Ready after");
        var admin = _certificates.WithUris("consensus://c-test/client/admin");
        using (var connection = TlsHttp.Open(port, admin))
        {
            void Do(string target, string body)
            {
                connection.Send(TlsHttp.Request("PUT", target, $"Content-Length: {body.Length}") + body);
                Assert.That(connection.Receive().Status, Is.EqualTo(200));
            }
            Do("/v1/auth/roles/apps", """{"rules":[{"verbs":["read","write"],"spaces":["keys"],"prefix":""}]}""");
            Do("/v1/auth/principals/k8s:system:serviceaccount:prod:*", """{"roles":["apps"]}""");
        }
        var (jwt, removed) = (Jwt("e1"), Jwt());
        var told = new List<string>();
        string Bearer(string token) => $"Authorization: Bearer {token}";
        using (var standing = TlsHttp.Open(port, null))
        {
            Assert.That(standing.Ask("PUT", "/v1/kv/a?value=1", Bearer(removed)).Status, Is.EqualTo(200));
            File.WriteAllText(KeySet, new JsonObject { ["keys"] = new JsonArray(_maker.CurveKey()) }.ToJsonString());
            _process!.Signal(HangUp);
            await UntilSaidAsync("read anew (2)");
            var answer = standing.Ask("GET", "/v1/kv/a", Bearer(removed));
            Assert.That(answer.Status, Is.EqualTo(401), "by a reload, as the process was told");
            told.Add(answer.Body);
        }
        using (var standing = TlsHttp.Open(port, null))
        {
            Assert.That(standing.Ask("PUT", "/v1/kv/a?value=2", Bearer(jwt)).Status, Is.EqualTo(200));
            Assert.That(standing.Ask("GET", "/v1/auth", Bearer(jwt)).Body, Does.Contain("\"credential\":\"j:k8s\""));
            told.Add(standing.Ask("GET", "/v1/locks/a", Bearer(jwt)).Body);
        }
        using (var connection = TlsHttp.Open(port, admin))
        {
            told.Add(connection.Ask("GET", "/metrics").Body);
            told.Add(connection.Ask("GET", "/v1/status").Body);
        }
        _process.Signal(Terminate);
        Assert.That(await _process.ExitAsync(), Is.Zero);
        var audit = await File.ReadAllTextAsync(Path.Combine(Data, "audit", "audit.log"));
        Assert.That(audit, Does.Contain($"k8s:{TokenMaker.Subject}").And.Contain("j:k8s"), "who it was");
        told.Add(_process.Output);
        var files = Directory.GetFiles(Data, "*", SearchOption.AllDirectories);
        told.AddRange(files.Select(file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file))));
        Assert.That(told.Exists(text => text.Contains(TokenMaker.Subject, StringComparison.Ordinal)), Is.True, "the log has the name");
        foreach (var secret in (string[])[jwt, removed, jwt.Split('.')[2], removed.Split('.')[2], jwt.Split('.')[1]])
        {
            Assert.That(told.Where(text => text.Contains(secret, StringComparison.Ordinal)), Is.Empty);
        }
    }

    [Test]
    public async Task On_plain_loopback_a_token_is_taken_as_well()
    {
        Write(new JsonArray(TokenMaker.Description()), _maker.KeySet());
        var port = Start();
        await UntilSaidAsync("Ready after");
        using var connection = new TlsHttp(port);
        Assert.That(connection.Ask("GET", "/v1/auth", $"Authorization: Bearer {Jwt()}").Body, Does.Contain($"k8s:{TokenMaker.Subject}"));
        Assert.That(connection.Ask("GET", "/v1/auth", $"Authorization: Bearer {Jwt("r2")}").Status, Is.EqualTo(401));
    }

    [TestCase("missing", "there is no such file")]
    [TestCase("damaged", "it is no JSON")]
    [TestCase("uri", "an issuer called uri would make principals that another source makes")]
    [TestCase("cn", "an issuer called cn would make principals that another source makes")]
    [TestCase("admin:", "the name 'admin:' is not 1 to 32 of a-z, 0-9 and -")]
    [TestCase("HS256", "k8s names the algorithm 'HS256'; there are RS256")]
    [TestCase("no keys", "jwks.json: there is no such file")]
    [TestCase("large", "is larger than 1 MiB")]
    [TestCase("open", "can be changed by everybody (0666): chmod o-w")]
    [TestCase("open keys", "jwks.json can be changed by everybody (0666): chmod o-w")]
    [TestCase("directory", "it is no regular file")]
    public async Task Row_28_A_file_that_cannot_be_used_is_a_refused_start(string wrong, string sentence)
    {
        var description = TokenMaker.Description(wrong is "uri" or "cn" or "admin:" ? wrong : "k8s");
        description["algorithms"] = new JsonArray(wrong == "HS256" ? wrong : "RS256");
        Write(new JsonArray(description), _maker.KeySet());
        const UnixFileMode Everybody = (UnixFileMode)0b110_110_110;
        switch (wrong)
        {
            case "missing":
                File.Delete(Issuers);
                break;
            case "damaged":
                await File.WriteAllTextAsync(Issuers, "[{");
                break;
            case "no keys":
                File.Delete(KeySet);
                break;
            case "large":
                await File.WriteAllTextAsync(Issuers, new string(' ', (1 << 20) + 1));
                break;
            case "open":
                File.SetUnixFileMode(Issuers, Everybody);
                break;
            case "open keys":
                File.SetUnixFileMode(KeySet, Everybody);
                break;
            case "directory":
                File.Delete(Issuers);
                Directory.CreateDirectory(Issuers);
                break;
            default:
                break;
        }
        Start();
        Assert.That(await _process!.ExitAsync(), Is.EqualTo(2));
        Patience.Until(() => _process.Output.Contains(sentence, StringComparison.Ordinal), $"it says why: {sentence}");
        // The end of the other stream is an empty line, before this one or behind it.
        var told = _process.Output.Trim();
        Assert.That(told, Does.StartWith($"consensusd: --jwt {Issuers}").And.EndsWith("."));
        Assert.That(told.Split('\n'), Has.Length.EqualTo(1), "in one sentence");
        Assert.That(Directory.Exists(Data), Is.False, "nothing was done");
    }
}
