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

    private static string With(string text, string mark, string inItsPlace) => text.Replace(mark, inItsPlace, StringComparison.Ordinal);
}
