using Consensus.Node.Core;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>When a leader has ended tokens forgotten: by the time of day that it is told.</summary>
public sealed class EndedTokenTests
{
    private const long Week = 7L * 24 * 3600;

    private static void Tell(CoreCluster cluster, long unixSeconds)
    {
        foreach (var member in cluster.Members)
        {
            member.Inputs.Add(new TimeOfDayInput(unixSeconds));
        }
        cluster.Run(500_000);
    }

    [Test]
    public void What_ended_a_week_ago_is_forgotten_by_all_and_nothing_is_logged_while_nothing_is_due()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Leader.Send(new PutTokenCommand("aaaaaaaaaaa", new Key(new byte[32]), "p", 1_000, 900));
        cluster.Leader.Send(new PutTokenCommand("bbbbbbbbbbb", new Key(new byte[32]), "p", 2_000, 900));
        cluster.Run(500_000);
        Assert.That(cluster.Members.Select(static member => member.Core.View.Counts.Tokens), Is.All.EqualTo(2));
        var last = cluster.Leader.Core.Status.LastIndex;
        Tell(cluster, 1_000 + Week);
        Assert.That(cluster.Leader.Core.Status.LastIndex, Is.EqualTo(last), "its end is remembered for a week");
        Tell(cluster, 1_001 + Week);
        Assert.That(cluster.Members.Select(static member => member.Core.View.Counts.Tokens), Is.All.EqualTo(1));
        last = cluster.Leader.Core.Status.LastIndex;
        Tell(cluster, 1_900 + Week);
        Assert.That(cluster.Leader.Core.Status.LastIndex, Is.EqualTo(last));
    }
}
