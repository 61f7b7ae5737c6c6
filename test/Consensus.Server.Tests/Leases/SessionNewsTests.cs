using System.Globalization;
using System.Net;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

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
        var first = await NewsAsync(0);
        Assert.That((first.Began.Count, first.Version), Is.EqualTo((1_000, 1_024)));
        var rest = await NewsAsync(0, $",\"after\":{first.Next}");
        Assert.That(rest.Next, Is.Null);
        Assert.That(first.Began.Concat(rest.Began).Select(item => item.FencingToken!.Value), Is.EqualTo(tokens));
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
