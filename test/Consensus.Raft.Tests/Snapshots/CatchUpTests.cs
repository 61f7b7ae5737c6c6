using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Snapshots;

/// <summary>A follower that is sent a snapshot becomes level, however much is written meanwhile.</summary>
public sealed class CatchUpTests
{
    private const long KiB = 1024;
    private static readonly MemberId Two = Make.Id(2);
    private static readonly MemberId Three = Make.Id(3);

    [Test]
    public void While_a_snapshot_is_on_its_way_the_log_after_it_is_kept_and_it_alone_is_offered()
    {
        var host = LeaderThatLost2(out var first);
        host.TakeOne<InstallSnapshotRequest>();
        for (var round = 0; round < 10; round++)
        {
            Write(host, 30);
            host.TakeSnapshot();
            Assert.That(host.Node.FirstIndex, Is.EqualTo(first.LastIndex.Next), $"round {round}");
            Assert.That(host.Take<InstallSnapshotRequest>(), Is.Empty, $"round {round}");
        }
        Acknowledge(host, first.LastIndex);
        Assert.That(host.Take<InstallSnapshotRequest>(), Is.Empty);
        Assert.That(host.Take<AppendRequest>().First(a => a.To == Two).PreviousIndex, Is.EqualTo(first.LastIndex));
    }

    [Test]
    public void Until_the_follower_is_level_what_it_has_not_acknowledged_is_kept()
    {
        var host = LeaderThatLost2(out var first);
        Write(host, 30);
        Acknowledge(host, first.LastIndex);
        Acknowledge(host, first.LastIndex + 10);
        Write(host, 30);
        host.TakeSnapshot();
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(first.LastIndex.Value + 11)));
        Assert.That(host.Node.IsAnyCatchingUp, Is.True);
        Assert.That(host.Node.GetProgress().Single(p => p.Member == Two).IsCatchingUp, Is.True);

        Acknowledge(host, host.Node.LastIndex);
        Assert.That(host.Node.IsAnyCatchingUp, Is.False);
        Assert.That(host.Node.FirstIndex, Is.EqualTo(new LogIndex(host.Node.LastIndex.Value - 1)), "and then no longer");
        Assert.That(host.Take<InstallSnapshotRequest>(), Has.Count.EqualTo(1), "the first one");
    }

    [Test]
    public void A_transfer_that_broke_off_goes_on_under_its_number_and_with_its_mark()
    {
        var host = LeaderThatLost2(out var first);
        var offered = host.TakeOne<InstallSnapshotRequest>();
        Write(host, 30);
        host.TakeSnapshot();
        host.Node.ReportSnapshotSent(offered, SnapshotReport.Broken);
        Assert.That(host.Node.OldestSnapshotInUse, Is.EqualTo(first));
        var again = NextOffer(host, first);
        Assert.That((again.Mark, again.Transfer), Is.EqualTo((first, offered.Transfer)));
        Assert.That(offered.Transfer, Is.GreaterThan(0));
    }

    [Test]
    public void After_a_file_that_cannot_be_used_the_next_one_is_offered_under_a_number_of_its_own()
    {
        var host = LeaderThatLost2(out var first);
        var offered = host.TakeOne<InstallSnapshotRequest>();
        Write(host, 30);
        var second = host.TakeSnapshot();
        host.Node.ReportSnapshotSent(offered, SnapshotReport.Unusable);
        Assert.That(host.Node.OldestSnapshotInUse, Is.EqualTo(second));
        var again = NextOffer(host, first);
        Assert.That(again.Mark, Is.EqualTo(second));
        Assert.That(again.Transfer, Is.GreaterThan(offered.Transfer));
    }

    [Test]
    public void A_refused_snapshot_is_offered_again_after_a_pause_that_doubles_up_to_its_bound()
    {
        var options = Make.Options with { SnapshotPauseTicks = 1_000, LongestSnapshotPauseTicks = 3_500 };
        var host = LeaderThatLost2(out var first, options);
        foreach (var pause in new[] { 1_000, 2_000, 3_500, 3_500 })
        {
            var offered = host.TakeOne<InstallSnapshotRequest>();
            host.Node.ReportSnapshotSent(offered, SnapshotReport.Refused);
            Assert.That(TicksToTheNextOffer(host, first), Is.InRange(pause, pause + (4 * Make.Options.HeartbeatIntervalTicks)));
        }
    }

    [Test]
    public void The_next_process_of_a_follower_that_refused_is_offered_its_snapshot_soon()
    {
        var host = LeaderThatLost2(out var first);
        for (var i = 0; i < 8; i++)
        {
            host.Node.ReportSnapshotSent(host.TakeOne<InstallSnapshotRequest>(), SnapshotReport.Refused);
            TicksToTheNextOffer(host, first);
        }
        host.Node.ReportSnapshotSent(host.TakeOne<InstallSnapshotRequest>(), SnapshotReport.Refused);
        host.Node.ReportNewProcess(Two, 77);
        Assert.That(TicksToTheNextOffer(host, first), Is.LessThan(Make.Options.SnapshotPauseTicks));
    }

    [Test]
    public void What_broke_is_tried_again_soon_and_a_success_ends_the_pauses()
    {
        var host = LeaderThatLost2(out var first);
        for (var i = 0; i < 30; i++)
        {
            host.Node.ReportSnapshotSent(host.TakeOne<InstallSnapshotRequest>(), SnapshotReport.Broken);
            Assert.That(TicksToTheNextOffer(host, first), Is.LessThanOrEqualTo(Make.Options.SnapshotPauseTicks + (4 * Make.Options.HeartbeatIntervalTicks)));
        }
    }

    [Test]
    public void Past_its_bound_the_log_is_kept_for_nobody_and_that_is_said_once()
    {
        var options = Make.Options with { MaxLogBytes = 8 * KiB };
        var host = LeaderThatLost2(out var first, options);
        host.Take<Message>();
        Write(host, 20);
        host.TakeSnapshot();
        Assert.That(host.Node.FirstIndex, Is.EqualTo(first.LastIndex.Next));
        Assert.That(host.Node.TakeCatchUpsGivenUp(), Is.Empty);
        Write(host, 100);
        var last = host.TakeSnapshot();
        Assert.That(host.Node.FirstIndex.Value, Is.EqualTo(last.LastIndex.Value - 1));
        Assert.That(host.Node.TakeCatchUpsGivenUp(), Is.EqualTo(new[] { Two }));
        Assert.That(host.Node.TakeCatchUpsGivenUp(), Is.Empty);
        Acknowledge(host, first.LastIndex);
        Assert.That(host.TakeOne<InstallSnapshotRequest>().Mark, Is.EqualTo(last));
    }

    [Test]
    public void No_log_is_kept_for_a_follower_that_was_not_heard_for_long()
    {
        var host = LeaderThatLost2(out _);
        Write(host, 30);
        var last = host.TakeSnapshot();
        Assert.That(host.Node.IsAnyCatchingUp, Is.True);
        for (var i = 0; i < 10; i++)
        {
            host.Tick(Make.T / 2);
            host.Step(new HeartbeatResponse(Three, host.Id, host.Node.Term, 0));
        }
        Assert.That(host.Node.IsAnyCatchingUp, Is.True, "five election time-outs are not long");
        for (var i = 0; i < 3; i++)
        {
            host.Tick(Make.T / 2);
            host.Step(new HeartbeatResponse(Three, host.Id, host.Node.Term, 0));
        }
        Assert.That(host.Node.IsAnyCatchingUp, Is.False);
        Assert.That(host.Node.FirstIndex.Value, Is.EqualTo(last.LastIndex.Value - 1));
    }

    /// <summary>A leader that finds out that member 2 has nothing of what it compacted.</summary>
    private static Host LeaderThatLost2(out SnapshotMark mark, RaftOptions? options = null)
    {
        var host = Make.Leader(1, Make.Voters(3), options: (options ?? Make.Options) with { TrailingEntries = 2 });
        Write(host, 20);
        mark = host.TakeSnapshot();
        host.Take<Message>();
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, LogIndex.Zero, LogIndex.Zero, Term.Zero, 0));
        return host;
    }

    private static void Write(Host host, int count)
    {
        for (var i = 0; i < count; i++)
        {
            host.Propose();
        }
        host.AcknowledgeAll(3);
    }

    private static void Acknowledge(Host host, LogIndex match) =>
        host.Step(new AppendResponse(Two, host.Id, host.Node.Term, true, match, LogIndex.Zero, Term.Zero, 0));

    /// <summary>The follower lives and has nothing.</summary>
    private static InstallSnapshotRequest NextOffer(Host host, SnapshotMark mark)
    {
        TicksToTheNextOffer(host, mark);
        return host.TakeOne<InstallSnapshotRequest>();
    }

    private static int TicksToTheNextOffer(Host host, SnapshotMark mark)
    {
        for (var ticks = 0; ticks < 100_000; ticks += 10)
        {
            if (host.Sent.OfType<InstallSnapshotRequest>().Any())
            {
                return ticks;
            }
            host.Tick(10);
            host.Step(new HeartbeatResponse(Two, host.Id, host.Node.Term, 0));
            host.Step(new HeartbeatResponse(Three, host.Id, host.Node.Term, 0));
            foreach (var probe in host.Take<AppendRequest>().Where(a => a.To == Two))
            {
                host.Step(new AppendResponse(Two, host.Id, host.Node.Term, false, probe.PreviousIndex, LogIndex.Zero, Term.Zero, 0));
            }
        }
        Assert.Fail($"never offered again: {mark.LastIndex}");
        return 0;
    }
}
