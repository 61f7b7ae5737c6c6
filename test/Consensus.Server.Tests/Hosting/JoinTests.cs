using Consensus.Node;
using Consensus.Node.Formation;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Server.Hosting;
using Consensus.Transport.Formation;

namespace Consensus.Server.Tests.Hosting;

/// <summary>Processes that join a cluster, over the real disk and real sockets.</summary>
[NonParallelizable]
internal sealed class JoinTests
{
    [Test]
    public async Task A_process_joins_catches_up_votes_and_is_removed_again()
    {
        await using var cluster = await LocalCluster.StartAsync(3, joining: 1);
        await LocalCluster.DoneAsync(cluster.Leader(), LocalCluster.Put("before", "join"));
        await cluster.StartMemberAsync(3);
        var joiner = cluster.Hosts[3]!;
        Assert.That(joiner.Identity.Cluster, Is.EqualTo(cluster.Hosts[0]!.Identity.Cluster));
        Assert.That(joiner.Node.Status.Role, Is.EqualTo(RaftRole.Follower));
        await ListedEverywhereAsync(cluster, "n4");

        await ChangeAsync(cluster.Hosts[1]!, AddWaiting(cluster.Hosts[1]!, "n4"));
        await LocalCluster.EventuallyAsync(() => joiner.Node.Status.Ready, "the learner is ready");
        Assert.That(await LocalCluster.GetAsync(joiner, "before"), Is.EqualTo("join"));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts.Take(3).All(h => h!.Node.Joiners.Count == 0), "nobody waits any more");

        await ChangeAsync(joiner, new PromoteMember(joiner.Identity.Member));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts.All(h => h!.Node.Status.Members.Count(m => m.IsVoter) == 4), "all know four voters");
        await LocalCluster.DoneAsync(joiner, LocalCluster.Put("after", "join"));
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[0]!, "after"), Is.EqualTo("join"));

        await ChangeAsync(cluster.Hosts[0]!, new RemoveMember(joiner.Identity.Member));
        await LocalCluster.EventuallyAsync(() => joiner.Removed.IsCompleted, "it learns that it was removed");
        Assert.That(await joiner.Removed, Is.EqualTo(MemberRemovedException.Sentence("n4", joiner.Identity.Cluster)));
        await cluster.StopMemberAsync(3);
        await cluster.StartMemberAsync(3);
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[3]!.Removed.IsCompleted, "started again it learns it again");
        Assert.That(await cluster.Hosts[3]!.Removed, Is.EqualTo(MemberRemovedException.Sentence("n4", joiner.Identity.Cluster)));
    }

    [Test]
    public async Task A_process_that_is_started_again_before_it_is_added_goes_on_waiting()
    {
        await using var cluster = await LocalCluster.StartAsync(1, joining: 1);
        await cluster.StartMemberAsync(1);
        var identity = cluster.Hosts[1]!.Identity;
        await ListedEverywhereAsync(cluster, "n2");
        await cluster.StopMemberAsync(1);
        await cluster.StartMemberAsync(1);
        Assert.That(cluster.Hosts[1]!.Identity, Is.EqualTo(identity).Using<DirectoryIdentity>((a, b) => a.Member == b.Member && a.Cluster == b.Cluster));
        Assert.That(cluster.Notices, Has.Some.Contain("n2 waits to be added to cluster"));
        await ListedEverywhereAsync(cluster, "n2");
        await ChangeAsync(cluster.Hosts[0]!, AddWaiting(cluster.Hosts[0]!, "n2"));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[1]!.Node.Status.Ready, "the learner is ready");
    }

    [Test]
    public async Task A_process_joins_by_a_snapshot_when_the_log_does_not_go_back_far_enough()
    {
        await using var cluster = await LocalCluster.StartAsync(1, snapshotEntries: 50, joining: 1);
        for (var i = 0; i < 200; i++)
        {
            await LocalCluster.DoneAsync(cluster.Hosts[0]!, LocalCluster.Put($"k{i}", $"v{i}"));
        }
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[0]!.Node.Status.FirstIndex.Value > 1, "the log was cut");
        await cluster.StartMemberAsync(1);
        await ListedEverywhereAsync(cluster, "n2");
        await ChangeAsync(cluster.Hosts[0]!, AddWaiting(cluster.Hosts[0]!, "n2"));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[1]!.Node.Status.Ready, "the learner is ready");
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[1]!, "k0"), Is.EqualTo("v0"));
        await cluster.StopMemberAsync(1);
        await cluster.StartMemberAsync(1);
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[1]!.Node.Status.Ready, "the learner is ready again");
    }

    [Test]
    public async Task One_member_grows_to_three_and_survives_the_first_ones_stop()
    {
        await using var cluster = await LocalCluster.StartAsync(1, joining: 2);
        await LocalCluster.DoneAsync(cluster.Hosts[0]!, LocalCluster.Put("kept", "yes"));
        for (var i = 1; i < 3; i++)
        {
            await cluster.StartMemberAsync(i);
            var name = $"n{i + 1}";
            await LocalCluster.EventuallyAsync(() => cluster.Hosts[0]!.Node.Joiners.Any(j => j.Name == name), $"{name} is listed");
            await ChangeAsync(cluster.Hosts[0]!, AddWaiting(cluster.Hosts[0]!, name));
            await LocalCluster.EventuallyAsync(() => cluster.Hosts[i]!.Node.Status.Ready, $"{name} is ready");
            await ChangeAsync(cluster.Hosts[0]!, new PromoteMember(cluster.Hosts[i]!.Identity.Member));
        }
        await cluster.StopMemberAsync(0);
        await LocalCluster.DoneAsync(cluster.Hosts[1]!, LocalCluster.Put("more", "yes"));
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[2]!, "kept"), Is.EqualTo("yes"));
    }

    [Test]
    public async Task A_name_in_use_is_refused_until_its_member_is_removed()
    {
        await using var cluster = await LocalCluster.StartAsync(3, joining: 1);
        await cluster.StartMemberAsync(3);
        await ListedEverywhereAsync(cluster, "n4");
        await ChangeAsync(cluster.Hosts[0]!, AddWaiting(cluster.Hosts[0]!, "n4"));
        var lost = cluster.Hosts[3]!.Identity.Member;
        await cluster.StopMemberAsync(3);
        Directory.Delete(cluster.DataOf(3), recursive: true);
        var refused = await Assert.ThrowsAsync<FormationRefusedException>(() => cluster.StartMemberAsync(3));
        Assert.That(refused!.Message, Does.Contain("has a member n4 with another data directory"));
        await ChangeAsync(cluster.Hosts[0]!, new RemoveMember(lost));
        await cluster.StartMemberAsync(3);
        await ListedEverywhereAsync(cluster, "n4");
        Assert.That(cluster.Hosts[0]!.Node.Joiners.Single().Member, Is.Not.EqualTo(lost));
    }

    private static Task ListedEverywhereAsync(LocalCluster cluster, string name) => LocalCluster.EventuallyAsync(
        () => cluster.Hosts.Where(h => h is not null && h.Node.Status.Members.Any(m => m.IsSelf)).All(h => h!.Node.Joiners.Any(j => j.Name == name)),
        $"every member lists {name} as waiting");

    internal static AddMember AddWaiting(NodeHost at, string name)
    {
        var joiner = at.Node.Joiners.Single(j => j.Name == name);
        return new AddMember(new Member(joiner.Member, joiner.Name, joiner.PeerAddress));
    }

    /// <summary>Asks until what is "not yet" has come: another change is over, the learner has caught up.</summary>
    internal static async Task ChangeAsync(NodeHost at, MembershipChange change)
    {
        var answer = default(MembershipAnswer);
        await LocalCluster.EventuallyAsync(
            async () =>
            {
                answer = await at.Node.ChangeMembershipAsync(change);
                return answer is not { Kind: AnswerKind.NotDone, Verdict: ChangeVerdict.ChangeInProgress or ChangeVerdict.NotCaughtUp or ChangeVerdict.WouldLoseQuorum };
            },
            $"{change} is taken or refused for good");
        Assert.That(answer.Kind, Is.EqualTo(AnswerKind.Done), $"{change}: {answer}");
    }
}
