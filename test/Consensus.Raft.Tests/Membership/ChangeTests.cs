using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tests.Wire;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Membership;

/// <summary>Changes as the leader makes them. Raft §6, dissertation chapter 4.</summary>
public sealed class ChangeTests
{
    private static readonly MembershipChange AddFour = new AddMember(Make.Member(4));
    private static readonly RequestId Asked = new(Make.Id(2), 7, 9);

    [Test]
    public void Nothing_changes_before_an_entry_of_the_leaders_own_term_is_committed()
    {
        // raft-bugs 20.
        var host = Make.Leader(1, Make.Voters(3));
        Assert.That(Propose(host, AddFour).Verdict, Is.EqualTo(ChangeVerdict.NotReady));
        host.AcknowledgeAll(2);
        Assert.That(Propose(host, AddFour).Verdict, Is.EqualTo(ChangeVerdict.Appended));
    }

    [Test]
    public void Two_leaders_of_an_even_cluster_cannot_each_change_it_unseen()
    {
        // Ongaro, 2015 (raft-bugs 20): the first adds, is cut off; the second removes, in its own term, only after the first's entry is gone or committed.
        var network = Network.OfVoters(4);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Isolate(1);
        Assert.That(Propose(network[1], new AddMember(Make.Member(5), AsVoter: true)).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        Assert.That(network[1].Node.Configuration.Voters, Has.Length.EqualTo(5));
        network.Tick(6 * Make.T, 2, 3, 4);
        var second = network.Hosts.Single(h => h.Node.Role == RaftRole.Leader && h.Id != Make.Id(1));
        Assert.That(Propose(second, new RemoveMember(Make.Id(1))).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        network.Settle();
        Assert.That(second.Node.ChangeIsUnderWay, Is.False);
        network.Heal();
        network.Tick(10 * Make.T);
        Assert.That(second.Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.CommitIndex, Is.LessThan(second.Node.CommitIndex), "what it proposed alone never commits");
    }

    [Test]
    public void Leader_without_a_committed_entry_of_its_term_changes_nothing_beside_an_uncommitted_change_of_another()
    {
        // Ongaro, 2015 (raft-bugs 20), its schedule: 1 adds 5 and reaches 5 only; 2 is elected by 3 and 4, would remove 1 and commit that with 3 alone; then
        // 1, 4 and 5, a majority of five, would elect 1.
        var configuration = Make.Voters(4);
        var network = new Network([.. Enumerable.Range(1, 5).Select(n => Make.Host(n, n == 5 ? Configuration.Empty : configuration))]);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Drops = m => m.From == Make.Id(1) && m.To != Make.Id(5);
        Assert.That(Propose(network[1], new AddMember(Make.Member(5), AsVoter: true)).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        network.Settle();
        Assert.That(network[5].Node.Configuration.Voters, Has.Length.EqualTo(5));

        network.Drops = m => m.From == Make.Id(1) || (m is AppendRequest && m.To != Make.Id(3));
        network.Tick(2 * Make.T, 3, 4);
        network.Elect(2);
        Assert.That(network[2].Node.HasCommittedInTerm, Is.False);
        Assert.That(Propose(network[2], new RemoveMember(Make.Id(1))).Verdict, Is.EqualTo(ChangeVerdict.NotReady));
        var committed = network[2].Node.CommitIndex;

        network.Drops = m => m.From == Make.Id(2) || m.To == Make.Id(2);
        network.Tick(6 * Make.T, 1, 4, 5);
        network.Drops = _ => false;
        network.Tick(10 * Make.T);
        var leader = network.Hosts.Single(h => h.Node.Role == RaftRole.Leader);
        Assert.That(leader.Node.CommitIndex, Is.GreaterThan(committed));
        foreach (var host in network.Hosts)
        {
            var isMember = leader.Node.Configuration.Find(host.Id) is not null;
            Assert.That(host.AppliedIndex, isMember ? Is.EqualTo(leader.AppliedIndex) : Is.LessThanOrEqualTo(leader.AppliedIndex));
            Assert.That(
                host.Applied.Select(e => (e.Index, e.Term)),
                Is.EqualTo(leader.Applied.Take(host.Applied.Count).Select(e => (e.Index, e.Term))),
                "nobody applied what another change committed");
        }
    }

    [Test]
    public void Only_the_leader_changes_anything_and_not_while_it_hands_over()
    {
        Assert.That(Propose(Make.Host(1, Make.Voters(3)), AddFour).Verdict, Is.EqualTo(ChangeVerdict.NotLeader));
        var host = Settled();
        host.Node.TransferLeadership(Make.Id(2));
        Assert.That(Propose(host, AddFour).Verdict, Is.EqualTo(ChangeVerdict.Transferring));
    }

    [Test]
    public void One_change_at_a_time()
    {
        var host = Settled();
        Assert.That(Propose(host, AddFour).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        Assert.That(Propose(host, new AddMember(Make.Member(5))).Verdict, Is.EqualTo(ChangeVerdict.ChangeInProgress));
        host.AcknowledgeAll(2);
        Assert.That(Propose(host, new AddMember(Make.Member(5))).Verdict, Is.EqualTo(ChangeVerdict.Appended));
    }

    [Test]
    public void Learner_receives_the_log_from_then_on_and_does_not_count()
    {
        var host = Settled();
        Propose(host, AddFour);
        Assert.That(host.Take<AppendRequest>().Select(a => a.To), Does.Contain(Make.Id(4)));
        host.AcknowledgeAll(4);
        Assert.That(host.Node.ChangeIsUnderWay, Is.True, "the learner's answer is no majority of anything");
        host.AcknowledgeAll(3);
        Assert.That(host.Node.ChangeIsUnderWay, Is.False);
    }

    [Test]
    public void Configuration_counts_from_its_append_and_falls_with_its_entry()
    {
        var host = Settled();
        Propose(host, AddFour);
        var last = host.Node.LastIndex;
        Assert.That(host.Node.Configuration.Find(Make.Id(4)), Is.Not.Null);
        host.Step(new AppendRequest(
            Make.Id(2), host.Id, host.Node.Term.Next, last.Previous, host.Node.Term, [Make.Entry(last.Value, host.Node.Term.Value + 1)],
            LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Configuration.Find(Make.Id(4)), Is.Null);
    }

    [Test]
    public void Joint_configuration_commits_by_both_majorities_and_is_then_left()
    {
        var host = Settled(Make.Configured([1, 2, 3], learners: [4, 5]));
        Propose(host, new PromoteMember(Make.Id(4), Replaces: Make.Id(2)));
        host.AcknowledgeAll(4);
        Assert.That(host.Node.Configuration.IsJoint, Is.True, "new voters alone do not commit it");
        host.AcknowledgeAll(2);
        Assert.That(host.Node.Configuration.IsJoint, Is.False);
        Assert.That(host.Node.ChangeIsUnderWay, Is.True);
        host.AcknowledgeAll(4);
        Assert.That(host.Node.ChangeIsUnderWay, Is.False);
        Assert.That(host.Node.Configuration.Voters, Is.EqualTo(new[] { 1, 3, 4 }.Select(Make.Id)));
    }

    [Test]
    public void Joint_configuration_is_not_left_because_something_before_it_was_committed()
    {
        var host = Settled(Make.Configured([1, 2, 3], learners: [4]));
        host.Propose();
        var command = host.Node.LastIndex;
        Propose(host, new PromoteMember(Make.Id(4)));
        foreach (var follower in new[] { 2, 3, 4 })
        {
            host.Step(new AppendResponse(Make.Id(follower), host.Id, host.Node.Term, true, command, LogIndex.Zero, Term.Zero, 0));
        }
        Assert.That(host.Node.CommitIndex, Is.EqualTo(command));
        Assert.That(host.Node.Configuration.IsJoint, Is.True);
    }

    [Test]
    public void Both_entries_of_a_change_carry_the_request_that_asked_for_it()
    {
        var host = Settled(Make.Configured([1, 2, 3], learners: [4]));
        host.AcknowledgeAll(4);
        host.Node.ProposeChange(new PromoteMember(Make.Id(4)) { Principal = "ops" }, Asked, out var index, out var term);
        host.Pump();
        Assert.That((index, term), Is.EqualTo((host.Node.LastIndex, host.Node.Term)));
        host.AcknowledgeAll(2, 3);
        var entries = new[] { host.Node.Log[index], host.Node.Log[index.Next] };
        Assert.That(entries.Select(e => (e.Kind, e.Request)), Is.All.EqualTo((EntryKind.Configuration, Asked)));
        Assert.That(entries[0].Principal, Is.EqualTo("ops"));
    }

    [Test]
    public void New_leader_ends_the_change_that_an_old_one_began([Values] bool compacted)
    {
        var joint = Make.Configured([1, 2, 4], outgoing: [1, 2, 3]);
        var host = compacted
            ? Make.Host(1, Make.Voters(3), snapshot: Make.Mark(5, 1, joint))
            : Make.Host(1, Make.Voters(3), [Make.Entry(1, 1), Make.ConfigurationEntry(2, 1, joint)]);
        host.BecomeLeader();
        Assert.That(Propose(host, AddFour).IsNotNow, Is.True);
        host.AcknowledgeAll(2);
        Assert.That(host.Node.Configuration.IsJoint, Is.False);
        host.AcknowledgeAll(2);
        Assert.That(host.Node.ChangeIsUnderWay, Is.False);
        Samples.AssertSame(host.Node.Configuration, Make.Configured([1, 2, 4]) with { Removed = [Make.Id(3)] });
    }

    [Test]
    public void Joint_configuration_is_not_left_while_leadership_is_handed_over_but_after_it_failed()
    {
        var host = Settled(Make.Configured([1, 2, 3], learners: [4]));
        Propose(host, new PromoteMember(Make.Id(4)));
        host.Node.TransferLeadership(Make.Id(3));
        host.AcknowledgeAll(2, 4);
        host.Step(new AppendResponse(Make.Id(3), host.Id, host.Node.Term, true, host.Node.LastIndex.Previous, LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.Configuration.IsJoint, Is.True);
        for (var i = 0; i < 10; i++)
        {
            host.Tick(Make.T / 10);
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, host.Node.Term, 0));
            host.Step(new HeartbeatResponse(Make.Id(4), host.Id, host.Node.Term, 0));
        }
        Assert.That(host.Node.TransferTarget, Is.EqualTo(MemberId.None));
        Assert.That(host.Node.Configuration.IsJoint, Is.False);
    }

    [Test]
    public void Learner_is_promoted_only_when_it_is_near_the_end_of_the_log()
    {
        var options = Make.Options with { PromotionLagEntries = 3 };
        var host = Settled(Make.Configured([1, 2, 3], learners: [4]), options);
        Assert.That(Propose(host, new PromoteMember(Make.Id(4))), Is.EqualTo(new ChangeAnswer(ChangeVerdict.NotCaughtUp, "the learner n4 is not reachable")));
        host.AcknowledgeAll(4);
        for (var i = 0; i < 4; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(2);
        var far = Propose(host, new PromoteMember(Make.Id(4)));
        Assert.That(far.Verdict, Is.EqualTo(ChangeVerdict.NotCaughtUp));
        Assert.That(far.Reason, Does.Contain("4 entries behind").And.Contain("at most 3"));
        host.Step(new AppendResponse(Make.Id(4), host.Id, host.Node.Term, true, host.Node.LastIndex + -3, LogIndex.Zero, Term.Zero, 0));
        Assert.That(Propose(host, new PromoteMember(Make.Id(4))).Verdict, Is.EqualTo(ChangeVerdict.Appended));
    }

    [Test]
    public void Removal_that_would_leave_no_reachable_majority_is_refused_in_words()
    {
        var host = Settled();
        for (var i = 0; i < 10; i++)
        {
            host.Tick(Make.T / 10);
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, host.Node.Term, 0));
        }
        var answer = Propose(host, new RemoveMember(Make.Id(2)));
        Assert.That(answer.Verdict, Is.EqualTo(ChangeVerdict.WouldLoseQuorum));
        Assert.That(answer.Reason, Is.EqualTo("of the 2 voters there would be then, 2 must be reachable and caught up, but only 1 would be (not: n3)"));
        Assert.That(Propose(host, new RemoveMember(Make.Id(3))).Verdict, Is.EqualTo(ChangeVerdict.Appended), "the dead one may go");
    }

    [Test]
    public void Leader_that_has_just_begun_says_wait_instead_of_taking_the_silent_for_dead()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2);
        Assert.That(Propose(host, new RemoveMember(Make.Id(2))).Verdict, Is.EqualTo(ChangeVerdict.NotReady));
        host.AcknowledgeAll(3);
        Assert.That(Propose(host, new RemoveMember(Make.Id(2))).Verdict, Is.EqualTo(ChangeVerdict.Appended));
    }

    [Test]
    public void Voter_that_lags_far_behind_does_not_keep_the_quorum()
    {
        var host = Settled(options: Make.Options with { PromotionLagEntries = 3 });
        for (var i = 0; i < 5; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(2);
        for (var i = 0; i < 10; i++)
        {
            host.Tick(Make.T / 10);
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, host.Node.Term, 0));
            host.Step(new HeartbeatResponse(Make.Id(3), host.Id, host.Node.Term, 0));
        }
        Assert.That(Propose(host, new RemoveMember(Make.Id(2))).Verdict, Is.EqualTo(ChangeVerdict.WouldLoseQuorum));
    }

    [Test]
    public void Voter_added_at_once_needs_a_majority_that_can_do_without_it()
    {
        var one = Make.Leader(1, Make.Voters(1));
        one.Tick(Make.T);
        Assert.That(Propose(one, new AddMember(Make.Member(2), AsVoter: true)).Verdict, Is.EqualTo(ChangeVerdict.WouldLoseQuorum));
        Assert.That(Propose(Settled(), new AddMember(Make.Member(4), AsVoter: true)).Verdict, Is.EqualTo(ChangeVerdict.Appended));
    }

    [Test]
    public void One_node_grows_to_three_and_shrinks_to_one()
    {
        var bootstrap = new Configuration([Make.Member(1)], [], [], [Make.Id(1)]);
        var network = new Network(Make.Host(1, Make.Voters(1)), Make.Host(2, bootstrap), Make.Host(3, bootstrap));
        network.Elect(1);
        Change(network, 1, new AddMember(Make.Member(2)));
        Change(network, 1, new PromoteMember(Make.Id(2)));
        Change(network, 1, new AddMember(Make.Member(3)));
        Change(network, 1, new PromoteMember(Make.Id(3)));
        Samples.AssertSame(network[3].Node.Configuration, Make.Voters(3));
        Change(network, 1, new RemoveMember(Make.Id(2)));
        Change(network, 1, new RemoveMember(Make.Id(3)));
        Assert.That(network[1].Node.Configuration.Voters, Is.EqualTo(new[] { Make.Id(1) }));
        Assert.That(network[1].Propose(), Is.EqualTo(ProposeResult.Appended));
        Assert.That(network[1].AppliedIndex, Is.EqualTo(network[1].Node.LastIndex));
    }

    [Test]
    public void Snapshot_brings_the_configuration_to_a_learner_that_starts_from_nothing()
    {
        var options = Make.Options with { TrailingEntries = 0 };
        var bootstrap = new Configuration([.. Make.Voters(3).Members], [], [], [.. Make.Voters(3).Voters]);
        var network = new Network(
            [.. Enumerable.Range(1, 3).Select(n => Make.Host(n, Make.Voters(3), options: options)), Make.Host(4, bootstrap, options: options)]);
        network.Elect(1);
        network[1].Propose();
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network[1].TakeSnapshot();
        Change(network, 1, AddFour);
        network.Tick(Make.T);
        Assert.That(network[4].Disk.Snapshot, Is.Not.Null);
        Samples.AssertSame(network[4].Disk.Snapshot!.Configuration, Make.Voters(3));
        Samples.AssertSame(network[4].Node.Configuration, Make.Configured([1, 2, 3], learners: [4]));
        Assert.That(network[4].AppliedIndex, Is.EqualTo(network[1].AppliedIndex));
    }

    [Test]
    public void Member_that_only_knows_whom_to_talk_to_never_campaigns()
    {
        var bootstrap = new Configuration([.. Make.Voters(3).Members], [], [], [.. Make.Voters(3).Voters]);
        var host = Make.Host(4, bootstrap);
        host.Tick(10 * Make.T);
        Assert.That(host.Sent, Is.Empty);
        Assert.That(RaftCodec.ReadConfiguration(Make.ConfigurationEntry(1, 1, bootstrap).Payload.Span).Voters, Is.Empty);
    }

    private static void Change(Network network, int leader, MembershipChange change)
    {
        Assert.That(Propose(network[leader], change).Verdict, Is.EqualTo(ChangeVerdict.Appended), change.ToString());
        network.Tick(Make.Options.HeartbeatIntervalTicks * 2);
        Assert.That(network[leader].Node.ChangeIsUnderWay, Is.False, change.ToString());
    }

    private static ChangeAnswer Propose(Host host, MembershipChange change)
    {
        var judged = host.Node.JudgeChange(change);
        var answer = host.Node.ProposeChange(change, Asked, out _, out _);
        Assert.That(judged, Is.EqualTo(answer));
        host.Pump();
        return answer;
    }

    private static Host Settled(Configuration? configuration = null, RaftOptions? options = null)
    {
        var host = Make.Leader(1, configuration ?? Make.Voters(3), options: options);
        host.AcknowledgeAll(2, 3);
        if (options is null && host.Node.Configuration.Find(Make.Id(4)) is not null)
        {
            host.AcknowledgeAll(4);
        }
        host.Take<Message>();
        return host;
    }
}
