using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Holds;

/// <summary>Rule 18: who asks in slices has a place that needs no connection, and asking again is no log entry.</summary>
internal sealed class SliceTests : ContractTest
{
    private const string Key = "Idempotency-Key";

    /// <summary>Path, what somebody takes all of it with, what waits, and how a grant names who has it.</summary>
    private static readonly TestCaseData[] Kinds =
    [
        Kind("lock", "/v1/locks/x", """{"owner":"h","ttl":"60s"}""", """{"owner":"w",LEASE,"wait":"60s"}""", "owner"),
        Kind(
            "semaphore",
            "/v1/semaphores/x",
            """{"owner":"h","ttl":"60s","permits":3,"count":3}""",
            """{"owner":"w",LEASE,"wait":"60s","permits":3}""",
            "owner"),
        Kind(
            "election",
            "/v1/elections/x",
            """{"candidate":"h","ttl":"60s","value":"v"}""",
            """{"candidate":"w",LEASE,"wait":"60s","value":"u"}""",
            "leader"),
    ];

    private static TestCaseData Kind(string name, params object[] arguments) => new TestCaseData(arguments).SetArgDisplayNames(name);

    private async Task<long> HoldAsync(string path, string body)
    {
        using var response = await SendAsync("POST", path, body);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("fencingToken").GetInt64();
    }

    private async Task ReleaseAsync(string path, long token)
    {
        using var released = await SendAsync("DELETE", $"{path}?fencingToken={token}");
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    private Task<PlaceAnswer> PlaceAsync(string path, string body, string slice, (string Name, string Value) identity) =>
        AnswerAsync(ApiJson.Default.PlaceAnswer, HttpStatusCode.Accepted, "POST", $"{path}?poll={slice}", body, identity);

    private bool IsDetached(string name) => Node.View.GetObject(StateMachine.Key.FromText(name)).Waiters.Single().Detached;

    [TestCaseSource(nameof(Kinds))]
    public async Task A_wait_in_slices_is_told_its_place_and_goes_on_where_it_stood_without_an_entry(
        string path, string holder, string waiter, string who)
    {
        var session = await AnswerAsync(
            ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"60s","session":true}""");
        foreach (var identity in new[] { (Key, "k"), ("Consensus-Session", $"{session.Id}; seq=1; acked=0") })
        {
            var body = waiter.Replace(
                "LEASE", identity.Item1 == Key ? "\"ttl\":\"15s\"" : $"\"lease\":\"{session.Id}\"", StringComparison.Ordinal);
            var held = await HoldAsync(path, holder);
            var place = await PlaceAsync(path, body, "0s", identity);
            Assert.That(place, Is.EqualTo(new PlaceAnswer(1, 60_000)));
            Node.Advance(TimeSpan.FromSeconds(20));
            var applied = Node.AppliedCommands;
            Assert.That(await PlaceAsync(path, body, "5ms", identity), Is.EqualTo(new PlaceAnswer(1, 40_000)));
            Assert.That(Node.AppliedCommands, Is.EqualTo(applied), "asking again is no log entry");

            // Granted while nobody asks: the next slice finds it.
            await ReleaseAsync(path, held);
            using var granted = await SendAsync("POST", path + "?poll=20s", body, identity);
            Assert.That(granted.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            using var json = JsonDocument.Parse(await granted.Content.ReadAsStringAsync());
            Assert.That(json.RootElement.GetProperty(who).GetString(), Is.EqualTo("w"));
            await ReleaseAsync(path, json.RootElement.GetProperty("fencingToken").GetInt64());
        }
    }

    [Test]
    public async Task A_member_that_reaches_no_leader_tells_no_place_and_keeps_it_for_who_comes_back()
    {
        var held = await AcquireAsync("x", "h", "60s");
        const string Body = """{"owner":"w","ttl":"15s","wait":"60s"}""";
        var place = await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k"));
        Node.IsCutOff = true;
        for (var slices = 0; slices < 2; slices++)
        {
            await RefusedAsync(ProblemTypes.OutcomeUnknown, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k"));
        }
        Node.IsCutOff = false;
        var applied = Node.AppliedCommands;
        Assert.That(await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k")), Is.EqualTo(place));
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied), "asking again is no log entry");
        Node.IsCutOff = true;
        await ReleaseAsync("/v1/locks/x", held.FencingToken);
        var granted = await AnswerAsync(
            ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k"));
        Assert.That(granted.Owner, Is.EqualTo("w"), "what came of it is no place");
    }

    [Test]
    public async Task An_answer_that_comes_while_the_place_is_looked_for_is_told()
    {
        var held = await AcquireAsync("x", "h", "60s");
        Node.HoldsReads = true;
        const string Body = """{"owner":"w","ttl":"15s","wait":"60s"}""";
        var asked = AnswerAsync(
            ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k"));
        await UntilAsync(() => Node.ReadsHeld == 1, "its place is looked for");
        await ReleaseAsync("/v1/locks/x", held.FencingToken);
        Assert.That((await asked).Owner, Is.EqualTo("w"));
        await UntilAsync(() => Node.ReadsHeld == 0, "nobody looks any more");
    }

    [Test]
    public async Task A_slice_that_lasts_is_granted_within_it_and_so_is_one_without_an_end()
    {
        foreach (var target in new[] { "/v1/locks/x?poll=10m", "/v1/locks/x" })
        {
            var held = await AcquireAsync("x", "h", "60s");
            var body = """{"owner":"w","ttl":"15s","wait":"60s"}""";
            await PlaceAsync("/v1/locks/x", body, "0s", (Key, target));
            var waiting = AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", target, body, (Key, target));
            await ReleaseAsync("/v1/locks/x", held.FencingToken);
            var granted = await waiting;
            Assert.That(granted.Owner, Is.EqualTo("w"));
            Assert.That(granted.FencingToken, Is.GreaterThan(held.FencingToken));
            await ReleaseAsync("/v1/locks/x", granted.FencingToken);
        }
    }

    [Test]
    public async Task A_wait_for_several_locks_is_told_the_last_of_its_places_and_goes_on_without_an_entry()
    {
        var held = await AcquireAsync("y", "h", "60s");
        await PlaceAsync("/v1/locks/y", """{"owner":"v","ttl":"15s","wait":"60s"}""", "0s", (Key, "before"));
        const string Body = """{"names":["x","y"],"owner":"w","ttl":"15s","wait":"60s"}""";
        Assert.That((await PlaceAsync("/v1/multilock", Body, "0s", (Key, "k"))).Position, Is.EqualTo(2));
        var applied = Node.AppliedCommands;
        Assert.That((await PlaceAsync("/v1/multilock", Body, "5ms", (Key, "k"))).Position, Is.EqualTo(2));
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied));
        using var withdrawn = await SendAsync("DELETE", "/v1/requests/before");
        await ReleaseAsync("/v1/locks/y", held.FencingToken);
        var granted = await AnswerAsync(
            ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", "/v1/multilock?poll=20s", Body, (Key, "k"));
        Assert.That(granted.Locks, Has.Count.EqualTo(2));
    }

    [TestCase("/v1/locks/x", """{"owner":"other","ttl":"15s","wait":"60s"}""")]
    [TestCase("/v1/locks/free", """{"owner":"w","ttl":"15s","wait":"60s"}""")]
    [TestCase("/v1/elections/x", """{"candidate":"w","ttl":"15s","wait":"60s","value":"v"}""")]
    public async Task Another_request_under_the_same_key_is_refused_in_slices_too_and_the_place_stays(string target, string other)
    {
        var held = await AcquireAsync("x", "h", "60s");
        const string Body = """{"owner":"w","ttl":"15s","wait":"60s"}""";
        await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k"));
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "POST", target + "?poll=0s", other, (Key, "k"));
        await ReleaseAsync("/v1/locks/x", held.FencingToken);
        await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k"));
    }

    [Test]
    public async Task A_sessions_hold_that_was_granted_between_slices_is_a_loss_only_when_somebody_was_told_of_it([Values] bool wasTold)
    {
        var session = await AnswerAsync(
            ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"3s","session":true}""");
        (string, string) number = ("Consensus-Session", $"{session.Id}; seq=1; acked=0");
        var body = $$"""{"owner":"s","lease":"{{session.Id}}","wait":"60s","lockDelay":"60s"}""";
        var held = await AcquireAsync("x", "h", "60s");
        await PlaceAsync("/v1/locks/x", body, "0s", number);
        await ReleaseAsync("/v1/locks/x", held.FencingToken);
        await UntilAsync(() => Node.Abandoned.Count == 1, "it is noted that nobody was told");
        if (wasTold)
        {
            await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/x?poll=0s", body, number);
        }
        Node.Advance(TimeSpan.FromSeconds(4));
        var shown = await ShowLockAsync("x");
        Assert.That((shown.HolderCount, shown.LastLoss?.Owner), Is.EqualTo((0, wasTold ? "s" : null)));
    }

    [Test]
    public async Task What_is_free_is_granted_at_once_and_what_does_not_wait_is_refused_at_once()
    {
        await AnswerAsync(
            ApiJson.Default.LockGrantAnswer,
            HttpStatusCode.OK,
            "POST",
            "/v1/locks/x?poll=0s",
            """{"owner":"a","ttl":"15s","wait":"60s"}""",
            (Key, "a"));
        await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/x?poll=20s", """{"owner":"b","ttl":"15s"}""", (Key, "b"));
    }

    [Test]
    public async Task A_place_between_two_slices_is_told_what_became_of_it()
    {
        await AcquireAsync("x", "h", "600s");
        const string Body = """{"owner":"w","ttl":"15s","wait":"30s"}""";
        await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k"));
        var other = await ProblemAsync(
            ProblemTypes.IdempotencyMismatch, "POST", "/v1/locks/x?poll=0s", """{"owner":"w","ttl":"15s","wait":"31s"}""", (Key, "k"));
        Assert.That(other.Detail, Is.Not.Empty);
        await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k"));
        Node.Advance(TimeSpan.FromSeconds(30));
        await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k"));

        await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k2"));
        using var withdrawn = await SendAsync("DELETE", "/v1/requests/k2");
        Assert.That(withdrawn.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await ProblemAsync(ProblemTypes.Withdrawn, "POST", "/v1/locks/x?poll=0s", Body, (Key, "k2"));
    }

    [Test]
    public async Task A_connection_that_breaks_within_a_slice_detaches_a_keyed_place_and_the_next_slice_finds_it()
    {
        await AcquireAsync("x", "h", "600s");
        const string Body = """{"owner":"w","ttl":"15s","wait":"60s"}""";
        using (var connection = new RawHttp(Port))
        {
            connection.Send($"POST /v1/locks/x?poll=1m HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
            await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        }
        await UntilAsync(() => IsDetached("x"), "the place is detached");
        Assert.That((await PlaceAsync("/v1/locks/x", Body, "0s", (Key, "k"))).Position, Is.EqualTo(1));
        Assert.That(IsDetached("x"), Is.False);
    }

    [TestCase("?poll=20s", false, "needs the header Idempotency-Key or Consensus-Session")]
    [TestCase("?poll=1.5s", true, "is not a duration")]
    [TestCase("?poll=", true, "is not a duration")]
    [TestCase("?poll=601s", true, "is above 10m")]
    [TestCase("?poll=1s&poll=1s", true, "is given twice")]
    public async Task A_slice_that_cannot_be_is_refused(string query, bool hasKey, string detail)
    {
        (string, string)[] headers = hasKey ? [(Key, "k")] : [];
        var problem = await RefusedAsync(
            ProblemTypes.BadRequest, "POST", "/v1/locks/x" + query, """{"owner":"w","ttl":"15s","wait":"60s"}""", headers);
        Assert.That(problem.Detail, Does.Contain(detail));
    }

    [TestCase("PUT", "/v1/locks/x?poll=1s")]
    [TestCase("POST", "/v1/txn?poll=1s")]
    [TestCase("PUT", "/v1/kv/x?poll=1s")]
    public Task Only_what_can_wait_takes_slices(string method, string target) =>
        RefusedAsync(ProblemTypes.BadRequest, method, target, "{}", (Key, "k"));
}
