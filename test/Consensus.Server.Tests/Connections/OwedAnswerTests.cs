using System.Net;
using Consensus.Api;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>What was done is told whether there is room for its answer or not: so that is looked for before.</summary>
internal sealed class OwedAnswerTests : LazyStreamTest
{
    private const int AnswerBudget = 2 << 20;

    /// <summary>A control character takes six bytes.</summary>
    private static readonly string Control = string.Concat(Enumerable.Repeat("\\u0001", 80));

    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxStreamBytes = 8 << 20, MaxUnsentAnswerBytes = AnswerBudget };

    [TestCase("/v1/leases/keepalive", "{\"ids\":[*]}", "\"#\"", 9000)]
    [TestCase("/v1/multilock", "{\"owner\":\"me\",\"ttl\":\"600s\",\"names\":[*]}", "\"~^#\"", 90)]
    [TestCase("/v1/txn", "{\"success\":[*]}", "{\"put\":{\"key\":\"^#\",\"value\":\"\"}}", 90)]
    public async Task What_has_a_large_answer_is_done_only_while_there_is_room_for_it(string path, string body, string item, int items)
    {
        using var lazy = Open();
        var refusals = $"consensus_http_requests_total{{route=\"{path}\",class=\"4xx\"}}";
        var asked = 0;
        for (; await MetricAsync(refusals) == 0; asked++)
        {
            Assert.That(asked, Is.LessThan(AnswerBudget / KestrelLimits.OwnAnswerBytes), "one is refused");
            lazy.Send(Http2Frames.Post(NumberOf(asked), path, Request(asked)));
            lazy.ReceiveHttp2Head(NumberOf(asked));
        }
        Assert.That(await MetricAsync(Answers), Is.InRange(AnswerBudget / 2, AnswerBudget));
        var applied = Node.AppliedCommands;
        using var refused = await SendAsync("POST", path, Request(asked));
        await ReadProblemAsync(refused, Api.Problems.ProblemTypes.TooManyRequests);
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied), "nothing is done");
        lazy.Dispose();
        await UntilAsync(Answers, present => present == 0);

        string Request(int number) => With(body, "*", string.Join(',', Enumerable.Range(1, items).Select(i =>
            With(With(With(item, "^", Control), "~", $"{number}/"), "#", $"{i:x}"))));
    }

    [Test]
    public async Task News_of_a_session_hold_nothing_of_what_large_answers_have_together()
    {
        var session = await OpenSessionAsync();
        for (var i = 0; i < 4; i++)
        {
            using var held = await SendAsync("POST", "/v1/multilock", Locks(session, $"{i}/"));
            Assert.That(held.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        using var lazy = Open();
        await UntilAsync(Answers, present => present == 0);
        for (var asked = 0; asked < AnswerBudget / KestrelLimits.OwnAnswerBytes; asked++)
        {
            lazy.Send(Http2Frames.Post(NumberOf(asked), $"/v1/leases/{session}/keepalive", "{\"since\":0}"));
            lazy.ReceiveHttp2Head(NumberOf(asked));
        }
        Assert.That(await MetricAsync(Answers), Is.Zero);
        using var renewed = await SendAsync("POST", $"/v1/leases/{session}/keepalive", "{\"since\":0}");
        Assert.That(renewed.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await MetricAsync("consensus_http_requests_total{route=\"/v1/leases/{id}/keepalive\",class=\"4xx\"}"), Is.Zero);
    }

    [Test]
    public async Task A_large_settlement_is_told_while_there_is_room_for_it_and_a_small_one_in_any_case()
    {
        var session = await OpenSessionAsync();
        using var held = await SendAsync("POST", "/v1/multilock", Locks(session, ""), ("Consensus-Session", $"{session}; seq=1; acked=0"));
        Assert.That(held.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var path = $"/v1/leases/{session}/settle";
        var revision = Node.Status.Revision;
        using var lazy = await UntilRefusedAsync("/v1/leases/{id}/settle", path, "{\"seq\":1}");
        using var refused = await SendAsync("POST", path, "{\"seq\":1}");
        await ReadProblemAsync(refused, Api.Problems.ProblemTypes.TooManyRequests);
        var small = await AnswerAsync(ApiJson.Default.SettleAnswer, HttpStatusCode.OK, "POST", path, "{\"seq\":2}");
        Assert.That((small.Result, Node.Status.Revision), Is.EqualTo(("not-done", revision)));
        lazy.Dispose();
        await UntilAsync(Answers, present => present == 0);
        var told = await AnswerAsync(ApiJson.Default.SettleAnswer, HttpStatusCode.OK, "POST", path, "{\"seq\":1}");
        Assert.That((told.Result, told.Holds?.Count), Is.EqualTo(("done", Items)));
    }

    [Test]
    public async Task Records_of_a_table_are_told_while_there_is_room_for_them()
    {
        using var held = await SendAsync("POST", "/v1/multilock", Locks(await OpenSessionAsync(), ""));
        const string Path = "/v1/statehash/tables";
        var index = Node.Status.AppliedIndex.Value;
        using var kept = await SendAsync("GET", $"{Path}?index={index}");
        Assert.That((held.StatusCode, kept.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)));
        var question = $$"""{"index":{{index}},"table":"objects","ranges":[{"items":64},{"items":64},{"items":64},{"items":64}]}""";
        using var lazy = await UntilRefusedAsync(Path, Path, question);
        lazy.Dispose();
        await UntilAsync(Answers, present => present == 0);
        using var told = await SendAsync("POST", Path, question);
        Assert.That(told.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private const int Items = 90;

    private async Task<string> OpenSessionAsync() => (await AnswerAsync(
        ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"600s","session":true}""")).Id;

    /// <summary>A request for so many locks that their names take more than a connection has room for.</summary>
    private static string Locks(string lease, string mark)
    {
        var names = string.Join(',', Enumerable.Range(1, Items).Select(i => $"\"{mark}{Control}{i:x}\""));
        return $$"""{"owner":"me","lease":"{{lease}}","names":[{{names}}]}""";
    }

    /// <summary>Asks without taking an answer until one is refused; what they hold meanwhile is never more than they may.</summary>
    private async Task<RawHttp> UntilRefusedAsync(string route, string path, string body)
    {
        var lazy = Open();
        var refusals = $"consensus_http_requests_total{{route=\"{route}\",class=\"4xx\"}}";
        for (var asked = 0; await MetricAsync(refusals) == 0; asked++)
        {
            Assert.That(asked, Is.LessThan(AnswerBudget / KestrelLimits.OwnAnswerBytes), "one is refused");
            lazy.Send(Http2Frames.Post(NumberOf(asked), path, body));
            lazy.ReceiveHttp2Head(NumberOf(asked));
        }
        Assert.That(await MetricAsync(Answers), Is.InRange(AnswerBudget / 2, AnswerBudget));
        return lazy;
    }

    private static string With(string text, string mark, string inItsPlace) => text.Replace(mark, inItsPlace, StringComparison.Ordinal);
}
