using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Transport;

/// <summary>
/// Whoever asks to wait for a minute waits for a minute, however often it is asked: what is asked anew waits for what is left, and what is
/// in doubt stays as it is, for the wait is of its fingerprint.
/// </summary>
internal sealed class WaitLeftTests
{
    private const string Granted = """
        {"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,
        "clusterId":"c","leader":"me","value":"","permits":1,"count":1,"locks":[{"name":"a","fencingToken":7}]}
        """;

    private static readonly FakeAnswer NoLeader = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
    private static readonly FakeAnswer NoRoom = FakeAnswer.Problem(429, "too-many-requests", "At most 10 locks; nothing was done.");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(504, "outcome-unknown", "It may or may not take effect.");
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Minute = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, Func<ConsensusApiClient, Task<ApiProblem?>>> Waits = new()
    {
        ["lock"] = async api => (await api.AcquireLockAsync(new("a", "me") { Wait = Minute, Ttl = Ttl }, default)).Problem,
        ["locks"] = async api => (await api.AcquireLocksAsync(new(["a"], "me") { Wait = Minute, Ttl = Ttl }, default)).Problem,
        ["semaphore"] = async api => (await api.AcquireSemaphoreAsync(new("a", "me", 1) { Wait = Minute, Ttl = Ttl }, default)).Problem,
        ["election"] = async api => (await api.CampaignAsync(new("a", "me") { Wait = Minute, Ttl = Ttl }, default)).Problem,
    };

    private readonly ManualTimeProvider _time = new();

    private static IEnumerable<string> Kinds => Waits.Keys;

    /// <summary>Each answer takes 25 s of the wait; as many endpoints as answers, so that none is asked after a pause.</summary>
    private async Task<List<FakeRequest>> AskAsync(Func<ConsensusApiClient, Task<ApiProblem?>> ask, params FakeAnswer[] answers)
    {
        var next = 0;
        var servers = Enumerable.Range(0, answers.Length + 1).Select(_ => new FakeServer(_ =>
        {
            _time.Advance(TimeSpan.FromSeconds(25));
            return next < answers.Length ? answers[next++] : new FakeAnswer(200, Granted);
        })).ToList();
        try
        {
            using var api = new ConsensusApiClient(new ConsensusClientOptions
            {
                Endpoints = [.. servers.Select(server => server.Endpoint)],
                WaitSlice = TimeSpan.FromMinutes(10),
                AttemptTimeout = TimeSpan.FromHours(1),
                TimeProvider = _time,
            });
            Assert.That((await ask(api).InTimeAsync())?.Detail, Is.Null);
            return [.. servers.SelectMany(server => server.Requests)];
        }
        finally
        {
            servers.ForEach(server => server.Dispose());
        }
    }

    private static IEnumerable<string?> WaitsOf(IEnumerable<FakeRequest> requests) =>
        requests.Select(request => (string?)System.Text.Json.Nodes.JsonNode.Parse(request.Text)!["wait"]);

    private static int Keys(IEnumerable<FakeRequest> requests) =>
        requests.Select(request => request.Header("Idempotency-Key")).Distinct().Count();

    [TestCaseSource(nameof(Kinds))]
    public async Task After_a_definite_not_now_what_is_left_of_the_wait_is_asked_for(string kind)
    {
        var asked = await AskAsync(Waits[kind], NoLeader, NoRoom, NoLeader);

        Assert.That(WaitsOf(asked), Is.EqualTo(new[] { "1m", "35s", "10s", null }));
        Assert.That(Keys(asked), Is.EqualTo(4));
    }

    [Test]
    public async Task What_is_in_doubt_is_asked_again_as_it_was()
    {
        var asked = await AskAsync(Waits["lock"], NoLeader, Unknown, NoLeader);

        Assert.That(WaitsOf(asked), Is.EqualTo(new[] { "1m", "35s", "35s", "35s" }));
        Assert.That(Keys(asked), Is.EqualTo(2));
    }

    [Test]
    public async Task Under_a_key_that_was_given_the_same_is_asked_each_time_for_an_earlier_call_may_be_known_under_it()
    {
        var wish = new LockWish("a", "me") { Wait = Minute, Ttl = Ttl, IdempotencyKey = "mine" };

        var asked = await AskAsync(async api => (await api.AcquireLockAsync(wish, default)).Problem, NoLeader, NoRoom);

        Assert.That(WaitsOf(asked), Is.EqualTo(new[] { "1m", "1m", "1m" }));
        Assert.That(Keys(asked), Is.EqualTo(1));
    }

    [Test]
    public async Task What_was_left_in_doubt_is_asked_again_as_it_was_sent_last()
    {
        var answers = new Queue<(FakeAnswer Answer, int Minutes)>([(NoLeader, 5), (Unknown, 6)]);
        var servers = Enumerable.Range(0, 2).Select(_ => new FakeServer(_ =>
        {
            if (!answers.TryDequeue(out var next))
            {
                return new FakeAnswer(200, Granted.Replace("20000", "1800000", StringComparison.Ordinal));
            }
            _time.Advance(TimeSpan.FromMinutes(next.Minutes));
            return next.Answer;
        })).ToList();
        using var client = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [.. servers.Select(server => server.Endpoint)],
            RetryFor = TimeSpan.Zero,
            AttemptTimeout = TimeSpan.FromHours(1),
            WaitSlice = TimeSpan.FromMinutes(10),
            TimeProvider = _time,
        });

        var acquire = client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromMinutes(30) }, TimeSpan.FromMinutes(15));
        await Eventually.UntilAsync(
            () =>
            {
                // The pause before it is asked again.
                _time.Advance(answers.Count == 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.Zero);
                return acquire.IsCompleted;
            },
            "it is granted");

        Assert.That((await acquire).FencingToken, Is.EqualTo(7));
        var asked = servers.SelectMany(server => server.Requests.Where(request => request.Method == "POST")).ToList();
        Assert.That(WaitsOf(asked), Is.EquivalentTo(new[] { "10m", "5m", "5m" }));
        Assert.That(Keys(asked), Is.EqualTo(2));
        servers.ForEach(server => server.Dispose());
    }
}
