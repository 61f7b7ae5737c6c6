using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>A lost process has more waiters than one entry detaches: the others follow, whoever leads (rules 9, 18).</summary>
public sealed class DetachingTests
{
    private const long Minute = 60_000_000;
    private static readonly Key Job = Key.FromText("job");

    private static AcquireCommand Permits(string owner, long lease, long count) =>
        new(Job, owner, Minute, new LeaseId(lease), LeaseId.None, Minute)
        {
            Space = HoldSpace.Semaphore,
            Count = count,
            Permits = 4,
        };

    /// <summary>
    /// Of five, with one place detached by each entry. One holds a permit, ten requests wait through a follower, the first of them for all
    /// permits and so in the way of the others.
    /// </summary>
    private static (CoreCluster Cluster, CoreMember Lost) WithManyWaiters()
    {
        var cluster = new CoreCluster(5, Limits.Default with { MaxObjectsPerStep = 2 });
        cluster.UntilReady();
        var lost = cluster.Followers.First();
        var holder = cluster.Leader.Send(Permits("holder", 5, 1));
        cluster.Until(() => holder.Stage == PendingStage.Answered, "it holds one permit");
        lost.Send(Permits("all", 6, 4));
        cluster.Until(() => Waiters(cluster) == 1, "one waits for all permits");
        for (var lease = 10; lease < 19; lease++)
        {
            lost.Send(Permits("one", lease, 1));
        }
        cluster.Until(() => Waiters(cluster) == 10, "they wait");
        return (cluster, lost);
    }

    private static long Waiters(CoreCluster cluster) => cluster.Leader.Core.Status.Counts.Waiters;

    private static int Logged<T>(CoreMember member)
        where T : Command => member.Persisted
        .SelectMany(request => request.Entries)
        .Where(entry => entry.Kind == EntryKind.Command)
        .Count(entry => CommandCodec.Read(entry.Payload).Command is T);

    private static void OnlyTheHolderHolds(CoreCluster cluster)
    {
        var semaphore = cluster.Leader.Core.View.GetObject(new ObjectName(HoldSpace.Semaphore, Job));
        Assert.That(semaphore.Holders.Select(hold => hold.Owner), Is.EqualTo(["holder"]));
    }

    [Test]
    public void The_waiters_of_a_lost_process_are_detached_entry_by_entry_and_none_of_them_is_granted_anything()
    {
        var (cluster, lost) = WithManyWaiters();
        var leader = cluster.Leader;
        cluster.Kill(lost);
        cluster.Until(() => Waiters(cluster) < 10, "the first is gone");
        Assert.That(Waiters(cluster), Is.GreaterThan(0));
        cluster.Until(() => Waiters(cluster) == 0, "all of them are gone");
        Assert.That(Logged<DetachWaitersCommand>(leader), Is.EqualTo(1));
        Assert.That(Logged<ExpireCommand>(leader), Is.AtLeast(9), "the others went with expiries");
        OnlyTheHolderHolds(cluster);
    }

    [Test]
    public void Who_comes_to_lead_between_two_steps_goes_on_where_the_leader_before_it_stopped()
    {
        var (cluster, lost) = WithManyWaiters();
        var first = cluster.Leader;
        cluster.Kill(lost);
        cluster.Until(() => Waiters(cluster) is > 0 and < 8, "some of them are gone");
        cluster.Kill(first);
        cluster.Until(() => cluster.Members.Any(m => m != first && !m.IsDown && m.Core.Role == RaftRole.Leader), "another leads");
        cluster.Until(() => Waiters(cluster) == 0, "all of them are gone");
        Assert.That(Logged<DetachWaitersCommand>(cluster.Leader), Is.EqualTo(1), "that of the leader before it");
        OnlyTheHolderHolds(cluster);
    }

    [Test]
    public void The_next_process_stands_announced_while_the_waiters_of_the_one_before_are_detached()
    {
        var (cluster, lost) = WithManyWaiters();
        cluster.Kill(lost);
        var next = cluster.Restart(lost, othersNotice: true);
        cluster.Until(() => cluster.Leader.Core.View.ListMembers().Any(known => known.Boot == next.Boot), "it stands announced");
        Assert.That(Waiters(cluster), Is.GreaterThan(0));
        cluster.Until(() => Waiters(cluster) == 0, "all of them are gone");
        OnlyTheHolderHolds(cluster);
        cluster.Run(1_000_000);
        Assert.That(Logged<AnnounceMemberCommand>(cluster.Leader), Is.EqualTo(5 + 1), "and once is enough");
    }
}
