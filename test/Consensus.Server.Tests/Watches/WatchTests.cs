using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Watches;

internal sealed class WatchTests : ContractTest
{
    private static readonly (string, string) AsStream = ("Accept", "text/event-stream");

    private Task<EventStream> WatchAsync(string target, params (string Name, string Value)[] headers) => EventStream.OpenAsync(Client, target, headers);

    private async Task PutAsync(string key, string value = "v")
    {
        using var response = await SendAsync("PUT", "/v1/kv/" + key, value);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private async Task DeleteAsync(string target)
    {
        using var response = await SendAsync("DELETE", "/v1/kv/" + target);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private async Task TxnAsync(string body) => await AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", body);

    [Test]
    public async Task A_watch_begins_with_the_next_revision_and_says_so()
    {
        await PutAsync("a", "before");
        using var watch = await WatchAsync("/v1/kv/a");
        var open = await watch.ExpectAsync("open");
        Assert.That((open.Id, open.Read(ApiJson.Default.WatchOpenData).FromRevision), Is.EqualTo(((long?)2, 3L)));
        Assert.That(watch.Response.Headers.GetValues("Consensus-Revision").Single(), Is.EqualTo("2"));
        Assert.That(watch.Response.Headers.CacheControl?.NoStore, Is.True);
        await PutAsync("b");
        await PutAsync("a", "after");
        var put = await watch.ExpectAsync("put");
        var item = put.Read(ApiJson.Default.WatchEventData);
        Assert.That((put.Id, item.Key, item.Value, item.ModRevision, item.Version, item.CreateRevision), Is.EqualTo(((long?)4, "a", "after", 4L, (long?)2, (long?)2)));
        Assert.That((item.Event, item.Prev), Is.EqualTo(((string?)null, (Api.KeyValue.KeyAnswer?)null)));
        await DeleteAsync("a");
        var deleted = await watch.ExpectAsync("delete");
        item = deleted.Read(ApiJson.Default.WatchEventData);
        Assert.That((deleted.Id, item.Key, item.ModRevision, item.Value, item.Version), Is.EqualTo(((long?)5, "a", 5L, (string?)null, (long?)null)));
    }

    [Test]
    public async Task A_prefix_is_watched_with_the_keys_before()
    {
        await PutAsync("p/1", "old");
        using var watch = await WatchAsync("/v1/kv/?prefix=p/&prev=true");
        await watch.ExpectAsync("open");
        await PutAsync("q/1");
        await PutAsync("p/1", "new");
        await PutAsync("p/2", "first");
        await DeleteAsync("p/1");
        var changed = (await watch.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData);
        Assert.That((changed.Value, changed.Prev?.Value, changed.Prev?.ModRevision), Is.EqualTo(("new", "old", (long?)2)));
        Assert.That((await watch.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData).Prev, Is.Null);
        Assert.That((await watch.ExpectAsync("delete")).Read(ApiJson.Default.WatchEventData).Prev?.Value, Is.EqualTo("new"));
    }

    [Test]
    public async Task Several_events_of_one_revision_are_one_message()
    {
        await PutAsync("p/1", "old");
        using var watch = await WatchAsync("/v1/kv/?prefix=p/&prev=true");
        await watch.ExpectAsync("open");
        await TxnAsync("""{"success":[{"put":{"key":"p/2","value":"x"}},{"put":{"key":"q","value":"y"}},{"delete":{"key":"p/1"}}]}""");
        var message = await watch.ExpectAsync("changes");
        var changes = message.Read(ApiJson.Default.WatchChangesData);
        Assert.That((message.Id, changes.Revision), Is.EqualTo(((long?)3, 3L)));
        Assert.That(
            changes.Events.Select(one => (one.Event, one.Key, one.ModRevision, one.Prev?.Value)),
            Is.EqualTo(new (string?, string?, long, string?)[] { ("put", "p/2", 3, null), ("delete", "p/1", 3, "old") }));
        await TxnAsync("""{"success":[{"put":{"key":"p/2","value":"z"}},{"put":{"key":"q","value":"z"}}]}""");
        await watch.ExpectAsync("put");
    }

    [Test]
    public async Task The_end_of_a_lease_is_told_as_one_revision()
    {
        var lease = await GrantLeaseAsync();
        await PutAsync("a?lease=" + lease.Id);
        await PutAsync("b?lease=" + lease.Id);
        using var watch = await WatchAsync("/v1/kv/");
        await watch.ExpectAsync("open");
        Node.Advance(TimeSpan.FromSeconds(16));
        var changes = (await watch.ExpectAsync("changes")).Read(ApiJson.Default.WatchChangesData);
        Assert.That(changes.Events.Select(one => (one.Event, one.Key)), Is.EquivalentTo(new (string?, string?)[] { ("delete", "a"), ("delete", "b") }));
    }

    [Test]
    public async Task A_watch_begins_in_the_past_and_misses_nothing_up_to_the_present()
    {
        for (var i = 0; i < 50; i++)
        {
            await PutAsync(i % 2 == 0 ? "a" : "b", i.ToString());
        }
        using var watch = await WatchAsync("/v1/kv/a?fromRevision=12");
        Assert.That((await watch.ExpectAsync("open")).Id, Is.EqualTo(11));
        await PutAsync("a", "last");
        var told = new List<(long?, string?)>();
        while (told.Count == 0 || told[^1].Item2 != "last")
        {
            var message = await watch.ExpectAsync("put");
            told.Add((message.Id, message.Read(ApiJson.Default.WatchEventData).Value));
        }
        var expected = Enumerable.Range(5, 20).Select(i => ((long?)(2 * i) + 2, (string?)(2 * i).ToString())).Append((52, "last"));
        Assert.That(told, Is.EqualTo(expected));
    }

    [Test]
    public async Task A_client_that_was_cut_off_goes_on_after_its_last_message()
    {
        long? last;
        using (var watch = await WatchAsync("/v1/kv/a"))
        {
            last = (await watch.ExpectAsync("open")).Id;
        }
        await PutAsync("a", "1");
        using (var watch = await WatchAsync("/v1/kv/a?fromRevision=1", ("Last-Event-ID", $"{last}")))
        {
            await watch.ExpectAsync("open");
            last = (await watch.ExpectAsync("put")).Id;
        }
        await PutAsync("b");
        await PutAsync("a", "2");
        await PutAsync("a", "3");
        using var again = await WatchAsync("/v1/kv/a", ("Last-Event-ID", $"{last}"));
        await again.ExpectAsync("open");
        Assert.That((await again.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData).Value, Is.EqualTo("2"));
        Assert.That((await again.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData).Value, Is.EqualTo("3"));
    }

    [Test]
    public async Task Bytes_that_are_no_text_come_in_base64()
    {
        using var watch = await WatchAsync("/v1/kv/?keyBase64=/w==");
        await watch.ExpectAsync("open");
        using var put = await SendAsync("PUT", "/v1/kv/?keyBase64=/w==&valueBase64=/g==");
        var item = (await watch.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData);
        Assert.That((item.Key, item.KeyBase64, item.Value, item.ValueBase64), Is.EqualTo(((string?)null, "/w==", (string?)null, "/g==")));
    }

    [Test]
    public async Task A_watch_from_the_future_is_refused()
    {
        using var next = await WatchAsync("/v1/kv/a?fromRevision=2");
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/a?fromRevision=3", null, AsStream);
        Assert.That(problem.Detail, Does.Contain("future"));
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/a", null, AsStream, ("Last-Event-ID", "2"));
    }

    [Test]
    public async Task A_watch_from_what_is_compacted_is_refused_with_where_the_past_begins()
    {
        await PutAsync("a");
        await PutAsync("a");
        Node.Propose(new CompactCommand(new Revision(2)));
        var problem = await RefusedAsync(ProblemTypes.Compacted, "GET", "/v1/kv/a?fromRevision=2", null, AsStream);
        Assert.That(problem.CompactRevision, Is.EqualTo(2));
        using var watch = await WatchAsync("/v1/kv/a?fromRevision=3");
        await watch.ExpectAsync("open");
        Assert.That((await watch.ExpectAsync("put")).Id, Is.EqualTo(3));
    }

    [TestCase("/v1/kv/a?fromRevision=0", "fromRevision")]
    [TestCase("/v1/kv/a?fromRevision=-1", "fromRevision")]
    [TestCase("/v1/kv/a?fromRevision=x", "fromRevision")]
    [TestCase("/v1/kv/a?prev=maybe", "prev")]
    [TestCase("/v1/kv/?prefix=a&limit=1", "limit")]
    [TestCase("/v1/kv/?prefix=a&cursor=x", "cursor")]
    [TestCase("/v1/kv/?prefix=a&keysOnly", "keysOnly")]
    [TestCase("/v1/kv/a?revision=1", "revision")]
    [TestCase("/v1/kv/?prefix=a&key=b", "together")]
    [TestCase("/v1/elections/", "election name")]
    [TestCase("/v1/elections/e?limit=1", "limit")]
    [TestCase("/v1/elections/e?prev=true", "prev")]
    public async Task A_bad_watch_is_refused_by_name(string target, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", target, null, AsStream);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [TestCase("x")]
    [TestCase("-1")]
    [TestCase("9223372036854775807")]
    public async Task A_bad_last_event_id_is_refused(string id)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/a", null, AsStream, ("Last-Event-ID", id));
        Assert.That(problem.Detail, Does.Contain("Last-Event-ID"));
    }

    [Test]
    public async Task What_the_node_refuses_is_a_problem_answer()
    {
        Node.ReadFault = new Node.ReadAnswer(Consensus.Node.AnswerKind.NotDone, null, Consensus.Node.NotDoneReason.NoLeader);
        await RefusedAsync(ProblemTypes.NoLeader, "GET", "/v1/kv/a", null, AsStream);
    }

    [Test]
    public async Task A_head_request_has_the_headers_and_no_stream()
    {
        using var response = await SendAsync("HEAD", "/v1/kv/a", null, AsStream);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
    }

    [Test]
    public async Task A_client_that_goes_away_ends_its_watch()
    {
        using (var watch = await WatchAsync("/v1/kv/a"))
        {
            await watch.ExpectAsync("open");
            Assert.That(await WatchesAsync(), Is.EqualTo(1));
        }
        await UntilAsync(() => WatchesAsync().Result == 0, "the watch ends");
    }

    [Test]
    public async Task A_watch_ends_when_the_member_stops()
    {
        using var watch = await WatchAsync("/v1/kv/a");
        await watch.ExpectAsync("open");
        var stopping = StopAppAsync();
        Assert.That(await watch.NextAsync(), Is.Null);
        await stopping;
    }

    private async Task<long> WatchesAsync()
    {
        var text = await Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        return long.Parse(text.Split('\n').Single(line => line.StartsWith("consensus_watches ", StringComparison.Ordinal)).Split(' ')[1], null);
    }
}

/// <summary>A member that takes two watches.</summary>
internal sealed class WatchBoundTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1", MaxWatches = 2 };

    [Test]
    public async Task More_watches_than_the_member_takes_are_refused_until_one_ends()
    {
        using var first = await EventStream.OpenAsync(Client, "/v1/kv/a");
        using (await EventStream.OpenAsync(Client, "/v1/elections/e"))
        {
            using var refused = await SendAsync("GET", "/v1/kv/b", null, ("Accept", "text/event-stream"));
            await ReadProblemAsync(refused, ProblemTypes.TooManyRequests);
            Assert.That(refused.Headers.RetryAfter, Is.Null, "nobody knows when one of them ends");
        }
        using var limit = Patience.Begin();
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/kv/b");
            request.Headers.Add("Accept", "text/event-stream");
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return;
            }
        }
    }
}
