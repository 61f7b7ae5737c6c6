using System.Net;
using Consensus.Api;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Lists;

/// <summary>Values that are six times as large in JSON, at a member with the least memory.</summary>
internal sealed class EscapedPagesTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxUnsentAnswerBytes = new MemoryPlan(MemoryPlan.SmallestBytes).Answers };

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
