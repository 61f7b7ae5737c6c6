using System.Net;
using Consensus.Api;
using Consensus.Api.Elections;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Elections;

internal sealed class ElectionTests : ContractTest
{
    private Task<ElectedAnswer> CampaignAsync(string candidate, string value = "", string wait = "0s", string name = "e") => AnswerAsync(
        ApiJson.Default.ElectedAnswer,
        HttpStatusCode.OK,
        "POST",
        "/v1/elections/" + name,
        $$"""{"candidate":"{{candidate}}","value":"{{value}}","ttl":"10s","wait":"{{wait}}"}""");

    private Task<ElectionAnswer> LeaderAsync() => AnswerAsync(ApiJson.Default.ElectionAnswer, HttpStatusCode.OK, "GET", "/v1/elections/e");

    [Test]
    public async Task A_candidate_is_elected_and_shown_with_its_value()
    {
        var elected = await CampaignAsync("host-1", "http://host-1:80");
        Assert.That(elected, Is.EqualTo(new ElectedAnswer("e", "host-1", "http://host-1:80", 2, elected.Lease, 10_000, 0, 10_000, "00000000000000c1")));
        var shown = await LeaderAsync();
        Assert.That((shown.Leader, shown.Value, shown.FencingToken, shown.Lease), Is.EqualTo(("host-1", "http://host-1:80", (long?)2, elected.Lease)));
        Assert.That((shown.AcquiredRevision, shown.ExpiresInMs, shown.CandidateCount), Is.EqualTo(((long?)2, (long?)10_000, 0L)));
        var problem = await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/elections/e", """{"candidate":"host-2","ttl":"10s"}""");
        Assert.That(problem.Holder, Is.EqualTo("host-1"));
    }

    [Test]
    public async Task Nobody_leads_an_unknown_election()
    {
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/elections/e");
        var elected = await CampaignAsync("host-1");
        Node.Advance(TimeSpan.FromSeconds(11));
        var problem = await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/elections/e");
        Assert.That(problem.Detail, Does.Contain("nobody leads"));
        await ProblemAsync(ProblemTypes.LeaseExpired, "PUT", "/v1/elections/e", $$"""{"fencingToken":{{elected.FencingToken}}}""");
    }

    [Test]
    public async Task A_leader_renews_and_proclaims()
    {
        var elected = await CampaignAsync("host-1", "old");
        Node.Advance(TimeSpan.FromSeconds(5));
        var revision = Node.Status.Revision;
        var renewed = await ProclaimAsync($$"""{"fencingToken":{{elected.FencingToken}}}""");
        Assert.That((renewed.Value, renewed.ExpiresInMs, Node.Status.Revision), Is.EqualTo(("old", 10_000L, revision)));
        var proclaimed = await ProclaimAsync($$"""{"fencingToken":{{elected.FencingToken}},"value":"new"}""");
        Assert.That((proclaimed.Value, proclaimed.Leader, proclaimed.FencingToken), Is.EqualTo(("new", "host-1", elected.FencingToken)));
        Assert.That(Node.Status.Revision, Is.EqualTo(revision.Next));
        Assert.That((await LeaderAsync()).Value, Is.EqualTo("new"));
        Assert.That((await ProclaimAsync($$"""{"fencingToken":{{elected.FencingToken}},"value":""}""")).Value, Is.Empty);
        await ProblemAsync(ProblemTypes.NotHolder, "PUT", "/v1/elections/e", """{"fencingToken":999,"value":"x"}""");
    }

    [Test]
    public async Task Candidates_wait_and_the_next_is_elected_when_the_leader_resigns()
    {
        var first = await CampaignAsync("host-1");
        var waiting = CampaignAsync("host-2", "two", "60s");
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "the candidate waits");
        Assert.That((await LeaderAsync()).Candidates.Single(), Is.EqualTo(new CandidateAnswer("host-2", 1)));
        using var resigned = await SendAsync("DELETE", $"/v1/elections/e?fencingToken={first.FencingToken}");
        Assert.That(resigned.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await waiting).FencingToken, Is.GreaterThan(first.FencingToken));
        Assert.That((await LeaderAsync()).Value, Is.EqualTo("two"));
        using var forced = await SendAsync("DELETE", "/v1/elections/e?force=true");
        Assert.That(forced.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/elections/e");
    }

    [Test]
    public async Task Elections_are_listed()
    {
        await CampaignAsync("host-1", name: "db/1");
        await CampaignAsync("host-2", name: "db/2");
        await CampaignAsync("host-3", name: "other");
        var first = await AnswerAsync(ApiJson.Default.ElectionListAnswer, HttpStatusCode.OK, "GET", "/v1/elections/?prefix=db/&limit=1");
        var second = await AnswerAsync(
            ApiJson.Default.ElectionListAnswer, HttpStatusCode.OK, "GET", "/v1/elections/?prefix=db/&cursor=" + first.NextCursor);
        Assert.That(first.Items.Concat(second.Items).Select(item => (item.Name, item.Leader)), Is.EqualTo(new[] { ("db/1", "host-1"), ("db/2", "host-2") }));
        Assert.That(second.NextCursor, Is.Null);
    }

    [TestCase("""{"ttl":"10s"}""", "candidate")]
    [TestCase("""{"candidate":"","ttl":"10s"}""", "candidate")]
    [TestCase("""{"owner":"me","ttl":"10s"}""", "owner")]
    [TestCase("""{"candidate":"me","ttl":"10s","value":7}""", "value")]
    [TestCase("""{"candidate":"me","ttl":"10s","value":"\ud800"}""", "value")]
    [TestCase("""{"candidate":"me","ttl":"10s","permits":1}""", "permits")]
    [TestCase("""{"candidate":"me"}""", "ttl")]
    public async Task A_bad_campaign_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/elections/e", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task The_longest_value_is_taken_and_a_longer_one_is_not()
    {
        var value = new string('v', ApiLimits.MaxMetadataBytes);
        var elected = await CampaignAsync("host-1", value);
        Assert.That(elected.Value, Is.EqualTo(value));
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/elections/f", $$"""{"candidate":"me","ttl":"10s","value":"{{value}}v"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/elections/e", $$"""{"fencingToken":{{elected.FencingToken}},"value":"{{value}}v"}""");
    }

    private Task<LeadershipAnswer> ProclaimAsync(string body) =>
        AnswerAsync(ApiJson.Default.LeadershipAnswer, HttpStatusCode.OK, "PUT", "/v1/elections/e", body);
}
