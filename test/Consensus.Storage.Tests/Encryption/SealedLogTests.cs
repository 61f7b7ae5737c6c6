using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Storage.Format;
using Consensus.Storage.Log;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>A log that is sealed: what is refused by sentence, what is recovered, and what restarts leave behind.</summary>
public sealed class SealedLogTests
{
    private const string WasChanged = "was changed, or is of another key: its checksum is right and its seal is not";
    private const string CannotBeOpened =
        "cannot be opened with the key k1 of the key file: its header was changed, or k1 is another key than it was sealed with";
    private static readonly byte[] Canary = "canary-c4n4ry-canary"u8.ToArray();

    [Test]
    public void A_sealed_log_is_recovered_with_its_key_and_continued()
    {
        var disk = LogOf(5);
        using (var member = OpenMember.Start(disk, options: OpenMember.Sealed()))
        {
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(5));
            Assert.That(member.Recovered.Notes, Is.Empty);
            member.Append(Make.Entries(6, 3, 1));
        }
        using var again = OpenMember.Start(disk, options: OpenMember.Sealed());
        Assert.That(again.Recovered.Entries.Select(e => e.Payload.ToArray()),
            Is.EqualTo(Enumerable.Range(1, 8).Select(i => Make.Entry(i, 1).Payload.ToArray())));
    }

    [Test]
    public void A_value_that_is_written_is_in_no_file()
    {
        var disk = new SimulatedDisk(1);
        var mark = Make.Mark(4, 1);
        using (var member = OpenMember.Start(disk, options: OpenMember.Sealed()))
        {
            for (var i = 1; i <= 6; i++)
            {
                member.Append(CanaryEntry(i));
            }
            member.Snapshots.Save(mark, sink => sink.Section(0, Canary));
            member.Log.Append([member.Request(taken: mark)]);
            member.Snapshots.Save(Make.Mark(6, 1), sink => sink.Section(0, Canary));
            using var raw = member.Snapshots.OpenRaw(mark);
            var sent = new MemoryStream();
            raw.CopyTo(sent);
            using var incoming = member.Snapshots.Receive(mark, sent.Length);
            incoming.Write(sent.ToArray());
            incoming.Complete();
            Assert.That(sent.ToArray().AsSpan().IndexOf(Canary), Is.Positive, "what is sent is in plain");
        }
        var files = FilesOf(disk).ToList();
        Assert.That(files, Has.Count.GreaterThanOrEqualTo(5));
        Assert.That(files.Where(path => disk.Contents(path).AsSpan().IndexOf(Canary) >= 0), Is.Empty);

        var plain = new SimulatedDisk(1);
        using (var member = OpenMember.Start(plain))
        {
            member.Append(CanaryEntry(1));
        }
        Assert.That(FilesOf(plain).Where(path => plain.Contents(path).AsSpan().IndexOf(Canary) >= 0), Is.Not.Empty,
            "the search finds it where it is");
    }

    [Test]
    public void Without_the_option_no_byte_of_the_format_changes()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 2, 1));
            OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(2, 1), 2);
        }
        using (OpenMember.Start(disk))
        {
            Assert.That(disk.List(OpenMember.Root + "/wal"), Has.Count.EqualTo(1), "a restart goes on in the same segment");
        }
        foreach (var path in FilesOf(disk).Where(path => !path.EndsWith("lock", StringComparison.Ordinal)))
        {
            Assert.That(disk.Contents(path)[8], Is.EqualTo(1), $"the format version of {path}");
        }
        Assert.That(LogMap.Of(disk).Frames.All(frame => frame.Header.PayloadBytes > FrameHeader.Bytes));
    }

    [Test]
    public void A_log_is_refused_by_name_without_its_key_with_another_set_of_keys_and_with_another_key_of_that_name()
    {
        var disk = LogOf(3);
        var path = OpenMember.SegmentPath(1);
        Refused(disk, OpenMember.SmallSegments, $"{path} is encrypted with the key k1, and no key file was given: "
            + "consensusd takes --encryption-key FILE, consensusctl --key-file FILE");
        Refused(disk, OpenMember.Sealed(Make.SecondKeyLine),
            $"{path} is encrypted with the key k1, which the key file does not hold: put that key back there");
        Refused(
            disk,
            OpenMember.Sealed(Make.SecondKeyLine.Replace("k2", "k1", StringComparison.Ordinal)),
            $"{path} {CannotBeOpened}");
    }

    /// <summary>
    /// Whoever can write the disk can make every checksum right. Without that each of these is damage like any other (DamageTests).
    /// </summary>
    [Test]
    public void A_frame_that_was_changed_with_its_checksums_made_right_is_refused_and_never_a_tear()
    {
        var disk = LogOf(4);
        var map = LogMap.Of(disk);
        var last = map.LastFrame;
        for (var offset = FrameHeader.Bytes; offset < last.Header.TotalBytes; offset++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = disk.Copy(1);
                var contents = disk.Contents(last.Path);
                contents[last.Offset + offset] ^= (byte)(1 << bit);
                MakeRight(contents, last, map.Frames[^2].Header.PayloadChecksum);
                changed.Replace(last.Path, contents);
                Refused(
                    changed,
                    OpenMember.Sealed(),
                    $"frame {last.Header.Frame} of {last.Path} {WasChanged}");
            }
        }
    }

    [Test]
    public void Of_a_frame_s_header_no_word_can_be_another()
    {
        var disk = LogOf(4);
        var map = LogMap.Of(disk);
        var last = map.LastFrame;
        var changed = disk.Copy(1);
        var contents = disk.Contents(last.Path);
        var header = last.Header with { DurableThrough = last.Header.DurableThrough - 1 };
        header.Write(contents.AsSpan(last.Offset), LogMap.Identity.FrameSeed);
        changed.Replace(last.Path, contents);
        Refused(changed, OpenMember.Sealed(),
            $"frame {last.Header.Frame} of {last.Path} {WasChanged}");
    }

    [Test]
    public void Frames_that_were_swapped_are_refused()
    {
        var disk = LogOf(5);
        var map = LogMap.Of(disk);
        var (first, second) = (map.Frames[^2], map.Frames[^1]);
        Assert.That(first.Header.PayloadBytes, Is.EqualTo(second.Header.PayloadBytes), "they fit into each other's places");
        var contents = disk.Contents(first.Path);
        var payload = contents[(first.Offset + FrameHeader.Bytes)..first.End];
        contents.AsSpan(second.Offset + FrameHeader.Bytes, payload.Length).CopyTo(contents.AsSpan(first.Offset + FrameHeader.Bytes));
        payload.CopyTo(contents.AsSpan(second.Offset + FrameHeader.Bytes));
        var chain = MakeRight(contents, first, map.Frames[^3].Header.PayloadChecksum);
        MakeRight(contents, second, chain);
        disk.Replace(first.Path, contents);
        Refused(disk, OpenMember.Sealed(),
            $"frame {first.Header.Frame} of {first.Path} {WasChanged}");
    }

    [Test]
    public void No_word_of_a_segment_s_header_can_be_another_though_its_checksum_is_made_right()
    {
        var disk = LogOf(3);
        var path = OpenMember.SegmentPath(1);
        var whole = disk.Contents(path);
        var length = BitConverter.ToInt32(whole, 12);
        for (var offset = FileHeader.FixedBytes; offset < FileHeader.FixedBytes + length; offset++)
        {
            var contents = whole.ToArray();
            contents[offset] ^= 1;
            MakeHeaderRight(contents, length);
            var changed = disk.Copy(1);
            changed.Replace(path, contents);
            Assert.That(() => OpenMember.Start(changed, options: OpenMember.Sealed()), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains(path), $"offset {offset}");
        }
    }

    [Test]
    public void A_segment_of_another_member_is_refused_also_when_it_says_that_it_is_this_one_s()
    {
        var disk = LogOf(3);
        var other = LogMap.Identity with { Member = new MemberId(5) };
        var path = OpenMember.SegmentPath(1);
        disk.Delete(path);
        var header = new SegmentHeader(1, 1, 0, 0, new LogState(Make.Vote(0), Make.Initial, null, LogIndex.Zero));
        SegmentFiles.Create(disk, OpenMember.Root + "/wal", other, header, new(), OpenMember.Sealed(), FrameHeader.Bytes).File.Dispose();
        Refused(disk, OpenMember.Sealed(), $"{path} belongs to another member (0000000000000005) than this data directory ({Make.Self})");

        var contents = disk.Contents(path);
        var at = contents.AsSpan().IndexOf(BitConverter.GetBytes(5L));
        BitConverter.TryWriteBytes(contents.AsSpan(at), Make.Self.Value);
        MakeHeaderRight(contents, BitConverter.ToInt32(contents, 12));
        disk.Replace(path, contents);
        Refused(disk, OpenMember.Sealed(),
            $"{path} {CannotBeOpened}");
    }

    [Test]
    public void A_thousand_restarts_with_a_cut_tail_leave_no_space_taken_and_no_nonce_with_two_contents()
    {
        var disk = new SimulatedDisk(1);
        var watch = new SealWatch(disk);
        var options = OpenMember.Sealed();
        using (var member = OpenMember.Start(watch, options: options))
        {
            member.Append(Make.Entries(1, 3, 1));
        }
        for (var restart = 0; restart < 1000; restart++)
        {
            using (var member = OpenMember.Start(watch, options: options))
            {
                Assert.That(member.Recovered.Entries, Has.Count.EqualTo(3));
                member.Append(Make.Entry(4, 1 + (restart % 2), 40 + (restart % 100)));
            }
            disk.KillProcess();
            var torn = LogMap.Of(disk).LastFrame;
            var contents = disk.Contents(torn.Path);
            contents[torn.End - 1] ^= 1;
            disk.Replace(torn.Path, contents);
        }
        Assert.That(disk.List(OpenMember.Root + "/wal"), Has.Count.EqualTo(2),
            "one that holds frames, and the one that each restart replaces");
        Assert.That(watch.Parts, Is.EqualTo(1001), "the frame that was written anew was another one's each time");
    }

    [Test]
    public void Restarts_that_write_a_little_keep_no_space_that_they_did_not_use()
    {
        var disk = new SimulatedDisk(1);
        var options = OpenMember.Sealed() with { SegmentBytes = 1 << 20 };
        for (var restart = 1; restart <= 60; restart++)
        {
            using var member = OpenMember.Start(disk, options: options);
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(restart - 1));
            member.Append(Make.Entry(restart, 1));
        }
        var bytes = disk.List(OpenMember.Root + "/wal").Sum(name => (long)disk.Contents($"{OpenMember.Root}/wal/{name}").Length);
        Assert.That(bytes, Is.LessThan(options.SegmentBytes + (60 * 1024)));
    }

    /// <summary>The process before ended between the new segment and the return of the old one's space.</summary>
    [Test]
    public void Space_that_an_interrupted_start_did_not_give_back_the_next_one_does()
    {
        var disk = LogOf(2);
        var options = OpenMember.Sealed() with { SegmentBytes = 64 << 10 };
        using (var member = OpenMember.Start(disk, options: options))
        {
            member.Append(Make.Entry(3, 1));
        }
        disk.Inject = operation => operation.Kind == DiskOperationKind.Truncate ? DiskFault.CrashBefore : DiskFault.None;
        Assert.That(() => OpenMember.Start(disk, options: options), Throws.TypeOf<SimulatedCrashException>());
        disk.LosePower();
        Assert.That(disk.Contents(OpenMember.SegmentPath(2)), Has.Length.EqualTo(64 << 10));
        using (var again = OpenMember.Start(disk, options: options))
        {
            Assert.That(again.Recovered.Entries, Has.Count.EqualTo(3));
            Assert.That(disk.Contents(OpenMember.SegmentPath(2)), Has.Length.LessThan(2048));
            again.Append(Make.Entry(4, 1));
        }
        // What was given back was not durable when power was lost, and other segments follow by now.
        byte[] asBefore = [.. disk.Contents(OpenMember.SegmentPath(2)), .. new byte[60 << 10]];
        disk.Replace(OpenMember.SegmentPath(2), asBefore);
        using var last = OpenMember.Start(disk, options: options);
        Assert.That(last.Recovered.Entries, Has.Count.EqualTo(4));
        Assert.That(disk.Contents(OpenMember.SegmentPath(2)), Has.Length.LessThan(2048));
    }

    [Test]
    public void More_segments_than_a_process_may_have_files_open_are_recovered()
    {
        var disk = new SimulatedDisk(1);
        var options = OpenMember.Sealed();
        for (var restart = 1; restart <= 40; restart++)
        {
            using var member = OpenMember.Start(disk, options: options);
            member.Append(Make.Entry(restart, 1));
        }
        var few = new ScarceDisk(disk, mostFiles: 3);
        using var again = OpenMember.Start(few, options: options);
        Assert.That(again.Recovered.Entries, Has.Count.EqualTo(40));
    }

    [Test]
    public void Encryption_is_turned_on_and_off_again_over_a_log_that_is_there()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 2, 1));
        }
        var on = OpenMember.Sealed();
        using (var member = OpenMember.Start(disk, options: on))
        {
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(2));
            Assert.That((on.Keys!.Files.PlainSegments, on.Keys.Files.KeysInUse), Is.EqualTo((1, (string[])["k1"])));
            member.Append(Make.Entries(3, 2, 1));
        }
        var off = OpenMember.Sealed("plain\n" + Make.KeyFile);
        using (var member = OpenMember.Start(disk, options: off))
        {
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(4));
            member.Append(Make.Entries(5, 2, 1));
            member.TakeSnapshot(Make.Mark(6, 1));
            member.Compact(new LogIndex(6));
            member.Snapshots.RemoveOlderThan(Make.Mark(6, 1));
        }
        Assert.That(off.Keys!.Files.KeysInUse, Is.Empty);
        using var plain = OpenMember.Start(disk);
        Assert.That(plain.Recovered.Snapshot?.LastIndex, Is.EqualTo(new LogIndex(6)));
    }

    [Test]
    public void A_new_first_key_seals_the_next_segment_and_the_old_one_is_in_use_until_its_segments_are_gone()
    {
        var disk = LogOf(2);
        var options = OpenMember.Sealed(Make.SecondKeyLine + "\n" + Make.KeyFile);
        using (var member = OpenMember.Start(disk, options: options))
        {
            Assert.That(options.Keys!.Files.KeysInUse, Is.EqualTo(new[] { "k1", "k2" }));
            member.TakeSnapshot(Make.Mark(2, 1));
            member.Compact(new LogIndex(2));
            Assert.That(options.Keys.Files.KeysInUse, Is.EqualTo(new[] { "k2" }));
        }
        using var without = OpenMember.Start(disk, options: OpenMember.Sealed(Make.SecondKeyLine));
        Assert.That(without.Recovered.Snapshot?.LastIndex, Is.EqualTo(new LogIndex(2)));
    }

    [Test]
    public void Frames_of_any_size_stay_within_what_was_allocated()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk, options: OpenMember.Sealed()))
        {
            for (var index = 1; index <= 600; index++)
            {
                member.Append(Make.Entry(index, 1, index % 211));
            }
        }
        Assert.That(disk.List(OpenMember.Root + "/wal").Select(name => disk.Contents($"{OpenMember.Root}/wal/{name}").Length),
            Is.All.EqualTo(2048));
        using var again = OpenMember.Start(disk, options: OpenMember.Sealed());
        Assert.That(again.Recovered.Entries, Has.Count.EqualTo(600));
    }

    [Test]
    public void A_frame_larger_than_a_segment_is_sealed_in_a_segment_of_its_size()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk, options: OpenMember.Sealed()))
        {
            for (var bytes = 4050; bytes < 4150; bytes++)
            {
                member.Append(Make.Entry(bytes - 4049, 1, bytes));
            }
        }
        foreach (var name in disk.List(OpenMember.Root + "/wal"))
        {
            var contents = disk.Contents($"{OpenMember.Root}/wal/{name}");
            Assert.That(contents.Length == 2048 || contents.Length % 4096 == 0, $"{name} was not extended beyond what was allocated");
        }
        using var again = OpenMember.Start(disk, options: OpenMember.Sealed());
        Assert.That(again.Recovered.Entries, Has.Count.EqualTo(100));
    }

    private static Entry CanaryEntry(long index) => new()
    {
        Term = new Term(1),
        Index = new LogIndex(index),
        Kind = EntryKind.Command,
        Stamp = ClusterTime.Zero,
        Payload = Canary,
    };

    private static SimulatedDisk LogOf(int count)
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: OpenMember.Sealed());
        for (var i = 1; i <= count; i++)
        {
            member.Append(Make.Entry(i, 1));
        }
        return disk;
    }

    private static IEnumerable<string> FilesOf(SimulatedDisk disk) => new[] { "", "/wal", "/snap" }
        .SelectMany(under => disk.List(OpenMember.Root + under).Select(name => $"{OpenMember.Root}{under}/{name}"))
        .Where(disk.FileExists);

    private static void Refused(SimulatedDisk disk, StorageOptions options, string sentence) =>
        Assert.That(() => OpenMember.Start(disk, options: options), Throws.TypeOf<StorageRefusedException>()
            .With.Message.EqualTo(sentence));

    /// <summary>Gives a frame the checksums of what it holds now.</summary>
    private static uint MakeRight(byte[] contents, FramePlace frame, uint previous)
    {
        var checksum = Crc32C.Append(previous, contents.AsSpan((frame.Offset + FrameHeader.Bytes)..frame.End));
        (frame.Header with { PayloadChecksum = checksum }).Write(contents.AsSpan(frame.Offset), LogMap.Identity.FrameSeed);
        return checksum;
    }

    private static void MakeHeaderRight(byte[] contents, int bodyBytes) =>
        BitConverter.TryWriteBytes(contents.AsSpan(16),
            Crc32C.Append(Crc32C.Of(contents.AsSpan(0, 16)), contents.AsSpan(FileHeader.FixedBytes, bodyBytes)));
}
