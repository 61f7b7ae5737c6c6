using System.Net;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Lists;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Lists;

internal sealed class KeyListTests : ContractTest
{
    private Task<KeyListAnswer> ListAsync(string query) =>
        AnswerAsync(ApiJson.Default.KeyListAnswer, HttpStatusCode.OK, "GET", "/v1/kv/" + query);

    private async Task PutAsync(string key, string value = "v")
    {
        using var response = await SendAsync("PUT", "/v1/kv/" + key, value);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private async Task PutAllAsync(params string[] keys)
    {
        foreach (var key in keys)
        {
            await PutAsync(key);
        }
    }

    [Test]
    public async Task Keys_are_listed_in_byte_order_with_their_values()
    {
        await PutAllAsync("b", "a/2", "a/1", "c", "a");
        var all = await ListAsync("");
        Assert.That(all.Items.Select(item => item.Key), Is.EqualTo(new[] { "a", "a/1", "a/2", "b", "c" }));
        Assert.That((all.Count, all.Revision, all.NextCursor), Is.EqualTo((5L, 6L, (string?)null)));
        var some = await ListAsync("?prefix=a/");
        Assert.That(some.Items.Select(item => (item.Key, item.Value)), Is.EqualTo(new[] { ("a/1", "v"), ("a/2", "v") }));
        Assert.That(some.Count, Is.EqualTo(2));
        var none = await ListAsync("?prefix=zzz");
        Assert.That((none.Items.Count, none.Count), Is.EqualTo((0, 0L)));
    }

    [TestCase("?keysOnly=true")]
    [TestCase("?keysOnly")]
    public async Task Keys_only_leaves_the_values_out(string query)
    {
        await PutAsync("a");
        var item = (await ListAsync(query)).Items.Single();
        Assert.That((item.Key, item.Value, item.ValueBase64, item.ModRevision), Is.EqualTo(("a", (string?)null, (string?)null, 2L)));
    }

    [Test]
    public async Task All_pages_show_the_revision_of_the_first()
    {
        await PutAllAsync("k1", "k2", "k3", "k4", "k5");
        var first = await ListAsync("?prefix=k&limit=2");
        await PutAsync("k3", "changed");
        await PutAsync("k31", "new");
        using var deleted = await SendAsync("DELETE", "/v1/kv/k5");
        var second = await ListAsync($"?prefix=k&limit=2&cursor={first.NextCursor}");
        var third = await ListAsync($"?prefix=k&limit=2&cursor={second.NextCursor}");
        Assert.That(
            first.Items.Concat(second.Items).Concat(third.Items).Select(item => (item.Key, item.Value)),
            Is.EqualTo(new[] { ("k1", "v"), ("k2", "v"), ("k3", "v"), ("k4", "v"), ("k5", "v") }));
        Assert.That(new[] { first.Revision, second.Revision, third.Revision }, Is.All.EqualTo(6));
        Assert.That(new[] { first.Count, second.Count, third.Count }, Is.All.EqualTo(5));
        Assert.That(third.NextCursor, Is.Null);
    }

    [Test]
    public async Task The_last_page_may_be_full_and_says_that_it_is_the_last()
    {
        await PutAllAsync("a", "b");
        Assert.That((await ListAsync("?limit=2")).NextCursor, Is.Null);
    }

    [Test]
    public async Task A_page_ends_early_when_its_values_are_large()
    {
        var large = new string('x', ApiLimits.MaxValueBytes);
        for (var i = 0; i < 6; i++)
        {
            await PutAsync("k" + i, large);
        }
        var page = await ListAsync("");
        Assert.That(page.Items, Has.Count.EqualTo(4));
        Assert.That(page.Count, Is.EqualTo(6));
        Assert.That((await ListAsync("?cursor=" + page.NextCursor)).Items, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_cursor_is_only_for_the_query_that_it_was_given()
    {
        await PutAllAsync("a1", "a2", "b1", "b2");
        var cursor = (await ListAsync("?prefix=a&limit=1")).NextCursor;
        await RefusedAsync(ProblemTypes.BadRequest, "GET", $"/v1/kv/?prefix=b&cursor={cursor}");
        await RefusedAsync(ProblemTypes.BadRequest, "GET", $"/v1/locks/?prefix=a&cursor={cursor}");
        await RefusedAsync(ProblemTypes.BadRequest, "GET", $"/v1/leases?cursor={cursor}");
    }

    [TestCase("cursor=nonsense")]
    [TestCase("cursor=")]
    [TestCase("cursor=%FF")]
    [TestCase("cursor=AQEAAAAAAAAAAg")]
    [TestCase("limit=0")]
    [TestCase("limit=-1")]
    [TestCase("limit=10001")]
    [TestCase("limit=many")]
    [TestCase("limit=1&limit=2")]
    [TestCase("keysOnly=maybe")]
    [TestCase("fromRevision=2")]
    [TestCase("revision=0")]
    [TestCase("colour=red")]
    public async Task A_bad_list_query_is_refused_by_name(string query)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/?" + query);
        Assert.That(problem.Detail, Does.Contain(query.Split('=')[0]));
    }

    [Test]
    public async Task A_cursor_is_taken_by_any_member_however_much_was_written_since()
    {
        await PutAllAsync("a", "b", "c");
        await using var other = await RacingServer.StartAsync(Node);
        using var otherClient = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{other.Port}") };
        var page = System.Text.Json.JsonSerializer.Deserialize(
            await otherClient.GetStringAsync(new Uri("/v1/kv/?limit=1", UriKind.Relative)), ApiJson.Default.KeyListAnswer)!;
        await PutAllAsync("b", "bb", "d");
        var next = await ListAsync($"?limit=1&cursor={page.NextCursor}");
        Assert.That((next.Items.Single().Key, next.Items.Single().Version, next.Count, next.Revision), Is.EqualTo(("b", 1L, 3L, 4L)));
    }

    [Test]
    public async Task A_cursor_whose_revision_is_compacted_says_where_the_past_begins()
    {
        await PutAllAsync("a", "b", "c");
        var page = await ListAsync("?limit=1");
        await PutAllAsync("d");
        Node.Propose(new CompactCommand(new Revision(5)));
        var problem = await RefusedAsync(ProblemTypes.Compacted, "GET", $"/v1/kv/?limit=1&cursor={page.NextCursor}");
        Assert.That(problem.CompactRevision, Is.EqualTo(5));
        Assert.That(problem.Detail, Does.Contain("revision 4"));
    }

    [Test]
    public async Task The_past_is_listed_as_it_was()
    {
        await PutAllAsync("a", "b");
        using var deleted = await SendAsync("DELETE", "/v1/kv/a");
        await PutAsync("b", "changed");
        await PutAllAsync("c");
        var past = await ListAsync("?revision=3&limit=1");
        Assert.That((past.Items.Single().Key, past.Count, past.Revision), Is.EqualTo(("a", 2L, 3L)));
        var rest = await ListAsync("?cursor=" + past.NextCursor);
        Assert.That(rest.Items.Select(item => (item.Key, item.Value)), Is.EqualTo(new[] { ("b", "v") }));
        Assert.That((rest.Count, rest.NextCursor), Is.EqualTo((2L, (string?)null)));
        await RefusedAsync(ProblemTypes.BadRequest, "GET", $"/v1/kv/?revision=3&cursor={past.NextCursor}");
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/?revision=7");
        Node.Propose(new CompactCommand(new Revision(4)));
        var problem = await RefusedAsync(ProblemTypes.Compacted, "GET", "/v1/kv/?revision=3");
        Assert.That(problem.CompactRevision, Is.EqualTo(4));
        Assert.That((await ListAsync("?revision=4")).Items.Select(item => item.Key), Is.EqualTo(new[] { "b" }));
    }

    [Test]
    public async Task Only_so_many_views_are_kept_for_cursors_of_leases()
    {
        await GrantLeaseAsync();
        await GrantLeaseAsync();
        var oldest = (await AnswerAsync(ApiJson.Default.LeaseListAnswer, HttpStatusCode.OK, "GET", "/v1/leases?limit=1")).NextCursor;
        for (var i = 0; i < PinnedViews.Capacity; i++)
        {
            await PutAsync("a", i.ToString());
            await AnswerAsync(ApiJson.Default.LeaseListAnswer, HttpStatusCode.OK, "GET", "/v1/leases?limit=1");
        }
        var problem = await RefusedAsync(ProblemTypes.Compacted, "GET", $"/v1/leases?limit=1&cursor={oldest}");
        Assert.That(problem.Detail, Does.Contain("revision 1"));
    }
}
