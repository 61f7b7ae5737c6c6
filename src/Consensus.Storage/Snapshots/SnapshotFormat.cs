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

    /// <summary>Reads the header and checks that it is of this cluster and mark. Throws <see cref="WireFormatException"/>.</summary>
    /// <param name="checksum">To chain the first section to.</param>
    /// <returns>Where the first section begins.</returns>
    public static int ReadHeader(IDiskFile file, ClusterId cluster, SnapshotMark mark, out uint checksum)
    {
        var body = FileHeader.Read(file, Magic, out checksum);
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
        if (owner != cluster.Value)
        {
            throw new WireFormatException($"is a snapshot of cluster {new ClusterId(owner)}, and this is cluster {cluster}");
        }
        if (found is null || found.LastIndex != mark.LastIndex || found.LastTerm != mark.LastTerm || found.Stamp != mark.Stamp)
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture,
                $"is a snapshot at index {found?.LastIndex} of term {found?.LastTerm}, not at index {mark.LastIndex} of term {mark.LastTerm}"));
        }
        return FileHeader.FixedBytes + body.Length;
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
