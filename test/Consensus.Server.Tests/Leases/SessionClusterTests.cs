using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Hosting;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.Leases;

/// <summary>A session among three members over the real log, disk and links.</summary>
internal sealed class SessionClusterTests
{
    private static readonly LeaseId Session = new(0x5E55);

    private static Task<CommandAnswer> AskAsync(NodeHost host, long number, Command command, long acked = 0, CancellationToken aborted = default) =>
        host.Node.ExecuteAsync(new CommandEnvelope(command, default, new byte[16]) { Session = new SessionRequest(Session, number, acked) }, aborted).AsTask();

    private static AcquireCommand Hold(string name, long waitMicros) => new(Key.FromText(name), "me", 0, LeaseId.None, Session, waitMicros);

    private static PutCommand Put(string key) => new(Key.FromText(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    [Test]
    public async Task A_number_and_a_place_are_found_through_another_member_when_the_connection_broke_and_the_leader_was_lost()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = cluster.LeaderIndex();
        var (one, other) = (cluster.Hosts[(leader + 1) % 3]!, cluster.Hosts[(leader + 2) % 3]!);
        await LocalCluster.DoneAsync(one, new GrantLeaseCommand(Session, 600_000_000) { IsSession = true });
        var held = ((HoldGranted)await LocalCluster.DoneAsync(other, new AcquireCommand(Key.FromText("l"), "you", 600_000_000, other.Node.NewLeaseId(), LeaseId.None, 0))).Hold;
        var put = (PutDone)(await AskAsync(one, 1, Put("k"))).Outcome!;
        using (var broken = new CancellationTokenSource())
        {
            var waiting = AskAsync(one, 2, Hold("l", 300_000_000), aborted: broken.Token);
            await LocalCluster.EventuallyAsync(() => other.Node.Status.Counts.Waiters == 1, "it waits");
            await broken.CancelAsync();
            Assert.That((await waiting).Kind, Is.EqualTo(AnswerKind.Unknown), "the place stands");
        }
        // Whatever the member logged for the broken connection is in the log before this.
        await AskAsync(one, 3, Put("x"));

        await cluster.StopMemberAsync(leader);
        await cluster.UntilReadyAsync();
        await LocalCluster.DoneAsync(other, new ReleaseHoldCommand(held.Name, held.Token, Force: false));
        var found = (await AskAsync(other, 2, Hold("l", 300_000_000), acked: 1)).Outcome;
        Assert.That((found as HoldGranted)?.Hold.Owner, Is.EqualTo("me"), $"{found}");
        Assert.That((await AskAsync(other, 1, Put("k"))).Outcome, Is.InstanceOf<RetryTooLate>(), "it is acknowledged");
        Assert.That(((Settled)await LocalCluster.DoneAsync(one, new SettleCommand(Session, 4))).Result, Is.EqualTo(SettleResult.NotDone));
        Assert.That((await AskAsync(other, 4, Put("k"))).Outcome, Is.InstanceOf<RequestWithdrawn>());
        Assert.That(put.Version, Is.EqualTo(1));
    }
}
