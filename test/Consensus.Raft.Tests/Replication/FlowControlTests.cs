using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Replication;

/// <summary>Probe and replicate states, in-flight limits, lost messages, and the hurried commit index (rule 8).</summary>
public sealed class FlowControlTests
{
    private static readonly MemberId Two = Make.Id(2);

    [Test]
    public void Probe_sends_one_request_at_a_time()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.TakeOne<AppendRequest>(Two);
        host.Propose();
        host.Propose();
        Assert.That(host.Take<AppendRequest>(), Is.Empty);
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Probe));
    }

    [Test]
    public void Lost_probe_is_sent_again_after_a_heartbeat_is_answered()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.Take<AppendRequest>();
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Assert.That(host.Take<AppendRequest>(), Is.Empty, "nobody is there yet");
        Answer(host);
        Assert.That(host.TakeOne<AppendRequest>().To, Is.EqualTo(Two));
    }

    [Test]
    public void A_probe_that_is_sent_again_carries_nothing_until_it_is_answered()
    {
        var host = Make.Leader(1, Make.Voters(3));
        Assert.That(host.TakeOne<AppendRequest>(Two).Entries, Is.Not.Empty);
        for (var i = 0; i < 3; i++)
        {
            host.Propose();
            host.Tick(Make.Options.HeartbeatIntervalTicks);
            Answer(host);
            Assert.That(host.TakeOne<AppendRequest>(Two).Entries, Is.Empty, "a slow link would take longer for it than until the next");
        }
        Acknowledge(host, LogIndex.Zero);
        Assert.That(host.TakeOne<AppendRequest>(Two).Entries.Count, Is.EqualTo(4));
    }

    [Test]
    public void Probe_is_not_repeated_by_the_heartbeats_of_read_rounds()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(3);
        host.Take<Message>();
        for (var i = 1; i <= 5; i++)
        {
            host.Node.ReadIndex(i);
            host.Pump();
            Answer(host);
        }
        Assert.That(host.Take<AppendRequest>(), Is.Empty);
    }

    [Test]
    public void Success_turns_a_probe_into_a_pipeline()
    {
        var host = Replicating(Make.Options with { EagerAppends = 5 });
        for (var i = 0; i < 5; i++)
        {
            host.Propose();
        }
        var requests = host.Take<AppendRequest>().Where(r => r.To == Two).ToList();
        Assert.That(requests.Select(r => r.PreviousIndex.Value), Is.EqualTo(new[] { 1, 2, 3, 4, 5 }), "each goes on where the one before ended");
    }

    [Test]
    public void With_two_requests_on_their_way_what_is_appended_is_gathered_until_one_is_answered()
    {
        var host = Replicating();
        for (var i = 0; i < 10; i++)
        {
            host.Propose();
        }
        var sent = host.Take<AppendRequest>().Where(r => r.To == Two).ToList();
        Assert.That(sent.Select(r => r.Entries.Count), Is.EqualTo(new[] { 1, 1 }));
        Acknowledge(host, sent[0].PreviousIndex + 1);
        Assert.That(host.TakeOne<AppendRequest>().Entries, Has.Count.EqualTo(8), "what was gathered goes in one request");
    }

    [Test]
    public void What_is_gathered_goes_after_a_tick_though_nothing_is_answered()
    {
        var host = Replicating();
        for (var i = 0; i < 4; i++)
        {
            host.Propose();
        }
        host.Take<AppendRequest>();
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(1), "its owner is told to come back for it");
        host.Tick(1);
        Assert.That(host.Take<AppendRequest>().Single(r => r.To == Two).Entries, Has.Count.EqualTo(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThan(1), "nothing is left to send");
    }

    [Test]
    public void A_commit_index_that_nothing_carries_is_told_a_tick_later_and_once()
    {
        var host = Replicating();
        host.Propose();
        Acknowledge(host, host.Node.LastIndex);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(host.Node.LastIndex));
        Assert.That(host.Take<AppendRequest>(), Has.All.Property(nameof(AppendRequest.Commit)).LessThan(host.Node.LastIndex));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(1));
        host.Tick(1);
        var told = host.Take<AppendRequest>().Single(r => r.To == Two);
        Assert.That((told.Commit, told.Entries.Count, told.IsQuiet), Is.EqualTo((host.Node.LastIndex, 0, true)));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThan(1));
        host.Tick(1);
        Assert.That(host.Take<AppendRequest>(), Is.Empty);
    }

    [Test]
    public void No_more_than_the_allowed_requests_are_on_their_way()
    {
        var host = Replicating(Make.Options with { MaxInflightAppends = 3, EagerAppends = 10 });
        for (var i = 0; i < 10; i++)
        {
            host.Propose();
        }
        var sent = host.Take<AppendRequest>().Where(r => r.To == Two).ToList();
        Assert.That(sent, Has.Count.EqualTo(3));
        Acknowledge(host, sent[0].PreviousIndex + 1);
        var next = host.TakeOne<AppendRequest>();
        Assert.That(next.Entries, Has.Count.EqualTo(7), "what waited goes in one request");
    }

    [Test]
    public void No_more_than_the_allowed_bytes_are_on_their_way()
    {
        var host = Replicating(Make.Options with { MaxInflightBytes = 5000, EagerAppends = 10 });
        for (var i = 0; i < 10; i++)
        {
            host.Propose(2000);
        }
        var sent = host.Take<AppendRequest>().Where(r => r.To == Two).ToList();
        Assert.That(sent, Has.Count.EqualTo(3));
        Acknowledge(host, sent[^1].PreviousIndex + 1);
        Assert.That(host.Take<AppendRequest>(), Is.Not.Empty);
    }

    [Test]
    public void Fewer_bytes_are_on_their_way_while_acknowledgements_are_late_and_more_again_when_they_are_in_time()
    {
        var host = Replicating(Make.Options with
        {
            MaxInflightBytes = 160_000,
            LeastInflightBytes = 20_000,
            MaxInflightTicks = 200,
            MaxAppendBytes = 10_000,
            EagerAppends = 100,
        });
        for (var i = 0; i < 200; i++)
        {
            host.Node.Propose(Make.Command(10_000 - 96), out _, out _);
        }
        host.Pump();
        var onTheirWay = new List<int>();
        foreach (var ticks in new[] { 400, 400, 4_000, 50, 50, 50, 50 })
        {
            var sent = host.Take<AppendRequest>().Where(r => r.To == Two && r.Entries.Count > 0).ToList();
            onTheirWay.Add(sent.Count);
            for (var passed = 0; passed < ticks; passed += 50)
            {
                host.Tick(50);
                host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
            }
            Acknowledge(host, sent[^1].Entries[^1].Index);
        }
        Assert.That(onTheirWay, Is.EqualTo(new[] { 16, 8, 4, 2, 4, 8, 16 }));
    }

    [Test]
    public void Follower_that_works_and_is_far_behind_is_a_laggard_and_one_that_does_nothing_is_none_after_a_while()
    {
        var host = Replicating(Make.Options with { MaxInflightBytes = 20_000, LeastInflightBytes = 20_000 });
        var first = host.Node.LastIndex;
        for (var i = 0; i < 10; i++)
        {
            host.Propose(3_000);
        }
        host.AcknowledgeAll(3);
        Assert.That(host.Node.HasLaggard, Is.True, "30,000 bytes are before member 2");
        Acknowledge(host, first + 5);
        Assert.That(host.Node.HasLaggard, Is.False);
        for (var i = 0; i < 10; i++)
        {
            host.Propose(3_000);
        }
        host.AcknowledgeAll(3);
        Assert.That(host.Node.HasLaggard, Is.True);
        for (var passed = 0; passed < Make.T; passed += 100)
        {
            host.Tick(100);
            host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
            host.AcknowledgeAll(3);
        }
        Assert.That(host.Node.HasLaggard, Is.False);
    }

    [Test]
    public void Requests_stay_within_their_size_and_a_larger_entry_goes_alone()
    {
        var host = Replicating(Make.Options with { MaxAppendBytes = 1000, EagerAppends = 10 });
        foreach (var bytes in new[] { 300, 300, 300, 5000, 10, 10 })
        {
            host.Node.Propose(Make.Command(bytes), out _, out _);
        }
        host.Pump();
        var counts = host.Take<AppendRequest>().Where(r => r.To == Two).Select(r => r.Entries.Count);
        Assert.That(counts, Is.EqualTo(new[] { 2, 1, 1, 2 }));
    }

    [Test]
    public void Refused_request_falls_back_to_probing_from_what_matches()
    {
        var host = Replicating();
        host.Propose();
        host.Propose();
        host.Take<AppendRequest>();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, new LogIndex(2), new LogIndex(1), new Term(1), 0));
        var request = host.TakeOne<AppendRequest>();
        Assert.That((request.PreviousIndex.Value, request.Entries.Count), Is.EqualTo((1L, 2)));
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Probe));
    }

    [Test]
    public void Late_refusals_are_ignored()
    {
        var host = Replicating();
        host.Propose();
        Acknowledge(host, host.Node.LastIndex);
        host.Take<Message>();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, new LogIndex(1), LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Replicate));

        host.Node.ReportUnreachable(Two);
        host.Pump();
        host.Take<Message>();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, new LogIndex(1), LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.GetProgress()[0].Next, Is.EqualTo(host.Node.LastIndex.Next));
        Assert.That(host.Take<AppendRequest>(), Is.Empty);
    }

    [Test]
    public void Entries_lost_without_a_word_are_found_by_the_heartbeats_answer()
    {
        var host = Replicating();
        host.Propose();
        host.Take<AppendRequest>();
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Answer(host);
        var question = host.TakeOne<AppendRequest>();
        Assert.That((question.PreviousIndex.Value, question.Entries.Count), Is.EqualTo((2L, 0)));

        // A follower with nothing after index 1 refuses it, and the leader sends again.
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, new LogIndex(2), new LogIndex(1), new Term(1), 0));
        Assert.That(host.TakeOne<AppendRequest>().Entries, Has.Count.EqualTo(1));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Closed_link_and_a_new_process_start_over_from_what_was_acknowledged(bool isClosed)
    {
        var host = Replicating();
        host.Propose();
        host.Propose();
        host.Take<AppendRequest>();
        if (isClosed)
        {
            host.Node.ReportUnreachable(Two);
        }
        else
        {
            host.Node.ReportNewProcess(Two, 2);
        }
        host.Pump();
        var request = host.TakeOne<AppendRequest>();
        Assert.That((request.PreviousIndex.Value, request.Entries.Count), Is.EqualTo((1L, 2)));
    }

    [Test]
    public void Idle_follower_learns_of_the_commit_index_at_the_next_heartbeat()
    {
        var host = Replicating();
        host.Propose();
        host.AcknowledgeAll(2, 3);
        host.Take<AppendRequest>();
        Assert.That(host.Node.HasReady, Is.False);
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Check.All(host.Take<HeartbeatRequest>(), h => h.Commit == new LogIndex(2));
    }

    [Test]
    public void Hurried_follower_is_told_of_the_commit_index_at_once_and_once()
    {
        var host = Replicating();
        host.Propose();
        host.Node.HurryCommit(Two);
        host.Pump();
        host.Take<Message>();
        host.AcknowledgeAll(3);
        var told = host.TakeOne<AppendRequest>();
        Assert.That((told.To, told.Entries.Count, told.Commit, told.IsQuiet), Is.EqualTo((Two, 0, new LogIndex(2), true)));
        Assert.That(host.Node.HasReady, Is.False);
        host.Propose();
        host.Take<Message>();
        host.AcknowledgeAll(2, 3);
        Assert.That(host.Take<AppendRequest>(), Is.Empty, "nobody waits for this one");
    }

    [Test]
    public void Hurry_lasts_until_the_commit_index_covers_what_was_waited_for()
    {
        var host = Replicating();
        host.Propose();
        host.Propose();
        host.Node.HurryCommit(Two);
        host.Pump();
        host.Take<Message>();
        Acknowledge(host, new LogIndex(2), Make.Id(3));
        Assert.That(host.TakeOne<AppendRequest>().Commit, Is.EqualTo(new LogIndex(2)));
        Acknowledge(host, new LogIndex(3), Make.Id(3));
        Assert.That(host.TakeOne<AppendRequest>().Commit, Is.EqualTo(new LogIndex(3)), "the forwarded request was the second one");
    }

    [Test]
    public void Commit_index_that_travels_with_entries_is_not_sent_again()
    {
        var host = Replicating();
        host.Propose();
        host.Node.HurryCommit(Two);
        host.Pump();
        host.Take<Message>();
        host.Node.Propose(Make.Command(), out _, out _);
        host.AcknowledgeAll(3);
        Assert.That(host.TakeOne<AppendRequest>(Two).Entries, Has.Count.EqualTo(1));
        Assert.That(host.Node.HasReady, Is.False);
    }

    private static Host Replicating(RaftOptions? options = null)
    {
        var host = Make.Leader(1, Make.Voters(3), options: options);
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        return host;
    }

    private static void Answer(Host host) =>
        host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));

    private static void Acknowledge(Host host, LogIndex match, MemberId? from = null) =>
        host.Step(new AppendResponse(from ?? Two, host.Id, host.Node.Term, true, match, LogIndex.Zero, Term.Zero, 0));
}
