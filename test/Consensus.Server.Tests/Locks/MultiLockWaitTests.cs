using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Locks;

/// <summary>Requests for several locks that wait: a place in the line of each, and all of them or none.</summary>
internal sealed class MultiLockWaitTests : ContractTest
{
    private const string Path = "/v1/multilock";
    private const string Waiting = """{"names":["a","b","c"],"owner":"me","ttl":"15s","wait":"30s"}""";

    private Task<MultiLockAnswer> WaitAsync(string body = Waiting, params (string, string)[] headers) =>
        AnswerAsync(ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", Path, body, headers);

    private Task UntilQueuedAsync(int places) => UntilAsync(() => Node.Status.Counts.Waiters == places, $"{places} places");

    private async Task ReleaseAsync(LockGrantAnswer held)
    {
        using var released = await SendAsync("DELETE", $"/v1/locks/{held.Name}?fencingToken={held.FencingToken}");
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task All_are_granted_at_the_release_of_the_last_and_their_lease_begins_there()
    {
        var b = await AcquireAsync("b", "first", "60s");
        var c = await AcquireAsync("c", "first", "60s");
        var waiting = WaitAsync();
        await UntilQueuedAsync(3);
        await ReleaseAsync(b);
        Node.Advance(TimeSpan.FromSeconds(20));
        foreach (var name in new[] { "a", "b" })
        {
            var shown = await ShowLockAsync(name);
            Assert.That(
                (shown.HolderCount, shown.Waiters.Single()), Is.EqualTo((0, new LockWaiterAnswer("me", 1, "exclusive"))),
                "it holds none while it waits");
        }
        var passed = await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/a", """{"owner":"other","ttl":"15s"}""");
        Assert.That((passed.Holder, passed.Waiters), Is.EqualTo(((string?)null, 1)), "and nobody passes it");
        await ReleaseAsync(c);
        var granted = await waiting;
        Assert.That(granted.Locks.Select(one => one.Name), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That((granted.WaitedMs, granted.TtlMs, granted.ExpiresInMs), Is.EqualTo((20_000, 15_000, 15_000)));
    }

    [Test]
    public async Task One_that_did_not_wait_says_so() => Assert.That((await WaitAsync()).WaitedMs, Is.Zero);

    [Test]
    public async Task A_wait_that_is_over_names_the_lock_in_the_way_and_leaves_no_place()
    {
        await AcquireAsync("b", "first", "60s");
        var waiting = SendAsync("POST", Path, Waiting);
        await UntilQueuedAsync(3);
        Node.Advance(TimeSpan.FromSeconds(30));
        using var response = await waiting;
        var problem = await ReadProblemAsync(response, ProblemTypes.LockHeld);
        Assert.That(
            (problem.Name, problem.Holder, problem.Detail!.Contains("30000 ms", StringComparison.Ordinal)),
            Is.EqualTo(("b", "first", true)));
        Assert.That(Node.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public async Task A_closed_connection_gives_up_every_place()
    {
        await AcquireAsync("c", "first", "60s");
        using (var connection = new RawHttp(Port))
        {
            connection.Send($"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Waiting.Length}\r\n\r\n{Waiting}");
            await UntilQueuedAsync(3);
        }
        await UntilQueuedAsync(0);
        Assert.That(Node.Abandoned, Is.Empty, "it was never granted");
    }

    [Test]
    public async Task A_grant_to_a_client_that_is_gone_is_given_back()
    {
        var racing = new RacingNode();
        await using var server = await RacingServer.StartAsync(racing);
        using (var connection = new RawHttp(server.Port))
        {
            connection.Send($"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Waiting.Length}\r\n\r\n{Waiting}");
            await UntilAsync(() => racing.IsAsked, "the request arrived");
        }
        await UntilAsync(() => racing.Given.Count == 3, "the holds were given back");
        Assert.That(
            racing.Given,
            Is.EquivalentTo(new[] { "a", "b", "c" }.Select(name => (ObjectName.Lock(Key.FromText(name)), RacingNode.Request))));
    }

    [Test]
    public async Task A_repeat_under_the_same_key_takes_every_place_again_and_another_body_none()
    {
        var held = await AcquireAsync("b", "first", "60s");
        var first = SendAsync("POST", Path, Waiting, ("Idempotency-Key", "k"));
        await UntilQueuedAsync(3);
        Node.Propose(new DetachWaitersCommand(Node.Status.Self, 0));
        using var unknown = await first;
        await ReadProblemAsync(unknown, ProblemTypes.OutcomeUnknown);
        Assert.That((await AcquireAsync("a", "quick", "60s")).FencingToken, Is.Positive, "who is detached is passed over");
        var other = Waiting.Replace("\"c\"", "\"d\"", StringComparison.Ordinal);
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "POST", Path, other, ("Idempotency-Key", "k"));
        var second = SendAsync("POST", Path, Waiting, ("Idempotency-Key", "k"));
        await UntilAsync(() => Node.WaitingRequests == 1, "it waits again");
        Assert.That(Node.Status.Counts.Waiters, Is.EqualTo(3));
        await ReleaseAsync(held);
        using var forced = await SendAsync("DELETE", "/v1/locks/a?force=true");
        using var granted = await second;
        Assert.That(granted.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_withdrawn_request_has_no_place_left()
    {
        await AcquireAsync("b", "first", "60s");
        var waiting = SendAsync("POST", Path, Waiting, ("Idempotency-Key", "k"));
        await UntilQueuedAsync(3);
        using var withdrawn = await SendAsync("DELETE", "/v1/requests/k");
        using var told = await waiting;
        await ReadProblemAsync(told, ProblemTypes.Withdrawn);
        Assert.That(Node.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public async Task Under_a_session_the_number_finds_the_places_and_then_the_holds()
    {
        var session = (await AnswerAsync(
            ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"10m","session":true}""")).Id;
        var held = await AcquireAsync("b", "first", "60s");
        var body = $$"""{"names":["a","b"],"owner":"me","lease":"{{session}}","wait":"30s"}""";
        var waiting = WaitAsync(body, ("Consensus-Session", $"{session}; seq=1; acked=0"));
        await UntilQueuedAsync(2);
        await ReleaseAsync(held);
        var granted = await waiting;
        var later = ("Consensus-Session", $"{session}; seq=2; acked=1");
        using var put = await SendAsync("PUT", "/v1/kv/x", "y", later);
        Assert.That(
            (await WaitAsync(body, ("Consensus-Session", $"{session}; seq=1; acked=0"))).Locks, Is.EqualTo(granted.Locks),
            "though it is acknowledged");
        var settled = await AnswerAsync(
            ApiJson.Default.SettleAnswer, HttpStatusCode.OK, "POST", $"/v1/leases/{session}/settle", """{"seq":1}""");
        Assert.That(settled.Holds, Is.EqualTo(granted.Locks.Select(one => new SettledHold("lock", one.Name, one.FencingToken))));
    }

    [Test]
    public async Task A_hold_is_not_handed_over_to_who_waits_for_several()
    {
        var held = await AcquireAsync("b", "first", "60s");
        var waiting = SendAsync("POST", Path, Waiting);
        await UntilQueuedAsync(3);
        var refused = await ProblemAsync(
            ProblemTypes.NotFound, "PATCH", "/v1/locks/b", $$"""{"handOverTo":"me","fencingToken":{{held.FencingToken}}}""");
        Assert.That(refused.Detail, Does.Contain("together with other locks"));
        await ReleaseAsync(held);
        using var granted = await waiting;
    }

    [Test]
    public async Task Names_whose_answer_is_large_are_taken_without_a_wait_alone()
    {
        string Body(int length, string? wait) => JsonSerializer.Serialize(
            new MultiLockRequest
            {
                Names = [.. Enumerable.Range(0, ApiLimits.MaxMultiLockNames).Select(i => new string('n', length) + i)],
                Owner = "me",
                Ttl = "15s",
                Wait = wait,
            },
            ApiJson.Default.MultiLockRequest);
        var applied = Node.AppliedCommands;
        var problem = await ProblemAsync(ProblemTypes.TooLarge, "POST", Path, Body(300, "30s"));
        Assert.That(
            (problem.Detail!.Contains("wait", StringComparison.Ordinal), Node.AppliedCommands), Is.EqualTo((true, applied)),
            "nothing is done");
        Assert.That((await WaitAsync(Body(100, "30s"))).Locks, Has.Count.EqualTo(ApiLimits.MaxMultiLockNames));
        Assert.That((await WaitAsync(Body(300, null))).Locks, Has.Count.EqualTo(ApiLimits.MaxMultiLockNames));
    }
}
