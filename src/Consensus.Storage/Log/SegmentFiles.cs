using System.Globalization;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>One segment of the log.</summary>
/// <param name="LastIndexBefore">The log's last index when the segment was begun: every entry that matters in earlier segments is up to here.</param>
internal sealed record Segment(long Sequence, string Path, Consensus.Primitives.LogIndex LastIndexBefore)
{
    /// <summary>Bytes of header and frames; what follows is zeros.</summary>
    public long UsedBytes { get; set; }

    /// <summary>Length of the file, as far as it was looked at.</summary>
    public long FileBytes { get; set; }
}

/// <summary>A segment that was begun and holds no frame yet.</summary>
/// <param name="Cipher">Seals its frames; null when they are plain.</param>
internal readonly record struct BegunSegment(Segment Segment, IDiskFile File, FileCipher? Cipher);

/// <summary>Names of segment files, and how one comes to be.</summary>
internal static class SegmentFiles
{
    public const string Extension = ".wal";
    public const string TemporaryExtension = ".tmp";
    public const int AllocationUnit = 4096;

    public static string NameOf(long sequence) => sequence.ToString("x16", CultureInfo.InvariantCulture) + Extension;

    public static bool TryParse(string name, out long sequence)
    {
        sequence = 0;
        return name.Length == 16 + Extension.Length
            && name.EndsWith(Extension, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out sequence)
            && sequence > 0
            && NameOf(sequence) == name;
    }

    /// <summary>Bytes that a segment takes whose first frame has this size.</summary>
    public static long AllocationFor(long segmentBytes, int headerBytes, long firstFrameBytes)
    {
        var needed = headerBytes + firstFrameBytes;
        return needed <= segmentBytes ? segmentBytes : (needed + AllocationUnit - 1) / AllocationUnit * AllocationUnit;
    }

    /// <summary>
    /// Makes a segment: under a temporary name until it is allocated, has its header and is durable, so that a file with a segment's name
    /// is never half made. When this returns its name is durable too. A segment that has the name already is replaced.
    /// </summary>
    /// <param name="writer">Scratch; holds the header afterwards.</param>
    /// <param name="firstFrameBytes">Room to have for the first frame, as long as it is in plain.</param>
    public static BegunSegment Create(
        IDisk disk,
        string directory,
        StorageIdentity identity,
        SegmentHeader header,
        WireWriter writer,
        StorageOptions options,
        long firstFrameBytes)
    {
        // The allocated size is in the header as a varint: ten bytes more than the header without it are enough.
        writer.Clear();
        header.Write(writer, identity, keys: null);
        var (keyBytes, tagBytes) = options.Keys is not null ? (FileHeader.MostKeyBytes, FileCipher.TagBytes) : (0, 0);
        var allocated = AllocationFor(options.SegmentBytes, writer.Length + 10 + keyBytes, firstFrameBytes + tagBytes);
        var sized = header with { AllocatedBytes = allocated };
        writer.Clear();
        var cipher = sized.Write(writer, identity, options.Keys);

        var path = Path.Combine(directory, NameOf(header.Sequence));
        var temporary = path + TemporaryExtension;
        IDiskFile? file = null;
        try
        {
            file = disk.CreateNew(temporary);
            file.Allocate(allocated);
            file.Write(0, writer.Written);
            file.Sync();
            disk.Rename(temporary, path);
            disk.SyncDirectory(directory);
        }
        catch
        {
            file?.Dispose();
            cipher?.Dispose();
            throw;
        }
        options.Keys?.Files.Add(path, cipher?.KeyId);
        var segment = new Segment(header.Sequence, path, header.State.LastIndex) { UsedBytes = writer.Length, FileBytes = allocated };
        return new BegunSegment(segment, file, cipher);
    }
}
