using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Server;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tls;
using Consensus.Server.Tokens;
using Consensus.Server.WebTokens;
using Consensus.Transport.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Consensus.Security.Tests.Https.Support;

/// <summary>A test against the real server with TLS on a port of its own, in front of an in-process node.</summary>
internal abstract class HttpsTest
{
    private readonly List<IDisposable> _own = [];
    private WebApplication _app = null!;

    protected InProcessNode Node { get; private set; } = null!;

    protected TestCertificates Certificates { get; private set; } = null!;

    /// <summary>By which certificates are judged.</summary>
    protected ShiftedTime Time { get; private set; } = null!;

    /// <summary>By which deadlines are counted: they come when a test says so.</summary>
    protected ManualClock Clock { get; private set; } = null!;

    protected BundleWatcher Watcher { get; private set; } = null!;

    protected ServerTls Tls { get; private set; } = null!;

    /// <summary>What is judged of tokens.</summary>
    protected TokenJudge Tokens => _app.Services.GetRequiredService<TokenJudge>();

    protected int Port { get; private set; }

    /// <summary>Of the certificate that most tests use.</summary>
    protected MadeCertificate Billing { get; private set; } = null!;

    protected virtual bool TakesTls12 => false;

    /// <summary>A file of further anchors; null: there is none.</summary>
    protected virtual string? ClientsFile => null;

    protected virtual KeyLimits KeyLimits => new();

    /// <summary>Where the server has a socket for whoever has the machine; null: it has none.</summary>
    protected virtual string? AdminSocketPath => null;

    /// <summary>Whose JSON Web Tokens are believed; null: nobody's. Asked for once, before the server starts.</summary>
    protected virtual WebTokenReload? WebTokens => null;

    protected virtual ServerInfo With(ServerInfo info) => info;

    [SetUp]
    public async Task StartServerAsync()
    {
        (Time, Clock, Node) = (new ShiftedTime(), new ManualClock(), new InProcessNode());
        Certificates = new TestCertificates(time: Time);
        var files = new BundleFiles(Certificates.Member("n1", "db.example"), "n1") { Clients = ClientsFile };
        Watcher = BundleWatcher.Open(files, Time);
        Tls = new ServerTls(Watcher, TakesTls12, Clock) { Refusal = () => Watcher.Refusal, KeyLimits = KeyLimits };
        _app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0), Tls, AdminSocketPath, WebTokens);
        _app.MapConsensusApi(Node, With(new ServerInfo { Version = "1", Tls = Tls }), new ServerLifecycle(TimeProvider.System));
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single(static url => url.StartsWith("https", StringComparison.Ordinal))).Port;
        Billing = Client("billing");
    }

    [TearDown]
    public async Task StopServerAsync()
    {
        foreach (var own in _own)
        {
            own.Dispose();
        }
        _own.Clear();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Certificates.Dispose();
    }

    /// <summary>The certificate of a client, as the CA issues it.</summary>
    protected MadeCertificate Client(string name) =>
        Certificates.WithUris(new CertificateName(Certificates.Authority.Domain, CertificateRole.Client, name).Uri);

    /// <summary>A client library that presents a certificate; its connections end with the test.</summary>
    protected HttpClient Library(MadeCertificate? certificate, Version? version = null)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = TlsHttp.OptionsFor(certificate, alpn: null),
            // What ends a connection here is the server.
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://localhost:{Port}"),
            Timeout = Patience.Limit,
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        _own.Add(client);
        return client;
    }

    /// <summary>
    /// Another CA takes the place of the one that signed everything until now: the member's bundle holds a new leaf and the new anchor
    /// alone.
    /// </summary>
    protected void ChangeAuthority()
    {
        using var next = CertificateAuthority.Create(Certificates.Authority.Domain, Time.GetUtcNow(), number: 2);
        Certificates.Write("n1.pem", next.IssueMember("n1", ["db.example"], Time.GetUtcNow()));
        Assert.That(Watcher.Look(), Is.True, Watcher.Refusal);
    }

    /// <returns>What the server sent in the handshake, and the status of its answer; 0: the handshake failed.</returns>
    protected (long Bytes, int Status) Ask(SslClientAuthenticationOptions options)
    {
        using var connection = new TlsHttp(Port);
        try
        {
            connection.Handshake(options);
            var bytes = connection.BytesReceived;
            return (bytes, connection.Ask("GET", "/v1/status").Status);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return (connection.BytesReceived, 0);
        }
    }

    /// <summary>A 401 that tells nothing but what is wrong with the credential.</summary>
    protected static void AssertUnknown(TlsAnswer answer, string sentence)
    {
        Assert.That(answer.Status, Is.EqualTo(401), answer.Body);
        Assert.That(answer.Headers.Keys.Where(name => name.StartsWith("Consensus-", StringComparison.OrdinalIgnoreCase)), Is.Empty);
        Assert.That(answer.Headers["WWW-Authenticate"], Is.EqualTo("Bearer"));
        Assert.That(answer.Headers["Connection"], Is.EqualTo("close"));
        Assert.That(answer.Headers["Cache-Control"], Is.EqualTo("no-store"));
        if (answer.Body.Length > 0)
        {
            var problem = JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!;
            Assert.That(problem, Is.EqualTo(new ProblemAnswer
            {
                Type = ProblemTypes.Unauthenticated.Uri,
                Title = ProblemTypes.Unauthenticated.Title,
                Status = 401,
                Detail = problem.Detail,
            }), "nothing else is told");
            Assert.That(problem.Detail, Does.Contain(sentence));
        }
    }

    /// <summary>
    /// The certificate never comes to ask anything: the handshake fails, or, as TLS 1.3 has it, the first thing that is read is its end.
    /// </summary>
    protected void AssertHandshakeFails(MadeCertificate certificate, string why)
    {
        var failed = Tls.Handshakes.Failed;
        try
        {
            using var connection = TlsHttp.Open(Port, certificate);
            connection.Send(TlsHttp.Request("GET", "/livez"));
            Assert.That(connection.IsEnded(), Is.True, why);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // The alert came while the client still shook hands, or wrote.
        }
        Patience.Until(() => Tls.Handshakes.Failed == failed + 1, $"the handshake failed: {why}");
    }
}
