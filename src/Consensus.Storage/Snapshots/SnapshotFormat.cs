using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// A snapshot file: a header with cluster and mark, sections, and an end section that counts them (docs/wal-format.md). Each section begins
/// with kind (4 bytes), length (4) and CRC-32C (4) of kind, length and body, chained to the section before it and the first one to the
/// header.
/// </summary>
internal static class SnapshotFormat
{
    public const int SectionHeaderBytes = 12;

    /// <summary>Of what <see cref="WriteSectionContext"/> writes.</summary>
    public const int SectionContextBytes = 16;

    /// <summary>Ends the file; its body is the number of sections before it, 8 bytes.</summary>
    public const int EndKind = -1;

    /// <summary>A section is read into memory whole; writers make them about 64 KiB.</summary>
    public const int MaxSectionBytes = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "CNSSSNAP"u8;

    /// <param name="owner">Whose data directory a sealed file is for; null for a backup. A plain file is everybody's.</param>
    /// <param name="keys">Draws the file's data key; null: the file is plain.</param>
    /// <returns>Seals the sections; null when they are plain.</returns>
    public static FileCipher? WriteHeader(
        WireWriter writer, ClusterId cluster, SnapshotMark mark, StorageIdentity? owner = null, KeyRing? keys = null)
    {
        var isSealed = keys is { Seals: true };
        var cipher = FileHeader.Write(writer, Magic, body =>
        {
            body.Fixed64(1, (ulong)cluster.Value);
            var start = body.BeginMessage(2);
            RaftCodec.WriteSnapshotMark(body, mark);
            body.EndMessage(start);
            if (isSealed && owner is not null)
            {
                body.Fixed64(3, (ulong)owner.Member.Value);
                body.Fixed64(4, (ulong)owner.Incarnation);
            }
        }, isSealed ? keys : null);
        if (!isSealed || cipher is not null)
        {
            return cipher;
        }
        // The key file came to say "plain" meanwhile.
        writer.Clear();
        return WriteHeader(writer, cluster, mark);
    }

    /// <summary>Whether a file begins as one of these; what follows may still be damaged.</summary>
    public static bool IsSnapshot(IDiskFile file)
    {
        Span<byte> start = stackalloc byte[Magic.Length];
        return file.Read(0, start) == start.Length && start.SequenceEqual(Magic);
    }

    /// <summary>Reads the header, of whichever cluster it is. Throws <see cref="WireFormatException"/>.</summary>
    public static SnapshotHeader ReadHeader(IDiskFile file) => ReadHeader(FileHeader.Read(file, Magic));

    public static SnapshotHeader ReadHeader(FileHead head)
    {
        long cluster = 0, member = 0, incarnation = 0;
        SnapshotMark? found = null;
        var reader = new WireReader(head.Body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: cluster = (long)reader.Fixed64(); break;
                case 2: found = RaftCodec.ReadSnapshotMark(reader.Bytes()); break;
                case 3 when head.Key is not null: member = (long)reader.Fixed64(); break;
                case 4 when head.Key is not null: incarnation = (long)reader.Fixed64(); break;
                default: reader.RefuseUnknown("its header"); break;
            }
        }
        return new SnapshotHeader(
            new StorageIdentity(new ClusterId(cluster), new MemberId(member), incarnation),
            found ?? throw new WireFormatException("has a damaged header: it does not say where in a log it belongs"),
            head);
    }

    /// <summary>
    /// Reads the header and checks that it is of this cluster and mark, and, if it is sealed, for this data directory. Throws
    /// <see cref="WireFormatException"/>.
    /// </summary>
    public static SnapshotHeader ReadHeader(IDiskFile file, StorageIdentity owner, SnapshotMark mark)
    {
        var header = ReadHeader(file);
        if (header.Cluster != owner.Cluster)
        {
            throw new WireFormatException($"is a snapshot of cluster {header.Cluster}, and this is cluster {owner.Cluster}");
        }
        if (header.Head.Key is not null && header.Owner != owner)
        {
            throw new WireFormatException(
                $"was encrypted by another member ({header.Owner.Member}) than that of this data directory ({owner.Member})");
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

    /// <summary>
    /// What stands in plain beside a sealed section and must not be another: the file's header, the kind, and its place among the sections,
    /// so that none of them can be left out, put elsewhere or taken for another one's.
    /// </summary>
    /// <param name="header">The CRC in the file's header.</param>
    public static void WriteSectionContext(Span<byte> into, uint header, int kind, long number)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(into, header);
        BinaryPrimitives.WriteInt32LittleEndian(into[4..], kind);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], number);
    }
}

/// <summary>What a snapshot file says of itself before its sections.</summary>
/// <param name="Owner">Its cluster; and, of a sealed one, whose data directory it is for.</param>
/// <param name="Head">Where the first section begins, what it is chained to, and what opens it.</param>
internal sealed record SnapshotHeader(StorageIdentity Owner, SnapshotMark Mark, FileHead Head)
{
    public ClusterId Cluster => Owner.Cluster;
}
