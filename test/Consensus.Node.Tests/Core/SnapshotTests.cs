using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>When a member takes a snapshot (rule 14, docs/decisions/0011), in virtual time.</summary>
public sealed class SnapshotTests
{
    private const int MiB = 1 << 20;

    private CoreCluster _cluster = null!;

    private CoreMember Member => _cluster.Leader;

    [SetUp]
    public void One_member()
    {
        _cluster = new CoreCluster(1);
        _cluster.UntilReady();
    }

    private void Put(int count, int bytes = 1)
    {
        for (var i = 0; i < count; i++)
        {
            Member.Send(new PutCommand(Key.FromText("k"), new byte[bytes], LeaseId.None, KeyCondition.None));
            if (i % 100 == 99 || i == count - 1)
            {
                _cluster.Run(20_000);
                _cluster.Until(() => Member.Core.Status.Ready, "all of it is applied");
            }
        }
    }

    [Test]
    public void A_small_state_is_written_after_so_many_entries()
    {
        Member.SnapshotBytes = 4 * MiB;
        Put(9_000);
        Assert.That(Member.Snapshots, Is.Empty);
        Put(2_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1));
        Put(10_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_large_state_is_written_again_once_the_log_has_half_its_bytes()
    {
        Member.SnapshotBytes = 20 * MiB;
        Put(11_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1), "there was none that could be large");
        Put(11_000);
        Put(8, MiB);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1));
        Put(2, MiB);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_snapshot_for_which_there_is_no_room_is_tried_again_when_as_much_was_logged_again()
    {
        Member.HasRoom = false;
        Put(11_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1));
        Put(8_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1), "not at once");
        Assert.That(Member.Core.Status.SnapshotIndex, Is.EqualTo(LogIndex.Zero));
        Member.HasRoom = true;
        Put(3_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(2));
        Assert.That(Member.Core.Status.SnapshotIndex, Is.EqualTo(Member.Snapshots[1].LastIndex));
    }

    [TestCase(SnapshotEnd.Unreadable, SnapshotRefusal.None)]
    [TestCase(SnapshotEnd.Refused, SnapshotRefusal.Damaged)]
    public void In_place_of_a_file_that_cannot_be_read_another_one_is_taken_even_if_nobody_writes(SnapshotEnd end, SnapshotRefusal reason)
    {
        Put(11_000);
        _cluster.Run(100_000);
        var bad = Member.Snapshots.Single();
        _cluster.Until(() => Member.Core.Status.SnapshotIndex == bad.LastIndex, "the first is in use");
        var request = new InstallSnapshotRequest(Member.Id, new MemberId(9), Member.Core.Term, bad, ClusterTime.Zero);
        Member.Inputs.Add(new SnapshotSentInput(request, new SnapshotOutcome(end, reason == SnapshotRefusal.None ? null : new SnapshotRejection(reason, "it is damaged"))));
        _cluster.Until(() => Member.Snapshots.Count == 2, "another one is taken");
        _cluster.Until(() => Member.Core.Status.SnapshotIndex == Member.Snapshots[1].LastIndex, "and is in use");
        _cluster.Run(1_000_000);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(2), "once");
    }

    [Test]
    public void However_large_the_state_64_MiB_of_log_are_enough()
    {
        Member.SnapshotBytes = 1000L * MiB;
        Put(11_000);
        Put(45, MiB);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(1), "three quarters of it are not");
        Put(19, MiB);
        Assert.That(Member.Snapshots, Has.Count.EqualTo(2));
    }
}
