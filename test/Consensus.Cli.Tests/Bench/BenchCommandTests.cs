using System.Collections.Concurrent;
using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;

namespace Consensus.Cli.Tests.Bench;

/// <summary>A run against a store of keys and locks in memory.</summary>
internal sealed class BenchCommandTests
{
    private readonly ConcurrentDictionary<string, byte> _keys = new();
    private readonly ConcurrentDictionary<string, long> _locks = new();
    private readonly ManualTimeProvider _time = new();
    private long _revision;

    /// <summary>Answers at once, and has the run's clock move with each answer: so many answers are so long a run, however busy the machine is.</summary>
    private FakeServer Serving() => new(request =>
    {
        _time.Advance(TimeSpan.FromMilliseconds(10));
        return Answer(request);
    });

    private FakeAnswer Answer(FakeRequest request)
    {
        var revision = Interlocked.Increment(ref _revision);
        if (request.Path.StartsWith("/v1/locks/", StringComparison.Ordinal))
        {
            return AnswerLock(request, revision);
        }
        if (request.Path.StartsWith("/v1/leases", StringComparison.Ordinal))
        {
            return AnswerSession(request);
        }
        var key = Uri.UnescapeDataString(request.Path["/v1/kv/".Length..]);
        switch (request.Method)
        {
            case "PUT":
                _keys[key] = 1;
                return new FakeAnswer(200, $$"""{"key":"{{key}}","createRevision":1,"modRevision":{{revision}},"version":1,"lease":null}""");
            case "GET":
                return _keys.ContainsKey(key)
                    ? new FakeAnswer(200, $$"""{"key":"{{key}}","value":"v","createRevision":1,"modRevision":1,"version":1,"lease":null}""")
                    : FakeAnswer.Problem(404, "not-found", "there is no such key");
            default:
                var prefix = Uri.UnescapeDataString(request.Target.Split("prefix=")[1]);
                var gone = _keys.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToList();
                gone.ForEach(name => _keys.TryRemove(name, out _));
                return new FakeAnswer(200, $$"""{"deleted":{{gone.Count}},"revision":{{revision}}}""");
        }
    }

    private static FakeAnswer AnswerSession(FakeRequest request) => (request.Method, request.Path) switch
    {
        ("DELETE", _) => new FakeAnswer(200, """{"id":"5e55","keysDeleted":0,"locksFreed":0,"revision":1}"""),
        (_, "/v1/leases") => new FakeAnswer(201, """{"id":"5e55","ttlMs":15000,"expiresInMs":15000,"session":true}"""),
        _ => FakeAnswer.Problem(503, "no-leader", "No leader is known."),
    };

    private FakeAnswer AnswerLock(FakeRequest request, long revision)
    {
        if (request.Method == "DELETE")
        {
            return _locks.TryRemove(request.Path, out _) ? new FakeAnswer(204) : FakeAnswer.Problem(412, "not-holder", "nobody holds it");
        }
        return _locks.TryAdd(request.Path, revision)
            ? new FakeAnswer(200, $$"""
                {"name":"{{Uri.UnescapeDataString(request.Path["/v1/locks/".Length..])}}","owner":"o","mode":"exclusive","fencingToken":{{revision}},"lease":"1",
                "ttlMs":15000,"waitedMs":0,"expiresInMs":15000,"clusterId":"c"}
                """)
            : FakeAnswer.Problem(409, "lock-held", "it is held");
    }

    [TestCase("put")]
    [TestCase("cas")]
    [TestCase("get")]
    [TestCase("lock")]
    [TestCase("mixed")]
    public async Task Each_workload_is_measured_and_leaves_nothing_behind(string workload)
    {
        using var server = Serving();
        var run = await Ctl.RunAsync(
            server.Endpoint, _time, "bench", "--workload", workload, "--clients", "4", "--keys", "20", "--values", "1KiB", "--duration", "2s", "-o", "json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        var root = document.RootElement;
        Assert.That(root.GetProperty("workload").GetString(), Is.EqualTo(workload));
        var operations = root.GetProperty("operations").GetInt64();
        Assert.That((operations, root.GetProperty("failures").GetInt64()), Is.EqualTo((operations, 0L)));
        // Two hundred answers end the run, of which a lock takes two and a session one. Until its threads hear of that, more may be
        // given and move the clock on.
        Assert.That(operations, Is.InRange(90, server.Requests.Count));
        Assert.That(root.GetProperty("durationMs").GetInt64(), Is.InRange(2_000, 10 * server.Requests.Count));
        Assert.That(root.GetProperty("histogram").EnumerateArray().Sum(range => range.GetProperty("count").GetInt64()), Is.EqualTo(operations));
        Assert.That(root.GetProperty("latencyMs").GetProperty("p50").GetDouble(), Is.LessThanOrEqualTo(root.GetProperty("latencyMs").GetProperty("max").GetDouble()));
        Assert.That(
            root.GetProperty("sentLatencyMs").EnumerateObject().Select(percentile => percentile.Name),
            Is.SubsetOf(root.GetProperty("latencyMs").EnumerateObject().Select(percentile => percentile.Name)));
        Assert.That((_keys.Count, _locks.Count), Is.EqualTo((0, 0)), "what was written is removed");
        if (workload is "put" or "cas")
        {
            Assert.That(server.Requests.First(request => request.Method == "PUT").Body, Has.Length.EqualTo(1024));
        }
    }

    [Test]
    public async Task The_table_has_one_row_and_a_terminal_is_shown_a_histogram()
    {
        using var server = Serving();
        var piped = await Ctl.RunAsync(server.Endpoint, _time, "bench", "--clients", "2", "--duration", "2s");
        var lines = piped.Output.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2));
        Assert.That(lines[0], Does.StartWith("WORKLOAD\tCLIENTS\tSECONDS\tOPERATIONS\tPER SECOND\tFAILED"));
        Assert.That(
            lines[1],
            Does.Match("^put\t2\t[2-9]\\.[0-9]\t[0-9,]{3,}\t[0-9.,]+\t0\t"),
            "two seconds or, until it is heard of, more; hundreds of puts, no failure");
        var drawn = await Ctl.RunAsync(
            new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = server.Endpoint.ToString() }, "", true, _time, "bench", "--clients", "2", "--duration", "2s");
        Assert.That(drawn.Output, Does.Contain("█").And.Contain(" ms  "));
    }

    [Test]
    public async Task After_the_first_writes_there_is_one_session_for_all_that_ask_one_member_and_it_ends_with_the_run()
    {
        var keyed = 0;
        using var server = new FakeServer(request =>
        {
            // The run's time passes with the writes that have a number, so that it does not end before there is a session.
            if (request.Header("Consensus-Session") is not null || Interlocked.Increment(ref keyed) > 20_000)
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }
            return Answer(request);
        });
        var run = await Ctl.RunAsync(server.Endpoint, _time, "bench", "--clients", "4", "--duration", "2s");

        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        var writes = server.Requests.Where(request => request.Method == "PUT").ToList();
        Assert.That(writes[0].Header("Idempotency-Key"), Is.Not.Null);
        // A keyed one may be under way for long: it need not be the last one that comes, but most come after it.
        var numbered = writes.Where(write => write.Header("Consensus-Session") is not null).ToList();
        Assert.That(numbered.Select(write => write.Header("Consensus-Session")), Is.All.StartsWith("5e55; seq="));
        Assert.That(numbered, Has.Count.GreaterThanOrEqualTo(150), "the time passes with them");
        Assert.That(server.Requests.Count(request => request.Path == "/v1/leases"), Is.EqualTo(1));
        Assert.That(server.Requests.Last().Path, Is.EqualTo("/v1/leases/5e55"), "it is revoked");
    }

    [Test]
    public async Task Nobody_there_is_exit_3_in_plain_sentences()
    {
        var run = await Ctl.RunAsync(new Uri("http://127.0.0.1:1"), "bench", "--clients", "1", "--duration", "100ms", "--timeout", "0s", "--workload", "get");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")));
        Assert.That(run.Error, Does.Contain("accepts no connection").And.Not.Contain("   at "));
    }

    [TestCase("--clients", "0")]
    [TestCase("--clients", "many")]
    [TestCase("--keys", "0")]
    [TestCase("--values", "2MiB")]
    [TestCase("--values", "-1")]
    [TestCase("--workload", "none")]
    [TestCase("--duration", "0s")]
    public async Task What_makes_no_sense_is_exit_2(params string[] arguments)
    {
        var run = await Ctl.RunAsync(new Uri("http://127.0.0.1:1"), ["bench", .. arguments]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
    }
}
