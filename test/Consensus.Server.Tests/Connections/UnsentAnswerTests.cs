using System.Net;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Answers that their clients do not take.</summary>
internal sealed class UnsentAnswerTests : UnfinishedBodyTest
{
    private const int Budget = 32 << 20;

    /// <summary>Four values in base64 with what is around them: more than the kernel takes of one connection.</summary>
    private const int Page = 5_600_000;
    private const string Held = "consensus_bytes_held{what=\"answers\"}";

    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxUnsentAnswerBytes = Budget };

    [Test]
    public async Task Clients_that_take_no_answers_hold_no_more_than_the_budget_and_others_are_told_so()
    {
        for (var i = 0; i < 4; i++)
        {
            var value = new byte[1 << 20];
            value.AsSpan().Fill(0xFF);
            using var content = new ByteArrayContent(value);
            using var put = await Client.PutAsync(new Uri($"/v1/kv/large{i}", UriKind.Relative), content);
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        var lazy = new List<RawHttp>();
        try
        {
            for (var i = 0; i < 20 && await MetricAsync(Held) <= (Budget / 10 * 9) - Page; i++)
            {
                lazy.Add(new RawHttp(Port, receiveBufferBytes: 4 * 1024));
                lazy[^1].Send("GET /v1/kv?prefix=large HTTP/1.1\r\nHost: localhost\r\n\r\n");
                // What comes first is the head, when the answer is made.
                lazy[^1].WaitForBytes();
            }
            Assert.That(await MetricAsync(Held), Is.InRange(Budget / 2, Budget));
            using var refused = await SendAsync("GET", "/v1/kv?prefix=large");
            var problem = await ReadProblemAsync(refused, ProblemTypes.TooManyRequests);
            Assert.That(problem.Detail, Does.Contain("nothing was done"));
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
            using var small = await SendAsync("PUT", "/v1/kv/small", "y");
            Assert.That(small.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            var lease = await GrantAsync();
            using var renewed = await SendAsync("POST", $"/v1/leases/{lease}/keepalive");
            Assert.That(renewed.StatusCode, Is.EqualTo(HttpStatusCode.OK), "what is small needs none of it");
            var succeeded = await SendAsync(
                "POST", "/v1/txn", """{"success":[{"put":{"key":"t","value":"z"}},{"get":{"key":"large0"}}]}""");
            Assert.That(succeeded.StatusCode, Is.EqualTo(HttpStatusCode.OK), "what was done is told");
            succeeded.Dispose();
        }
        finally
        {
            lazy.ForEach(one => one.Dispose());
        }
        using var limit = Patience.Begin();
        while (await MetricAsync(Held) > 0)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "what they held is given back");
        }
        using var served = await SendAsync("GET", "/v1/kv?prefix=large");
        Assert.That(served.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Transactions_that_read_are_refused_before_anything_is_done_while_their_answers_are_not_taken()
    {
        foreach (var key in new[] { "one", "other" })
        {
            var value = new byte[1_000_000];
            value.AsSpan().Fill(0xFF);
            using var content = new ByteArrayContent(value);
            using var put = await Client.PutAsync(new Uri($"/v1/kv/{key}", UriKind.Relative), content);
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        const string Read = """{"success":[{"get":{"key":"one"}},{"get":{"key":"other"}}]}""";
        const string Both = """{"success":[{"put":{"key":"t","value":"z"}},{"get":{"key":"one"}}]}""";
        var lazy = new List<RawHttp>();
        try
        {
            // Each holds 2.7 MB in the end, all together twice what they may; the kernel takes the first answers of a connection.
            var request = $"POST /v1/txn HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Read.Length}\r\n\r\n{Read}";
            for (var i = 0; i < 24; i++)
            {
                var before = await MetricAsync(Held);
                lazy.Add(new RawHttp(Port, receiveBufferBytes: 4 * 1024));
                lazy[^1].Send(string.Concat(Enumerable.Repeat(request, 4)));
                using var limit = Patience.Begin();
                while (await MetricAsync(Held) is var held && held <= before && held < Budget / 10 * 9)
                {
                    Assert.That(limit.IsCancellationRequested, Is.False, "its answer is held");
                }
            }
            Assert.That(await MetricAsync(Held), Is.InRange(Budget / 2, Budget / 4 * 5), "those that were on their way are told, and no others");
            using var refused = await SendAsync("POST", "/v1/txn", Both);
            await ReadProblemAsync(refused, ProblemTypes.TooManyRequests);
            using var absent = await SendAsync("GET", "/v1/kv/t");
            Assert.That(absent.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "nothing was done");
            using var writes = await SendAsync("POST", "/v1/txn", """{"success":[{"put":{"key":"u","value":"z"}}]}""");
            Assert.That(writes.StatusCode, Is.EqualTo(HttpStatusCode.OK), "what reads nothing is served");
        }
        finally
        {
            lazy.ForEach(one => one.Dispose());
        }
    }

    [Test]
    public async Task Metrics_name_each_thing_that_holds_payload_once_with_its_bound()
    {
        using var response = await SendAsync("GET", "/metrics");
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        var held = lines.Where(line => line.StartsWith("consensus_bytes_held{", StringComparison.Ordinal)).Select(What).ToList();
        var limits = lines.Where(line => line.StartsWith("consensus_bytes_limit{", StringComparison.Ordinal)).ToList();
        Assert.That(held, Is.Unique.And.Contains("answers").And.Contains("unfinished-bodies"));
        Assert.That(limits.Select(What), Is.EqualTo(held));
        Assert.That(limits.Select(line => long.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)), Is.All.Positive);

        static string What(string line) => line.Split('"')[1];
    }

    private async Task<string> GrantAsync()
    {
        using var response = await SendAsync("POST", "/v1/leases", """{"ttl":"60s"}""");
        using var answer = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return answer.RootElement.GetProperty("id").GetString()!;
    }
}
