using System.Text;
using Consensus.Api.Problems;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Holding;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;
using Consensus.Client.Transport;

namespace Consensus.Client.Tests.Answers;

/// <summary>
/// Answers of refusal from something that is no member: a proxy, a portal that wants a login, another server on the port. Nothing is
/// concluded from their status.
/// </summary>
internal sealed class StrangerTests
{
    private const string Granted = """
        {"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,
        "clusterId":"c"}
        """;

    private const string Page = "\r\n  <html>Sign in,\u001b[1m please</html>\r\n<body/>";

    private static readonly int[] Statuses =
    [
        300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422, 425,
        428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 511, 520, 599,
    ];

    private static readonly FakeAnswer NotFound = new(404, "<html>Nothing here</html>", "text/html");

    private static ConsensusClientOptions Options(params FakeServer[] servers) => new()
    {
        Endpoints = [.. servers.Select(server => server.Endpoint)],
        SessionTtl = null,
    };

    private static string Words(FakeServer server, string said) =>
        $"{server.Endpoint.Authority} does not answer as a Consensus member does: {said}.";

    [Test]
    public async Task A_status_alone_is_no_refusal([ValueSource(nameof(Statuses))] int status, [Values] bool isOnCallingThread)
    {
        using var server = new FakeServer(_ => new FakeAnswer(status, Page, "text/html; charset=utf-8"));
        using var api = new ConsensusApiClient(
            Options(server) with { RetryFor = TimeSpan.Zero, SendsOnCallingThread = isOnCallingThread });

        var read = (await api.GetKeyAsync("a", null, default)).Problem!;
        var write = (await api.DeleteKeyAsync("a", null, default)).Problem!;

        var redirect = status < 400 ? ", and no redirect is followed" : "";
        var said = Words(server, $"it said {status} (text/html) \"<html>Sign in, [1m please</html>\"{redirect}");
        Assert.That((read.Kind, read.Status, read.Slug, read.Detail), Is.EqualTo((ApiFailureKind.Unavailable, status, "", said)));
        Assert.That((write.Kind, write.Status, write.Slug, write.Detail), Is.EqualTo((ApiFailureKind.OutcomeUnknown, status, "", said)));
        Assert.That((read.Json, read.Document), Is.EqualTo(((string?)null, (ProblemAnswer?)null)));
    }

    [TestCaseSource(typeof(ProblemTypes), nameof(ProblemTypes.All))]
    public async Task A_problem_is_a_members_under_its_own_status_and_media_type_only(ProblemType problem)
    {
        var answer = FakeAnswer.Problem(problem.Status, problem.Slug, "So it is.");
        using var server = new FakeServer(_ => answer);
        using var api = new ConsensusApiClient(Options(server) with { RetryFor = TimeSpan.Zero });

        var told = (await api.DeleteKeyAsync("a", null, default)).Problem!;
        Assert.That((told.Slug, told.Status, told.Detail), Is.EqualTo((problem.Slug, problem.Status, "So it is.")));
        Assert.That(told.Kind, Is.EqualTo(problem.Slug switch
        {
            "no-leader" or "not-ready" or "too-many-requests" => ApiFailureKind.Unavailable,
            "outcome-unknown" or "internal" or "session-ended" or "retry-too-late" => ApiFailureKind.OutcomeUnknown,
            "unauthenticated" or "forbidden" => ApiFailureKind.Denied,
            _ => ApiFailureKind.Refused,
        }));

        foreach (var other in new[]
        {
            answer with { Status = problem.Status == 418 ? 419 : 418 },
            answer with { ContentType = "application/json" },
            answer with { Body = answer.Body.Replace("urn:consensus:problem:", "urn:consensus:problem:un", StringComparison.Ordinal) },
            answer with { Body = answer.Body.Replace("urn:consensus:problem:", "about:", StringComparison.Ordinal) },
            answer with { Body = answer.Body[..^1] },
            answer with { Body = $"[{answer.Body}]" },
            answer with { Body = "" },
        })
        {
            answer = other;
            var foreign = (await api.DeleteKeyAsync("a", null, default)).Problem!;
            Assert.That((foreign.Kind, foreign.Slug), Is.EqualTo((ApiFailureKind.OutcomeUnknown, "")), other.ToString());
            Assert.That(foreign.Detail, Does.StartWith(Words(server, $"it said {other.Status} ({other.ContentType})")[..^1]));
        }
    }

    [Test]
    public async Task What_is_said_of_a_stranger_is_short_and_does_nothing_to_a_terminal()
    {
        var answer = new FakeAnswer(404, "");
        using var server = new FakeServer(_ => answer);
        using var api = new ConsensusApiClient(Options(server));
        foreach (var (body, type, said) in new[]
        {
            ("", "", "it said 404"),
            ("\n \n", "text/plain", "it said 404 (text/plain)"),
            ("\u0007a\u0000b\u009bc", "text/plain", "it said 404 (text/plain) \" a b c\""),
            (new string('x', 81), "text/plain", $"it said 404 (text/plain) \"{new string('x', 80)}…\""),
            (string.Concat(Enumerable.Repeat("😀", 1_000)), "", $"it said 404 \"{string.Concat(Enumerable.Repeat("😀", 40))}…\""),
        })
        {
            answer = new FakeAnswer(404, body, type);
            Assert.That((await api.GetKeyAsync("a", null, default)).Problem?.Detail, Is.EqualTo(Words(server, said)));
        }
        answer = new FakeAnswer(404, "", "") { Raw = [0x81, 0xff, 0xfe] };
        Assert.That(
            (await api.GetKeyAsync("a", null, default)).Problem?.Detail, Is.EqualTo(Words(server, "it said 404 \"\ufffd\ufffd\ufffd\"")));
    }

    [TestCase(403)]
    [TestCase(404)]
    [TestCase(409)]
    [TestCase(412)]
    [TestCase(429)]
    [TestCase(302)]
    public async Task An_acquire_goes_on_at_the_next_endpoint_with_the_same_key(int status)
    {
        using var stranger = new FakeServer(_ => new FakeAnswer(status, Page, "text/html"));
        using var member = new FakeServer(request => request.Method == "DELETE" ? new FakeAnswer(204) : new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(Options(stranger, member));

        await using (var handle = await client.AcquireLockAsync("a"))
        {
            Assert.That(handle.FencingToken, Is.EqualTo(7));
        }

        Assert.That(stranger.Requests, Has.Count.EqualTo(1), "who answered as a member does is asked first from then on");
        Assert.That(member.Requests.First().Header("Idempotency-Key"), Is.EqualTo(stranger.Requests.First().Header("Idempotency-Key")));
    }

    [Test]
    public async Task Where_nobody_but_strangers_is_met_a_hold_is_not_waited_for_and_is_withdrawn()
    {
        using var first = new FakeServer(_ => NotFound);
        using var second = new FakeServer(_ => new FakeAnswer(200, "{}"));
        using var client = new ConsensusClient(Options(first, second));

        var error = await Assert.ThrowsAsync<ConsensusException>(() => client.AcquireLockAsync("a").InTimeAsync());

        Assert.That((error!.Problem.Kind, error.Problem.Slug), Is.EqualTo((ApiFailureKind.OutcomeUnknown, "")));
        var key = first.Requests.First().Header("Idempotency-Key");
        await Eventually.UntilAsync(() => second.Requests.Any(request => request.Path == "/v1/requests/" + key), "it is withdrawn");
    }

    [Test]
    public async Task A_hold_is_waited_for_while_a_member_may_be_behind_whoever_answers()
    {
        var posts = 0;
        using var proxy = new FakeServer(request => request.Method == "DELETE" ? new FakeAnswer(204)
            : ++posts < 4 ? new FakeAnswer(503, "no server is available", "text/plain") : new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(Options(proxy) with { RetryFor = TimeSpan.Zero });

        await using var handle = await client.AcquireLockAsync("a").InTimeAsync();

        var keys = proxy.Requests.Where(request => request.Method == "POST").Select(request => request.Header("Idempotency-Key")).ToList();
        Assert.That(keys.Distinct().Count(), Is.EqualTo(1), "the proxy may have passed it on");
    }

    [Test]
    public async Task What_a_member_said_is_told_rather_than_what_a_stranger_did()
    {
        using var member = new FakeServer(_ => FakeAnswer.Problem(503, "no-leader", "No leader is known."));
        using var stranger = new FakeServer(_ => NotFound);
        using var api = new ConsensusApiClient(Options(member, stranger) with { RetryFor = TimeSpan.Zero });

        var problem = (await api.GetKeyAsync("a", null, default)).Problem!;
        var backup = (await api.OpenSnapshotAsync(stale: false, default)).Problem!;

        Assert.That((problem.Slug, problem.Detail), Is.EqualTo(("no-leader", "No leader is known.")));
        Assert.That(backup.Slug, Is.EqualTo("no-leader"));
        var log = new AttemptLog();
        var write = new ApiRequest { Method = HttpMethod.Put, Target = "/" };
        var said = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
        log.Add(new HeardAnswer(503, said.ContentType, null, Encoding.UTF8.GetBytes(said.Body)).Judge(member.Endpoint, write));
        log.Add(new HeardAnswer(404, "", null, []).Judge(stranger.Endpoint, write));
        Assert.That(log.Tell(), Is.EqualTo("No leader is known."));
    }

    [TestCase(404)]
    [TestCase(409)]
    [TestCase(410)]
    [TestCase(412)]
    public async Task What_is_taken_back_is_not_settled_by_a_stranger(int status)
    {
        var asked = 0;
        using var server = new FakeServer(_ => ++asked == 1
            ? new FakeAnswer(status, Page, "text/html") : new FakeAnswer(200, """{"outcome":"withdrawn","revision":9}"""));
        using var api = new ConsensusApiClient(Options(server));

        Assert.That(await Withdrawals.TryAsync(api, "k", default).InTimeAsync(), Is.True);

        Assert.That(asked, Is.EqualTo(2));
    }

    [TestCase(404)]
    [TestCase(410)]
    [TestCase(412)]
    public async Task A_stranger_does_not_say_that_a_hold_was_lost(int status)
    {
        using var server = new FakeServer(request =>
            request.Method == "POST" ? new FakeAnswer(200, Granted) : new FakeAnswer(status, Page, "text/html"));
        using var client = new ConsensusClient(Options(server));
        var handle = await client.AcquireLockAsync("a");

        var error = await Assert.ThrowsAsync<ConsensusException>(() => handle.ReleaseAsync().InTimeAsync());

        Assert.That(error!.Problem.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [TestCase(404)]
    [TestCase(409)]
    [TestCase(410)]
    public async Task A_stranger_neither_ends_a_session_nor_settles_what_is_asked_under_it(int status)
    {
        using var server = new FakeSessions();
        // Time stands still, so that nothing is renewed but here.
        var options = new ConsensusClientOptions { Endpoints = [server.Endpoint], TimeProvider = new ManualTimeProvider() };
        using var client = new ConsensusClient(options);
        await client.PutAsync("a", "1"u8.ToArray());
        await client.PutAsync("a", "2"u8.ToArray());
        await Eventually.UntilAsync(() => client.Session is not null, "the session stands");
        var session = client.Session;
        var seen = new Dictionary<string, int>();
        server.Instead = request => Task.FromResult<FakeAnswer?>(
            IsFirst(request.Method + request.Path) && request.Path != "/v1/kv/b" ? new FakeAnswer(status, Page, "text/html") : null);

        Assert.That(session!.Lease.Renew(Eventually.Deadline, default).Outcome, Is.EqualTo(HoldRenewalOutcome.Unanswered));
        using (var end = new CancellationTokenSource())
        {
            var silence = new TaskCompletionSource<FakeAnswer?>();
            var instead = server.Instead;
            server.Instead = request => request.Path == "/v1/kv/b" ? silence.Task : instead(request);
            var put = client.PutAsync("b", "1"u8.ToArray(), null, end.Token);
            await Eventually.UntilAsync(() => server.Requests.Any(request => request.Path == "/v1/kv/b"), "it is under way");
            await end.CancelAsync();
            await Assert.ThatAsync(() => put.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        }
        Assert.That(await client.WhenWithdrawnAsync().InTimeAsync(), Is.True);

        Assert.That(server.Requests.Count(request => request.Path.EndsWith("/settle", StringComparison.Ordinal)), Is.EqualTo(2));
        Assert.That(client.Session, Is.SameAs(session));

        bool IsFirst(string what)
        {
            lock (seen)
            {
                return (seen[what] = seen.GetValueOrDefault(what) + 1) == 1;
            }
        }
    }

    [Test]
    public async Task A_ping_counts_no_other_not_found_than_a_members()
    {
        var answer = NotFound;
        using var server = new FakeServer(_ => answer);
        using var client = new ConsensusClient(Options(server));

        await Assert.ThatAsync(() => client.PingAsync(), Throws.InstanceOf<ConsensusException>());

        answer = FakeAnswer.Problem(404, "not-found", "There is no such key.");
        await client.PingAsync();
    }

    [TestCase(404)]
    [TestCase(410)]
    [TestCase(403)]
    [TestCase(301)]
    public async Task A_watch_that_began_goes_on_after_what_a_stranger_says(int status)
    {
        const string Open = "id: 5\nevent: open\ndata: {\"fromRevision\":6}\n\n";
        const string Strange = "id: 90\n\nid: 91\nevent: hello\ndata: {}\n\nid: 92\nevent: compacted\ndata: {}\n\n";
        const string Six = "id: 6\nevent: delete\ndata: {\"key\":\"k\",\"modRevision\":6}\n\n";
        var asked = 0;
        using var server = new FakeServer(_ => ++asked switch
        {
            1 => new FakeAnswer(200, Open, "text/event-stream"),
            2 or 3 => new FakeAnswer(status, Page, "text/html"),
            4 => new FakeAnswer(200, Page, "text/html"),
            5 => new FakeAnswer(200, Strange, "text/event-stream"),
            _ => new FakeAnswer(200, Open + Six, "text/event-stream"),
        });
        using var api = new ConsensusApiClient(Options(server));
        await using var watch = api.WatchKeyAsync("k").GetAsyncEnumerator();
        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchOpened>());

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchChanges>());

        var places = server.Requests.Skip(1).Select(request => request.Header("Last-Event-ID"));
        Assert.That(places, Is.All.EqualTo("5"), "no stranger moves the place");
        Assert.That(server.Requests, Has.Count.EqualTo(6));
    }

    [Test]
    public async Task A_watch_of_a_lease_does_not_end_with_a_strangers_not_found()
    {
        const string Lease = """
            event: lease
            id: 5
            data: {"id":"1f","ttlMs":1,"expiresInMs":1,"keys":[],"keyCount":0,"locks":[],"semaphores":[],"elections":[],"lockCount":0}


            """;
        var asked = 0;
        using var server = new FakeServer(_ => ++asked == 2 ? NotFound : new FakeAnswer(200, Lease, "text/event-stream"));
        using var api = new ConsensusApiClient(Options(server));
        await using var watch = api.WatchLeaseAsync("1f").GetAsyncEnumerator();

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchLease>());
        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchLease>());
    }
}
