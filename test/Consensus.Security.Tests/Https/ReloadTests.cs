using System.Diagnostics;
using System.Globalization;
using System.Net;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tls;
using Consensus.Transport.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Consensus.Security.Tests.Https;

/// <summary>Files that change while a member runs.</summary>
internal sealed class ReloadTests
{
    private readonly TestCertificates _certificates = new();
    private readonly ManualClock _clock = new();
    private readonly Lines _log = new();

    [OneTimeTearDown]
    public void End() => _certificates.Dispose();

    [SetUp]
    public void Clear() => _log.Clear();

    private TlsReload Open()
    {
        string[] arguments = ["--tls", _certificates.Member("n1", "db.example"), "--advertise-client", "https://db.example:7379"];
        var options = ServerOptionsReader.Read(arguments, _ => null);
        var reload = TlsReload.Open(options, _clock);
        reload.Start(_log);
        return reload;
    }

    [Test]
    public void Files_are_looked_at_every_ten_seconds_and_what_is_new_is_told()
    {
        using var reload = Open();
        var before = reload.Tls.Source.Current;
        _certificates.Member("n1", "db.example");
        _clock.Advance(TlsReload.Every - TimeSpan.FromTicks(1));
        Assert.That(reload.Tls.Source.Current, Is.SameAs(before));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.That(reload.Tls.Source.Current.Number, Is.EqualTo(2));
        Assert.That(_log.All.Single(), Does.Contain("certificates read anew (2): n1 of c-test until"));
        _clock.Advance(TlsReload.Every);
        Assert.That(_log.All, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_look_that_hangs_is_the_only_one()
    {
        using var reload = Open();
        using var hangs = new ManualResetEventSlim();
        var looks = 0;
        ((BundleWatcher)reload.Tls.Source).Changed += _ =>
        {
            Interlocked.Increment(ref looks);
            hangs.Wait();
        };
        _certificates.Member("n1", "db.example");
        var first = Task.Run(() => _clock.Advance(TlsReload.Every));
        await Patience.UntilAsync(() => Volatile.Read(ref looks) == 1, "it hangs");
        _certificates.Member("n1", "db.example");
        try
        {
            await Task.Run(() => _clock.Advance(TlsReload.Every)).InTimeAsync();
            await Task.Run(() => _clock.Advance(TlsReload.Every)).InTimeAsync();
        }
        finally
        {
            hangs.Set();
        }
        await first.InTimeAsync();
        Assert.That(looks, Is.EqualTo(2), "what it did not see is looked at afterwards");
    }

    [Test]
    [Platform("Linux")]
    public void SIGHUP_has_them_looked_at()
    {
        using var reload = Open();
        _certificates.Member("n1", "db.example");
        using (var kill = Process.Start("kill", ["-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }
        Patience.Until(() => reload.Tls.Source.Current.Number == 2, "it is read anew");
    }

    [Test]
    [Platform("Linux")]
    public void Row_49_What_cannot_be_used_changes_nothing_is_an_alarm_and_is_told_once()
    {
        using var reload = Open();
        var (before, now) = (reload.Tls.Source.Current, _clock.GetUtcNow());
        foreach (var (text, sentence) in ((string, string)[])
        [
            ("-----BEGIN PRIVATE KEY-----\nhalf of", "n1.pem"),
            (File.ReadAllText(_certificates.Client("billing")), "is a client's certificate"),
            (_certificates.Authority.IssueMember("n2", [], now), "is the certificate of n2, but --name is n1"),
            (_certificates.Authority.IssueMember("n1", ["other.example"], now), "https://db.example:7379: n1.pem is for"),
        ])
        {
            _log.Clear();
            _certificates.Write("n1.pem", text);
            _clock.Advance(TlsReload.Every);
            _clock.Advance(TlsReload.Every);
            Assert.That(reload.Tls.Source.Current, Is.SameAs(before));
            Assert.That(_log.All.Single(), Does.Contain(sentence).And.EndsWith("; the certificates from before go on"));
            Assert.That(reload.Tls.Alarms.Single(), Does.Contain(sentence));
        }
        _certificates.Member("n1", "db.example");
        SetMode("n1.pem", UnixFileMode.UserRead | UnixFileMode.OtherRead);
        _clock.Advance(TlsReload.Every);
        Assert.That(reload.Tls.Alarms.Single(), Does.Contain("can be read by everybody"));
        SetMode("n1.pem", UnixFileMode.UserRead);
        _clock.Advance(TlsReload.Every);
        Assert.That((reload.Tls.Alarms.Count, reload.Tls.Source.Current.Number), Is.EqualTo((0, 2)));
    }

    [Platform("Linux")]
    [TestCase("", "--tls FILE: there is no such file")]
    [TestCase("client", "is a client's certificate; a member needs consensus://DOMAIN/member/n1")]
    [TestCase("n2", "is the certificate of n2, but --name is n1")]
    [TestCase("expired", "expired on")]
    [TestCase("no anchor", "holds no CA certificate")]
    [TestCase("other key", "its key does not fit its certificate")]
    [TestCase("0644", "can be read by everybody (0644): chmod 600")]
    public async Task A_bundle_that_cannot_be_used_stops_the_start_with_one_sentence(string what, string sentence)
    {
        var now = _clock.GetUtcNow();
        var good = _certificates.Authority.IssueMember("n1", [], now);
        var path = Path.Combine(_certificates.Directory, "start.pem");
        File.Delete(path);
        var text = what switch
        {
            "" => null,
            "client" => _certificates.Authority.IssueClient("billing", now),
            "n2" => _certificates.Authority.IssueMember("n2", [], now),
            "expired" => _certificates.Wrong(Flaw.Expired, CertificateRole.Member, "n1").BundleText,
            "no anchor" => good.Replace(_certificates.Authority.CertificatePem, "", StringComparison.Ordinal),
            "other key" => KeyOf(_certificates.Authority.IssueMember("n1", [], now)) + good[KeyOf(good).Length..],
            _ => good,
        };
        if (text is not null)
        {
            _certificates.Write("start.pem", text);
        }
        if (what == "0644")
        {
            SetMode("start.pem", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        var told = await RefusedStartAsync("--tls", path);
        Assert.That(told, Does.Contain(sentence.Replace("FILE", path, StringComparison.Ordinal)));
    }

    [Test]
    public async Task An_advertised_host_that_the_certificate_is_not_for_stops_the_start()
    {
        var file = _certificates.Member("n1", "10.0.0.1");
        var told = await RefusedStartAsync("--tls", file, "--advertise-client", "https://db:7379");
        const string Sentence = "consensusd: --advertise-client https://db:7379: n1.pem is for 10.0.0.1, localhost, not for db.";
        Assert.That(told.TrimEnd(), Is.EqualTo(Sentence));
    }

    [Test]
    public async Task A_server_with_certificates_tells_its_address_and_the_way_to_ask_it_and_its_domain_is_its_token()
    {
        using var output = new StringWriter();
        ServerOptions? given = null;
        var host = new StoppedHost();
        string[] local = ["--listen-client", "127.0.0.1:0", "--listen-peer", "127.0.0.1:0", "--data-dir", "/nowhere/data"];
        var code = await ServerRunner.RunAsync(
            ["--tls", _certificates.Member("n1"), .. local],
            _ => null,
            TextWriter.Synchronized(output),
            TextWriter.Null,
            (options, tls, _, _) =>
            {
                Assert.That(tls!.Current.Own.Name!.Name, Is.EqualTo("n1"));
                given = options;
                return Task.FromResult<INodeHost>(host);
            });
        Assert.That(code, Is.EqualTo(ServerRunner.ExitRemoved));
        Assert.That((given!.ClusterToken, given.AdvertiseClient), Is.EqualTo(("c-test", $"https://{given.ListenClient}")));
        var told = output.ToString();
        Assert.That(told, Does.Contain($"  clients  https://{given.ListenClient}\n").And.Contain("n1 of c-test, until"));
        Assert.That(told, Does.Contain($"curl --cacert ca.pem --cert admin.pem https://{given.ListenClient}/v1/locks/demo\n"));
        Assert.That(told, Does.Not.Contain("INSECURE"));
    }

    [Test]
    public async Task Status_and_metrics_tell_of_certificates_that_end_and_of_those_that_are_not_used()
    {
        var time = new ShiftedTime();
        using var certificates = new TestCertificates(time: time);
        var watcher = BundleWatcher.Open(new BundleFiles(certificates.Member("n1"), "n1"), time);
        var tls = new ServerTls(watcher, takesTls12: false, TimeProvider.System) { Refusal = () => watcher.Refusal };
        var node = new InProcessNode();
        await using var app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0), tls);
        app.MapConsensusApi(node, new ServerInfo { Version = "1", Tls = tls }, new ServerLifecycle(TimeProvider.System));
        await app.StartAsync();
        var port = new Uri(app.Urls.Single()).Port;
        using var client = TlsHttp.Open(port, certificates.WithUris("consensus://c-test/client/billing"));
        Assert.That(client.Ask("GET", "/v1/status").Body, Does.Not.Contain("expires").And.Not.Contain("from before go on"));
        certificates.Write("n1.pem", "nothing");
        watcher.Look();
        Assert.That(client.Ask("GET", "/v1/status").Body, Does.Contain("; the certificates from before go on"));
        var metrics = client.Ask("GET", "/metrics").Body;
        Assert.That(metrics, Does.Contain("consensus_tls_refused 1\n").And.Contain("consensus_tls_generation 1\n"));
        Assert.That(metrics, Does.Contain("consensus_tls_connections 1\n").And.Contain("consensus_tls_handshakes_total 1\n"));
        time.Shift(TimeSpan.FromDays(CertificateAuthority.MemberDays - 30));
        using var later = TlsHttp.Open(port, certificates.WithUris("consensus://c-test/client/billing"));
        var status = later.Ask("GET", "/v1/status").Body;
        Assert.That(status, Does.Contain("the certificate of n1 (n1.pem) expires in").And.Contain("consensusctl cert renew n1"));
        Assert.That(later.Ask("GET", "/metrics").Body, Does.Match("consensus_tls_expiry_seconds\\{bundle=\"own\"\\} 2[5-9]"));
        await app.StopAsync();
    }

    [Test]
    public async Task Why_a_handshake_failed_is_told_in_the_log_once_for_all_of_ten_seconds()
    {
        using var reload = Open();
        await using var app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0), reload.Tls);
        var info = new ServerInfo { Version = "1", Tls = reload.Tls };
        app.MapConsensusApi(new InProcessNode(), info, new ServerLifecycle(TimeProvider.System));
        await app.StartAsync();
        var port = new Uri(app.Urls.Single()).Port;
        foreach (var flaw in (Flaw[])[Flaw.OtherAuthority, Flaw.Expired])
        {
            var before = reload.Tls.Handshakes.Failed;
            try
            {
                using var connection = TlsHttp.Open(port, _certificates.Wrong(flaw));
                Assert.That(connection.IsEnded(), Is.True);
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The alert came while the client still shook hands.
            }
            Patience.Until(() => reload.Tls.Handshakes.Failed == before + 1, "it failed");
        }
        reload.Look();
        reload.Look();
        var line = _log.All.Single();
        Assert.That(line, Does.StartWith("2 handshakes of clients failed by their certificates; the last: the client certificate is"));
        Assert.That(line, Does.Match(@"not believed: it expired on .* \(from 127\.0\.0\.1:\d+\)$"));
        await app.StopAsync();
    }

    private void SetMode(string name, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(_certificates.Directory, name), mode);
        }
    }

    private static string KeyOf(string bundle) => bundle[..bundle.IndexOf("-----BEGIN CERTIFICATE", StringComparison.Ordinal)];

    private static async Task<string> RefusedStartAsync(params string[] arguments)
    {
        using var errors = new StringWriter();
        StartNode never = (_, _, _, _) => throw new InvalidOperationException("the node is not to be started");
        var code = await ServerRunner.RunAsync(arguments, _ => null, TextWriter.Null, errors, never);
        Assert.That(code, Is.EqualTo(ServerRunner.ExitWrongOptions));
        Assert.That(errors.ToString().TrimEnd(), Does.StartWith("consensusd: --").And.Not.Contain("\n").And.EndsWith("."));
        return errors.ToString();
    }

    /// <summary>A member that ends as soon as it runs.</summary>
    private sealed class StoppedHost : INodeHost
    {
        public Node.IConsensusNode Node { get; } = new InProcessNode();

        public Task<string> Removed { get; } = Task.FromResult("n1 was removed");

        public Task StopAsync(TimeSpan limit) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Lines : ILogger
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> All
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public void Clear()
        {
            lock (_lines)
            {
                _lines.Clear();
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
            {
                _lines.Add(formatter(state, exception));
            }
        }
    }
}
