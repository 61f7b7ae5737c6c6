using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.Raft.Reads;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Reads;

/// <summary>Linearizable reads by read index. Dissertation §6.4.</summary>
public sealed class ReadIndexTests
{
    private static readonly MemberId Two = Make.Id(2);
    private static readonly MemberId Three = Make.Id(3);

    [Test]
    public void Read_is_answered_after_a_quorum_confirmed_the_leader()
    {
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Reads, Is.Empty);
        Confirm(host, Two);
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(1), false) }));
    }

    [Test]
    public void Read_waits_until_the_leader_committed_in_its_term()
    {
        // raft-bugs 15.
        var host = Make.Leader(1, Make.Voters(3), Make.Log(1, 1));
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Take<HeartbeatRequest>(), Is.Empty, "no round starts before the no-op is committed");
        Confirm(host, Two, round: 99);
        Confirm(host, Three, round: 99);
        Assert.That(host.Reads, Is.Empty);
        host.AcknowledgeAll(2);
        Assert.That(host.Reads, Is.Empty, "the round starts now");
        Confirm(host, Two);
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(3), false) }));
    }

    [Test]
    public void Late_heartbeat_answer_does_not_confirm_a_later_read()
    {
        // raft-bugs 16.
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Pump();
        var first = host.Take<HeartbeatRequest>()[0].ReadRound;
        Confirm(host, Two, first);
        host.Reads.Clear();
        host.Node.ReadIndex(7);
        host.Pump();
        var second = host.Take<HeartbeatRequest>()[0].ReadRound;
        Assert.That(second, Is.GreaterThan(first), "the same context gets a new round");
        Confirm(host, Two, first);
        Confirm(host, Three, first);
        Assert.That(host.Reads, Is.Empty);
        Confirm(host, Three, second);
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Round_that_was_never_started_is_not_believed()
    {
        var host = Settled();
        Confirm(host, Two, round: 1000);
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Reads, Is.Empty);
    }

    [Test]
    public void Answer_of_another_term_confirms_nothing()
    {
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Pump();
        host.Step(new HeartbeatResponse(Two, host.Id, Term.Zero, 1));
        Assert.That(host.Reads, Is.Empty);
    }

    [Test]
    public void Append_response_confirms_too()
    {
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Pump();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, host.Node.LastIndex, LogIndex.Zero, Term.Zero, 1));
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Reads_of_one_turn_share_a_round_and_a_later_one_starts_its_own_at_once()
    {
        var host = Settled();
        host.Node.ReadIndex(1);
        host.Node.ReadIndex(2);
        host.Pump();
        var first = host.Take<HeartbeatRequest>();
        Assert.That(first.Select(h => h.ReadRound), Is.EqualTo(new[] { 1L, 1L }));
        host.Node.ReadIndex(3);
        host.Pump();
        Assert.That(host.Take<HeartbeatRequest>().Select(h => h.ReadRound), Is.EqualTo(new[] { 2L, 2L }));
        Confirm(host, Two, 1);
        Assert.That(host.Reads.Select(r => r.Context), Is.EqualTo(new[] { 1L, 2L }));
        Confirm(host, Two, 2);
        Assert.That(host.Reads.Select(r => r.Context), Is.EqualTo(new[] { 1L, 2L, 3L }));
    }

    [Test]
    public void Later_round_confirms_the_earlier_ones()
    {
        var host = Settled();
        host.Node.ReadIndex(1);
        host.Pump();
        host.Node.ReadIndex(2);
        host.Pump();
        Confirm(host, Two, 2);
        Assert.That(host.Reads.Select(r => r.Context), Is.EqualTo(new[] { 1L, 2L }));
    }

    [Test]
    public void Learner_confirms_nothing()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], learners: [4]));
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        host.Node.ReadIndex(7);
        host.Pump();
        Confirm(host, Make.Id(4), 1);
        Assert.That(host.Reads, Is.Empty);
    }

    [Test]
    public void Joint_configuration_needs_both_majorities_to_confirm()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], learners: [4]));
        host.AcknowledgeAll(2, 3, 4);
        host.Node.ProposeChange(new PromoteMember(Make.Id(4), Make.Id(3)), RequestId.None, out _, out _);
        Assert.That(host.Node.Configuration.IsJoint, Is.True);
        host.Node.ReadIndex(7);
        host.Pump();
        Confirm(host, Make.Id(4), 1);
        Assert.That(host.Reads, Is.Empty);
        Confirm(host, Make.Id(3), 1);
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Single_voter_answers_at_once_with_what_is_durable()
    {
        var host = Make.Leader(1, Make.Voters(1));
        host.PersistsAtOnce = false;
        host.Propose();
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(1), false) }));
    }

    [Test]
    public void Deposed_leader_refuses_what_waits()
    {
        // raft-bugs 18.
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Step(new ReadIndexRequest(Two, host.Id, host.Node.Term, 8));
        host.Take<Message>();
        host.Step(new HeartbeatRequest(Three, host.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
        var refused = host.TakeOne<ReadIndexResponse>();
        Assert.That((refused.To, refused.Context, refused.Refused), Is.EqualTo((Two, 8L, true)));
        Confirm(host, Two, 1);
        Confirm(host, Three, 1);
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Cut_off_leader_answers_no_read()
    {
        // raft-bugs 18.
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Isolate(1);
        network[1].Node.ReadIndex(7);
        network.Tick(3 * Make.T);
        Assert.That(network[1].Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
    }

    [Test]
    public void Too_many_reads_are_refused()
    {
        var host = Make.Leader(1, Make.Voters(3));
        for (var i = 0; i <= ReadRounds.MaxQuestions; i++)
        {
            host.Node.ReadIndex(i);
        }
        host.Pump();
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(ReadRounds.MaxQuestions, LogIndex.Zero, true) }));
        host.AcknowledgeAll(2);
        Confirm(host, Two, 1);
        Assert.That(host.Reads.Count(r => !r.Refused), Is.EqualTo(ReadRounds.MaxQuestions));
        host.Node.ReadIndex(-1);
        host.Pump();
        Confirm(host, Two, 2);
        Assert.That(host.Reads[^1], Is.EqualTo(new ReadState(-1, new LogIndex(1), false)));
    }

    [Test]
    public void Equal_contexts_of_different_members_are_answered_to_each()
    {
        var host = Settled();
        host.Node.ReadIndex(7);
        host.Step(new ReadIndexRequest(Two, host.Id, host.Node.Term, 7));
        host.Step(new ReadIndexRequest(Three, host.Id, host.Node.Term, 7));
        Confirm(host, Two);
        Assert.That(host.Take<ReadIndexResponse>().Select(r => (r.To, r.Context)), Is.EqualTo(new[] { (Two, 7L), (Three, 7L) }));
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Member_without_a_leader_refuses_at_once()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
        host.Step(new ReadIndexRequest(Two, host.Id, Term.Zero, 8));
        Assert.That(host.TakeOne<ReadIndexResponse>().Refused, Is.True);
    }

    [Test]
    public void Follower_asks_the_leader_and_takes_each_answer_once()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        host.Pump();
        var request = host.TakeOne<ReadIndexRequest>();
        Assert.That((request.To, request.Context), Is.EqualTo((Two, 7L)));
        var response = new ReadIndexResponse(Two, host.Id, new Term(1), 7, new LogIndex(4), false);
        host.Step(new ReadIndexResponse(Three, host.Id, new Term(1), 7, new LogIndex(1), false));
        Assert.That(host.Reads, Is.Empty, "only the leader knows");
        host.Step(response);
        host.Step(response);
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(4), false) }));
    }

    [Test]
    public void Follower_refuses_what_it_asked_when_the_leader_changes()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        host.Pump();
        host.Step(new HeartbeatRequest(Three, host.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
        host.Step(new ReadIndexResponse(Two, host.Id, new Term(1), 7, new LogIndex(4), false));
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Follower_refuses_what_it_asked_of_the_same_leader_in_another_term()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        host.Pump();
        host.Step(new HeartbeatRequest(Two, host.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
    }

    [Test]
    public void Follower_gives_up_a_question_that_is_never_answered()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        for (var i = 0; i < 3 * Make.T / 100; i++)
        {
            host.Tick(100);
            host.Step(new HeartbeatRequest(Two, host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        }
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
    }

    [Test]
    public void An_answer_for_the_process_before_is_taken_by_nobody_whatever_its_context()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.TakeOne<ReadIndexRequest>().Boot, Is.Zero);
        host.CrashAndRestart();
        host.Step(new HeartbeatRequest(Two, host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Node.ReadIndex(7);
        host.Pump();
        var asked = host.TakeOne<ReadIndexRequest>();
        Assert.That(asked.Boot, Is.EqualTo(1));
        host.Step(new ReadIndexResponse(Two, host.Id, new Term(1), 7, new LogIndex(3), false));
        host.Step(new ReadIndexResponse(Two, host.Id, new Term(1), 7, LogIndex.Zero, true));
        Assert.That(host.Reads, Is.Empty);
        host.Step(new ReadIndexResponse(Two, host.Id, new Term(1), 7, new LogIndex(4), false) { Boot = asked.Boot });
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(4), false) }));
    }

    [Test]
    public void Every_answer_names_the_process_that_asked()
    {
        var leader = Settled();
        leader.Step(new ReadIndexRequest(Two, leader.Id, leader.Node.Term, 7) { Boot = 5 });
        Confirm(leader, Three);
        Assert.That(leader.TakeOne<ReadIndexResponse>().Boot, Is.EqualTo(5));
        leader.Step(new ReadIndexRequest(Two, leader.Id, Term.Zero, 8) { Boot = 6 });
        Assert.That(leader.TakeOne<ReadIndexResponse>().Boot, Is.EqualTo(6), "of an older term");
        leader.Step(new ReadIndexRequest(Two, leader.Id, leader.Node.Term, 9) { Boot = 7 });
        leader.Take<Message>();
        leader.Step(new HeartbeatRequest(Three, leader.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(leader.TakeOne<ReadIndexResponse>().Boot, Is.EqualTo(7), "by a leader that is deposed");
        leader.Step(new ReadIndexRequest(Two, leader.Id, new Term(2), 10) { Boot = 8 });
        Assert.That(leader.TakeOne<ReadIndexResponse>().Boot, Is.EqualTo(8), "by who does not lead");
    }

    [Test]
    public void Leader_forgets_what_the_process_before_asked_when_it_hears_of_the_next_one()
    {
        var host = Settled();
        host.Step(new ReadIndexRequest(Two, host.Id, host.Node.Term, 7) { Boot = 5 });
        host.Step(new ReadIndexRequest(Three, host.Id, host.Node.Term, 7) { Boot = 5 });
        host.Node.ReadIndex(7);
        host.Pump();
        host.Step(new ReadIndexRequest(Two, host.Id, host.Node.Term, 7) { Boot = 6 });
        host.Node.ReportNewProcess(Two, 6);
        Confirm(host, Three);
        Assert.That(host.Take<ReadIndexResponse>().Select(r => (r.To, r.Boot)), Is.EqualTo(new[] { (Three, 5L), (Two, 6L) }));
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void What_the_process_before_asked_takes_no_room_once_the_next_one_is_there()
    {
        var host = Settled();
        for (var i = 0; i < ReadRounds.MaxQuestions; i++)
        {
            host.Step(new ReadIndexRequest(Two, host.Id, host.Node.Term, i) { Boot = 5 });
        }
        host.Node.ReadIndex(7);
        host.Pump();
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
        host.Node.ReportNewProcess(Two, 6);
        host.Node.ReadIndex(8);
        host.Pump();
        Confirm(host, Three);
        Assert.That(host.Reads[^1], Is.EqualTo(new ReadState(8, new LogIndex(1), false)));
    }

    [Test]
    public void Follower_asks_again_at_once_when_its_leaders_process_is_another()
    {
        var host = FollowerOf2();
        host.Node.ReadIndex(7);
        host.Node.ReportNewProcess(Three, 1);
        host.Pump();
        Assert.That(host.Reads, Is.Empty);
        host.Node.ReportNewProcess(Two, 1);
        host.Pump();
        Assert.That(host.Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
    }

    [Test]
    public void A_round_that_an_earlier_process_of_the_leader_started_confirms_nothing_in_the_next()
    {
        var host = Settled();
        for (var i = 0; i < 5; i++)
        {
            host.Node.ReadIndex(i);
            host.Pump();
        }
        var rounds = host.Take<HeartbeatRequest>().Where(h => h.To == Two).ToList();
        host.CrashAndRestart();
        host.BecomeLeader();
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        host.Node.ReadIndex(7);
        host.Pump();
        foreach (var round in rounds)
        {
            host.Step(new HeartbeatResponse(Two, host.Id, round.Term, round.ReadRound));
            host.Step(new AppendResponse(Three, host.Id, round.Term, true, host.Node.LastIndex, LogIndex.Zero, Term.Zero, round.ReadRound));
        }
        Assert.That(host.Reads, Is.Empty, "those answers are of another term, which this process does not lead in");
        Confirm(host, Two);
        Assert.That(host.Reads, Has.Count.EqualTo(1));
    }

    [Test]
    public void Follower_that_reads_learns_of_the_commit_index_at_once()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network[1].Propose();
        network.Settle();
        Assert.That(network[2].Node.CommitIndex, Is.EqualTo(new LogIndex(1)), "it would learn of it at the next heartbeat");
        network[2].Node.ReadIndex(7);
        network.Settle();
        Assert.That(network[2].Reads, Is.EqualTo(new[] { new ReadState(7, new LogIndex(2), false) }));
        Assert.That(network[2].AppliedIndex, Is.EqualTo(new LogIndex(2)));
    }

    private static Host Settled()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        return host;
    }

    private static Host FollowerOf2()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new HeartbeatRequest(Two, host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
        return host;
    }

    /// <summary>A heartbeat's answer; for the newest round that was sent unless given.</summary>
    private static void Confirm(Host host, MemberId from, long? round = null) =>
        host.Step(new HeartbeatResponse(from, host.Id, host.Node.Term, round ?? host.Take<HeartbeatRequest>().Max(h => h.ReadRound)));
}
