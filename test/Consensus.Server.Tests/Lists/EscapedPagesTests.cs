using System.Net;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Lists;

/// <summary>Values and names that are six times as large in JSON, at a member with the least memory.</summary>
internal sealed class EscapedPagesTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxUnsentAnswerBytes = new MemoryPlan(MemoryPlan.SmallestBytes).Answers };

    /// <summary>As long as names may be, and six times as long in JSON.</summary>
    private static Key LongName(int i) => Key.FromText($"{i:0000}" + new string('\u0001', 1020));

    private async Task<List<T>> AllAsync<T>(string target, Func<string, (IReadOnlyList<T> Items, string? Next)> read)
    {
        var all = new List<T>();
        var pages = 0;
        for (var cursor = ""; cursor is not null; pages++)
        {
            using var response = await SendAsync("GET", cursor.Length == 0 ? target : $"{target}&cursor={Uri.EscapeDataString(cursor)}");
            var text = await response.Content.ReadAsStringAsync();
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
            Assert.That(text, Has.Length.LessThan(ApiLimits.MaxPageBytes + 16_384));
            var (items, next) = read(text);
            all.AddRange(items);
            cursor = next;
        }
        Assert.That(pages, Is.GreaterThan(1));
        return all;
    }

    [Test]
    public async Task A_page_of_fences_with_long_names_ends_in_time()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "x");
        for (var i = 0; i < 800; i++)
        {
            Node.Propose(new FenceCommand(LongName(i), new FencingToken(1)));
        }
        var fences = await AllAsync("/v1/fences/?limit=10000", text =>
        {
            var page = System.Text.Json.JsonSerializer.Deserialize(text, ApiJson.Default.FenceListAnswer)!;
            return (page.Items, page.NextCursor);
        });
        Assert.That(fences.Select(fence => fence.Resource[..4]), Is.EqualTo(Enumerable.Range(0, 800).Select(i => i.ToString("0000", null))));
    }

    [Test]
    public async Task A_page_of_locks_with_long_names_ends_in_time()
    {
        for (var i = 0; i < 800; i++)
        {
            Node.Propose(new AcquireCommand(LongName(i), "me", 15_000_000, new LeaseId(i + 1), LeaseId.None, 0));
        }
        var locks = await AllAsync("/v1/locks/?limit=10000", text =>
        {
            var page = System.Text.Json.JsonSerializer.Deserialize(text, ApiJson.Default.LockListAnswer)!;
            return (page.Items, page.NextCursor);
        });
        Assert.That(locks.Select(held => held.Name[..4]), Is.EqualTo(Enumerable.Range(0, 800).Select(i => i.ToString("0000", null))));
    }

    [Test]
    public async Task A_page_of_control_characters_has_room_among_the_answers()
    {
        string[] keys = ["k1", "k2", "k3", "k4", "k5"];
        var value = new string('\u0001', ApiLimits.MaxValueBytes);
        foreach (var key in keys)
        {
            using var put = await SendAsync("PUT", "/v1/kv/" + key, value);
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        var listed = new List<string?>();
        for (var query = "?prefix=k"; query.Length > 0;)
        {
            var page = await AnswerAsync(ApiJson.Default.KeyListAnswer, HttpStatusCode.OK, "GET", "/v1/kv/" + query);
            Assert.That(page.Items.Select(item => item.Value), Is.All.EqualTo(value));
            listed.AddRange(page.Items.Select(item => item.Key));
            query = page.NextCursor is { } cursor ? $"?prefix=k&cursor={Uri.EscapeDataString(cursor)}" : "";
        }
        Assert.That(listed, Is.EqualTo(keys));
    }
}
