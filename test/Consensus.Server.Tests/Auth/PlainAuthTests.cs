using System.Net;
using System.Text.Json;
using Consensus.Api.Problems;
using Consensus.Security.Tokens;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tests.Auth;

/// <summary>Rights on a member without TLS, where whoever asks is nobody.</summary>
internal sealed class PlainAuthTests : ContractTest
{
    [Test]
    public async Task Nobody_has_rights_judged_where_nobody_is_known()
    {
        await RefusedAsync(ProblemTypes.PreconditionFailed, "POST", "/v1/auth/enable", "{}");
        Assert.That(Node.Policy.IsEnabled, Is.False);
    }

    [Test]
    public async Task Whoever_shows_a_token_has_rights_judged_and_stays_an_administrator()
    {
        const int Day = 24 * 3600;
        var token = BearerToken.Create();
        Node.Propose(new PutTokenCommand(
            token.Id, new Key(token.SecretHash), "ops", DateTimeOffset.MaxValue.ToUnixTimeSeconds(), Day));
        var shown = ("Authorization", "Bearer " + token.Text);
        using var enabled = await SendAsync("POST", "/v1/auth/enable", "{}", shown);
        Assert.That(enabled.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Node.Policy.IsEnabled, Is.True);
        using var roles = await SendAsync("GET", "/v1/auth/roles", null, shown);
        Assert.That(roles.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await RefusedAsync(ProblemTypes.Forbidden, "GET", "/v1/auth/roles");
    }

    [Test]
    public async Task Whoever_asks_is_nobody_and_may_everything_until_rights_are_judged()
    {
        using var who = await SendAsync("GET", "/v1/auth");
        var told = JsonDocument.Parse(await who.Content.ReadAsStringAsync()).RootElement;
        Assert.That((told.GetProperty("principal").GetString(), told.GetProperty("enabled").GetBoolean()), Is.EqualTo(("", false)));
        using var put = await SendAsync("PUT", "/v1/auth/roles/r", """{"rules":[{"verbs":["read"],"spaces":["keys"],"prefix":""}]}""");
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("POST", "/v1/cluster/members", "{\"name\":\"n3\"}")]
    [TestCase("PATCH", "/v1/cluster/members/n3", "{\"role\":\"voter\"}")]
    [TestCase("DELETE", "/v1/cluster/members/n2", null)]
    [TestCase("POST", "/v1/cluster/leader", "{}")]
    [TestCase("POST", "/v1/statehash/tables", "{\"index\":1,\"table\":\"keys\",\"ranges\":[{\"items\":1}]}")]
    public async Task What_is_done_to_the_cluster_is_judged_by_a_member_that_does_not_know_yet_that_rights_are(
        string method, string target, string? body)
    {
        Node.PolicyBehind = Node.Policy;
        Node.Propose(new EnableAuthCommand("admin"));
        await RefusedAsync(ProblemTypes.Forbidden, method, target, body);
        Assert.That((Node.Changes.Count, Node.Transfers.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Where_rights_are_judged_nobody_has_what_is_bound_to_anonymous()
    {
        Node.Propose(new PutPrincipalCommand(Actor.Anonymous, [BuiltInRoles.Reader], IsDisabled: false));
        Node.Propose(new EnableAuthCommand("admin"));
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/a");
        await RefusedAsync(ProblemTypes.Forbidden, "PUT", "/v1/kv/a", "1");
        await RefusedAsync(ProblemTypes.Forbidden, "GET", "/v1/auth/roles");
        using var status = await SendAsync("GET", "/v1/status");
        Assert.That(status.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }
}
