using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tests.Auth;

/// <summary>A member that others can reach and that knows nobody, in a cluster that judges rights, which it need not know yet.</summary>
internal sealed class InsecureAuthTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1", Insecure = true };

    [TestCase("GET", "/v1/kv/a", null)]
    [TestCase("GET", "/v1/locks/", null)]
    [TestCase("GET", "/v1/snapshot", null)]
    [TestCase("GET", "/v1/auth/roles", null)]
    [TestCase("POST", "/v1/cluster/leader", "{}")]
    [TestCase("DELETE", "/v1/cluster/members/n2", null)]
    public async Task It_serves_nobody_be_everything_bound_to_anonymous(string method, string target, string? body)
    {
        Node.Propose(new PutPrincipalCommand(Actor.Anonymous, [BuiltInRoles.Admin], IsDisabled: false));
        Node.PolicyBehind = Node.Policy;
        Node.Propose(new EnableAuthCommand(Actor.Anonymous));
        var told = await RefusedAsync(ProblemTypes.NotReady, method, target, body);
        Assert.That(told.Detail, Does.StartWith("this cluster demands authentication, and n1 was started with --insecure"));
        Assert.That((Node.Changes.Count, Node.Transfers.Count), Is.EqualTo((0, 0)));
    }
}
