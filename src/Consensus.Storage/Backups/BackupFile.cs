using Consensus.Primitives.Wire;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Backups;

/// <summary>Looks into a backup without decoding all of it: memory does not grow with its size.</summary>
public static class BackupFile
{
    /// <summary>Reads the file to its end and checks every checksum. Throws <see cref="BackupException"/> when it is missing, damaged, or no backup.</summary>
    /// <param name="progress">Told how many bytes of how many were gone through.</param>
    /// <param name="keys">Open a sealed one; null: it is refused.</param>
    public static BackupSummary Inspect(string path, Action<long, long>? progress = null, KeyRing? keys = null) =>
        Inspect(new LinuxDisk(), path, progress, keys);

    internal static BackupSummary Inspect(IDisk disk, string path, Action<long, long>? progress = null, KeyRing? keys = null)
    {
        using var reader = BackupReader.Open(disk, path, keys, progress);
        SnapshotSummary? summary = null;
        while (reader.NextSection(out var kind, out var body))
        {
            summary ??= Summary(path, kind, body);
        }
        if (summary is null)
        {
            throw new BackupException($"{path} is damaged: it holds nothing");
        }
        var mark = reader.Header.Mark;
        if (summary.AppliedIndex != mark.LastIndex)
        {
            throw new BackupException($"{path} is damaged: its header says index {mark.LastIndex}, what it holds ends at index {summary.AppliedIndex}");
        }
        return new BackupSummary(
            path,
            reader.Length,
            reader.Header.Cluster.ToString(),
            mark.LastIndex.Value,
            mark.LastTerm.Value,
            summary.Revision.Value,
            summary.Keys,
            summary.Leases,
            summary.HoldsInUse,
            summary.Waiters,
            summary.Fences,
            mark.Stamp.Micros / 1000,
            summary.Hash.ToString(),
            [.. mark.Configuration.Members.Select(member => member.Name).Order(StringComparer.Ordinal)])
        {
            KeyId = reader.KeyId,
        };
    }

    private static SnapshotSummary Summary(string path, int kind, ReadOnlyMemory<byte> body)
    {
        try
        {
            return SnapshotSummary.Read(kind, body);
        }
        catch (WireFormatException e)
        {
            throw new BackupException($"{path} cannot be read: {e.Message}");
        }
    }
}
