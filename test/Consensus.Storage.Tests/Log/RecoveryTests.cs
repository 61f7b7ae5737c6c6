using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Log;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

/// <summary>What recovery says and does, case by case (docs/wal-format.md, "Recovery").</summary>
public sealed class RecoveryTests
{
    [Test]
    public void A_torn_write_is_cut_zeroed_and_said_once()
    {
        var disk = LogOf(4);
        var last = LogMap.Of(disk).LastFrame;
        var contents = disk.Contents(last.Path);
        contents.AsSpan(last.End - 20, 20).Clear();
        disk.Replace(last.Path, contents);

        using (var member = OpenMember.Start(disk))
        {
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(3));
            Assert.That(member.Recovered.Notes, Has.Count.EqualTo(1)
                .And.Some.Contains(last.Path).And.Some.Contains($"offset {last.Offset}").And.Some.Contains("torn write"));
        }
        Assert.That(disk.Contents(last.Path).AsSpan(last.Offset).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Notes, Is.Empty);
    }

    [Test]
    public void A_frame_after_a_cut_takes_the_place_and_the_number_of_the_torn_one()
    {
        var disk = LogOf(4);
        var torn = LogMap.Of(disk).LastFrame;
        disk.FlipBit(torn.Path, torn.Offset + 50, 3);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entry(4, 2));
        }

        var written = LogMap.Of(disk).LastFrame;
        Assert.That((written.Offset, written.Header.Frame), Is.EqualTo((torn.Offset, torn.Header.Frame)));
        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Entries[^1].Term, Is.EqualTo(new Term(2)));
    }

    [Test]
    public void Corruption_is_refused_with_file_offset_and_witness_and_nothing_is_changed()
    {
        var disk = LogOf(4);
        var map = LogMap.Of(disk);
        var damaged = map.Frames[1];
        disk.FlipBit(damaged.Path, damaged.Offset + 45, 0);
        var before = disk.Operations;

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(damaged.Path)
            .And.Message.Contains($"offset {damaged.Offset}:").And.Message.Contains($"at offset {map.Frames[2].Offset} says"));
        var operations = disk.Operations - before;
        Assert.That(operations, Is.EqualTo(2), "the lock, and the sync of the directory: nothing was written");
    }

    [Test]
    public void A_witness_counts_though_its_own_payload_is_torn()
    {
        var disk = LogOf(4);
        var map = LogMap.Of(disk);
        disk.FlipBit(map.LastPath, map.Frames[2].Offset + 45, 0);
        disk.FlipBit(map.LastPath, map.Frames[3].Offset + 45, 0);

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>());
    }

    [Test]
    public void A_witness_is_found_wherever_it_begins()
    {
        for (var shift = 1; shift < 70; shift++)
        {
            var disk = LogOf(3);
            var map = LogMap.Of(disk);
            var contents = disk.Contents(map.LastPath);
            var damaged = map.Frames[1];
            var witness = contents.AsSpan(map.LastFrame.Offset, FrameHeader.Bytes).ToArray();
            contents.AsSpan(damaged.Offset, map.LastFrame.End - damaged.Offset).Clear();
            witness.CopyTo(contents.AsSpan(damaged.Offset + shift));
            disk.Replace(map.LastPath, contents);

            Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains($"a later frame at offset {damaged.Offset + shift}"), $"shifted by {shift}");
        }
    }

    [Test]
    public void A_witness_is_found_across_the_windows_of_the_search()
    {
        const int Window = 256 << 10;
        var options = new StorageOptions { SegmentBytes = Window * 3 };
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk, options: options))
        {
            member.Append(Make.Entries(1, 1, 1));
            member.Append(Make.Entries(2, 1, 1));
        }
        var map = LogMap.Of(disk);
        var damaged = map.Frames[0];
        var witness = disk.Contents(map.LastPath).AsSpan(map.LastFrame.Offset, FrameHeader.Bytes).ToArray();
        for (var at = damaged.Offset + Window - 41; at < damaged.Offset + Window + 2; at++)
        {
            var copy = disk.Copy(1);
            var contents = copy.Contents(map.LastPath);
            contents.AsSpan(damaged.Offset).Clear();
            witness.CopyTo(contents.AsSpan(at));
            copy.Replace(map.LastPath, contents);

            Assert.That(() => OpenMember.Start(copy, options: options), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains($"a later frame at offset {at} "));
        }
    }

    [Test]
    public void A_value_that_looks_like_a_frame_of_somebody_elses_log_is_no_witness()
    {
        var stranger = LogMap.Identity with { Incarnation = 99 };
        var forged = new byte[FrameHeader.Bytes];
        new FrameHeader(0, 1, 1000, 999, 0).Write(forged, stranger.FrameSeed);
        var entry = new Consensus.Raft.Log.Entry
        {
            Term = new Term(1),
            Index = new LogIndex(1),
            Kind = Consensus.Raft.Log.EntryKind.Command,
            Stamp = ClusterTime.Zero,
            Payload = forged,
        };
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(entry);
        }
        var last = LogMap.Of(disk).LastFrame;
        disk.FlipBit(last.Path, last.Offset + 5, 1);

        using var again = OpenMember.Start(disk);
        Assert.That(again.Recovered.Entries, Is.Empty);
        Assert.That(again.Recovered.Notes, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_missing_segment_in_the_middle_is_refused_by_name()
    {
        var disk = LogOf(30, 150);
        disk.Delete(OpenMember.SegmentPath(2));

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(OpenMember.SegmentPath(2) + " is missing"));
    }

    [Test]
    public void Missing_first_segments_are_refused_when_no_snapshot_covers_them()
    {
        var disk = LogOf(30, 150);
        disk.Delete(OpenMember.SegmentPath(1));

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("older segments are missing"));
    }

    [Test]
    public void An_empty_log_directory_of_a_formed_member_is_refused()
    {
        var disk = LogOf(1);
        disk.Delete(OpenMember.SegmentPath(1));

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("its log is missing"));
    }

    [Test]
    public void A_segment_of_another_cluster_member_or_incarnation_is_refused()
    {
        foreach (var (owner, says) in new[]
        {
            (LogMap.Identity with { Cluster = new ClusterId(5) }, "belongs to cluster 0000000000000005"),
            (LogMap.Identity with { Member = new MemberId(5) }, "belongs to another member (0000000000000005)"),
            (LogMap.Identity with { Incarnation = 5 }, "belongs to another member"),
        })
        {
            var disk = LogOf(3);
            disk.Delete(OpenMember.SegmentPath(1));
            var header = new SegmentHeader(1, 1, 0, 0, new LogState(Make.Vote(0), Make.Initial, null, LogIndex.Zero));
            SegmentFiles.Create(disk, OpenMember.Root + "/wal", owner, header, new(), OpenMember.SmallSegments,
                FrameHeader.Bytes).File.Dispose();

            Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains(OpenMember.SegmentPath(1)).And.Message.Contains(says));
        }
    }

    [Test]
    public void A_segment_under_another_ones_name_is_refused()
    {
        var disk = LogOf(30, 150);
        disk.Replace(OpenMember.SegmentPath(2), disk.Contents(OpenMember.SegmentPath(3)));

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("is segment 3 under the name of segment 2"));
    }

    [Test]
    public void Another_format_version_is_refused_and_named()
    {
        var disk = LogOf(3);
        foreach (var path in new[] { OpenMember.SegmentPath(1), OpenMember.Root + "/identity" })
        {
            var changed = disk.Copy(1);
            SetVersion(changed, path, 7);
            Assert.That(() => OpenMember.Start(changed), Throws.TypeOf<StorageRefusedException>()
                .With.Message.EqualTo($"{path} has format version 7, and this program reads versions 1 and 2"));
        }
    }

    [Test]
    public void A_segment_that_was_never_finished_is_removed_and_said()
    {
        var disk = LogOf(3);
        disk.CreateNew(OpenMember.SegmentPath(2) + ".tmp").Dispose();
        using var member = OpenMember.Start(disk);

        Assert.That(member.Recovered.Notes, Has.Count.EqualTo(1).And.Some.Contains("a segment that was never finished"));
        Assert.That(disk.List(OpenMember.Root + "/wal"), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_frame_with_a_record_of_an_unknown_kind_is_refused()
    {
        var disk = LogOf(2);
        var last = LogMap.Of(disk).LastFrame;
        byte[] payload = [0x30, 0x01]; // field 6, varint 1
        var contents = disk.Contents(last.Path);
        var checksum = Crc32C.Append(last.Header.PayloadChecksum, payload);
        new FrameHeader(payload.Length, 1, last.Header.Frame + 1, last.Header.Frame, checksum).Write(contents.AsSpan(last.End), LogMap.Identity.FrameSeed);
        payload.CopyTo(contents.AsSpan(last.End + FrameHeader.Bytes));
        disk.Replace(last.Path, contents);

        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>()
            .With.Message.Contains($"offset {last.End}").And.Message.Contains("field 6"));
    }

    [Test]
    public void A_missing_or_damaged_snapshot_in_use_is_refused_by_name()
    {
        var mark = Make.Mark(2, 1);
        var disk = LogOf(3);
        using (var member = OpenMember.Start(disk))
        {
            member.TakeSnapshot(mark);
        }
        var path = OpenMember.SnapshotPath(mark);
        for (var offset = 0; offset < disk.Contents(path).Length; offset++)
        {
            var damaged = disk.Copy(1);
            damaged.FlipBit(path, offset, offset % 8);
            Assert.That(() => OpenMember.Start(damaged), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(path), $"offset {offset}");
        }
        disk.Delete(path);
        Assert.That(() => OpenMember.Start(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(path + " is missing"));
    }

    /// <summary>A disk with a log of entries 1 to <paramref name="count"/>, one frame each.</summary>
    private static SimulatedDisk LogOf(int count, int payloadBytes = 24)
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        for (var i = 1; i <= count; i++)
        {
            member.Append(Make.Entry(i, 1, payloadBytes));
        }
        return disk;
    }

    private static void SetVersion(SimulatedDisk disk, string path, byte version)
    {
        var contents = disk.Contents(path);
        contents[8] = version;
        var length = BitConverter.ToInt32(contents, 12);
        var checksum = Crc32C.Append(Crc32C.Of(contents.AsSpan(0, 16)), contents.AsSpan(20, length));
        BitConverter.TryWriteBytes(contents.AsSpan(16), checksum);
        disk.Replace(path, contents);
    }
}
