using System.Net;
using Consensus.Api;
using Consensus.Api.Elections;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Api.Semaphores;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Watches;

/// <summary>Streams of what locks, semaphores and leases are.</summary>
internal sealed class StateWatchTests : ContractTest
{
    private static readonly (string, string) AsStream = ("Accept", "text/event-stream");

    /// <summary>The next state for which it holds: those that are passed by on the way to it may be told or not.</summary>
    private static async Task<LockAnswer> LockAsync(EventStream watch, Func<LockAnswer, bool> until)
    {
        while (true)
        {
            var state = (await watch.ExpectAsync("lock")).Read(ApiJson.Default.LockAnswer);
            if (until(state))
            {
                return state;
            }
        }
    }

    private async Task<long> WatchesAsync()
    {
        var text = await Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        return long.Parse(text.Split('\n').Single(line => line.StartsWith("consensus_watches ", StringComparison.Ordinal)).Split(' ')[1], null);
    }

    [Test]
    public async Task A_lock_is_told_as_it_is_and_with_every_holder_the_length_of_its_queue_and_why_it_was_lost()
    {
        using var watch = await EventStream.OpenAsync(Client, "/v1/locks/l");
        var first = await watch.ExpectAsync("lock");
        var free = first.Read(ApiJson.Default.LockAnswer);
        Assert.That((first.Id, free.Name, free.HolderCount, free.WaiterCount, free.LastLoss), Is.EqualTo((1L, "l", 0L, 0L, (HoldLossAnswer?)null)));

        using var other = await SendAsync("PUT", "/v1/kv/other", "x");
        var token = (await AcquireAsync("l", "one", "10s")).FencingToken;
        var held = await LockAsync(watch, state => state.HolderCount == 1);
        Assert.That((held.Holders[0].Owner, held.Holders[0].FencingToken), Is.EqualTo(("one", token)));

        var waiting = SendAsync("POST", "/v1/locks/l", """{"owner":"two","ttl":"60s","wait":"60s"}""");
        var queued = await LockAsync(watch, state => state.WaiterCount == 1);
        Assert.That((queued.Holders[0].Owner, queued.Waiters[0].Owner), Is.EqualTo(("one", "two")));

        Node.Advance(TimeSpan.FromSeconds(11));
        var lost = await LockAsync(watch, state => state.Holders is [{ Owner: "two" }]);
        Assert.That((lost.WaiterCount, lost.LastLoss!.Owner, lost.LastLoss.FencingToken, lost.LastLoss.Reason), Is.EqualTo((0L, "one", token, "expired")));

        using var granted = await waiting;
        using var forced = await SendAsync("DELETE", "/v1/locks/l?force=true");
        Assert.That((await LockAsync(watch, state => state.HolderCount == 0)).LastLoss!.Reason, Is.EqualTo("forced"));
    }

    [Test]
    public async Task A_semaphore_is_told_with_all_its_holders()
    {
        using var watch = await EventStream.OpenAsync(Client, "/v1/semaphores/s");
        Assert.That((await watch.ExpectAsync("semaphore")).Read(ApiJson.Default.SemaphoreAnswer).Permits, Is.Null);
        foreach (var owner in new[] { "one", "two" })
        {
            using var taken = await SendAsync("POST", "/v1/semaphores/s", $$"""{"owner":"{{owner}}","ttl":15,"permits":3}""");
            Assert.That(taken.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        SemaphoreAnswer state;
        do
        {
            state = (await watch.ExpectAsync("semaphore")).Read(ApiJson.Default.SemaphoreAnswer);
        }
        while (state.HolderCount < 2);
        Assert.That((state.Permits, state.PermitsUsed), Is.EqualTo((3L, 2L)));
        Assert.That(state.Holders.Select(holder => holder.Owner), Is.EqualTo(new[] { "one", "two" }));
    }

    [TestCase(true, "expired")]
    [TestCase(false, "revoked")]
    public async Task A_lease_is_told_with_how_much_hangs_on_it_and_its_end(bool expires, string reason)
    {
        var lease = await GrantLeaseAsync("10s");
        using var watch = await EventStream.OpenAsync(Client, "/v1/leases/" + lease.Id);
        Assert.That((await watch.ExpectAsync("lease")).Read(ApiJson.Default.LeaseDetailAnswer).KeyCount, Is.Zero);
        using var put = await SendAsync("PUT", "/v1/kv/a?lease=" + lease.Id, "x");
        Assert.That((await watch.ExpectAsync("lease")).Read(ApiJson.Default.LeaseDetailAnswer).Keys, Is.EqualTo(new[] { "a" }));
        using var swapped = await SendAsync(
            "POST", "/v1/txn", $$$"""{"success":[{"delete":{"key":"a"}},{"put":{"key":"b","value":"x","lease":"{{{lease.Id}}}"}}]}""");
        Assert.That((await watch.ExpectAsync("lease")).Read(ApiJson.Default.LeaseDetailAnswer).Keys, Is.EqualTo(new[] { "b" }), "as many, but another");
        using var renewed = await SendAsync("POST", $"/v1/leases/{lease.Id}/keepalive");
        if (expires)
        {
            Node.Advance(TimeSpan.FromSeconds(11));
        }
        else
        {
            using var revoked = await SendAsync("DELETE", "/v1/leases/" + lease.Id);
        }
        var ended = (await watch.ExpectAsync("ended")).Read(ApiJson.Default.LeaseEndedData);
        Assert.That((ended.Id, ended.Reason, ended.Revision), Is.EqualTo((lease.Id, reason, Node.Status.Revision.Value)));
        Assert.That(await watch.NextAsync(), Is.Null, "nothing can come after it");
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/leases/" + lease.Id, null, AsStream);
    }

    [Test]
    public async Task A_client_that_comes_again_is_told_the_present_state()
    {
        await AcquireAsync("l", "one");
        using var watch = await EventStream.OpenAsync(Client, "/v1/locks/?key=l", ("Last-Event-ID", "1"));
        var state = await watch.ExpectAsync("lock");
        Assert.That((state.Id, state.Read(ApiJson.Default.LockAnswer).Holders[0].Owner), Is.EqualTo((Node.Status.Revision.Value, "one")));
    }

    [Test]
    public async Task What_a_stream_of_states_does_not_take_is_named()
    {
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/locks/l?fromRevision=1", null, AsStream);
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/locks/?key=l&limit=3", null, AsStream);
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/semaphores/", null, AsStream);
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/leases/not-one", null, AsStream);
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/leases/12", null, AsStream);
    }

    [Test]
    public async Task A_stream_ends_with_its_client_and_with_its_member()
    {
        using var first = await EventStream.OpenAsync(Client, "/v1/locks/l");
        using (var second = await EventStream.OpenAsync(Client, "/v1/locks/l"))
        {
            await second.ExpectAsync("lock");
            await Patience.UntilAsync(async () => await WatchesAsync() == 2, "both are counted");
        }
        await Patience.UntilAsync(async () => await WatchesAsync() == 1, "one has ended");
        await first.ExpectAsync("lock");
        var stopping = StopAppAsync();
        Assert.That(await first.NextAsync(), Is.Null);
        await stopping;
    }

    [Test]
    public async Task An_election_without_a_leader_shows_its_candidates()
    {
        using var elected = await SendAsync("POST", "/v1/elections/e", """{"candidate":"one","ttl":"10s","lockDelay":"60s"}""");
        Node.Advance(TimeSpan.FromSeconds(11));
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/elections/e");
        var waiting = SendAsync("POST", "/v1/elections/e", """{"candidate":"two","ttl":"10s","wait":"600s"}""");
        await UntilAsync(() => Node.WaitingRequests == 1, "the candidate waits");
        var shown = await AnswerAsync(ApiJson.Default.ElectionAnswer, HttpStatusCode.OK, "GET", "/v1/elections/e");
        Assert.That((shown.Leader, shown.FencingToken, shown.CandidateCount, shown.LastLoss!.Owner), Is.EqualTo(((string?)null, (long?)null, 1L, "one")));
        Assert.That(shown.Candidates, Is.EqualTo(new[] { new CandidateAnswer("two", 1) }));
        Assert.That(shown.DelayMs, Is.Positive);
        Node.Advance(TimeSpan.FromSeconds(61));
        using var second = await waiting;
        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }
}

/// <summary>A member that takes one event stream.</summary>
internal sealed class StateWatchBoundTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1", MaxWatches = 1 };

    [TestCase("/v1/locks/l", "/v1/kv/a")]
    [TestCase("/v1/kv/a", "/v1/locks/l")]
    [TestCase("/v1/locks/l", "/v1/semaphores/s")]
    public async Task Streams_of_states_and_of_changes_have_one_bound(string first, string second)
    {
        using var watch = await EventStream.OpenAsync(Client, first);
        using var refused = await SendAsync("GET", second, null, ("Accept", "text/event-stream"));
        await ReadProblemAsync(refused, ProblemTypes.TooManyRequests);
    }
}
