using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// A snapshot file: a header with cluster and mark, sections, and an end section that counts them (docs/wal-format.md). Each section begins
/// with kind (4 bytes), length (4) and CRC-32C (4) of kind, length and body, chained to the section before it and the first one to the header.
/// </summary>
internal static class SnapshotFormat
{
    public const int SectionHeaderBytes = 12;

    /// <summary>Ends the file; its body is the number of sections before it, 8 bytes.</summary>
    public const int EndKind = -1;

    /// <summary>A section is read into memory whole; writers make them about 64 KiB.</summary>
    public const int MaxSectionBytes = 64 << 20;

    private static ReadOnlySpan<byte> Magic => "CNSSSNAP"u8;

    public static void WriteHeader(WireWriter writer, ClusterId cluster, SnapshotMark mark) => FileHeader.Write(writer, Magic, body =>
    {
        body.Fixed64(1, (ulong)cluster.Value);
        var start = body.BeginMessage(2);
        RaftCodec.WriteSnapshotMark(body, mark);
        body.EndMessage(start);
    });

    /// <summary>Whether a file begins as one of these; what follows may still be damaged.</summary>
    public static bool IsSnapshot(IDiskFile file)
    {
        Span<byte> start = stackalloc byte[Magic.Length];
        return file.Read(0, start) == start.Length && start.SequenceEqual(Magic);
    }

    /// <summary>Reads the header, of whichever cluster it is. Throws <see cref="WireFormatException"/>.</summary>
    public static SnapshotHeader ReadHeader(IDiskFile file)
    {
        var body = FileHeader.Read(file, Magic, out var checksum);
        long owner = 0;
        SnapshotMark? found = null;
        var reader = new WireReader(body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: owner = (long)reader.Fixed64(); break;
                case 2: found = RaftCodec.ReadSnapshotMark(reader.Bytes()); break;
                default: reader.RefuseUnknown("its header"); break;
            }
        }
        return new SnapshotHeader(
            new ClusterId(owner),
            found ?? throw new WireFormatException("has a damaged header: it does not say where in a log it belongs"),
            FileHeader.FixedBytes + body.Length,
            checksum);
    }

    /// <summary>Reads the header and checks that it is of this cluster and mark. Throws <see cref="WireFormatException"/>.</summary>
    public static SnapshotHeader ReadHeader(IDiskFile file, ClusterId cluster, SnapshotMark mark)
    {
        var header = ReadHeader(file);
        if (header.Cluster != cluster)
        {
            throw new WireFormatException($"is a snapshot of cluster {header.Cluster}, and this is cluster {cluster}");
        }
        var found = header.Mark;
        return found.LastIndex == mark.LastIndex && found.LastTerm == mark.LastTerm && found.Stamp == mark.Stamp
            ? header
            : throw new WireFormatException(string.Create(CultureInfo.InvariantCulture,
                $"is a snapshot at index {found.LastIndex} of term {found.LastTerm}, not at index {mark.LastIndex} of term {mark.LastTerm}"));
    }

    /// <summary>Fills in a section's header and gives the checksum that the next one is chained to.</summary>
    public static uint WriteSectionHeader(Span<byte> into, int kind, ReadOnlySpan<byte> body, uint previous)
    {
        BinaryPrimitives.WriteInt32LittleEndian(into, kind);
        BinaryPrimitives.WriteInt32LittleEndian(into[4..], body.Length);
        var checksum = Crc32C.Append(Crc32C.Append(previous, into[..8]), body);
        BinaryPrimitives.WriteUInt32LittleEndian(into[8..], checksum);
        return checksum;
    }
}

/// <summary>What a snapshot file says of itself before its sections.</summary>
/// <param name="Bytes">Where the first section begins.</param>
/// <param name="Checksum">To chain the first section to.</param>
internal sealed record SnapshotHeader(ClusterId Cluster, SnapshotMark Mark, int Bytes, uint Checksum);
