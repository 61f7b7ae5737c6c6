using System.Globalization;
using System.Net;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Leases;

/// <summary>One renewal tells all: what ended and began under a session, over HTTP.</summary>
internal sealed class SessionNewsTests : ContractTest
{
    private string _id = "";

    [SetUp]
    public async Task OpenSessionAsync() =>
        _id = (await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"600s","session":true}""")).Id;

    private (string, string) Number(long seq) => (ApiHeaders.Session, string.Create(CultureInfo.InvariantCulture, $"{_id}; seq={seq}; acked=0"));

    private Task<LeaseAnswer> RenewAsync(string? body) =>
        AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.OK, "POST", $"/v1/leases/{_id}/keepalive", body);

    private async Task<SessionNewsAnswer> NewsAsync(long since, string rest = "") => (await RenewAsync($$"""{"since":{{since}}{{rest}}}""")).News!;

    private Task<LockGrantAnswer> LockAsync(string name, string more = "") =>
        AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/" + name, $$"""{"owner":"me","lease":"{{_id}}"{{more}}}""");

    [TestCase(null)]
    [TestCase("")]
    [TestCase("{}")]
    public async Task A_renewal_that_asks_for_no_news_is_told_none(string? body)
    {
        await LockAsync("l");
        Node.Advance(TimeSpan.FromSeconds(100));
        Assert.That(await RenewAsync(body), Is.EqualTo(new LeaseAnswer(_id, 600_000, 600_000)));
    }

    [Test]
    public async Task What_began_and_ended_since_is_told_with_the_version_that_tells_no_more_of_it()
    {
        Assert.That((await NewsAsync(0)).Version, Is.Zero);
        var first = await LockAsync("a");
        var second = await LockAsync("b", ",\"maxHold\":\"60s\"");
        var permits = await AnswerAsync(
            ApiJson.Default.SemaphoreGrantAnswer, HttpStatusCode.OK, "POST", "/v1/semaphores/s", $$"""{"owner":"me","lease":"{{_id}}","permits":2}""", Number(1));
        Node.Advance(TimeSpan.FromSeconds(10));
        var all = await NewsAsync(0);
        Assert.That(all.Began, Is.EqualTo(new[]
        {
            new SessionItem("lock", "a") { FencingToken = first.FencingToken },
            new SessionItem("lock", "b") { FencingToken = second.FencingToken },
            new SessionItem("semaphore", "s") { FencingToken = permits.FencingToken },
        }));
        Assert.That((all.Ended, all.MustList, all.MaxHoldLeftMs, all.Next), Is.EqualTo((Array.Empty<SessionEndedItem>(), false, 50_000, (long?)null)));

        using var forced = await SendAsync("DELETE", "/v1/locks/a?force=true");
        Node.Advance(TimeSpan.FromSeconds(51));
        using var own = await SendAsync("DELETE", $"/v1/semaphores/s?fencingToken={permits.FencingToken}", null, Number(2));
        Assert.That(own.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        var news = await NewsAsync(all.Version);
        Assert.That(news.Ended, Is.EqualTo(new[]
        {
            new SessionEndedItem("lock", "a", "forced") { FencingToken = first.FencingToken },
            new SessionEndedItem("lock", "b", "held-too-long") { FencingToken = second.FencingToken },
        }));
        Assert.That((news.Began, news.MaxHoldLeftMs, news.Version), Is.EqualTo((Array.Empty<SessionItem>(), (long?)null, all.Version + 3)));
        Assert.That((await NewsAsync(news.Version)).Ended, Is.Empty);
        var shown = await AnswerAsync(ApiJson.Default.LeaseDetailAnswer, HttpStatusCode.OK, "GET", "/v1/leases/" + _id);
        Assert.That(shown.Session, Is.EqualTo(new SessionAnswer(2, 0, 2, news.Version)));
    }

    [Test]
    public async Task A_place_is_told_by_its_number_and_so_is_its_end()
    {
        await AcquireAsync("l", "other", "600s");
        var waiting = SendAsync("POST", "/v1/locks/l", $$"""{"owner":"me","lease":"{{_id}}","wait":"60s"}""", Number(7));
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        var began = await NewsAsync(0);
        Assert.That(began.Began, Is.EqualTo(new[] { new SessionItem("lock", "l") { Seq = 7 } }));
        Node.Advance(TimeSpan.FromSeconds(61));
        using var over = await waiting;
        var ended = await NewsAsync(began.Version);
        Assert.That(ended.Ended, Is.EqualTo(new[] { new SessionEndedItem("lock", "l", "wait-over") { Seq = 7 } }));
    }

    [Test]
    public async Task More_than_one_answer_takes_is_told_by_several()
    {
        var tokens = new List<long>();
        for (var i = 0; i < 8; i++)
        {
            var names = string.Join(',', Enumerable.Range(i * 128, 128).Select(n => $"\"n{n}\""));
            var many = await AnswerAsync(
                ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", "/v1/multilock", $$"""{"names":[{{names}}],"owner":"me","lease":"{{_id}}"}""");
            tokens.AddRange(many.Locks.Select(l => l.FencingToken));
        }
        var told = new List<long>();
        var pages = 0;
        for (long? next = 0; next is { } after; pages++)
        {
            var page = await NewsAsync(0, $",\"after\":{after}");
            Assert.That(page.Version, Is.EqualTo(1_024));
            told.AddRange(page.Began.Select(item => item.FencingToken!.Value));
            next = page.Next;
        }
        Assert.That(told, Is.EqualTo(tokens));
        Assert.That(pages, Is.InRange(2, 10));
    }

    [TestCase("application/json", 16_000)]
    [TestCase("application/msgpack", 3_000)]
    public async Task No_answer_with_news_is_larger_than_what_a_connection_has_room_for(string form, int least)
    {
        const int Ends = 90;
        var names = Enumerable.Range(100, 128).Select(n => $"{new string('\u0001', 180)}{n}").ToList();
        var json = string.Join(',', names.Select(name => $"\"{name.Replace("\u0001", "\\u0001", StringComparison.Ordinal)}\""));
        var body = $$"""{"names":[{{json}}],"owner":"me","lease":"{{_id}}"}""";
        await AnswerAsync(ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", "/v1/multilock", body);
        var before = (await NewsAsync(0)).Version;
        foreach (var name in names.Take(Ends))
        {
            Node.Propose(new ReleaseHoldCommand(StateMachine.Key.FromText(name), FencingToken.None, Force: true));
        }
        foreach (var since in new[] { 0, before })
        {
            using var response = await SendAsync("POST", $"/v1/leases/{_id}/keepalive", $$"""{"since":{{since}}}""", ("Accept", form));
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(form));
            Assert.That(await response.Content.ReadAsByteArrayAsync(), Has.Length.InRange(least, ApiLimits.MaxNewsBytes));
        }
        var news = await NewsAsync(before);
        Assert.That(news.MustList, "not all that ended is told");
        Assert.That(news.Ended.Select(end => end.Name), Is.EqualTo(names.Take(Ends).TakeLast(news.Ended.Count)));
        Assert.That(news.Ended, Has.Count.InRange(1, Ends - 1));
        var told = new List<string>();
        for (long? next = 0; next is { } after;)
        {
            var page = await NewsAsync(0, $",\"after\":{after}");
            told.AddRange(page.Began.Select(item => item.Name));
            next = page.Next;
        }
        Assert.That(told, Is.EqualTo(names.Skip(Ends)));
    }

    [Test]
    public async Task A_hold_that_began_between_the_renewal_and_its_news_is_lost_like_any_other()
    {
        var held = await AcquireAsync("l", "other", "600s");
        long applied;
        using (var connection = new RawHttp(Port))
        {
            var body = $$"""{"owner":"me","lease":"{{_id}}","wait":"300s","lockDelay":"60s"}""";
            var head = $"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\n{ApiHeaders.Session}: {Number(7).Item2}\r\n";
            connection.Send($"{head}Content-Length: {body.Length}\r\n\r\n{body}");
            await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
            applied = Node.AppliedCommands;
        }
        await UntilAsync(() => Node.AppliedCommands > applied, "nobody waits for its answer");
        var release = new ReleaseHoldCommand(StateMachine.Key.FromText("l"), new FencingToken(held.FencingToken), Force: false);
        Node.BeforeRead = () => Node.Propose(release);
        var told = (await NewsAsync(0)).Began.Single();
        Assert.That((told.Name, told.FencingToken > held.FencingToken), Is.EqualTo(("l", true)), "its client knows of it now");
        Node.Advance(TimeSpan.FromSeconds(601));
        var lost = await ShowLockAsync("l");
        Assert.That((lost.LastLoss?.Owner, lost.Delays?.Count), Is.EqualTo(("me", 1)));
    }

    [Test]
    public async Task News_that_cannot_be_read_are_not_told_as_if_nothing_was_done()
    {
        Node.Advance(TimeSpan.FromSeconds(400));
        Node.ReadFault = new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
        using var response = await SendAsync("POST", $"/v1/leases/{_id}/keepalive", """{"since":0}""");
        await ReadProblemAsync(response, ProblemTypes.OutcomeUnknown);
        Node.ReadFault = null;
        Node.Advance(TimeSpan.FromSeconds(400));
        Assert.That((await NewsAsync(0)).Began, Is.Empty, "it was renewed");
    }

    [Test]
    public async Task What_is_no_session_or_is_gone_has_no_news()
    {
        var lease = await GrantLeaseAsync();
        var problem = await ProblemAsync(ProblemTypes.BadRequest, "POST", $"/v1/leases/{lease.Id}/keepalive", """{"since":0}""");
        Assert.That(problem.Detail, Does.Contain("renewed"));
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/leases/1/keepalive", """{"since":0}""");
    }

    [TestCase("""{"since":-1}""", "since")]
    [TestCase("""{"since":"1"}""", "since")]
    [TestCase("""{"since":1.5}""", "since")]
    [TestCase("""{"after":1}""", "after")]
    [TestCase("""{"since":2,"after":1}""", "after")]
    [TestCase("""{"since":1,"since":1}""", "twice")]
    [TestCase("""{"since":1,"x":1}""", "x")]
    [TestCase("[]", "object")]
    public async Task A_bad_question_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", $"/v1/leases/{_id}/keepalive", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }
}
