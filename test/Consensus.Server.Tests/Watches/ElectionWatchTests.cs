using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Api.Watches;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Watches;

internal sealed class ElectionWatchTests : ContractTest
{
    private async Task<long> CampaignAsync(string candidate, string name = "e")
    {
        var elected = await AnswerAsync(
            ApiJson.Default.ElectedAnswer,
            System.Net.HttpStatusCode.OK,
            "POST",
            "/v1/elections/" + name,
            $$"""{"candidate":"{{candidate}}","value":"at {{candidate}}","ttl":"10s"}""");
        return elected.FencingToken;
    }

    private static async Task<ElectionEventData> LeaderAsync(EventStream watch) => (await watch.ExpectAsync("leader")).Read(ApiJson.Default.ElectionEventData);

    [Test]
    public async Task An_observer_is_told_the_present_leader_and_every_change()
    {
        using var watch = await EventStream.OpenAsync(Client, "/v1/elections/e");
        var none = await watch.ExpectAsync("none");
        Assert.That((none.Id, none.Read(ApiJson.Default.ElectionEventData)), Is.EqualTo(((long?)1, new ElectionEventData("e", null, 1))));
        await CampaignAsync("other", "f");
        var token = await CampaignAsync("host-1");
        var elected = await LeaderAsync(watch);
        Assert.That((elected.Leader, elected.Value, elected.FencingToken, elected.Revision), Is.EqualTo(("host-1", "at host-1", (long?)token, token)));
        using var proclaim = await SendAsync("PUT", "/v1/elections/e", $$"""{"fencingToken":{{token}},"value":"moved"}""");
        var proclaimed = await LeaderAsync(watch);
        Assert.That((proclaimed.Value, proclaimed.FencingToken, proclaimed.Revision), Is.EqualTo(("moved", (long?)token, token + 1)));
        using var late = await EventStream.OpenAsync(Client, "/v1/elections/e");
        Assert.That((await LeaderAsync(late)).Value, Is.EqualTo("moved"));
        Node.Advance(TimeSpan.FromSeconds(11));
        Assert.That((await watch.ExpectAsync("none")).Read(ApiJson.Default.ElectionEventData).Leader, Is.Null);
        await late.ExpectAsync("none");
    }

    [Test]
    public async Task An_observer_that_was_cut_off_goes_on_where_it_was()
    {
        var token = await CampaignAsync("host-1");
        using (var resigned = await SendAsync("DELETE", $"/v1/elections/e?fencingToken={token}"))
        {
            await CampaignAsync("host-2");
        }
        using var watch = await EventStream.OpenAsync(Client, "/v1/elections/e", ("Last-Event-ID", $"{token}"));
        Assert.That((await watch.ExpectAsync("open")).Id, Is.EqualTo(token));
        await watch.ExpectAsync("none");
        Assert.That((await LeaderAsync(watch)).Leader, Is.EqualTo("host-2"));
        Node.Propose(new CompactCommand(new Revision(token + 1)));
        await RefusedAsync(ProblemTypes.Compacted, "GET", $"/v1/elections/e?fromRevision={token}", null, ("Accept", "text/event-stream"));
    }

    [Test]
    public async Task A_watch_parameter_needs_a_watch()
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/elections/e?fromRevision=1");
        Assert.That(problem.Detail, Does.Contain("text/event-stream"));
    }
}
