using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Snapshots;

public sealed class SnapshotStoreTests
{
    private static readonly SnapshotMark Mark = Make.Mark(17, 2);

    [Test]
    public void Sections_come_back_as_they_were_written()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        var bodies = new[] { Array.Empty<byte>(), [1, 2, 3], Fill(64 << 10), Fill(200_000), Fill(7) };
        var saved = member.Snapshots.Save(Mark, sink =>
        {
            for (var i = 0; i < bodies.Length; i++)
            {
                sink.Section(i % 2, bodies[i]);
            }
        });

        using var reader = member.Snapshots.Open(Mark);
        Assert.That(reader.File, Is.EqualTo(saved));
        Assert.That(saved.LengthBytes, Is.EqualTo(disk.Contents(OpenMember.SnapshotPath(Mark)).Length));
        for (var i = 0; i < bodies.Length; i++)
        {
            Assert.That(reader.NextSection(out var kind, out var body), Is.True);
            Assert.That(kind, Is.EqualTo(i % 2));
            Assert.That(body.ToArray(), Is.EqualTo(bodies[i]));
        }
        Assert.That(reader.NextSection(out _, out _), Is.False);
        Assert.That(reader.NextSection(out _, out _), Is.False, "and so it stays");
    }

    [TestCase(1000, 1000)]
    [TestCase(1000, 999)]
    public void A_snapshot_that_would_leave_the_log_without_a_segment_is_not_taken(long lengthBytes, long besideASegment)
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, OpenMember.Root, new StorageOptions { SegmentBytes = 64 << 10 });
        disk.Free = (64 << 10) + besideASegment;
        if (besideASegment >= lengthBytes)
        {
            member.Snapshots.Receive(Mark, lengthBytes).Dispose();
            return;
        }
        Assert.That(
            () => member.Snapshots.Receive(Mark, lengthBytes), Throws.TypeOf<StorageFailedException>().With.Property(nameof(StorageFailedException.IsDiskFull)).True);
        Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty);
    }

    [Test]
    public void Sizes_of_a_snapshot_that_finds_no_room_are_told_in_MiB_with_what_helps()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, OpenMember.Root, new StorageOptions { SegmentBytes = 64 << 10 });
        disk.Free = (12 << 20) + 7;
        Assert.That(
            () => member.Snapshots.Receive(Mark, 190_000_000),
            Throws.TypeOf<StorageFailedException>().With.Message.EndsWith(
                "/snap has 12 MiB free, and a snapshot of 182 MiB beside a log segment of 0.1 MiB needs 182 MiB; free some space there, and it is offered again within a minute"));
    }

    [Test]
    public void Two_removals_of_old_snapshots_at_once_are_no_failure()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(5, 1), 1);
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(6, 1), 1);
        var isFirst = true;
        disk.Inject = operation =>
        {
            if (operation.Kind == DiskOperationKind.Delete && isFirst)
            {
                // The other thread has listed the same names and is quicker.
                isFirst = false;
                member.Snapshots.RemoveOlderThan(Mark);
            }
            return DiskFault.None;
        };
        Assert.That(() => member.Snapshots.RemoveOlderThan(Mark), Throws.Nothing);
        Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty);
    }

    [Test]
    public void A_file_sent_and_received_is_the_same_file()
    {
        var from = new SimulatedDisk(1);
        var to = new SimulatedDisk(2);
        using var sender = OpenMember.Start(from);
        using var receiver = OpenMember.Start(to);
        var saved = OpenMember.SaveSnapshot(sender.Snapshots, Mark, 9);

        using (var raw = sender.Snapshots.OpenRaw(Mark))
        using (var incoming = receiver.Snapshots.Receive(Mark, raw.Length))
        {
            var chunk = new byte[100];
            for (int count; (count = raw.Read(chunk)) > 0;)
            {
                incoming.Write(chunk.AsSpan(0, count));
            }
            Assert.That(incoming.Complete(), Is.EqualTo(saved));
        }

        Assert.That(to.Contents(OpenMember.SnapshotPath(Mark)), Is.EqualTo(from.Contents(OpenMember.SnapshotPath(Mark))));
        using var reader = receiver.Snapshots.Open(Mark);
        Assert.That(reader.NextSection(out _, out _), Is.True);
    }

    [Test]
    public void A_received_file_that_is_damaged_anywhere_never_gets_its_name()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 4);
        var whole = disk.Contents(OpenMember.SnapshotPath(Mark));
        disk.Delete(OpenMember.SnapshotPath(Mark));

        for (var offset = 0; offset < whole.Length; offset++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = whole.ToArray();
                damaged[offset] ^= (byte)(1 << bit);
                AssertNotTaken(member, damaged, damaged.Length, $"offset {offset} bit {bit}");
            }
            AssertNotTaken(member, whole.AsSpan(0, offset), offset == 0 ? 1 : offset, $"cut at {offset}");
            AssertNotTaken(member, whole.AsSpan(0, offset), whole.Length, $"ended at {offset}");
        }
        AssertNotTaken(member, [.. whole, 0], whole.Length + 1, "longer than its sections");
        Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty);
    }

    [Test]
    public void A_received_file_longer_than_announced_or_than_allowed_is_not_taken()
    {
        using var member = OpenMember.Start(new SimulatedDisk(1));
        using var incoming = member.Snapshots.Receive(Mark, 10);
        incoming.Write(new byte[10]);

        Assert.That(() => incoming.Write(new byte[1]), Throws.TypeOf<WireFormatException>());
        foreach (var length in new[] { -1L, 0, (1L << 20) + 1, long.MaxValue })
        {
            Assert.That(() => member.Snapshots.Receive(Mark, length), Throws.TypeOf<WireFormatException>(), $"{length} bytes");
        }
    }

    [Test]
    public void A_received_file_of_another_cluster_or_mark_is_not_taken()
    {
        var disk = new SimulatedDisk(1);
        using (var stranger = OpenMember.OpenDirectory(disk, "/other"))
        {
            stranger.Form(new ClusterId(77), Make.Self, Make.Initial);
            OpenMember.SaveSnapshot(stranger.Snapshots, Mark, 2);
        }
        var foreign = disk.Contents(OpenMember.SnapshotPath(Mark, "/other"));
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(18, 2), 2);
        var another = disk.Contents(OpenMember.SnapshotPath(Make.Mark(18, 2)));

        AssertNotTaken(member, foreign, foreign.Length, "another cluster");
        AssertNotTaken(member, another, another.Length, "another mark");
    }

    [Test]
    public void Opening_checks_the_header_and_reading_checks_each_section()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 4);
        var path = OpenMember.SnapshotPath(Mark);
        for (var offset = 0; offset < disk.Contents(path).Length; offset++)
        {
            disk.FlipBit(path, offset, offset % 8);
            Assert.That(() => ReadAll(member.Snapshots), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(path), $"offset {offset}");
            disk.FlipBit(path, offset, offset % 8);
        }
        Assert.That(ReadAll(member.Snapshots), Is.EqualTo(4));
    }

    [Test]
    public void A_reader_of_the_raw_file_is_not_disturbed_by_its_removal()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 4);
        var whole = disk.Contents(OpenMember.SnapshotPath(Mark));
        using var raw = member.Snapshots.OpenRaw(Mark);
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(30, 2), 1);
        member.Snapshots.RemoveOlderThan(Make.Mark(30, 2));

        var copy = new MemoryStream();
        raw.CopyTo(copy);
        Assert.That(copy.ToArray(), Is.EqualTo(whole));
        Assert.That(() => member.Snapshots.OpenRaw(Mark), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => member.Snapshots.Open(Mark), Throws.TypeOf<FileNotFoundException>());
        Assert.That(disk.List(OpenMember.Root + "/snap"), Has.Count.EqualTo(1));
    }

    [Test]
    public void Two_files_can_be_on_their_way_at_once_also_of_the_same_mark()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 2);
        var whole = disk.Contents(OpenMember.SnapshotPath(Mark));
        using var first = member.Snapshots.Receive(Mark, whole.Length);
        using var second = member.Snapshots.Receive(Mark, whole.Length);
        first.Write(whole);
        second.Write(whole);
        first.Complete();
        second.Complete();

        Assert.That(ReadAll(member.Snapshots), Is.EqualTo(2));
        Assert.That(disk.List(OpenMember.Root + "/snap"), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_failed_save_gives_its_space_back_and_leaves_the_log_alone()
    {
        foreach (var (kind, fault) in new[]
        {
            (DiskOperationKind.CreateNew, DiskFault.Full),
            (DiskOperationKind.Write, DiskFault.Full),
            (DiskOperationKind.Sync, DiskFault.InputOutputError),
            (DiskOperationKind.Rename, DiskFault.InputOutputError),
        })
        {
            var disk = new SimulatedDisk(1);
            using var member = OpenMember.Start(disk);
            disk.Inject = operation => operation.Kind == kind ? fault : DiskFault.None;
            Assert.That(() => OpenMember.SaveSnapshot(member.Snapshots, Mark, 3), Throws.TypeOf<StorageFailedException>(), $"{kind}");
            disk.Inject = null;

            Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty, $"{kind}");
            member.Append(Make.Entry(1, 1));
        }
    }

    [Test]
    public void A_writer_that_throws_leaves_nothing()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);

        Assert.That(() => member.Snapshots.Save(Mark, sink => throw new InvalidOperationException("the view ended")), Throws.InvalidOperationException);
        Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty);
    }

    [Test]
    public void A_large_file_is_flushed_on_its_way()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        var unflushed = 0;
        var most = 0;
        disk.Inject = operation =>
        {
            unflushed = operation.IsSync ? 0 : unflushed + (operation.Kind == DiskOperationKind.Write ? 1 : 0);
            most = Math.Max(most, unflushed);
            return DiskFault.None;
        };
        member.Snapshots.Save(Mark, sink =>
        {
            for (var i = 0; i < 400; i++)
            {
                sink.Section(1, new byte[64 << 10]);
            }
        });

        Assert.That(most, Is.InRange(2, 129), "writes of 64 KiB between flushes");
    }

    private static void AssertNotTaken(OpenMember member, ReadOnlySpan<byte> bytes, long announced, string what)
    {
        using var incoming = member.Snapshots.Receive(Mark, announced);
        incoming.Write(bytes);
        Assert.That(incoming.Complete, Throws.TypeOf<WireFormatException>(), what);
    }

    private static int ReadAll(ISnapshotStore store)
    {
        using var reader = store.Open(Mark);
        var count = 0;
        while (reader.NextSection(out _, out _))
        {
            count++;
        }
        return count;
    }

    private static byte[] Fill(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)((i * 7) + count))];
}
