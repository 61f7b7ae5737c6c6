using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Replication;

/// <summary>The leader's side of log replication. Raft §5.3, §5.4.</summary>
public sealed class LeaderTests
{
    [Test]
    public void New_leader_appends_an_empty_entry_of_its_term()
    {
        var host = Make.Leader(1, Make.Voters(3), Make.Log(1, 1));
        Assert.That(host.Disk.Entries[^1].Kind, Is.EqualTo(EntryKind.NoOp));
        Assert.That(host.Disk.Entries[^1].Term, Is.EqualTo(new Term(2)));
        var request = host.TakeOne<AppendRequest>(Make.Id(2));
        Assert.That((request.PreviousIndex.Value, request.PreviousTerm.Value, request.Entries.Count), Is.EqualTo((2L, 1L, 1)));
    }

    [Test]
    public void Follower_and_candidate_refuse_proposals()
    {
        var host = Make.Host(1, Make.Voters(3));
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.NotLeader));
        host.TickToTimeout();
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.NotLeader));
        Assert.That(host.Node.LastIndex, Is.EqualTo(LogIndex.Zero));
    }

    [Test]
    public void Proposal_gets_its_place_in_the_log()
    {
        var host = Make.Leader(1, Make.Voters(1));
        var request = new RequestId(Make.Id(1), 7, 9);
        var result = host.Node.Propose(new Proposal(EntryKind.Command, request, new byte[] { 1, 2 }, "me", 0), out var index, out var term);
        host.Pump();
        var entry = host.Applied[^1];
        Assert.Multiple(() =>
        {
            Assert.That(result, Is.EqualTo(ProposeResult.Appended));
            Assert.That((index, term), Is.EqualTo((new LogIndex(2), new Term(1))));
            Assert.That(entry.Index, Is.EqualTo(index));
            Assert.That(entry.Request, Is.EqualTo(request));
            Assert.That(entry.Principal, Is.EqualTo("me"));
            Assert.That(entry.Payload.ToArray(), Is.EqualTo(new byte[] { 1, 2 }));
        });
    }

    [Test]
    public void All_proposals_of_a_turn_go_in_one_request_per_follower_and_one_write()
    {
        var host = Replicating(3);
        for (var i = 0; i < 10; i++)
        {
            host.Node.Propose(Make.Command(), out _, out _);
        }
        var ready = host.Node.TakeReady();
        Assert.That(ready.Entries, Has.Count.EqualTo(10));
        var requests = ready.Messages.OfType<AppendRequest>().ToList();
        Assert.That(requests.Select(r => r.To), Is.EqualTo(new[] { Make.Id(2), Make.Id(3) }));
        Check.All(requests, r => r.Entries.Count == 10);
        Assert.That(ready.MessagesAfterPersist, Is.Empty, "a leader replicates while it writes (rule 5)");
        Assert.That(requests[0].Entries, Is.SameAs(ready.Entries), "nothing is copied for each receiver");
    }

    [Test]
    public void Leader_counts_its_own_copy_only_once_it_is_durable()
    {
        // raft-bugs 6.
        var host = Replicating(3);
        host.PersistsAtOnce = false;
        host.Propose();
        host.AcknowledgeAll(2);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(host.Node.LastIndex.Previous));
        host.PersistOne();
        Assert.That(host.Node.CommitIndex, Is.EqualTo(host.Node.LastIndex));
    }

    [Test]
    public void Single_voter_commits_only_what_is_durable()
    {
        // raft-bugs 6.
        var host = Make.Leader(1, Make.Voters(1));
        host.PersistsAtOnce = false;
        host.Propose();
        host.Propose();
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(1)));
        host.PersistOne();
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(2)), "the other one is still on its way");
        host.PersistOne();
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(3)));
    }

    [Test]
    public void Entry_on_a_majority_of_followers_is_committed_but_not_applied_before_it_is_durable_here()
    {
        var host = Replicating(3);
        var applied = host.AppliedIndex;
        host.PersistsAtOnce = false;
        host.Propose();
        host.AcknowledgeAll(2, 3);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(host.Node.LastIndex));
        Assert.That(host.AppliedIndex, Is.EqualTo(applied));
        host.PersistOne();
        Assert.That(host.AppliedIndex, Is.EqualTo(host.Node.LastIndex));
    }

    [Test]
    public void Joint_configuration_needs_both_majorities_to_commit()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], outgoing: [3, 4, 5]));
        host.AcknowledgeAll(2);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        host.AcknowledgeAll(4);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        host.AcknowledgeAll(5);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(1)));
    }

    [Test]
    public void Learner_is_replicated_to_but_does_not_count()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], learners: [4]));
        Assert.That(host.Take<AppendRequest>().Select(r => r.To), Does.Contain(Make.Id(4)));
        host.AcknowledgeAll(4);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
    }

    [Test]
    public void Acknowledgement_above_the_log_is_not_believed()
    {
        var host = Replicating(3);
        host.Step(new AppendResponse(Make.Id(2), host.Id, host.Node.Term, true, new LogIndex(500), LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.GetProgress()[0].Match, Is.EqualTo(host.Node.LastIndex));
    }

    [Test]
    public void Acknowledgement_of_an_older_term_counts_for_nothing()
    {
        var host = Make.Leader(1, Make.Voters(3), Make.Log(1, 2), term: 3);
        host.Step(new AppendResponse(Make.Id(2), host.Id, new Term(3), true, new LogIndex(3), LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        Assert.That(host.Node.GetProgress()[0].Match, Is.EqualTo(LogIndex.Zero));
    }

    [Test]
    public void Heartbeats_go_out_every_interval_with_a_commit_index_that_the_follower_holds()
    {
        var host = Replicating(3);
        host.Propose();
        host.AcknowledgeAll(2);
        host.Tick(1);
        host.Take<Message>();
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(Make.Options.HeartbeatIntervalTicks - 1));
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        var commits = host.Take<HeartbeatRequest>().Select(h => h.Commit.Value);
        Assert.That(commits, Is.EqualTo(new[] { 2L, 1L }), "member 3 acknowledged the no-op only");
    }

    [Test]
    public void Proposals_are_refused_when_too_many_bytes_wait_and_taken_again_after_they_are_committed()
    {
        var host = Replicating(3, Make.Options with { MaxUncommittedBytes = 1000 });
        var taken = 0;
        while (host.Propose(100) == ProposeResult.Appended)
        {
            taken++;
        }
        Assert.That(taken, Is.InRange(3, 11));
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.Full));
        host.AcknowledgeAll(2);
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.Appended));
    }

    [Test]
    public void A_tenth_of_the_room_for_uncommitted_bytes_is_kept_for_urgent_proposals()
    {
        var host = Replicating(3, Make.Options with { MaxUncommittedBytes = 10_000 });
        while (host.Propose(100) == ProposeResult.Appended)
        {
        }
        Assert.That(host.Node.UncommittedBytes, Is.LessThan(9_300));
        var urgent = 0;
        while (host.Node.Propose(Make.Command(10) with { IsUrgent = true }, out _, out _) == ProposeResult.Appended)
        {
            urgent++;
        }
        Assert.That(urgent, Is.InRange(7, 10), "they have a bound of their own as well");
        Assert.That(host.Propose(10), Is.EqualTo(ProposeResult.Full));
    }

    [Test]
    public void Only_commands_and_time_entries_are_proposed()
    {
        var host = Make.Leader(1, Make.Voters(1));
        Assert.That(
            () => host.Node.Propose(new Proposal(EntryKind.Configuration, RequestId.None, default), out _, out _),
            Throws.TypeOf<InvariantViolationException>());
    }

    private static Host Replicating(int size, RaftOptions? options = null)
    {
        var host = Make.Leader(1, Make.Voters(size), options: options);
        host.AcknowledgeAll([.. Enumerable.Range(2, size - 1)]);
        host.Take<Message>();
        return host;
    }
}
