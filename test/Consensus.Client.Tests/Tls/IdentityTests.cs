using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;
using Consensus.Client.Tls;
using Consensus.Client.Transport;
using Consensus.Security.Certificates;

namespace Consensus.Client.Tests.Tls;

/// <summary>
/// What a client shows of itself, what it says when that is refused, and how it comes to another certificate while it runs.
/// </summary>
internal sealed class IdentityTests
{
    private const string Billing = "consensus://c-test/client/billing";

    private static readonly Way[] WaysOut = Enum.GetValues<Way>();
    private static readonly FakeAnswer Taken = new(200, "{}", "application/octet-stream");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(401, "unauthenticated", "Who asks is not known.");

    private readonly TestCertificates _certificates = new();
    private readonly LateClock _clock = new();
    private FakeAnswer _answer = Taken;
    private FakeServer _member = null!;
    private TlsFront _front = null!;

    [SetUp]
    public void Start()
    {
        _answer = Taken;
        _member = new FakeServer(_ => _answer);
        _front = new TlsFront(_member.Endpoint, _certificates.Member("n1")) { DemandsCertificate = true };
    }

    [TearDown]
    public void Stop()
    {
        _front.Dispose();
        _member.Dispose();
    }

    [OneTimeTearDown]
    public void End() => _certificates.Dispose();

    [TestCaseSource(nameof(WaysOut))]
    public Task A_certificate_whose_time_is_over_is_told_with_the_command_that_renews_it(Way way) => IsRefusedAsync(
        way,
        Wrong(Flaw.Expired),
        file => $"refuses this client: the certificate in {file} expired on {Bundle.Load(file, file).NotAfter:yyyy-MM-dd}: "
            + "consensusctl cert renew billing.");

    [TestCaseSource(nameof(WaysOut))]
    public Task A_certificate_of_a_CA_that_the_cluster_does_not_know_is_told_as_that(Way way) =>
        IsRefusedAsync(way, Wrong(Flaw.OtherAuthority), file =>
            $"closed the connection after the TLS handshake, as who refuses a client does: {file} may be of a CA that is not known there");

    [TestCaseSource(nameof(WaysOut))]
    public Task Who_has_no_certificate_is_told_that_one_is_demanded(Way way) =>
        IsRefusedAsync(way, _certificates.AuthorityFile, file =>
            $"closed the connection after the TLS handshake, as who demands a client certificate does: there is none in {file}.");

    [TestCase(0x0A00045C, TlsAlert.CertificateRequired)]
    [TestCase(0x0A000418, TlsAlert.UnknownCa)]
    [TestCase(0x0A000414, TlsAlert.CertificateRevoked)]
    [TestCase(0x0A00042E, TlsAlert.ProtocolVersion)]
    public void A_server_that_says_why_it_refuses_is_heard(int error, int alert) =>
        Assert.That(TlsAlert.In(new IOException("Broken.", new InvalidOperationException("Inner.") { HResult = error })),
            Is.EqualTo(alert));

    [TestCase(unchecked((int)0x80131620))]
    [TestCase(0x0A000086)]
    [TestCase(104)]
    public void What_else_breaks_a_connection_is_no_such_word(int error) =>
        Assert.That(TlsAlert.In(new IOException("Broken.", new InvalidOperationException("Inner.") { HResult = error })), Is.Null);

    [TestCaseSource(nameof(WaysOut))]
    public async Task Who_is_closed_to_once_after_the_handshake_asks_once_more(Way way)
    {
        _front.Refusals = 1;
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, _front.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Done), attempt.Detail);
        Assert.That((_front.Connections, _member.Requests.Count), Is.EqualTo((2, 1)));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task Who_is_not_known_asks_once(Way way)
    {
        _answer = Unknown;
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, _front.Endpoint);

        Assert.That((attempt.Kind, attempt.Slug, attempt.Detail, attempt.EndsHold),
            Is.EqualTo((AttemptKind.Denied, "unauthenticated", "Who asks is not known.", false)));
        Assert.That(_member.Requests, Has.Count.EqualTo(1));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task Who_is_not_known_reads_its_file_and_asks_once_more_with_what_is_there(Way way)
    {
        var file = _certificates.Client("early");
        _certificates.Write("used.pem", await File.ReadAllTextAsync(file));
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(Path.Combine(_certificates.Directory, "used.pem")));
        Assert.That((await transport.AskAsync(way, _front.Endpoint)).Kind, Is.EqualTo(AttemptKind.Done));
        _certificates.Write("used.pem", await File.ReadAllTextAsync(_certificates.Client("late")));
        _answer = Unknown;
        _member.Requests.Clear();

        var attempt = await transport.AskAsync(way, _front.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Denied));
        Assert.That(_member.Requests, Has.Count.EqualTo(2));
        Assert.That(_front.Clients, Is.EqualTo(new[] { "consensus://c-test/client/early", "consensus://c-test/client/late" }));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_file_that_was_replaced_is_used_for_new_requests_within_a_minute(Way way)
    {
        var file = _certificates.Write("minute.pem", await File.ReadAllTextAsync(_certificates.Client("early")));
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(file), _clock);
        await transport.AskAsync(way, _front.Endpoint);
        _certificates.Write("minute.pem", await File.ReadAllTextAsync(_certificates.Client("late")));

        _clock.Advance(TimeSpan.FromSeconds(59));
        await transport.AskAsync(way, _front.Endpoint);
        Assert.That(_front.Clients, Has.All.EqualTo("consensus://c-test/client/early"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await transport.AskAsync(way, _front.Endpoint);

        Assert.That(_front.Clients[^1], Is.EqualTo("consensus://c-test/client/late"));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_file_that_cannot_be_used_changes_nothing(Way way)
    {
        var file = _certificates.Write("spoilt.pem", await File.ReadAllTextAsync(_certificates.Client("billing")));
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(file), _clock);
        await transport.AskAsync(way, _front.Endpoint);
        _certificates.Write("spoilt.pem", "nothing of use");

        _clock.Advance(TimeSpan.FromMinutes(2));
        var attempt = await transport.AskAsync(way, _front.Endpoint);
        _answer = Unknown;
        var denied = await transport.AskAsync(way, _front.Endpoint);

        Assert.That((attempt.Kind, denied.Kind), Is.EqualTo((AttemptKind.Done, AttemptKind.Denied)), attempt.Detail);
        Assert.That(_front.Clients, Has.All.EqualTo(Billing));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_file_that_says_the_same_keeps_its_connections(Way way)
    {
        var file = _certificates.Write("same.pem", await File.ReadAllTextAsync(_certificates.Client("billing")));
        using var transport = Ways.Open(way == Way.Stream ? Way.Pool : way, _front.Endpoint, new ClientTls(file), _clock);
        await transport.AskAsync(way, _front.Endpoint);
        _certificates.Write("same.pem", "A comment.\n" + await File.ReadAllTextAsync(file));

        _clock.Advance(TimeSpan.FromMinutes(2));
        await transport.AskAsync(Way.Pool == way || way == Way.Stream ? Way.Pool : way, _front.Endpoint);

        Assert.That(_front.Connections, Is.EqualTo(1));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_CA_that_was_put_into_the_file_is_believed_at_once(Way way)
    {
        using var others = new TestCertificates("c-test");
        var own = _certificates.Client("billing");
        var file = _certificates.Write("anchors.pem", await File.ReadAllTextAsync(own));
        using var front = new TlsFront(_member.Endpoint, others.Member("n2")) { Anchors = [_certificates.Authority.Certificate] };
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(file));
        Assert.That((await transport.AskAsync(way, front.Endpoint)).IsUntrusted, Is.True);
        _certificates.Write("anchors.pem", await File.ReadAllTextAsync(own) + others.Authority.CertificatePem);

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Done), attempt.Detail);
    }

    [Test]
    public async Task Who_is_refused_while_another_reads_a_file_that_hangs_does_not_wait_for_it()
    {
        using var hangs = new ManualResetEventSlim();
        var reads = 0;
        var tls = new ClientTls(_certificates.Client("hangs"), "hangs.pem", (file, label) =>
        {
            if (Interlocked.Increment(ref reads) > 1)
            {
                hangs.Wait();
            }
            return TlsIdentity.Read(file, label);
        });
        var refused = tls.Current(_clock, null);
        var first = Task.Run(() => tls.IsReplaced(refused, _clock, null));
        try
        {
            await Patience.UntilAsync(() => Volatile.Read(ref reads) == 2, "it hangs");
            Assert.That(await Task.Run(() => tls.IsReplaced(refused, _clock, null)).InTimeAsync(), Is.False);
        }
        finally
        {
            hangs.Set();
        }
        Assert.That(await first.InTimeAsync(), Is.False);
    }

    [Test]
    [Platform("Linux")]
    public void A_file_that_is_no_regular_one_is_refused_and_never_waited_for()
    {
        var fifo = TemporaryDirectory.MakeFifo(Path.Combine(_certificates.Directory, "fifo"));
        Assert.That(() => new ClientTls(fifo), Throws.ArgumentException.With.InnerException.Message.Contains("it is no regular file"));
    }

    [TestCase("there is no such file", null)]
    [TestCase("holds no", "")]
    [TestCase("holds no private key", "leaf")]
    public void A_file_that_cannot_be_used_is_refused_where_it_is_given(string why, string? content)
    {
        var path = Path.Combine(_certificates.Directory, "missing.pem");
        if (content is not null)
        {
            using var leaf = Bundle.Load(_certificates.Client("billing"), "").Leaf;
            path = _certificates.Write("useless.pem", content == "leaf" ? leaf.ExportCertificatePem() : content);
        }
        Assert.That(
            () => new ClientTls(path),
            Throws.ArgumentException.With.InnerException.Message.StartsWith(path).And.Message.Contains(why));
    }

    private string Wrong(Flaw flaw) => _certificates.Write("wrong.pem", _certificates.Wrong(flaw).BundleText);

    private async Task IsRefusedAsync(Way way, string file, Func<string, string> sentence)
    {
        using var transport = Ways.Open(way, _front.Endpoint, new ClientTls(file));

        var attempt = await transport.AskAsync(way, _front.Endpoint);

        Assert.That((attempt.Kind, attempt.IsUntrusted), Is.EqualTo((AttemptKind.NothingDone, true)), attempt.Detail);
        Assert.That(attempt.Detail, Does.StartWith($"{_front.Endpoint.Authority} {sentence(file)}"));
        Assert.That((_front.Connections, _member.Requests.Count), Is.EqualTo((2, 0)), "it was looked at twice, and told nothing");
    }

    /// <summary>The machine's clock, whose timestamps a test moves on.</summary>
    private sealed class LateClock : TimeProvider
    {
        private long _late;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _late, (long)(time.TotalSeconds * TimestampFrequency));

        /// <summary>It stands still but for that.</summary>
        public override long GetTimestamp() => Interlocked.Read(ref _late);
    }
}
