using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.Locks;

/// <summary>Requests that wait in a lock's queue: their connection keeps their place.</summary>
internal sealed class LockWaitTests : ContractTest
{
    private const string Waiting = """{"owner":"second","ttl":"15s","wait":"30s"}""";

    private async Task UntilQueuedAsync(int waiters) => await UntilAsync(() => Node.Status.Counts.Waiters == waiters, $"{waiters} wait");

    [Test]
    public async Task A_waiter_is_granted_at_the_release_and_its_lease_begins_there()
    {
        var held = await AcquireAsync("l", "first", "60s");
        var waiting = AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Waiting);
        await UntilQueuedAsync(1);
        var shown = await ShowLockAsync("l");
        Assert.That(shown.Waiters.Single(), Is.EqualTo(new Api.Locks.LockWaiterAnswer("second", 1, "exclusive")));
        Node.Advance(TimeSpan.FromSeconds(20));
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        var granted = await waiting;
        Assert.That((granted.WaitedMs, granted.TtlMs, granted.ExpiresInMs), Is.EqualTo((20_000, 15_000, 15_000)));
        Assert.That(granted.FencingToken, Is.GreaterThan(held.FencingToken));
    }

    [Test]
    public async Task A_wait_that_is_over_says_that_the_lock_is_held()
    {
        await AcquireAsync("l", "first", "60s");
        var waiting = SendAsync("POST", "/v1/locks/l", Waiting);
        await UntilQueuedAsync(1);
        Node.Advance(TimeSpan.FromSeconds(30));
        using var response = await waiting;
        var problem = await ReadProblemAsync(response, ProblemTypes.LockHeld);
        Assert.That(problem.Holder, Is.EqualTo("first"));
        Assert.That(problem.Detail, Does.Contain("30000 ms"));
    }

    [Test]
    public async Task A_closed_connection_gives_up_its_place()
    {
        await AcquireAsync("l", "first", "60s");
        using (var connection = new RawHttp(Port))
        {
            connection.Send($"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Waiting.Length}\r\n\r\n{Waiting}");
            await UntilQueuedAsync(1);
        }
        await UntilQueuedAsync(0);
        Assert.That(Node.Abandoned, Is.Empty, "it was never granted");
    }

    [Test]
    public async Task A_grant_to_a_client_that_is_gone_is_given_back()
    {
        // The answer comes only after the connection is known to be closed: the grant won the race against the cancel.
        var racing = new RacingNode();
        await using var server = await RacingServer.StartAsync(racing);
        using (var connection = new RawHttp(server.Port))
        {
            connection.Send($"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Waiting.Length}\r\n\r\n{Waiting}");
            await UntilAsync(() => racing.IsAsked, "the request arrived");
        }
        await UntilAsync(() => racing.Given.Count == 1, "the hold was given back");
        Assert.That(racing.Given.Single(), Is.EqualTo((ObjectName.Lock(Key.FromText("l")), RacingNode.Request)));
    }

    [Test]
    public async Task Waits_that_the_member_ends_are_told_what_became_of_them()
    {
        await AcquireAsync("l", "first", "60s");
        var revision = new Revision(2);
        foreach (var (outcome, type) in new (Outcome, ProblemType)[]
        {
            (new WaitCancelled(revision, CancelReason.Stopping), ProblemTypes.NotReady),
            (new WaitDetached(revision), ProblemTypes.OutcomeUnknown),
            (new WaitTakenOver(revision), ProblemTypes.OutcomeUnknown),
        })
        {
            var waiting = SendAsync("POST", "/v1/locks/l", Waiting);
            await UntilAsync(() => Node.WaitingRequests == 1, "the request waits");
            Node.EndWaits(outcome);
            using var response = await waiting;
            await ReadProblemAsync(response, type);
        }
    }
}
