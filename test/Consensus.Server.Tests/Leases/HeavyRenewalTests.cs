using System.Net;
using Consensus.Api;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tests.Leases;

/// <summary>Where rights are judged, a command that renews leases judges a bounded number of the holds that hang on them.</summary>
internal sealed class HeavyRenewalTests : ContractTest
{
    protected override InProcessNode CreateNode() => new(new Limits { MaxObjectsPerCommand = 3 });

    [Test]
    public async Task Leases_with_more_holds_than_one_command_judges_are_renewed_by_several_and_answered_in_the_order_asked()
    {
        Node.Propose(new PutPrincipalCommand(Actor.Anonymous, [BuiltInRoles.Admin], IsDisabled: false));
        Node.Propose(new EnableAuthCommand(Actor.Anonymous));
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add((await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"15s"}""")).Id);
            foreach (var name in (string[])["a", "b"])
            {
                using var held = await SendAsync("POST", $"/v1/locks/{name}{i}", $$"""{"owner":"o","lease":"{{ids[^1]}}"}""");
                Assert.That(held.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            }
        }
        Node.Advance(TimeSpan.FromSeconds(10));
        var before = Node.AppliedCommands;
        var answer = await AnswerAsync(
            ApiJson.Default.LeaseKeepAliveAnswer,
            HttpStatusCode.OK,
            "POST",
            "/v1/leases/keepalive",
            $$"""{"ids":["{{string.Join("\",\"", ids)}}"]}""");
        Assert.That(Node.AppliedCommands - before, Is.EqualTo(4));
        Assert.That(answer.Items.Select(item => (item.Id, item.Alive)), Is.EqualTo(ids.Select(id => (id, true))));
        Node.Advance(TimeSpan.FromSeconds(10));
        Assert.That(Node.View.Counts.Leases, Is.EqualTo(4), "all were renewed");
    }
}
