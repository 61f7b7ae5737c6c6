using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Watches;

/// <summary>What a watch asks of the next endpoint after its stream broke.</summary>
internal sealed class ResumingWatchTests
{
    private const string Open = "id: 5\nevent: open\ndata: {\"fromRevision\":6}\n\n";
    private const string Six = "id: 6\nevent: put\ndata: {\"key\":\"k\",\"value\":\"6\",\"createRevision\":6,\"modRevision\":6,\"version\":1,\"lease\":null}\n\n";
    private const string Seven = "id: 7\nevent: changes\ndata: {\"revision\":7,\"events\":[{\"event\":\"delete\",\"key\":\"k\",\"modRevision\":7},{\"event\":\"delete\",\"key\":\"l\",\"modRevision\":7}]}\n\n";

    [Test]
    public async Task A_watch_goes_on_after_the_last_message_that_it_was_told()
    {
        using var server = Server(Open + Six, "id: 6\nevent: open\ndata: {\"fromRevision\":7}\n\n" + Seven);
        using var client = Client(server);
        await using var watch = client.WatchKeysAsync("", new WatchOptions { WithPrevious = true }).GetAsyncEnumerator();

        var told = new[] { await watch.NextAsync(), await watch.NextAsync(), await watch.NextAsync() };

        Assert.That(told[0], Is.InstanceOf<WatchOpened>());
        Assert.That(told.OfType<WatchChanges>().Select(changes => (changes.Revision, changes.Events.Count)), Is.EqualTo(new[] { (6L, 1), (7L, 2) }));
        var requests = server.Requests.Take(2).ToList();
        Assert.That(requests.Select(request => request.Target), Is.All.EqualTo("/v1/kv/?prefix=&prev=true"));
        Assert.That(requests.Select(request => request.Header("Last-Event-ID")), Is.EqualTo(new[] { null, "6" }));
        Assert.That(requests.Select(request => request.Header("Accept")), Is.All.EqualTo("text/event-stream"));
    }

    [Test]
    public async Task A_revision_in_several_messages_is_told_as_one_and_comes_again_whole_when_the_stream_breaks_among_them()
    {
        const string First = "event: changes\ndata: {\"revision\":7,\"events\":[{\"event\":\"delete\",\"key\":\"j\",\"modRevision\":7}],\"more\":true}\n\n";
        using var server = Server(Open + Six + First, "id: 6\nevent: open\ndata: {\"fromRevision\":7}\n\n" + First + First + Seven);
        using var client = Client(server);
        await using var watch = client.WatchKeysAsync("").GetAsyncEnumerator();

        var told = new[] { await watch.NextAsync(), await watch.NextAsync(), await watch.NextAsync() };

        var last = (WatchChanges)told[2];
        Assert.That((last.Revision, string.Concat(last.Events.Select(one => one.Key))), Is.EqualTo((7L, "jjkl")));
        Assert.That(System.Text.Json.Nodes.JsonNode.Parse(last.Json)!["events"]!.AsArray(), Has.Count.EqualTo(4));
        Assert.That(server.Requests.ElementAt(1).Header("Last-Event-ID"), Is.EqualTo("6"));
    }

    [Test]
    public async Task A_watch_of_a_lease_that_ended_while_nobody_told_of_it_ends_too()
    {
        const string Lease = "event: lease\nid: 5\ndata: {\"id\":\"1f\",\"ttlMs\":1,\"expiresInMs\":1,\"keys\":[],\"keyCount\":0,\"locks\":[],\"semaphores\":[],\"elections\":[],\"lockCount\":0}\n\n";
        var asked = 0;
        using var server = new FakeServer(_ => ++asked == 1 ? new FakeAnswer(200, Lease, "text/event-stream") : FakeAnswer.Problem(404, "not-found", "there is no lease 1f"));
        using var client = Client(server);
        await using var watch = client.WatchLeaseAsync("1f").GetAsyncEnumerator();

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchLease>());
        Assert.That(await watch.NextAsync(), Is.EqualTo(new WatchLeaseEnded(new Api.Watches.LeaseEndedData("1f", null, 5), 5, "")));
        Assert.That(await watch.MoveNextAsync().AsTask().InTimeAsync(), Is.False);
    }

    [Test]
    public async Task A_lease_that_there_is_not_is_refused()
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(404, "not-found", "there is no lease 1f"));
        using var client = Client(server);
        await using var watch = client.WatchLeaseAsync("1f").GetAsyncEnumerator();

        var refused = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());
        Assert.That(refused!.Problem.Status, Is.EqualTo(404));
    }

    [Test]
    public async Task A_watch_that_was_cut_off_at_once_begins_where_it_was_to()
    {
        using var server = Server("", Open + Six);
        using var client = Client(server);
        await using var watch = client.WatchKeyAsync("k", new WatchOptions { FromRevision = 6 }).GetAsyncEnumerator();

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchOpened>());

        Assert.That(server.Requests.Take(2).Select(request => request.Target), Is.All.EqualTo("/v1/kv/k?fromRevision=6"));
    }

    [Test]
    public async Task An_id_without_an_event_moves_the_place_to_go_on_from()
    {
        using var server = Server(Open + "id: 90\n\n", "");
        var time = new ManualTimeProvider();
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], TimeProvider = time });
        await using var watch = client.WatchKeyAsync("k", new WatchOptions { GiveUpAfter = TimeSpan.FromMinutes(1) }).GetAsyncEnumerator();
        await watch.NextAsync();

        var next = watch.MoveNextAsync().AsTask();
        await Eventually.UntilAsync(
            () =>
            {
                // The pause before it asks again.
                time.Advance(TimeSpan.FromMilliseconds(1));
                return server.Requests.Count > 1;
            },
            "it asks again");
        await Eventually.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return next.IsCompleted;
            },
            "it gives up");

        await Assert.ThrowsAsync<ConsensusException>(() => next);
        Assert.That(server.Requests.ElementAt(1).Header("Last-Event-ID"), Is.EqualTo("90"));
    }

    [Test]
    public async Task A_watch_that_cannot_go_on_gives_up_when_it_was_told_to()
    {
        using var server = Server(Open);
        using var client = Client(server);
        await using var watch = client.WatchKeyAsync("k", new WatchOptions { GiveUpAfter = TimeSpan.Zero }).GetAsyncEnumerator();
        await watch.NextAsync();

        var error = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());

        Assert.That(error!.Problem.Kind, Is.EqualTo(ApiFailureKind.Unavailable));
    }

    [Test]
    public async Task What_is_compacted_is_the_last_that_is_told()
    {
        var compacted = new FakeAnswer(410, """{"type":"urn:consensus:problem:compacted","title":"t","status":410,"detail":"d","compactRevision":40}""", "application/problem+json");
        var answers = 0;
        using var server = new FakeServer(_ => ++answers == 1 ? Stream(Open) : compacted);
        using var client = Client(server);
        await using var watch = client.WatchKeyAsync("k").GetAsyncEnumerator();
        await watch.NextAsync();

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchCompacted>().With.Property(nameof(WatchCompacted.CompactRevision)).EqualTo(40));
        Assert.That(await watch.MoveNextAsync(), Is.False);
    }

    [Test]
    public async Task Events_that_are_not_of_the_contract_are_an_error_that_names_who_told_them()
    {
        using var server = Server(Open + "event: put\ndata: nonsense\n\n");
        using var client = Client(server);
        await using var watch = client.WatchKeyAsync("k").GetAsyncEnumerator();
        await watch.NextAsync();

        var error = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());

        Assert.That(error!.Message, Does.Contain(server.Endpoint.Authority));
    }

    /// <summary>Each request gets the next stream, which then ends; further ones get 503.</summary>
    private static FakeServer Server(params string[] streams)
    {
        var answers = 0;
        return new FakeServer(_ => answers < streams.Length ? Stream(streams[answers++]) : FakeAnswer.Problem(503, "no-leader", "No leader."));
    }

    private static FakeAnswer Stream(string events) => new(200, events, "text/event-stream");

    private static ConsensusApiClient Client(FakeServer server) => new(new ConsensusClientOptions { Endpoints = [server.Endpoint] });
}
