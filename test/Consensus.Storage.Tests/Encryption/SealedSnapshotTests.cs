using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Snapshots;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>Snapshot files that are sealed, and their way from a member with one key to a member with another.</summary>
public sealed class SealedSnapshotTests
{
    private static readonly SnapshotMark Mark = Make.Mark(17, 2);
    private static readonly string Path = OpenMember.SnapshotPath(Mark);

    [Test]
    public void A_snapshot_goes_in_plain_from_a_member_with_one_key_to_a_member_with_another()
    {
        var (from, to, plain) = (new SimulatedDisk(1), new SimulatedDisk(2), new SimulatedDisk(3));
        using var sender = OpenMember.Start(from, options: OpenMember.Sealed());
        using var receiver = OpenMember.Start(to, options: OpenMember.Sealed(Make.SecondKeyLine));
        using var open = OpenMember.Start(plain);
        OpenMember.SaveSnapshot(sender.Snapshots, Mark, 9);
        OpenMember.SaveSnapshot(open.Snapshots, Mark, 9);

        var sent = Sent(sender);
        Assert.That(sent, Is.EqualTo(plain.Contents(Path)), "byte for byte the file of a member without keys");
        foreach (var piece in new[] { 1, 7, 100, 64 << 10 })
        {
            using (var incoming = receiver.Snapshots.Receive(Mark, sent.Length))
            {
                foreach (var chunk in sent.Chunk(piece))
                {
                    incoming.Write(chunk);
                }
                Assert.That(incoming.TakenBytes, Is.EqualTo(sent.Length), "counted as the sender counts");
                Assert.That(incoming.Complete().LengthBytes, Is.EqualTo(to.Contents(Path).Length));
            }
            Assert.That(Bodies(receiver), Is.EqualTo(Bodies(sender)));
        }
        Assert.That(to.Contents(Path), Is.Not.EqualTo(from.Contents(Path)));
        Assert.That(Sent(receiver), Is.EqualTo(sent));
    }

    [Test]
    public void A_transfer_goes_on_from_any_byte()
    {
        using var sender = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.Sealed());
        OpenMember.SaveSnapshot(sender.Snapshots, Mark, 4);
        var whole = Sent(sender);
        using var raw = sender.Snapshots.OpenRaw(Mark);
        Assert.That(raw.Length, Is.EqualTo(whole.Length));
        for (var from = whole.Length; from >= 0; from--)
        {
            raw.Position = from;
            var rest = new MemoryStream();
            raw.CopyTo(rest);
            Assert.That(rest.ToArray(), Is.EqualTo(whole[from..]), $"from {from}");
        }
    }

    [Test]
    public void A_flipped_bit_anywhere_is_refused_by_name()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: OpenMember.Sealed());
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 4);
        for (var offset = 0; offset < disk.Contents(Path).Length; offset++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                disk.FlipBit(Path, offset, bit);
                Assert.That(() => Bodies(member), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(Path),
                    $"offset {offset} bit {bit}");
                Assert.That(() => Sent(member), Throws.TypeOf<StorageFailedException>().With.Message.Contains(Path),
                    $"sent: offset {offset} bit {bit}");
                disk.FlipBit(Path, offset, bit);
            }
        }
        Assert.That(Bodies(member), Has.Count.EqualTo(4));
    }

    /// <summary>Whoever can write the disk can make every checksum right.</summary>
    [Test]
    public void A_section_that_was_changed_left_out_doubled_or_moved_is_refused_though_every_checksum_is_made_right()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: OpenMember.Sealed());
        member.Snapshots.Save(Mark, sink =>
        {
            for (var i = 0; i < 4; i++)
            {
                sink.Section(1, new byte[50]);
            }
        });
        var whole = disk.Contents(Path);
        var sections = SectionsOf(whole, out var header);
        Assert.That(sections, Has.Count.EqualTo(5));
        disk.Replace(Path, Join(header, sections));
        Assert.That(Bodies(member), Has.Count.EqualTo(4), "nothing was changed");

        for (var offset = 0; offset < sections[2].Body.Length; offset++)
        {
            var body = sections[2].Body.ToArray();
            body[offset] ^= 1;
            AssertRefused([.. sections[..2], (sections[2].Kind, body), .. sections[3..]], $"offset {offset}");
        }
        AssertRefused([.. sections[..2], (2, sections[2].Body), .. sections[3..]], "another kind");
        AssertRefused([.. sections[..2], .. sections[3..]], "left out");
        AssertRefused([.. sections[..3], sections[4]], "the last left out");
        AssertRefused([sections[4]], "all left out");
        AssertRefused([.. sections[..2], sections[2], .. sections[2..]], "doubled");
        AssertRefused([sections[1], sections[0], .. sections[2..]], "swapped");

        void AssertRefused(List<(int Kind, byte[] Body)> changed, string what)
        {
            disk.Replace(Path, Join(header, changed));
            Assert.That(() => Bodies(member), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains(Path).And.Message.Contains("was changed or is of another key"), what);
        }
    }

    [Test]
    public void A_snapshot_of_another_member_is_refused()
    {
        var other = new SimulatedDisk(1);
        using (var stranger = OpenMember.OpenDirectory(other, options: OpenMember.Sealed()))
        {
            stranger.Form(Make.Cluster, new MemberId(5), Make.Initial);
            OpenMember.SaveSnapshot(stranger.Snapshots, Mark, 2);
        }
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: OpenMember.Sealed());
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 2);
        disk.Replace(Path, other.Contents(Path));
        Assert.That(() => Bodies(member), Throws.TypeOf<StorageRefusedException>()
            .With.Message.EqualTo(
                $"{Path} was encrypted by another member (0000000000000005) than that of this data directory ({Make.Self})"));
    }

    [Test]
    public void A_file_that_is_begun_again_has_another_key()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(new SealWatch(disk), options: OpenMember.Sealed());
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 3);
        var first = disk.Contents(Path);
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 3);
        var second = disk.Contents(Path);
        Assert.That(second, Has.Length.EqualTo(first.Length));
        Assert.That(second.AsSpan(^40..).SequenceEqual(first.AsSpan(^40..)), Is.False);
    }

    [Test]
    public void What_a_leader_sends_changed_or_encrypted_is_not_taken()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: OpenMember.Sealed());
        OpenMember.SaveSnapshot(member.Snapshots, Mark, 4);
        var (whole, encrypted) = (Sent(member), disk.Contents(Path));
        disk.Delete(Path);
        for (var offset = 0; offset < whole.Length; offset++)
        {
            var damaged = whole.ToArray();
            damaged[offset] ^= 1;
            AssertNotTaken(damaged, damaged.Length, $"offset {offset}");
            AssertNotTaken(whole.AsSpan(0, offset), Math.Max(1, offset), $"cut at {offset}");
        }
        AssertNotTaken([.. whole, 0], whole.Length + 1, "longer than its sections");
        AssertNotTaken(encrypted, encrypted.Length, "encrypted");
        var sections = SectionsOf(whole, out var header);
        var shorter = Join(header, [.. sections[..2], .. sections[3..]]);
        AssertNotTaken(shorter, shorter.Length, "a section left out, with every checksum right");
        Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty);

        void AssertNotTaken(ReadOnlySpan<byte> bytes, long announced, string what)
        {
            using var incoming = member.Snapshots.Receive(Mark, announced);
            incoming.Write(bytes);
            Assert.That(incoming.Complete, Throws.TypeOf<WireFormatException>(), what);
        }
    }

    [Test]
    public void Plain_snapshots_are_counted_and_read_after_encryption_is_turned_on()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 17, 2));
            member.TakeSnapshot(Mark);
        }
        var options = OpenMember.Sealed();
        using var again = OpenMember.Start(disk, options: options);
        Assert.That(options.Keys!.Files.PlainSnapshots, Is.EqualTo(1));
        Assert.That(Sent(again), Is.EqualTo(disk.Contents(Path)));
        OpenMember.SaveSnapshot(again.Snapshots, Make.Mark(18, 2), 1);
        again.Snapshots.RemoveOlderThan(Make.Mark(18, 2));
        Assert.That(options.Keys.Files.PlainSnapshots, Is.Zero);
    }

    private static byte[] Sent(OpenMember member)
    {
        using var raw = member.Snapshots.OpenRaw(Mark);
        var sent = new MemoryStream();
        raw.CopyTo(sent);
        Assert.That(sent.Length, Is.EqualTo(raw.Length));
        return sent.ToArray();
    }

    private static List<byte[]> Bodies(OpenMember member)
    {
        using var reader = member.Snapshots.Open(Mark);
        var bodies = new List<byte[]>();
        while (reader.NextSection(out _, out var body))
        {
            bodies.Add(body.ToArray());
        }
        return bodies;
    }

    private static List<(int Kind, byte[] Body)> SectionsOf(byte[] file, out byte[] header)
    {
        var at = 20 + BitConverter.ToInt32(file, 12);
        header = file[..at];
        var sections = new List<(int Kind, byte[] Body)>();
        while (at < file.Length)
        {
            var length = BitConverter.ToInt32(file, at + 4);
            sections.Add((BitConverter.ToInt32(file, at), file[(at + 12)..(at + 12 + length)]));
            at += 12 + length;
        }
        return sections;
    }

    private static byte[] Join(byte[] header, List<(int Kind, byte[] Body)> sections)
    {
        var file = new List<byte>(header);
        var checksum = BitConverter.ToUInt32(header, 16);
        var start = new byte[SnapshotFormat.SectionHeaderBytes];
        foreach (var (kind, body) in sections)
        {
            checksum = SnapshotFormat.WriteSectionHeader(start, kind, body, checksum);
            file.AddRange(start);
            file.AddRange(body);
        }
        return [.. file];
    }
}
