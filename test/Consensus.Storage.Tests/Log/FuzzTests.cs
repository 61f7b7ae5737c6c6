using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Log;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

/// <summary>Bytes that nobody wrote: recovery answers or refuses, and throws nothing else.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class FuzzTests(bool isSealed)
{
    private StorageOptions Options { get; } = (isSealed ? OpenMember.Sealed() : OpenMember.SmallSegments) with { SegmentBytes = 1024 };

    [Test]
    public void Any_bytes_in_any_file_are_recovered_or_refused([Range(1, 8)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var disk = Prepared();
        string[] files =
        [
            .. disk.List(OpenMember.Root + "/wal").Select(name => OpenMember.Root + "/wal/" + name),
            .. disk.List(OpenMember.Root + "/snap").Select(name => OpenMember.Root + "/snap/" + name),
            OpenMember.Root + "/identity",
        ];
        for (var round = 0; round < 300; round++)
        {
            var damaged = disk.Copy((ulong)round);
            var path = files[(int)random.Next(files.Length)];
            damaged.Replace(path, Mutate(damaged.Contents(path), random));
            RecoverOrRefuse(damaged);
        }
    }

    [Test]
    public void Any_payload_with_its_right_checksum_is_replayed_or_refused([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var disk = Prepared();
        var last = LogMap.Of(disk).LastFrame;
        var original = disk.Contents(last.Path);
        var refused = 0;
        for (var round = 0; round < 500; round++)
        {
            var payload = random.Chance(1, 2)
                ? Mutate(original[(last.Offset + FrameHeader.Bytes)..last.End], random)
                : [.. Enumerable.Range(0, (int)random.Next(40)).Select(_ => (byte)random.Next(random.Chance(1, 2) ? 48 : 256))];
            payload = payload[..Math.Min(payload.Length, original.Length - last.End - FrameHeader.Bytes)];
            var contents = original.ToArray();
            var checksum = Crc32C.Append(last.Header.PayloadChecksum, payload);
            var header = new FrameHeader(payload.Length, last.Header.Segment, last.Header.Frame + 1, last.Header.Frame, checksum);
            header.Write(contents.AsSpan(last.End), LogMap.Identity.FrameSeed);
            payload.CopyTo(contents.AsSpan(last.End + FrameHeader.Bytes));
            var changed = disk.Copy(1);
            changed.Replace(last.Path, contents);
            refused += RecoverOrRefuse(changed) ? 0 : 1;
        }
        Assert.That(refused, Is.GreaterThan(100));
    }

    [Test]
    public void Any_header_body_with_its_right_checksum_is_used_or_refused([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var disk = Prepared();
        foreach (var path in new[] { OpenMember.SegmentPath(1), OpenMember.SnapshotPath(Make.Mark(3, 1)), OpenMember.Root + "/identity" })
        {
            var original = disk.Contents(path);
            var length = BitConverter.ToInt32(original, 12);
            for (var round = 0; round < 200; round++)
            {
                var contents = original.ToArray();
                for (var i = random.Next(3); i >= 0; i--)
                {
                    contents[20 + random.Next(length)] ^= (byte)random.Next(256);
                }
                var checksum = Crc32C.Append(Crc32C.Of(contents.AsSpan(0, 16)), contents.AsSpan(20, length));
                BitConverter.TryWriteBytes(contents.AsSpan(16), checksum);
                var changed = disk.Copy(1);
                changed.Replace(path, contents);
                RecoverOrRefuse(changed);
            }
        }
    }

    private SimulatedDisk Prepared()
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: Options);
        member.Vote(1, 11);
        member.Append(Make.Entries(1, 5, 1));
        member.TakeSnapshot(Make.Mark(3, 1));
        member.Append(Make.Entries(6, 2, 1, 200));
        member.Append(Make.Entries(8, 2, 1));
        return disk;
    }

    private static byte[] Mutate(byte[] bytes, DeterministicRandom random)
    {
        var list = bytes.ToList();
        for (var i = random.Next(1, 6); i > 0 && list.Count > 0; i--)
        {
            var at = (int)random.Next(list.Count);
            var count = (int)Math.Min(random.Next(1, 30), list.Count - at);
            switch (random.Next(5))
            {
                case 0: list[at] = (byte)random.Next(256); break;
                case 1: list.RemoveRange(at, count); break;
                case 2: list.InsertRange(at, list.GetRange((int)random.Next(list.Count - count + 1), count)); break;
                case 3: list[at] = 0xFF; break;
                default: list.RemoveRange(at, list.Count - at); break;
            }
        }
        return [.. list];
    }

    private bool RecoverOrRefuse(SimulatedDisk disk)
    {
        try
        {
            using var member = OpenMember.Start(disk, options: Options);
            return true;
        }
        catch (StorageRefusedException)
        {
            return false;
        }
    }
}
