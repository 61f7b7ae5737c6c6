using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>An acquire ends a quarter of a second after its time-out at the latest, whatever the cluster does, and says what is known. By a clock that the test moves.</summary>
internal sealed class TimeOutTests
{
    private static readonly TimeSpan TimeOut = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Latest = TimeOut + TimeSpan.FromMilliseconds(250);
    private static readonly LockOptions Options = new() { Ttl = TimeSpan.FromMinutes(10) };

    private static readonly FakeAnswer Granted = new(
        200,
        """{"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":600000,"waitedMs":0,"expiresInMs":600000,"clusterId":"c"}""");

    private ManualTimeProvider _time = null!;

    [SetUp]
    public void Start() => _time = new ManualTimeProvider();

    [Test]
    public async Task What_is_refused_for_want_of_room_says_so_and_when_to_ask_again()
    {
        var silence = new TaskCompletionSource();
        using var full = new FakeServer(request => request.Method == "DELETE"
            ? new FakeAnswer(200, """{"outcome":"withdrawn","revision":9}""")
            : FakeAnswer.Problem(429, "too-many-requests", "At most 10 locks; nothing was done.") with { RetryAfter = 12 });
        using var silent = new FakeServer(async _ =>
        {
            await silence.Task;
            return FakeAnswer.Abort;
        });
        using var client = Client(full.Endpoint, silent.Endpoint);

        // The other is asked once the answer of the first was heard.
        var error = await EndOfAsync(client, () => !silent.Requests.IsEmpty);
        silence.SetResult();

        Assert.That(error.Message, Is.EqualTo("lock 'a' was not granted within 5 s: At most 10 locks; nothing was done. (try again after 12 s)"));
        var problem = (error.InnerException as ConsensusException)?.Problem;
        Assert.That((problem?.Status, problem?.Slug, problem?.RetryAfter), Is.EqualTo((429, "too-many-requests", TimeSpan.FromSeconds(12))));
    }

    [Test]
    public async Task What_nobody_answers_names_who_was_asked()
    {
        var silence = new TaskCompletionSource();
        using var server = new FakeServer(async request =>
        {
            await silence.Task;
            return FakeAnswer.Abort;
        });
        using var client = Client(server.Endpoint);

        var error = await EndOfAsync(client, () => !server.Requests.IsEmpty);
        silence.SetResult();

        Assert.That(error.Message, Is.EqualTo($"lock 'a' was not granted within 5 s: {server.Endpoint.Authority} has not answered."));
        Assert.That((error.InnerException as ConsensusException)?.Problem.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task What_a_member_said_is_told_though_another_keeps_silent()
    {
        var silence = new TaskCompletionSource();
        using var leaderless = new FakeServer(_ => FakeAnswer.Problem(503, "no-leader", "No leader is known."));
        using var silent = new FakeServer(async _ =>
        {
            await silence.Task;
            return FakeAnswer.Abort;
        });
        using var client = Client(leaderless.Endpoint, silent.Endpoint);

        var error = await EndOfAsync(client, () => !silent.Requests.IsEmpty);
        silence.SetResult();

        Assert.That(error.Message, Is.EqualTo("lock 'a' was not granted within 5 s: No leader is known."));
    }

    [Test]
    public async Task Who_accepts_no_connection_is_named()
    {
        var dead = ServerProcess.DeadEndpoint();
        var silence = new TaskCompletionSource();
        using var silent = new FakeServer(async _ =>
        {
            await silence.Task;
            return FakeAnswer.Abort;
        });
        using var client = Client(dead, silent.Endpoint);

        var error = await EndOfAsync(client, () => !silent.Requests.IsEmpty);
        silence.SetResult();

        Assert.That(
            error.Message,
            Is.EqualTo($"lock 'a' was not granted within 5 s: {dead.Authority} accepts no connection. {silent.Endpoint.Authority} has not answered."));
    }

    [Test]
    public async Task What_is_held_says_by_whom()
    {
        using var cluster = new InMemoryCluster(_time);
        using var other = cluster.CreateClient("other");
        using var client = cluster.CreateClient();
        var held = await other.AcquireLockAsync("a", Options);
        var acquire = client.AcquireLockAsync("a", Options, TimeOut);
        var attempt = client.TryAcquireLockAsync("a", Options, TimeOut);
        await Eventually.UntilAsync(async () => (await other.GetLockAsync("a")).WaiterCount == 2, "both wait");

        _time.Advance(Latest);

        var error = await Assert.ThrowsAsync<TimeoutException>(() => acquire.InTimeAsync());
        Assert.That(error!.Message, Does.StartWith("lock 'a' was not granted within 5 s: ").And.Contain($"held by \"other\" with token {held.FencingToken}"));
        Assert.That(await attempt.InTimeAsync(), Is.Null);
    }

    [Test]
    public async Task What_is_held_is_held_though_the_last_poll_was_not_answered()
    {
        var silence = new TaskCompletionSource();
        var posts = 0;
        using var server = new FakeServer(async request =>
        {
            if (request.Method == "POST" && ++posts > 1)
            {
                await silence.Task;
            }
            return FakeAnswer.Problem(409, "lock-held", "b is held by other with token 9");
        });
        using var client = Client(server.Endpoint);

        var attempt = client.TryAcquireLocksAsync(["a", "b"], timeout: TimeOut);
        await Eventually.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
                return posts > 1;
            },
            "a second poll");
        _time.Advance(Latest);

        Assert.That(await attempt.InTimeAsync(), Is.Null);
        silence.SetResult();
    }

    [Test]
    public async Task A_grant_that_must_be_renewed_before_it_can_be_used_is_not_waited_for_any_longer()
    {
        var silence = new TaskCompletionSource();
        using var server = new FakeServer(async request =>
        {
            switch (request.Method)
            {
                case "POST":
                    _time.Advance(TimeSpan.FromMinutes(11));
                    return Granted;
                case "PUT":
                    await silence.Task;
                    return FakeAnswer.Abort;
                default:
                    return new FakeAnswer(204);
            }
        });
        using var client = Client(server.Endpoint);

        var acquire = client.AcquireLockAsync("a", Options, TimeSpan.FromMinutes(12));
        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Method == "PUT"), "it is renewed");
        _time.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromMilliseconds(250));

        var error = await Assert.ThrowsAsync<TimeoutException>(() => acquire.InTimeAsync());
        Assert.That(error!.Message, Does.Contain("the grant came too late to be used"));
        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Target == "/v1/locks/a?fencingToken=7"), "it is given back");
        silence.SetResult();
    }

    private async Task<TimeoutException> EndOfAsync(ConsensusClient client, Func<bool> isUnderWay)
    {
        var acquire = client.AcquireLockAsync("a", Options, TimeOut);
        await Eventually.UntilAsync(isUnderWay, "it was asked for");
        _time.Advance(Latest);
        return (await Assert.ThrowsAsync<TimeoutException>(() => acquire.InTimeAsync()))!;
    }

    private ConsensusClient Client(params Uri[] endpoints) => new(new ConsensusClientOptions
    {
        Endpoints = endpoints,
        TimeProvider = _time,
        SessionTtl = null,
        // Beyond what the test waits: no attempt ends by itself.
        AttemptTimeout = TimeSpan.FromMinutes(10),
    });
}
