using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>A member that needs a snapshot becomes level, whatever is written meanwhile, and its leader says what keeps it from it.</summary>
public sealed class CatchUpTests
{
    private const int WritesPerStep = 100;
    private const long StepMicros = 5_000;
    private CoreCluster _cluster = null!;

    [SetUp]
    public void Three_members()
    {
        _cluster = new CoreCluster(3);
        _cluster.UntilReady();
    }

    [Test]
    public void A_wiped_member_is_level_soon_while_20_000_writes_a_second_go_on_and_its_snapshot_takes_5_s()
    {
        _cluster.TransferMicros = 5_000_000;
        Write(1_000_000);
        var follower = _cluster.Wipe(_cluster.Followers.First());
        var writtenBefore = _cluster.Leader.Core.AppliedIndex;
        var started = _cluster.Now;
        while (_cluster.Offered.Count == 0 || _cluster.Leader.Core.AppliedIndex - follower.Core.AppliedIndex > 10 * WritesPerStep)
        {
            Assert.That(_cluster.Now - started, Is.LessThan(30_000_000), $"virtual time; snapshots offered: {_cluster.Offered.Count}");
            Write(StepMicros);
        }
        Assert.That(_cluster.Offered, Has.Count.EqualTo(1), "one snapshot is enough");
        Assert.That(
            _cluster.Leader.Core.AppliedIndex - writtenBefore,
            Is.GreaterThan((_cluster.Now - started) / StepMicros * WritesPerStep * 9 / 10),
            "nobody was made to wait for it");
        _cluster.Until(() => follower.Core.Status.Ready, "and is ready");
        Assert.That(_cluster.Leader.Notices, Is.Empty);
    }

    [Test]
    public void While_a_member_catches_up_only_the_bytes_of_the_log_make_a_snapshot_due_and_afterwards_the_entries_again()
    {
        _cluster.TransferMicros = 2_000_000;
        Write(1_000_000);
        var leader = _cluster.Leader;
        var follower = WipeOne();
        var taken = leader.Snapshots.Count;
        Write(1_500_000);
        Assert.That(leader.Snapshots, Has.Count.EqualTo(taken), "30,000 entries are not much");
        _cluster.Until(() => follower.Core.Status.Ready, "it is level");
        Write(1_000_000);
        Assert.That(leader.Snapshots.Count, Is.GreaterThan(taken));
    }

    [Test]
    public void Who_does_not_take_its_snapshot_is_an_alarm_with_the_reason_until_it_does()
    {
        Write(1_000_000);
        var leader = _cluster.Leader;
        _cluster.TransferMicros = long.MaxValue / 2;
        var follower = WipeOne();
        var rejection = new SnapshotRejection(SnapshotRefusal.NoRoom, "its disk has no room: 3 bytes are free");
        leader.Inputs.Add(new SnapshotSentInput(_cluster.Offered[0], new SnapshotOutcome(SnapshotEnd.Refused, rejection)));
        _cluster.Until(() => leader.Core.Status.Alarms.Count == 1, "the alarm");
        Assert.That(leader.Core.Status.Alarms[0], Does.Contain($"n{follower.Id.Value} does not take").And.Contain("3 bytes are free"));
        _cluster.TransferMicros = 100_000;
        _cluster.Until(() => _cluster.Offered.Count == 2, "it is offered again");
        Assert.That(_cluster.Offered[1].Transfer, Is.EqualTo(_cluster.Offered[0].Transfer));
        _cluster.Until(() => follower.Core.Status.Ready && leader.Core.Status.Alarms.Count == 0, "the alarm is over");
    }

    [Test]
    public void A_member_that_lacks_what_was_committed_while_it_was_away_is_not_ready_though_its_leader_is_heard_and_its_term_is_the_same()
    {
        var away = _cluster.Followers.First();
        _cluster.Kill(away);
        Write(1_000_000);
        _cluster.TransferMicros = 5_000_000;
        var back = _cluster.Restart(away, othersNotice: true);
        var committed = _cluster.Leader.Core.AppliedIndex;
        _cluster.Until(() => !back.Core.Leader.IsNone, "it hears its leader");
        _cluster.Run(1_000_000);
        Assert.That(back.Core.AppliedIndex, Is.LessThan(committed));
        Assert.That(back.Core.Status.Ready, Is.False);
        _cluster.Until(() => back.Core.Status.Ready, "it is ready");
        Assert.That(back.Core.AppliedIndex, Is.GreaterThanOrEqualTo(committed));
    }

    [Test]
    public void A_member_that_stood_still_is_not_ready_before_it_has_applied_what_was_committed_meanwhile()
    {
        var stood = _cluster.Followers.First();
        stood.IsPaused = true;
        _cluster.CutOff(stood);
        Write(1_500_000);
        _cluster.TransferMicros = 5_000_000;
        var committed = _cluster.Leader.Core.AppliedIndex;
        _cluster.Reconnect(stood);
        stood.IsPaused = false;
        _cluster.Run(1_000_000);
        Assert.That(stood.Core.Leader, Is.EqualTo(_cluster.Leader.Id), "it never took its leader for lost");
        Assert.That((stood.Core.AppliedIndex < committed, stood.Core.Status.Ready), Is.EqualTo((true, false)));
        _cluster.Until(() => stood.Core.Status.Ready, "it is ready");
        Assert.That(stood.Core.AppliedIndex, Is.GreaterThanOrEqualTo(committed));
    }

    [Test]
    public void A_member_that_has_no_link_to_its_leader_is_not_ready_though_it_hears_that_one()
    {
        var (leader, follower) = (_cluster.Leader, _cluster.Followers.First());
        follower.Inputs.Add(new LinkDownInput(leader.Id));
        _cluster.Run(2_000_000);
        Assert.That((follower.Core.Leader, follower.Core.Status.Ready), Is.EqualTo((leader.Id, false)));
        follower.Inputs.Add(new LinkUpInput(leader.Id, leader.Boot));
        _cluster.Until(() => follower.Core.Status.Ready, "it is ready");
    }

    [Test]
    public void A_member_is_ready_again_after_its_leader_changed_and_a_minority_never_is()
    {
        var old = _cluster.Leader;
        _cluster.CutOff(old);
        _cluster.Run(3_000_000);
        Assert.That(old.Core.Status.Ready, Is.False, "alone it leads nobody");
        _cluster.Until(() => _cluster.Members.Where(member => member != old).All(member => member.Core.Status.Ready), "the others are ready under another leader");
        _cluster.Reconnect(old);
        _cluster.Until(() => old.Core.Status.Ready, "and so is the former one");
    }

    [Test]
    public void Three_of_five_are_ready_and_so_is_a_member_that_joins_and_does_not_vote()
    {
        _cluster = new CoreCluster(5);
        _cluster.UntilReady();
        _cluster.Followers.Take(2).ToList().ForEach(_cluster.Kill);
        _cluster.Leader.Inputs.Add(new LinkDownInput(_cluster.Members.First(member => member.IsDown).Id));
        _cluster.Run(2_000_000);
        Assert.That(_cluster.Members.Where(member => !member.IsDown).Select(member => member.Core.Status.Ready), Is.All.True);
        var joiner = _cluster.Join(6);
        Assert.That(joiner.Core.Status.Ready, Is.False);
        var change = _cluster.Leader.Change(new AddMember(CoreCluster.MemberOf(6)));
        _cluster.Until(() => change.Stage == PendingStage.Answered, "it is added");
        _cluster.Until(() => joiner.Core.Status.Ready, "it is ready");
        Assert.That(joiner.Core.Configuration.IsVoter(joiner.Id), Is.False);
    }

    /// <summary>A member whose leader has noticed that it needs a snapshot.</summary>
    private CoreMember WipeOne()
    {
        var follower = _cluster.Wipe(_cluster.Followers.First());
        for (var steps = 0; _cluster.Offered.Count == 0; steps++)
        {
            Assert.That(steps, Is.LessThan(1_000), "a snapshot is offered");
            Write(StepMicros);
        }
        return follower;
    }

    /// <summary>20,000 small commands a second for so long.</summary>
    private void Write(long micros)
    {
        for (var end = _cluster.Now + micros; _cluster.Now < end;)
        {
            for (var i = 0; i < WritesPerStep; i++)
            {
                _cluster.Leader.Send(new PutCommand(Key.FromText("k"), new byte[8], LeaseId.None, KeyCondition.None));
            }
            _cluster.Run(StepMicros);
        }
    }
}
