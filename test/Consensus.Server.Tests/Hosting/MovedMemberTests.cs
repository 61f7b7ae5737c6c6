using Consensus.Raft.Membership;
using Consensus.Server.Hosting;
using Consensus.Server.Options;

namespace Consensus.Server.Tests.Hosting;

/// <summary>Members that are started again at other addresses, over the real disk and real sockets (rule 7).</summary>
[NonParallelizable]
internal sealed class MovedMemberTests
{
    [TestCase(true)]
    [TestCase(false)]
    public async Task A_member_that_is_started_at_another_address_takes_part_again_and_all_say_so_once(bool wasLeader)
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var moved = wasLeader ? cluster.LeaderIndex() : (cluster.LeaderIndex() + 1) % 3;
        var before = cluster.PeerAddressOf(moved);
        await cluster.StopMemberAsync(moved);
        var now = cluster.Move(moved);
        await cluster.StartMemberAsync(moved);
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[moved]!.Node.Status.Ready, "it is ready");
        await LocalCluster.DoneAsync(cluster.Hosts[moved]!, LocalCluster.Put("moved", "yes"));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts.All(host => AddressOf(host!, moved) == now), "every member has its address from the log");
        var said = cluster.Notices.Where(notice => notice.Contains("has moved", StringComparison.Ordinal)).ToList();
        for (var i = 0; i < 3; i++)
        {
            var sentence = i == moved
                ? $"n{moved + 1}: n{moved + 1} has moved: it is at {now}, the cluster has it at {before}; it tells every member that it reaches"
                : $"n{i + 1}: n{moved + 1} has moved: it answers at {now}, and no longer at {before}";
            Assert.That(said.Count(notice => notice == sentence), Is.EqualTo(1), sentence);
        }
        Assert.That(said, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task An_address_that_was_announced_is_dialled_after_a_restart_of_those_who_dial()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        await cluster.StopMemberAsync(2);
        var now = cluster.Move(2);
        await cluster.StartMemberAsync(2);
        await LocalCluster.EventuallyAsync(() => cluster.Hosts.All(host => AddressOf(host!, 2) == now), "every member has its address from the log");
        for (var i = 0; i < 3; i++)
        {
            await cluster.StopMemberAsync(i);
        }

        // Only these two: they have to find each other by what the log says, for n3 knew both of them from the start.
        await cluster.StartMemberAsync(0);
        await cluster.StartMemberAsync(2);
        await cluster.UntilReadyAsync();
        await LocalCluster.DoneAsync(cluster.Hosts[0]!, LocalCluster.Put("a", "1"));
    }

    [Test]
    public async Task Two_of_three_move_at_once_and_find_each_other_by_the_third()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var stays = cluster.LeaderIndex();
        int[] moved = [(stays + 1) % 3, (stays + 2) % 3];
        foreach (var index in moved)
        {
            await cluster.StopMemberAsync(index);
            cluster.Move(index);
        }
        foreach (var index in moved)
        {
            await cluster.StartMemberAsync(index);
        }
        await cluster.UntilReadyAsync();
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts.All(host => moved.All(index => AddressOf(host!, index) == cluster.PeerAddressOf(index))), "every member has the new addresses");
        await cluster.StopMemberAsync(stays);
        await LocalCluster.DoneAsync(cluster.Hosts[moved[0]]!, LocalCluster.Put("a", "1"));
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task All_members_move_at_once_when_so_many_are_told_where_the_others_are(int told)
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        for (var i = 0; i < 3; i++)
        {
            await cluster.StopMemberAsync(i);
            cluster.Move(i);
        }
        (string, string)[] addresses = [.. Enumerable.Range(0, 3).Select(i => ($"n{i + 1}", cluster.PeerAddressOf(i)))];
        for (var i = 0; i < 3; i++)
        {
            var isTold = i < told;
            await cluster.StartMemberAsync(i, options => options with { PeerAddresses = isTold ? addresses : [], InitialCluster = null });
        }
        await cluster.UntilReadyAsync();
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts.All(host => Enumerable.Range(0, 3).All(i => AddressOf(host!, i) == cluster.PeerAddressOf(i))), "every member has the new addresses");
        await cluster.StopMemberAsync(0);
        await cluster.StartMemberAsync(0, options => options with { InitialCluster = null });
        await cluster.UntilReadyAsync();
    }

    [Test]
    public async Task The_names_that_a_directory_knows_are_listed_in_order()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        await cluster.StopMemberAsync(0);
        Assert.That(await RefusalAsync(cluster, 0, ("n9", "127.0.0.1:9")), Does.EndWith("its cluster has n1, n2, n3"));
    }

    [Test]
    public async Task A_name_that_the_directory_does_not_know_is_refused()
    {
        await using var cluster = await LocalCluster.StartAsync(1, joining: 1);
        await cluster.StopMemberAsync(0);
        Assert.That(
            await RefusalAsync(cluster, 0, ("n9", "127.0.0.1:9")),
            Is.EqualTo("--peer-address names \"n9\", whom this data directory does not know: its cluster has n1"));
        Assert.That(await RefusalAsync(cluster, 0, ("n1", "127.0.0.1:9")), Does.StartWith("--peer-address gives this member, \"n1\", the address 127.0.0.1:9, but"));
        Assert.That(await RefusalAsync(cluster, 1, ("n1", "127.0.0.1:9")), Does.Contain("this data directory is empty"));
        await cluster.StartMemberAsync(0, options => options with { PeerAddresses = [("n1", cluster.PeerAddressOf(0))] });
        await cluster.UntilReadyAsync();
    }

    [Test]
    public async Task Another_initial_cluster_on_a_formed_directory_is_a_notice()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        await cluster.StopMemberAsync(0);
        await cluster.StartMemberAsync(0, options => options with { InitialCluster = [("n8", "127.0.0.1:8"), ("n9", "127.0.0.1:9")] });
        await cluster.UntilReadyAsync();
        Assert.That(cluster.Notices, Has.Some.Contains("--initial-cluster n8=127.0.0.1:8,n9=127.0.0.1:9 is not read, for this data directory belongs to a cluster"));
        Assert.That(cluster.Notices.Count(notice => notice.Contains("--initial-cluster", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task An_initial_cluster_that_does_not_fit_an_empty_directory_is_refused()
    {
        await using var cluster = await LocalCluster.StartAsync(1, joining: 1);
        var own = cluster.PeerAddressOf(1);
        var without = await Assert.ThrowsAsync<OptionsException>(
            () => cluster.StartMemberAsync(1, options => options with { Join = [], InitialCluster = [("n1", cluster.PeerAddressOf(0))] }));
        Assert.That(without!.Message, Is.EqualTo("--initial-cluster does not name this member, \"n2\""));
        var other = await Assert.ThrowsAsync<OptionsException>(
            () => cluster.StartMemberAsync(1, options => options with { Join = [], AdvertisePeer = "127.0.0.1:9", InitialCluster = [("n2", own)] }));
        Assert.That(other!.Message, Is.EqualTo($"--initial-cluster gives this member, \"n2\", the address {own}, but --advertise-peer is 127.0.0.1:9"));
    }

    [Test]
    public async Task A_wiped_member_with_an_initial_cluster_waits_until_its_old_self_is_removed_and_then_to_be_added()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var wiped = (cluster.LeaderIndex() + 1) % 3;
        var name = $"n{wiped + 1}";
        var old = cluster.Hosts[wiped]!.Identity.Member;
        await cluster.StopMemberAsync(wiped);
        Directory.Delete(cluster.DataOf(wiped), recursive: true);
        var starting = cluster.StartMemberAsync(wiped);
        await LocalCluster.EventuallyAsync(
            () => cluster.Warnings.Any(notice => notice.Contains($"(consensusctl members remove {name})", StringComparison.Ordinal)
                && notice.Contains($"(consensusctl members add {name})", StringComparison.Ordinal)),
            "it says what it waits for");
        Assert.That(starting.IsCompleted, Is.False);
        var leader = cluster.Leader();
        await JoinTests.ChangeAsync(leader, new RemoveMember(old));
        await starting;
        var host = cluster.Hosts[wiped]!;
        Assert.That(host.Identity.Member, Is.Not.EqualTo(old), "an empty directory is a new identity");
        Assert.That(host.Node.Status.Members, Is.Empty, "and nobody's member");
        await LocalCluster.EventuallyAsync(() => leader.Node.Joiners.Any(joiner => joiner.Name == name), "it is listed as waiting");

        // Started again before it is added it is still seen.
        await cluster.StopMemberAsync(wiped);
        await cluster.StartMemberAsync(wiped);
        host = cluster.Hosts[wiped]!;
        await LocalCluster.EventuallyAsync(() => leader.Node.Joiners.Any(joiner => joiner.Name == name), "it is listed again");
        await JoinTests.ChangeAsync(leader, JoinTests.AddWaiting(leader, name));
        await LocalCluster.EventuallyAsync(() => host.Node.Status.Ready, "it has caught up");
        await JoinTests.ChangeAsync(leader, new PromoteMember(host.Identity.Member));
        await LocalCluster.DoneAsync(host, LocalCluster.Put("back", "yes"));
    }

    [Test]
    public async Task A_process_that_no_list_of_the_formed_cluster_names_waits_to_be_added()
    {
        await using var cluster = await LocalCluster.StartAsync(1, joining: 1);
        await cluster.StartMemberAsync(
            1, options => options with { Join = [], InitialCluster = [("n1", cluster.PeerAddressOf(0)), ("n2", cluster.PeerAddressOf(1))] });
        Assert.That(cluster.Hosts[1]!.Node.Status.Members, Is.Empty);
        Assert.That(cluster.Hosts[1]!.Identity.Cluster, Is.EqualTo(cluster.Hosts[0]!.Identity.Cluster));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[0]!.Node.Joiners.Any(joiner => joiner.Name == "n2"), "it is listed as waiting");
        Assert.That(cluster.Notices, Has.Some.Contains("n2 forms none, and waits to be added to that one"));
        Assert.That(cluster.Notices, Has.Some.Contains("consensusctl members add n2"));
    }

    private static async Task<string> RefusalAsync(LocalCluster cluster, int index, (string Name, string Address) address) =>
        (await Assert.ThrowsAsync<OptionsException>(() => cluster.StartMemberAsync(index, options => options with { PeerAddresses = [address] })))!.Message;

    private static string? AddressOf(NodeHost seenBy, int index) =>
        seenBy.Node.Status.Members.FirstOrDefault(member => member.Name == $"n{index + 1}")?.PeerAddress;
}
