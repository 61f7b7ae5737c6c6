using System.Text;
using Consensus.Api.Transactions;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Fuzzing;
using Consensus.Primitives;

namespace Consensus.Cli.Tests.Fuzzing;

/// <summary>Answers that no member gives (a proxy's, another version's, a broken one's). The client makes a result of each, and says "done" of none that it cannot read.</summary>
internal sealed class AnswerFuzzTests
{
    private static readonly int[] Statuses = [200, 201, 204, 299, 301, 400, 404, 409, 412, 418, 429, 500, 502, 503, 504, 507, 599];

    private static readonly string[] Bodies =
    [
        """{"key":"a","createRevision":2,"modRevision":3,"version":2,"lease":null,"value":"v"}""",
        """{"id":"1f","ttlMs":15000,"expiresInMs":14000}""",
        """{"name":"l","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":15000,"waitedMs":0,"expiresInMs":15000,"clusterId":"0c"}""",
        """{"name":"l","holders":[{"owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","acquiredRevision":7,"expiresInMs":1}],"waiters":[],"lastLoss":null}""",
        """{"type":"urn:consensus:problem:lock-held","title":"held","status":409,"detail":"held by \ud83d\ude00","holder":{"owner":"x"}}""",
        """{"type":"urn:consensus:problem:no-leader","title":"\ud800","status":503,"detail":"\udc00 alone"}""",
        """{"\ud800":1,"detail":5,"type":[]}""",
        "<html>502</html>",
        "[[[[[[[[[[",
        "",
    ];

    private static readonly string[] PackedBodies =
    [
        """
        {"items":[{"key":"a","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":"1f"}],
         "count":1,"revision":3,"nextCursor":null}
        """,
        """
        {"succeeded":true,"revision":3,"results":[{"put":{"key":"a","createRevision":2,"modRevision":3,"version":2,"lease":null}},
         {"get":{"items":[],"count":0}},{"delete":{"deleted":1}},{"get":{"omitted":true}}]}
        """,
    ];

    [Test]
    public async Task Any_answer_becomes_a_result([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        using var server = new FakeServer(_ => Draw(random));
        using var client = Connect(server);
        var (succeeded, failed) = (0, 0);
        for (var round = Mutator.Rounds(250); round > 0; round--)
        {
            foreach (var result in new[]
            {
                Problem(await client.GetKeyAsync("a", default)),
                Problem(await client.PutKeyAsync("a", Encoding.UTF8.GetBytes("v"), null, false, null, default)),
                Problem(await client.GetLockAsync("l", default)),
            })
            {
                Assert.That(result is null || result.Detail.Length > 0, "a failure says something");
                succeeded += result is null ? 1 : 0;
                failed += result is null ? 0 : 1;
            }
        }
        Assert.That(succeeded, Is.Positive);
        Assert.That(failed, Is.Positive);
    }

    [Test]
    public async Task Any_MessagePack_becomes_a_result([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var bodies = PackedBodies.Select(PackedText.Of).ToArray();
        using var server = new FakeServer(request => new FakeAnswer(200)
        {
            Raw = random.Chance(1, 10) ? bodies[random.Next(2)] : Mutator.Change(bodies[random.Next(2)], random),
        });
        using var client = Connect(server);
        var (succeeded, failed) = (0, 0);
        for (var round = Mutator.Rounds(500); round > 0; round--)
        {
            var list = await client.ListKeysAsync(new KeyListQuery(), default);
            var done = await client.TxnAsync(new TxnRequest(), default);
            foreach (var problem in new[] { Problem(list), Problem(done) })
            {
                Assert.That(problem is null || problem.Detail.Length > 0, "a failure says something");
                succeeded += problem is null ? 1 : 0;
                failed += problem is null ? 0 : 1;
            }
        }
        Assert.That(succeeded, Is.Positive);
        Assert.That(failed, Is.Positive);
    }

    private static ConsensusApiClient Connect(FakeServer server) => new(new ConsensusClientOptions
    {
        Endpoints = [server.Endpoint],
        RetryFor = TimeSpan.Zero,
        RetryUnreachableFor = TimeSpan.Zero,
    });

    private static ApiProblem? Problem<T>(ApiResult<T> result)
    {
        Assert.That(result.Succeeded, Is.EqualTo(result.Value is not null));
        Assert.That(() => result.Json, Throws.Nothing, "whatever was taken can be shown");
        return result.Problem;
    }

    private static FakeAnswer Draw(DeterministicRandom random)
    {
        var body = Bodies[random.Next(Bodies.Length)];
        if (random.Chance(1, 3))
        {
            // The fake server writes text: what is no UTF-8 becomes replacement characters, as a careless proxy would make them.
            body = Encoding.UTF8.GetString(Mutator.Change(Encoding.UTF8.GetBytes(body), random));
        }
        var status = Statuses[random.Next(Statuses.Length)];
        return random.Chance(1, 30) ? FakeAnswer.Abort : new FakeAnswer(status, status == 204 ? "" : body, random.Chance(1, 2) ? "application/problem+json" : "text/html");
    }
}
