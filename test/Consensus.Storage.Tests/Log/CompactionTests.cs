using Consensus.Primitives;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

public sealed class CompactionTests
{
    [Test]
    public void Whole_segments_that_a_snapshot_covers_are_deleted_and_hard_state_and_mark_survive()
    {
        var disk = new SimulatedDisk(1);
        var mark = Make.Mark(38, 1);
        using (var member = OpenMember.Start(disk))
        {
            member.Vote(1, 12);
            Fill(member, 1, 40);
            var before = member.Log.SizeBytes;
            member.TakeSnapshot(mark);
            member.Compact(mark.LastIndex);

            Assert.That(disk.List(OpenMember.Root + "/wal"), Has.Count.LessThanOrEqualTo(2));
            Assert.That(member.Log.SizeBytes, Is.LessThan(before / 2));
        }
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.HardState, Is.EqualTo(Make.Vote(1, 12)));
        Assert.That(again.Recovered.Snapshot?.LastIndex, Is.EqualTo(mark.LastIndex));
        Assert.That(again.Recovered.Configuration.Find(Make.Self)?.PeerAddress, Is.EqualTo("127.0.0.1:7038"));
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(new[] { 39L, 40 }));
    }

    [Test]
    public void However_many_segments_can_go_only_a_few_go_at_once()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        Fill(member, 1, 200);
        var mark = Make.Mark(199, 1);
        member.TakeSnapshot(mark);
        var next = 201L;
        int Segments() => disk.List(OpenMember.Root + "/wal").Count;
        Assert.That(Segments(), Is.GreaterThan(10));
        var times = 0;
        for (var before = Segments(); member.Log.Compact(mark.LastIndex); before = Segments())
        {
            times++;
            Assert.That(before - Segments(), Is.InRange(1, 2), "and entries go in between");
            member.Append(Make.Entry(next++, 1));
        }
        Assert.That(times, Is.GreaterThan(3));
        Assert.That(Segments(), Is.LessThanOrEqualTo(3), "in the end all of them");
    }

    [Test]
    public void The_mark_survives_the_deletion_of_the_segment_that_recorded_it()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            Fill(member, 1, 5);
            member.Vote(3, 11);
            member.InstallSnapshot(Make.Mark(60, 3));
            Fill(member, 61, 60, term: 3);
            member.TakeSnapshot(Make.Mark(110, 3));
            Fill(member, 121, 30, term: 3);
            member.Compact(new LogIndex(110));
        }
        Assert.That(disk.List(OpenMember.Root + "/wal")[0], Is.Not.EqualTo("0000000000000001.wal"));
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Snapshot?.LastIndex, Is.EqualTo(new LogIndex(110)));
        Assert.That(again.Recovered.HardState, Is.EqualTo(Make.Vote(3, 11)));
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(Enumerable.Range(111, 40).Select(i => (long)i)));
    }

    [Test]
    public void Nothing_is_deleted_that_no_snapshot_covers()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            Fill(member, 1, 40);
            var segments = disk.List(OpenMember.Root + "/wal").Count;
            member.Compact(new LogIndex(40));
            Assert.That(disk.List(OpenMember.Root + "/wal"), Has.Count.EqualTo(segments), "without a snapshot");

            member.TakeSnapshot(Make.Mark(5, 1));
            member.Compact(new LogIndex(40));
        }
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(Enumerable.Range(6, 35).Select(i => (long)i)));
    }

    [Test]
    public void The_segment_in_use_stays_though_a_snapshot_covers_all_of_it()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        Fill(member, 1, 3);
        member.TakeSnapshot(Make.Mark(3, 1));
        member.Compact(new LogIndex(3));

        Assert.That(disk.List(OpenMember.Root + "/wal"), Is.EqualTo(new[] { "0000000000000001.wal" }));
    }

    private static void Fill(OpenMember member, long first, int count, long term = 1)
    {
        for (var i = first; i < first + count; i++)
        {
            member.Append(Make.Entry(i, term, 120));
        }
    }
}
