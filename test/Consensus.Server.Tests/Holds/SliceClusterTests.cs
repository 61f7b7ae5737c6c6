using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Holds;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Tests.Hosting;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Microsoft.AspNetCore.Http;

namespace Consensus.Server.Tests.Holds;

/// <summary>A wait in slices among three members over the real log, disk and links.</summary>
internal sealed class SliceClusterTests
{
    private static readonly Key Job = Key.FromText("job");

    private static AcquireCommand Ask(NodeHost host, string owner, long wait) =>
        new(Job, owner, 600_000_000, host.Node.NewLeaseId(), LeaseId.None, wait);

    [Test]
    public async Task A_member_that_is_cut_off_from_the_others_tells_no_place()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = cluster.LeaderIndex();
        var (one, other) = (cluster.Hosts[(leader + 1) % 3]!, (leader + 2) % 3);
        await LocalCluster.DoneAsync(one, Ask(one, "h", 0));
        var waits = new SlicedWaits(one.Node, new Replies(one.Node, new ByteBudget(1_000_000)), TimeProvider.System);
        var mark = new RequestMark("k"u8.ToArray(), default, new byte[16]);
        var envelope = new CommandEnvelope(Ask(one, "w", 600_000_000), mark.Key, mark.Fingerprint);
        Assert.That(await PollAsync(), Is.EqualTo(StatusCodes.Status202Accepted));
        await cluster.StopMemberAsync(other);
        Assert.That(await PollAsync(), Is.EqualTo(StatusCodes.Status202Accepted), "two of three are enough");
        await cluster.StopMemberAsync(leader);
        Assert.That(await PollAsync(), Is.EqualTo(StatusCodes.Status504GatewayTimeout));

        async Task<int> PollAsync()
        {
            var http = new DefaultHttpContext();
            var answer = await waits.AnswerAsync(http, mark, TimeSpan.Zero, gone => one.Node.ExecuteAsync(envelope, gone));
            Assert.That(answer, Is.Null, "it waits");
            return http.Response.StatusCode;
        }
    }
}
