using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Snapshots;

/// <summary>Log compaction and snapshots for followers that lag. Raft §7.</summary>
public sealed class SnapshotTests
{
    private static readonly MemberId Two = Make.Id(2);

    [Test]
    public void Snapshot_keeps_the_trailing_entries_and_everything_after_its_mark()
    {
        var host = LeaderWithEntries(20, trailing: 5);
        host.TakeSnapshot();
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(17)));
        Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(21)));
    }

    [Test]
    public void Snapshot_of_fewer_entries_than_trail_drops_nothing()
    {
        var host = LeaderWithEntries(20, trailing: 5000);
        host.TakeSnapshot();
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(1)));
    }

    [Test]
    public void Uncommitted_entries_after_the_mark_stay()
    {
        var host = LeaderWithEntries(20, trailing: 0);
        host.Propose();
        host.TakeSnapshot();
        Assert.That((host.Node.FirstIndex.Value, host.Node.LastIndex.Value), Is.EqualTo((22L, 22L)));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(21)));
    }

    [Test]
    public void Older_snapshot_than_the_last_is_ignored()
    {
        var host = LeaderWithEntries(20, trailing: 0);
        host.TakeSnapshot();
        host.Node.SnapshotTaken(Make.Mark(5, 1, Make.Voters(3)));
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(22)));
    }

    [Test]
    public void Snapshot_of_what_was_not_applied_ends_the_process()
    {
        var host = LeaderWithEntries(2, trailing: 0);
        host.Propose();
        Assert.That(
            () => host.Node.SnapshotTaken(Make.Mark(4, 1, Make.Voters(3))),
            Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Restart_goes_on_from_the_snapshot()
    {
        var host = LeaderWithEntries(20, trailing: 5);
        host.Propose();
        host.TakeSnapshot();
        host.CrashAndRestart();
        Assert.Multiple(() =>
        {
            Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(22)));
            Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(22)));
            Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(21)));
            Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(22)));
            Assert.That(host.Node.HasReady, Is.False);
        });
    }

    [Test]
    public void Follower_behind_the_compaction_point_is_sent_the_snapshot_once()
    {
        var host = LeaderThatLost2(out var mark);
        var request = host.TakeOne<InstallSnapshotRequest>();
        Assert.That((request.To, request.Mark), Is.EqualTo((Two, mark)));
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Snapshot));
        host.Propose();
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
        Assert.That(host.Take<InstallSnapshotRequest>(), Is.Empty);
        Assert.That(host.Take<AppendRequest>().Where(a => a.To == Two), Is.Empty);
        Assert.That(host.Take<HeartbeatRequest>().Select(h => h.To), Does.Contain(Two), "heartbeats go on meanwhile");
    }

    [Test]
    public void Installed_snapshot_is_followed_by_the_entries_after_it()
    {
        var host = LeaderThatLost2(out var mark);
        var sent = host.TakeOne<InstallSnapshotRequest>();
        host.Take<Message>();
        host.Node.ReportSnapshotSent(sent, SnapshotReport.Taken);
        host.Propose();
        Assert.That(host.Take<AppendRequest>().Where(a => a.To == Two), Is.Empty);
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, mark.LastIndex, LogIndex.Zero, Term.Zero, 0));
        var request = host.TakeOne<AppendRequest>();
        Assert.That((request.To, request.PreviousIndex), Is.EqualTo((Two, mark.LastIndex)));
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Replicate));
    }

    [Test]
    public void Snapshot_that_arrives_after_the_log_outgrew_its_bound_is_followed_by_the_next_one()
    {
        var host = LeaderThatLost2(out var first, logBytes: 1_000);
        host.Take<Message>();
        for (var i = 0; i < 20; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(3);
        var second = host.TakeSnapshot();
        host.Take<Message>();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, first.LastIndex, LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.TakeOne<InstallSnapshotRequest>().Mark, Is.EqualTo(second));
    }

    [Test]
    public void Failed_snapshot_is_tried_again_once_a_probe_after_it_is_refused()
    {
        var host = LeaderThatLost2(out var mark);
        var sent = host.TakeOne<InstallSnapshotRequest>();
        host.Take<Message>();
        host.Node.ReportSnapshotSent(sent, SnapshotReport.Broken);
        host.Pump();
        host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
        Assert.That(host.Take<AppendRequest>(), Is.Empty, "a heartbeat interval passes first");
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Assert.That(host.TakeOne<AppendRequest>(Two).PreviousIndex, Is.EqualTo(mark.LastIndex));
        Assert.That(host.Take<InstallSnapshotRequest>(), Is.Empty);
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, mark.LastIndex, new LogIndex(1), new Term(1), 0));
        Assert.That(host.TakeOne<InstallSnapshotRequest>().Mark, Is.EqualTo(mark));
    }

    [Test]
    public void Follower_that_refused_a_snapshot_because_it_had_all_of_it_is_sent_what_comes_after()
    {
        var host = LeaderThatLost2(out var mark);
        var sent = host.TakeOne<InstallSnapshotRequest>();
        host.Take<Message>();
        host.Node.ReportSnapshotSent(sent, SnapshotReport.Broken);
        host.Propose();
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Assert.That(host.TakeOne<AppendRequest>(Two).PreviousIndex, Is.EqualTo(mark.LastIndex));
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, host.Node.LastIndex, LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Replicate));
        Assert.That(host.Take<InstallSnapshotRequest>(), Is.Empty);
    }

    [Test]
    public void Lost_acknowledgement_of_a_snapshot_is_found_out_by_a_probe_after_it()
    {
        var host = LeaderThatLost2(out var mark);
        var sent = host.TakeOne<InstallSnapshotRequest>();
        host.Take<Message>();
        host.Node.ReportSnapshotSent(sent, SnapshotReport.Taken);
        for (var i = 0; i < 60 && host.Node.GetProgress()[0].State == ProgressState.Snapshot; i++)
        {
            host.Tick(Make.T / 10);
            host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
            host.Step(new HeartbeatResponse(Make.Id(3), host.Id, host.Node.Term, 0));
        }
        Assert.That(host.Take<AppendRequest>().First(a => a.To == Two).PreviousIndex, Is.EqualTo(mark.LastIndex));
    }

    [Test]
    public void The_end_of_an_earlier_transfer_says_nothing_of_the_one_that_is_under_way()
    {
        var host = LeaderThatLost2(out var first, logBytes: 1_000);
        var earlier = host.TakeOne<InstallSnapshotRequest>();
        for (var i = 0; i < 20; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(3);
        var second = host.TakeSnapshot();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, first.LastIndex, LogIndex.Zero, Term.Zero, 0));
        var sent = host.TakeOne<InstallSnapshotRequest>();
        Assert.That(sent.Mark, Is.EqualTo(second));
        host.Node.ReportSnapshotSent(earlier, SnapshotReport.Broken);
        host.Node.ReportSnapshotSent(sent with { Term = new Term(sent.Term.Value - 1) }, SnapshotReport.Broken);
        host.Node.ReportSnapshotSent(sent with { Transfer = earlier.Transfer }, SnapshotReport.Broken);
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Snapshot));
        host.Node.ReportSnapshotSent(sent, SnapshotReport.Broken);
        Assert.That(host.Node.GetProgress()[0].State, Is.EqualTo(ProgressState.Probe));
    }

    [Test]
    public void Follower_replaces_its_log_by_the_snapshot_and_acknowledges_it_when_durable()
    {
        var configuration = Make.Configured([1, 2, 3], learners: [4]);
        var host = Make.Host(2, Make.Voters(3), Make.Log(1, 1, 1), term: 2);
        host.PersistsAtOnce = false;
        Ready? seen = null;
        host.OnReady = ready => seen = ready.Snapshot is null ? seen : ready;
        var mark = Make.Mark(10, 2, configuration, stamp: 500);
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(2), mark, new ClusterTime(700)));
        Assert.Multiple(() =>
        {
            Assert.That(seen!.Snapshot, Is.EqualTo(mark));
            Assert.That(seen.MustPersist, Is.True);
            Assert.That(host.Sent, Is.Empty);
            Assert.That(host.Node.DurableIndex, Is.EqualTo(LogIndex.Zero));
            Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(11)));
            Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(10)));
            Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(10)));
            Assert.That(host.Node.LastStamp, Is.EqualTo(new ClusterTime(500)));
            Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(700)));
            Assert.That(host.Node.Configuration, Is.EqualTo(configuration));
        });
        host.PersistOne();
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(10)));
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(10)));

        host.Step(new AppendRequest(
            Make.Id(1), host.Id, new Term(2), new LogIndex(10), new Term(2), [Make.Entry(11, 2, stamp: 600)], new LogIndex(11), new ClusterTime(700), 0));
        host.PersistAll();
        Assert.That(host.Applied.Select(e => e.Index.Value), Is.EqualTo(new[] { 11 }));
    }

    [Test]
    public void Write_of_entries_that_a_snapshot_replaced_makes_nothing_durable()
    {
        var host = Make.Host(2, Make.Voters(3), term: 2);
        host.PersistsAtOnce = false;
        var entries = Make.Log(1, 1, 1);
        host.Step(new AppendRequest(Make.Id(1), host.Id, new Term(2), LogIndex.Zero, Term.Zero, entries, new LogIndex(1), default, 0));
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(2), Make.Mark(10, 2, Make.Voters(3)), default));
        host.PersistOne();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(1)), "of the old log only what was committed is in the snapshot for sure");
        host.PersistOne();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(10)));
    }

    [Test]
    public void Append_that_starts_before_the_compaction_point_brings_what_is_after_it()
    {
        var host = Make.Host(2, Make.Voters(3), snapshot: Make.Mark(10, 2, Make.Voters(3)));
        Entry[] entries = [Make.Entry(9, 2), Make.Entry(10, 2), Make.Entry(11, 2)];
        host.Step(new AppendRequest(Make.Id(1), host.Id, new Term(2), new LogIndex(8), new Term(2), entries, new LogIndex(11), default, 0));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(11)));
        Assert.That(host.Applied.Select(e => e.Index.Value), Is.EqualTo(new[] { 11 }));

        host.Step(new AppendRequest(Make.Id(1), host.Id, new Term(2), new LogIndex(3), new Term(1), [Make.Entry(4, 1)], new LogIndex(11), default, 0));
        var response = host.TakeOne<AppendResponse>();
        Assert.That((response.Success, response.MatchIndex.Value), Is.EqualTo((true, 4L)));
    }

    [Test]
    public void Snapshot_of_what_is_committed_is_acknowledged_and_nothing_else()
    {
        var host = Make.Host(2, Make.Voters(3), Make.Log(1, 1, 1), term: 1);
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(1), new LogIndex(3), ClusterTime.Zero, 0));
        host.Take<Message>();
        host.OnReady = ready => Assert.That(ready.Snapshot, Is.Null);
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(1), Make.Mark(2, 1, Make.Voters(3)), ClusterTime.Zero));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(3)));
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(1)));
    }

    [Test]
    public void Snapshot_that_the_log_reaches_moves_the_commit_index_only()
    {
        var host = Make.Host(2, Make.Voters(3), Make.Log(1, 1, 1, 1), term: 1);
        host.OnReady = ready => Assert.That(ready.Snapshot, Is.Null);
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(1), Make.Mark(3, 1, Make.Voters(3)), ClusterTime.Zero));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(3)));
        Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(4)), "entries after it are kept (Raft figure 13)");
        Assert.That(host.AppliedIndex, Is.EqualTo(new LogIndex(3)));
    }

    [Test]
    public void Crash_before_an_installed_snapshot_is_durable_leaves_the_old_log()
    {
        // raft-bugs 12.
        var host = Make.Host(2, Make.Voters(3), Make.Log(1, 1, 1), term: 2);
        host.PersistsAtOnce = false;
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(2), Make.Mark(10, 2, Make.Voters(3)), ClusterTime.Zero));
        host.CrashAndRestart();
        Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(3)));
        host.Step(new InstallSnapshotRequest(Make.Id(1), host.Id, new Term(2), Make.Mark(10, 2, Make.Voters(3)), ClusterTime.Zero));
        host.PersistAll();
        host.CrashAndRestart();
        Assert.That((host.Node.FirstIndex.Value, host.Node.CommitIndex.Value), Is.EqualTo((11L, 10L)));
    }

    [Test]
    public void Snapshots_in_quick_succession_bring_a_lost_member_back([Values(0, 1, 5, 10)] int trailing)
    {
        // raft-bugs 14: a snapshot every ten entries while a member is cut off again and again.
        var network = Network.OfVoters(3, Make.Options with { TrailingEntries = trailing });
        network.Elect(1);
        for (var round = 0; round < 10; round++)
        {
            network.Isolate(3);
            network[1].Node.ReportUnreachable(Make.Id(3));
            for (var i = 0; i < 35; i++)
            {
                network[1].Propose();
                network.Settle();
                if (i % 10 == 9)
                {
                    network.Tick(Make.Options.HeartbeatIntervalTicks, 1);
                    network[1].TakeSnapshot();
                    network[2].TakeSnapshot();
                }
            }
            network.Heal();
            network.Tick(3 * Make.Options.HeartbeatIntervalTicks, 1);
            Assert.That(network[3].AppliedIndex, Is.EqualTo(network[1].AppliedIndex));
        }
    }

    [Test]
    public void Only_so_many_bytes_of_log_stay_in_memory_behind_a_snapshot()
    {
        var host = Make.Leader(1, Make.Voters(3), options: Make.Options with { TrailingBytes = 4 << 20 });
        for (var i = 0; i < 20; i++)
        {
            host.Propose(1_500_000);
            host.AcknowledgeAll(3);
        }
        host.TakeSnapshot();
        Assert.That(host.Node.LogBytes, Is.InRange(1, 4 << 20), "5,000 entries may trail, but not 30 MB of them");
    }

    [Test]
    public void Log_in_memory_stays_within_its_bound_while_no_snapshot_is_taken()
    {
        var host = Make.Leader(1, Make.Voters(3), options: Make.Options with { TrailingBytes = 2 << 20, MaxLogBytes = 8 << 20 });
        for (var i = 0; i < 40; i++)
        {
            host.Propose(1_500_000);
            host.AcknowledgeAll(3);
            Assert.That(host.Node.LogBytes, Is.LessThan((8 << 20) + 1_600_000));
        }
        Assert.That(host.AppliedIndex, Is.EqualTo(host.Node.LastIndex), "nothing was forgotten that was not applied");
    }

    [Test]
    public void Nothing_that_is_not_applied_is_forgotten_however_much_it_is()
    {
        var host = Make.Leader(1, Make.Voters(3), options: Make.Options with { TrailingBytes = 0, MaxLogBytes = 10_000 });
        for (var i = 0; i < 20; i++)
        {
            host.Propose(1_000);
        }
        Assert.That(host.Node.LogBytes, Is.GreaterThan(20_000));
        host.AcknowledgeAll(3);
        host.Propose();
        Assert.That(host.Node.LogBytes, Is.LessThan(10_000));
    }

    [Test]
    public void Follower_that_lacks_what_was_forgotten_before_any_snapshot_gets_the_next_one()
    {
        var network = Network.OfVoters(3, Make.Options with { TrailingBytes = 0, MaxLogBytes = 10_000 });
        network.Elect(1);
        network.Isolate(3);
        network[1].Node.ReportUnreachable(Make.Id(3));
        for (var i = 0; i < 30; i++)
        {
            network[1].Propose(1_000);
            network.Settle();
        }
        Assert.That(network[1].Node.FirstIndex.Value, Is.GreaterThan(5));
        network.Heal();
        network.Tick(3 * Make.Options.HeartbeatIntervalTicks, 1);
        Assert.That(network[3].AppliedIndex, Is.LessThan(network[1].AppliedIndex), "there is no snapshot yet");
        network[1].TakeSnapshot();
        network.Tick(3 * Make.Options.HeartbeatIntervalTicks, 1);
        Assert.That(network[3].AppliedIndex, Is.EqualTo(network[1].AppliedIndex));
    }

    private static Host LeaderWithEntries(int count, long trailing, long logBytes = 1 << 20)
    {
        var options = Make.Options with { TrailingEntries = trailing, MaxLogBytes = logBytes };
        var host = Make.Leader(1, Make.Voters(3), options: options);
        for (var i = 0; i < count; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(3);
        host.Take<Message>();
        return host;
    }

    /// <summary>A leader that finds out that member 2 has nothing of what it compacted.</summary>
    private static Host LeaderThatLost2(out SnapshotMark mark, long logBytes = 1 << 20)
    {
        var host = LeaderWithEntries(20, trailing: 2, logBytes);
        mark = host.TakeSnapshot();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, LogIndex.Zero, LogIndex.Zero, Term.Zero, 0));
        return host;
    }
}
