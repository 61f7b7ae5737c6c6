using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Hosting;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.Requests;

/// <summary>Withdrawals among three members over the real log, disk and links.</summary>
internal sealed class WithdrawClusterTests
{
    private static Task<CommandAnswer> AskAsync(NodeHost host, string identity, long waitMicros)
    {
        var command = new AcquireCommand(Key.FromText("l"), identity, 60_000_000, host.Node.NewLeaseId(), LeaseId.None, waitMicros);
        return host.Node.ExecuteAsync(new CommandEnvelope(command, Encoding.ASCII.GetBytes(identity), new byte[16]), CancellationToken.None).AsTask();
    }

    private static async Task<WithdrawResult> WithdrawAsync(NodeHost host, string identity) =>
        ((Withdrawn)await LocalCluster.DoneAsync(host, new WithdrawCommand(Key.FromText(identity)))).Result;

    [Test]
    public async Task A_request_that_waits_at_one_member_is_withdrawn_through_another_and_stays_so_when_the_leader_is_lost()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = cluster.LeaderIndex();
        var (one, other) = (cluster.Hosts[(leader + 1) % 3]!, cluster.Hosts[(leader + 2) % 3]!);
        var held = ((HoldGranted)(await AskAsync(one, "holder", 0)).Outcome!).Hold;
        var waiting = AskAsync(one, "waiter", 60_000_000);
        await LocalCluster.EventuallyAsync(() => other.Node.Status.Counts.Waiters == 1, "it waits");

        Assert.That(await WithdrawAsync(other, "waiter"), Is.EqualTo(WithdrawResult.Withdrawn));
        Assert.That((await waiting).Outcome, Is.InstanceOf<RequestWithdrawn>());
        Assert.That(await WithdrawAsync(other, "never"), Is.EqualTo(WithdrawResult.Withdrawn));

        await cluster.StopMemberAsync(leader);
        await cluster.UntilReadyAsync();
        await LocalCluster.DoneAsync(other, new ReleaseHoldCommand(held.Name, held.Token, Force: false));
        foreach (var identity in (string[])["waiter", "never"])
        {
            Assert.That((await AskAsync(one, identity, 0)).Outcome, Is.InstanceOf<RequestWithdrawn>(), identity);
        }
        Assert.That(await WithdrawAsync(one, "holder"), Is.EqualTo(WithdrawResult.Released));
    }
}
