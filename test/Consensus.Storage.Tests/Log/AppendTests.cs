using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

public sealed class AppendTests
{
    [Test]
    public void A_new_log_recovers_as_empty_with_the_initial_configuration()
    {
        using var member = OpenMember.Start(new SimulatedDisk(1));

        Assert.That(ModelLog.Of(member.Recovered).ToString(), Is.EqualTo(ModelLog.Empty.ToString()));
        Assert.That(member.Recovered.Notes, Is.Empty);
        Assert.That(member.Log.LastFrameIsUncovered, Is.False);
    }

    [Test]
    public void Everything_appended_is_recovered()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Vote(1, 11);
            member.Append(Make.Entries(1, 5, 1));
            member.Append(Make.Entries(4, 3, 2, 100));
            member.Vote(3, 12);
        }
        using var again = OpenMember.Start(disk);

        Assert.That(again.Recovered.HardState, Is.EqualTo(Make.Vote(3, 12)));
        Assert.That(again.Recovered.Entries.Select(e => (e.Index.Value, e.Term.Value)),
            Is.EqualTo(new[] { (1L, 1L), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2) }));
        Assert.That(again.Recovered.Entries[^1].Payload.ToArray(), Is.EqualTo(Make.Entry(6, 2, 100).Payload.ToArray()));
        Assert.That(again.Recovered.Notes, Is.Empty);
    }

    [Test]
    public void The_commit_index_is_recovered_as_far_as_a_frame_that_is_left_says_it()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Log.Append([member.Request(entries: Make.Entries(1, 5, 1), commit: 2)]);
            member.Log.Append([member.Request(entries: Make.Entries(6, 1, 1), commit: 5), member.Request(entries: Make.Entries(7, 1, 1), commit: 6)]);
            Assert.That(member.Recovered.Commit, Is.EqualTo(LogIndex.Zero));
        }
        using (var again = OpenMember.Start(disk))
        {
            Assert.That(again.Recovered.Commit, Is.EqualTo(new LogIndex(6)));
        }
        var last = LogMap.Of(disk).LastFrame;
        disk.FlipBit(last.Path, last.Offset + 45, 0);
        using var torn = OpenMember.Start(disk);
        Assert.That(torn.Recovered.Commit, Is.EqualTo(new LogIndex(2)));
    }

    [Test]
    public void The_commit_index_is_not_below_the_snapshot_in_use()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 5, 1));
            OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(4, 1), 1);
            member.Log.Append([member.Request(taken: Make.Mark(4, 1))]);
        }
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Commit, Is.EqualTo(new LogIndex(4)));
    }

    [Test]
    public void What_was_committed_is_never_written_again_and_never_goes_back()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Log.Append([member.Request(entries: Make.Entries(1, 5, 1), commit: 4)]);
            member.Log.Append([member.Request(entries: Make.Entries(5, 1, 2), commit: 3)]);
            Assert.That(() => member.Append(Make.Entries(4, 1, 3)), Throws.TypeOf<InvariantViolationException>());
        }
        using (var member = OpenMember.Start(disk))
        {
            Assert.That(member.Recovered.Commit, Is.EqualTo(new LogIndex(4)));
            Assert.That(() => member.Log.Append([member.Request(commit: 6)]), Throws.TypeOf<InvariantViolationException>());
        }
    }

    [Test]
    public void A_batch_of_requests_is_one_write_and_one_fdatasync()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        member.Vote(1, 11);
        var operations = Recorded(disk);

        member.Log.Append(
        [
            member.Request(vote: Make.Vote(2, 11)),
            member.Request(entries: Make.Entries(1, 3, 1)),
            member.Request(vote: Make.Vote(3), entries: Make.Entries(3, 2, 2)),
        ]);

        Assert.That(operations, Is.EqualTo(new[] { DiskOperationKind.Write, DiskOperationKind.SyncData }));
    }

    [Test]
    public void The_first_small_frame_in_unwritten_space_writes_zeros_ahead_before_its_own_flush()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: new StorageOptions { SegmentBytes = 1 << 20 });
        var operations = Recorded(disk);

        member.Append(Make.Entry(1, 1, 100));
        Assert.That(operations, Is.EqualTo(new[] { DiskOperationKind.Write, DiskOperationKind.Write, DiskOperationKind.SyncData }));

        operations.Clear();
        for (var index = 2; index <= 200; index++)
        {
            member.Append(Make.Entry(index, 1, 4000));
        }
        Assert.That(operations.Count(kind => kind == DiskOperationKind.SyncData), Is.EqualTo(199));
        Assert.That(operations.Count(kind => kind == DiskOperationKind.Write), Is.EqualTo(199 + 6), "800 KB in steps of 128 KiB");
    }

    [Test]
    public void A_large_frame_writes_nothing_ahead()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: new StorageOptions { SegmentBytes = 1 << 20 });
        var operations = Recorded(disk);

        member.Append(Make.Entry(1, 1, 17_000));
        Assert.That(operations, Is.EqualTo(new[] { DiskOperationKind.Write, DiskOperationKind.SyncData }));
    }

    [Test]
    public void Writing_ahead_ends_with_the_segment()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        var path = OpenMember.SegmentPath(1);
        var length = disk.Open(path, writable: false).Length;
        for (var index = 1; index <= 100; index++)
        {
            member.Append(Make.Entry(index, 1, 50));
        }
        Assert.That(disk.Open(path, writable: false).Length, Is.EqualTo(length));
        Assert.That(disk.FileExists(OpenMember.SegmentPath(2)), Is.True);
    }

    private static List<DiskOperationKind> Recorded(SimulatedDisk disk)
    {
        var operations = new List<DiskOperationKind>();
        disk.Inject = operation =>
        {
            operations.Add(operation.Kind);
            return DiskFault.None;
        };
        return operations;
    }

    [Test]
    public void A_batch_with_nothing_to_persist_writes_nothing()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        var before = disk.Operations;

        member.Log.Append([]);
        member.Log.Append([member.Request()]);

        Assert.That(disk.Operations, Is.EqualTo(before));
    }

    [Test]
    public void A_segment_is_followed_by_another_when_a_frame_does_not_fit()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            for (var i = 1; i <= 30; i++)
            {
                member.Append(Make.Entry(i, 1, 150));
            }
        }

        Assert.That(disk.List(OpenMember.Root + "/wal").Count, Is.GreaterThan(2));
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Entries, Has.Count.EqualTo(30));
    }

    [Test]
    public void A_frame_larger_than_a_segment_gets_a_segment_of_its_size()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entry(1, 1));
            member.Append(Make.Entries(2, 3, 1, 5000));
            member.Append(Make.Entry(5, 1));
        }
        using var again = OpenMember.Start(disk);

        Assert.That(again.Recovered.Entries.Select(e => e.Payload.Length), Is.EqualTo(new[] { 24, 5000, 5000, 5000, 24 }));
    }

    [Test]
    public void The_last_frame_is_uncovered_until_an_empty_frame_follows()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entry(1, 1));
            Assert.That(member.Log.LastFrameIsUncovered, Is.True);
        }
        using (var again = OpenMember.Start(disk))
        {
            Assert.That(again.Log.LastFrameIsUncovered, Is.True, "recovery cannot cover it by reading it");
            again.Log.AppendEmptyFrame();
            Assert.That(again.Log.LastFrameIsUncovered, Is.False);
        }
        using var last = OpenMember.Start(disk);
        Assert.That(last.Log.LastFrameIsUncovered, Is.False);
        Assert.That(last.Recovered.Entries, Has.Count.EqualTo(1));
    }

    [Test]
    public void Each_batch_is_one_flush()
    {
        using var member = OpenMember.Start(new SimulatedDisk(1));
        var before = member.Log.Flushes;
        member.Append(Make.Entry(1, 1, 100), Make.Entry(2, 1, 100));
        member.Log.AppendEmptyFrame();
        Assert.That(member.Log.Flushes - before, Is.EqualTo(2));
    }

    [Test]
    public void Size_counts_what_records_take_and_not_what_is_allocated()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        var empty = member.Log.SizeBytes;

        member.Append(Make.Entry(1, 1, 100));
        var grown = member.Log.SizeBytes;

        Assert.That(empty, Is.InRange(1, 500));
        Assert.That(grown - empty, Is.InRange(140, 240));
        member.Dispose();
        using var again = OpenMember.Start(disk);
        Assert.That(again.Log.SizeBytes, Is.EqualTo(grown));
    }

    [Test]
    public void A_gap_a_retaken_vote_and_a_covered_entry_are_bugs_and_never_written()
    {
        foreach (var wrong in new Func<OpenMember, PersistRequest>[]
        {
            member => member.Request(entries: Make.Entries(5, 1, 2)),
            member => member.Request(entries: [Make.Entry(4, 2), Make.Entry(6, 2)]),
            member => member.Request(vote: Make.Vote(1)),
            member => member.Request(vote: Make.Vote(2, 12)),
            member => member.Request(taken: Make.Mark(4, 2)),
        })
        {
            var disk = new SimulatedDisk(1);
            using var member = OpenMember.Start(disk);
            member.Vote(2, 11);
            member.Append(Make.Entries(1, 3, 2));

            Assert.That(() => member.Log.Append([wrong(member)]), Throws.TypeOf<InvariantViolationException>());
            Assert.That(() => member.Append(Make.Entry(4, 2)), Throws.TypeOf<StorageFailedException>(), "a log that met a bug takes nothing more");
            member.Dispose();
            using var again = OpenMember.Start(disk);
            Assert.That(again.Recovered.Entries, Has.Count.EqualTo(3));
        }
    }

    [Test]
    public void An_installed_snapshot_replaces_the_whole_log()
    {
        var disk = new SimulatedDisk(1);
        var mark = Make.Mark(50, 4);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 5, 1));
            member.InstallSnapshot(mark);
            member.Append(Make.Entries(51, 2, 4));
        }
        using var again = OpenMember.Start(disk);

        Assert.That(again.Recovered.Snapshot?.LastIndex, Is.EqualTo(mark.LastIndex));
        Assert.That(again.Recovered.Configuration.Find(Make.Self)?.PeerAddress, Is.EqualTo("127.0.0.1:7050"));
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(new[] { 51L, 52 }));
    }

    [Test]
    public void A_taken_snapshot_keeps_the_entries_after_it_out_of_a_longer_log()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 5, 1));
            member.TakeSnapshot(Make.Mark(3, 1));
            member.TakeSnapshot(Make.Mark(2, 1));
        }
        using var again = OpenMember.Start(disk);

        Assert.That(again.Recovered.Snapshot?.LastIndex, Is.EqualTo(new LogIndex(3)), "an older snapshot does not take a newer one's place");
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(new[] { 4L, 5 }));
        Assert.That(again.Recovered.Notes, Has.Count.EqualTo(1).And.Some.Contains("a snapshot that the log does not use"));
    }
}
