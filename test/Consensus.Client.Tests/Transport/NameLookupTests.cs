using System.Net;
using System.Net.Sockets;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;
using Consensus.Client.Transport;

namespace Consensus.Client.Tests.Transport;

/// <summary>A resolver that never answers costs an attempt, and not the lease.</summary>
internal sealed class NameLookupTests
{
    private static readonly ApiRequest Renewal = new() { Method = HttpMethod.Put, Target = "/v1/locks/a", Body = "{}"u8.ToArray(), NeedsIdentity = false };

    private static readonly FakeAnswer Granted = new(
        200,
        """{"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,"clusterId":"c"}""");

    private static readonly Uri Named = new("http://member.example:7379");

    private ManualResetEventSlim _answers = null!;

    [SetUp]
    public void Start() => _answers = new ManualResetEventSlim();

    [TearDown]
    public void LetGo()
    {
        _answers.Set();
        _answers.Dispose();
    }

    private IPAddress[] NeverAnswers(string host)
    {
        try
        {
            _answers.Wait();
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
        return [IPAddress.Loopback];
    }

    [Test]
    public void A_send_on_the_calling_thread_waits_for_a_name_no_longer_than_its_attempt_lasts()
    {
        using var http = new BlockingHttp(Patience.Limit, new NameLookups(NeverAnswers), TimeProvider.System);
        var sending = Task.Factory.StartNew(
            () => http.Send(Named, Renewal, default, null, TimeSpan.FromMilliseconds(50), CancellationToken.None), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.That(sending.Wait(Patience.Limit), Is.True, "the attempt ends");
        Assert.That((sending.Result.Answer, sending.Result.Unsent), Is.EqualTo(((BlockingAnswer?)null, true)));
    }

    [Test]
    public void A_send_that_waits_for_a_name_can_be_cancelled()
    {
        using var http = new BlockingHttp(Patience.Limit, new NameLookups(NeverAnswers), TimeProvider.System);
        using var cancellation = new CancellationTokenSource();
        var sending = Task.Factory.StartNew(
            () => Assert.That(() => http.Send(Named, Renewal, default, null, Patience.Limit * 2, cancellation.Token),
                Throws.InstanceOf<OperationCanceledException>()),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        cancellation.Cancel();
        Assert.That(sending.Wait(Patience.Limit), Is.True, "the attempt ends");
    }

    [Test]
    public async Task A_question_of_the_thread_pool_waits_for_a_name_no_longer_than_a_connection_may_take()
    {
        using var client = new ConsensusApiClient(new ConsensusClientOptions
        {
            Endpoints = [Named],
            ResolveName = NeverAnswers,
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            AttemptTimeout = Patience.Limit,
            RetryUnreachableFor = TimeSpan.Zero,
            RetryFor = TimeSpan.Zero,
        });
        var answer = await client.GetKeyAsync("a", null, CancellationToken.None).InTimeAsync();
        Assert.That(answer.Problem?.Kind, Is.EqualTo(ApiFailureKind.Unavailable), "nothing was sent");
    }

    [Test]
    public async Task A_lease_is_renewed_through_another_endpoint_while_the_name_of_one_is_not_resolved()
    {
        var isSilent = false;
        var asked = 0;
        using var server = new FakeServer(_ => Granted);
        var time = new ManualTimeProvider();
        using var client = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [new Uri($"http://member.example:{server.Endpoint.Port}"), server.Endpoint],
            // Whatever is slow here, the endpoint with the name answers first, and so is asked first by the renewal, which has a time of
            // its own.
            ConnectTimeout = Patience.Limit,
            AttemptTimeout = Patience.Limit,
            TimeProvider = time,
            ResolveName = host =>
            {
                Interlocked.Increment(ref asked);
                return Volatile.Read(ref isSilent) ? NeverAnswers(host) : [IPAddress.Loopback];
            },
        });
        var handle = await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) });
        var safe = handle.SafeUntil;
        var before = Volatile.Read(ref asked);

        Volatile.Write(ref isSilent, true);
        time.Advance(TimeSpan.FromSeconds(7));
        await Eventually.UntilAsync(() => Volatile.Read(ref asked) > before, "the renewal asks for the name");
        await Eventually.UntilAsync(
            () =>
            {
                if (handle.SafeUntil == safe && handle.SafeFor > TimeSpan.FromSeconds(1))
                {
                    time.Advance(TimeSpan.FromMilliseconds(1));
                }
                return handle.SafeUntil > safe;
            },
            "the renewal goes on at the other endpoint");
        Assert.That(handle.IsHeld, Is.True);
    }

    [Test]
    public async Task All_who_ask_for_a_name_meanwhile_share_one_lookup_and_the_next_one_is_made_anew()
    {
        var asked = 0;
        var names = new NameLookups(host =>
        {
            Interlocked.Increment(ref asked);
            return NeverAnswers(host);
        });
        var lookups = Enumerable.Range(0, 20).Select(_ => names.LookUpAsync("member.example")).ToList();
        Assert.That(() => names.LookUp("MEMBER.example", TimeSpan.FromMilliseconds(1), CancellationToken.None), Throws.InstanceOf<SocketException>());
        _answers.Set();
        await Task.WhenAll(lookups).InTimeAsync();
        Assert.That(asked, Is.EqualTo(1));
        Assert.That(names.LookUp("member.example", Patience.Limit, CancellationToken.None), Is.EqualTo(new[] { IPAddress.Loopback }));
        Assert.That(asked, Is.EqualTo(2), "what was found may be true no more");
    }

    [Test]
    public void A_name_that_nobody_has_is_a_failure_of_the_connection()
    {
        var names = new NameLookups(host => host == "long" ? throw new ArgumentOutOfRangeException(nameof(host)) : host == "empty" ? [] : throw new SocketException((int)SocketError.TryAgain));
        foreach (var host in new[] { "long", "empty", "later" })
        {
            Assert.That(() => names.LookUp(host, Patience.Limit, CancellationToken.None), Throws.InstanceOf<SocketException>(), host);
        }
    }

    [Test]
    [Platform("Linux")]
    public async Task The_kernel_asks_after_members_that_are_silent()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        using var stop = new CancellationTokenSource();
        using var http = new BlockingHttp(Patience.Limit, new NameLookups(Dns.GetHostAddresses), TimeProvider.System);
        var blocking = new Thread(() => Assert.That(
            () => http.Send(new Uri($"http://127.0.0.1:{port}"), Renewal, default, null, Patience.Limit, stop.Token),
                Throws.InstanceOf<OperationCanceledException>()));
        blocking.Start();
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [new Uri($"http://localhost:{port}")], AttemptTimeout = Patience.Limit });
        var asking = client.GetKeyAsync("a", null, stop.Token);
        await Eventually.UntilAsync(() => TcpTimers.KeptAliveTo(port) == 2, "both connections are asked after");
        await stop.CancelAsync();
        blocking.Join();
        Assert.That(async () => await asking, Throws.InstanceOf<OperationCanceledException>());
    }
}
