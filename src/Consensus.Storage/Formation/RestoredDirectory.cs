using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;
using Consensus.Storage.Log;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Formation;

/// <summary>
/// Makes a data directory whose log begins with a snapshot instead of with nothing. The identity comes last: until it is there the directory is refused by whoever
/// opens it, so a restore that was interrupted can never be started as an empty cluster.
/// </summary>
public static class RestoredDirectory
{
    /// <summary>
    /// When this returns, everything is durable. Throws <see cref="StorageRefusedException"/> when the directory cannot be used or is not empty, and
    /// <see cref="StorageFailedException"/> when the disk fails; then what was written is removed again.
    /// </summary>
    /// <param name="path">Absolute; made if it does not exist.</param>
    /// <param name="identity">Formed: of the new cluster.</param>
    /// <param name="mark">Where the snapshot stands in the new log; its configuration is the new cluster's.</param>
    public static void Create(
        IDisk disk, string path, DirectoryIdentity identity, SnapshotMark mark, Action<ISnapshotSink> write, StorageOptions options)
    {
        Invariant.Require(identity.IsFormed && !mark.Configuration.Voters.IsEmpty, "a restored directory belongs to a cluster with a voter");
        using var held = Claim(disk, path);
        var log = Path.Combine(path, DataDirectory.LogName);
        var snapshots = Path.Combine(path, DataDirectory.SnapshotsName);
        try
        {
            var owner = new StorageIdentity(identity.Cluster, identity.Member, identity.Incarnation);
            new SnapshotStore(disk, snapshots, () => owner, options).Save(mark, write);
            var state = new LogState(new HardState(mark.LastTerm, MemberId.None), mark.Configuration, mark, mark.LastIndex);
            var header = new SegmentHeader(1, 1, 0, 0, state);
            var begun = SegmentFiles.Create(disk, log, owner, header, new WireWriter(), options, FrameHeader.Bytes);
            begun.File.Dispose();
            begun.Cipher?.Dispose();
            IdentityFile.Write(disk, path, identity);
        }
        catch
        {
            Empty(disk, log);
            Empty(disk, snapshots);
            throw;
        }
    }

    /// <summary>Makes the directory and locks it, if nobody's data is in it.</summary>
    private static IDisposable Claim(IDisk disk, string path)
    {
        try
        {
            DataDirectory.EnsureDirectory(disk, path);
            if (disk.FileExists(Path.Combine(path, IdentityFile.Name)))
            {
                throw new StorageRefusedException($"{path} is the data directory of '{IdentityFile.Read(disk, path).Name}' already; a backup is restored into an empty one");
            }
            DataDirectory.RefuseStrangeContents(disk, path);
            disk.RestrictDirectory(path);
            var held = disk.TryLock(Path.Combine(path, DataDirectory.LockName))
                ?? throw new StorageRefusedException($"the data directory {path} is in use by another process");
            try
            {
                DataDirectory.EnsureDirectory(disk, Path.Combine(path, DataDirectory.LogName));
                DataDirectory.EnsureDirectory(disk, Path.Combine(path, DataDirectory.SnapshotsName));
                DataDirectory.SyncWithAncestors(disk, path);
                return held;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is StorageFailedException or UnauthorizedAccessException)
        {
            throw new StorageRefusedException($"the data directory {path} cannot be used: {e.Message}");
        }
    }

    private static void Empty(IDisk disk, string directory)
    {
        try
        {
            foreach (var name in disk.List(directory))
            {
                disk.Delete(Path.Combine(directory, name));
            }
        }
        catch (Exception e) when (e is StorageFailedException or UnauthorizedAccessException)
        {
            // The failure that led here is the one to report; what is left keeps the directory from being used.
        }
    }
}
