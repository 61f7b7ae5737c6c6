using System.Buffers.Binary;
using System.Security.Cryptography;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;
using Consensus.Storage.Log;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Formation;

/// <summary>
/// A member's data directory: <c>lock</c>, <c>identity</c>, <c>wal/</c>, <c>snap/</c>, and the server's <c>admin.sock</c> and <c>audit/</c>, for
/// its owner only. Locked until disposed; whoever recovered the log disposes the log first.
/// </summary>
public sealed class DataDirectory : IDataDirectory
{
    /// <summary>The socket through which whoever may open it administers the member; made by the server, and gone with it.</summary>
    public const string AdminSocketName = "admin.sock";

    internal const string LockName = "lock";
    internal const string LogName = "wal";
    internal const string SnapshotsName = "snap";

    /// <summary>Of the server's audit log, which is made once there is an identity.</summary>
    internal const string AuditName = "audit";
    private const string LostAndFound = "lost+found";

    private readonly IDisk _disk;
    private readonly string _path;
    private readonly StorageOptions _options;
    private readonly IDisposable _lock;
    private readonly SnapshotStore _snapshots;

    private DataDirectory(IDisk disk, string path, StorageOptions options, IDisposable held, DirectoryIdentity identity)
    {
        (_disk, _path, _options, _lock, Identity) = (disk, path, options, held, identity);
        _snapshots = new SnapshotStore(disk, Path.Combine(path, SnapshotsName), () => StorageIdentity, options);
    }

    public DirectoryIdentity Identity { get; private set; }

    public ISnapshotStore Snapshots => _snapshots;

    private string LogPath => Path.Combine(_path, LogName);

    private StorageIdentity StorageIdentity => new(Identity.Cluster, Identity.Member, Identity.Incarnation);

    /// <summary>Whether there is a data directory with an identity: one that was started before. Writes nothing; for what must be judged before <see cref="Open(string, string, ReadOnlyMemory{byte}, StorageOptions)"/> makes one.</summary>
    public static bool HasIdentity(string path) => new LinuxDisk().FileExists(Path.Combine(Path.GetFullPath(path), IdentityFile.Name));

    /// <summary>Opens a directory on this machine's disk, with a random incarnation if it is new.</summary>
    public static DataDirectory Open(string path, string name, ReadOnlyMemory<byte> tokenDigest, StorageOptions options) =>
        Open(new LinuxDisk(), Path.GetFullPath(path), name, tokenDigest, RandomIncarnation, options);

    /// <summary>
    /// Opens a data directory, or makes one, and locks it. Throws <see cref="StorageRefusedException"/> when it cannot be used: another process
    /// holds it, it is another member's or was made with another token, it holds other things, or it is damaged.
    /// </summary>
    /// <param name="path">Absolute.</param>
    /// <param name="tokenDigest">Of the cluster token (<see cref="ClusterIdentity.TokenDigest"/>).</param>
    /// <param name="newIncarnation">Gives a new directory its incarnation: random, positive.</param>
    public static DataDirectory Open(
        IDisk disk,
        string path,
        string name,
        ReadOnlyMemory<byte> tokenDigest,
        Func<long> newIncarnation,
        StorageOptions options)
    {
        try
        {
            EnsureDirectory(disk, path);
            RefuseStrangeContents(disk, path);
            disk.RestrictDirectory(path);
            var held = disk.TryLock(Path.Combine(path, LockName))
                ?? throw new StorageRefusedException($"the data directory {path} is in use by another process");
            try
            {
                var identity = ReadOrMakeIdentity(disk, path, name, tokenDigest, newIncarnation);
                return new DataDirectory(disk, path, options, held, identity);
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

    public void Form(ClusterId cluster, MemberId member, Configuration initial)
    {
        Invariant.Require(!Identity.IsFormed, "a data directory is formed once");
        Invariant.Require(!cluster.IsNone && !member.IsNone, "a formed directory has a cluster and a member");
        var formed = Identity with { Cluster = cluster, Member = member };
        var owner = new StorageIdentity(cluster, member, Identity.Incarnation);

        // Until the identity names the cluster, whatever a crash left here was never used. Where nothing was left there is nothing to flush.
        var leftovers = _disk.List(LogPath);
        foreach (var leftover in leftovers)
        {
            _disk.Delete(Path.Combine(LogPath, leftover));
        }
        if (leftovers.Count > 0)
        {
            _disk.SyncDirectory(LogPath);
        }
        var state = new LogState(new HardState(Term.Zero, MemberId.None), initial, null, LogIndex.Zero);
        var header = new SegmentHeader(1, 1, 0, 0, state);
        var begun = SegmentFiles.Create(_disk, LogPath, owner, header, new WireWriter(), _options, FrameHeader.Bytes);
        begun.File.Dispose();
        begun.Cipher?.Dispose();
        IdentityFile.Write(_disk, _path, formed);
        Identity = formed;
    }

    public RecoveredLog Recover(out IDurableLog log)
    {
        Invariant.Require(Identity.IsFormed, "only a formed directory has a log");
        var notes = new List<string>();
        var read = LogRecovery.Read(_disk, LogPath, StorageIdentity, _options.Keys, notes);
        try
        {
            var state = read.Replay.State;
            if (state.Mark is { } mark)
            {
                _snapshots.Check(mark);
            }
            var resumed = read.Resume(_disk, LogPath, StorageIdentity, _options, notes);

            // Only now: the record that names the newest snapshot may not have been durable before, and then an older one was in use.
            _snapshots.RemoveAllBut(state.Mark, notes);
            log = resumed;
            return new RecoveredLog(state.HardState, state.Configuration, state.Mark, read.Replay.Entries, state.Commit, notes);
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    internal static void EnsureDirectory(IDisk disk, string path)
    {
        if (disk.DirectoryExists(path))
        {
            return;
        }
        var parent = Path.GetDirectoryName(path) ?? throw new StorageRefusedException($"the data directory {path} cannot be made");
        EnsureDirectory(disk, parent);
        disk.CreateDirectory(path);
    }

    /// <summary>Makes the names of new directories durable, whichever of them a process that was killed had made before.</summary>
    internal static void SyncWithAncestors(IDisk disk, string path)
    {
        disk.SyncDirectory(path);
        for (var ancestor = Path.GetDirectoryName(path); ancestor is not null; ancestor = Path.GetDirectoryName(ancestor))
        {
            try
            {
                disk.SyncDirectory(ancestor);
            }
            catch (UnauthorizedAccessException)
            {
                // It may be crossed but not read: then it is the system's, and was there before.
            }
        }
    }

    /// <summary>A directory with other things in it is not taken over: its permissions would change, and it was probably named by mistake.</summary>
    internal static void RefuseStrangeContents(IDisk disk, string path)
    {
        var names = disk.List(path);
        if (names.Contains(IdentityFile.Name))
        {
            return;
        }
        foreach (var name in names)
        {
            if (name is LogName or SnapshotsName)
            {
                if (disk.List(Path.Combine(path, name)).Count > 0)
                {
                    throw new StorageRefusedException($"the data directory {path} holds a log or a snapshot but no identity file");
                }
            }
            else if (name is not (LockName or IdentityFile.TemporaryName or LostAndFound or AdminSocketName or AuditName))
            {
                throw new StorageRefusedException($"{path} is not a data directory, and not empty: it holds {name}");
            }
        }
    }

    private static DirectoryIdentity ReadOrMakeIdentity(
        IDisk disk,
        string path,
        string name,
        ReadOnlyMemory<byte> tokenDigest,
        Func<long> newIncarnation)
    {
        if (!disk.FileExists(Path.Combine(path, IdentityFile.Name)))
        {
            EnsureDirectory(disk, Path.Combine(path, LogName));
            EnsureDirectory(disk, Path.Combine(path, SnapshotsName));
            SyncWithAncestors(disk, path);
            var incarnation = newIncarnation();
            Invariant.Require(incarnation > 0, "an incarnation is positive");
            var made = new DirectoryIdentity(name, incarnation, tokenDigest.ToArray(), ClusterId.None, MemberId.None);
            IdentityFile.Write(disk, path, made);
            return made;
        }
        var identity = IdentityFile.Read(disk, path);

        // A process that was killed may have renamed it without making the new name durable.
        disk.SyncDirectory(path);
        if (identity.Name != name)
        {
            throw new StorageRefusedException(
                $"the data directory {path} belongs to the member '{identity.Name}', not to '{name}'{WayOut(identity, $"give --name {identity.Name}, or another --data-dir")}");
        }
        return identity.TokenDigest.Span.SequenceEqual(tokenDigest.Span)
            ? identity
            : throw new StorageRefusedException(
                $"the data directory {path} was made with another cluster token{WayOut(identity, "give that --cluster-token, or another --data-dir")}");
    }

    /// <summary>What a directory that no cluster knows may be: the leaving of a start that was mistaken.</summary>
    private static string WayOut(DirectoryIdentity identity, string otherwise) =>
        identity.IsFormed ? $": {otherwise}" : $": {otherwise}, or remove this one, which belongs to no cluster yet";

    internal static long RandomIncarnation()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        var value = BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue;
        return value == 0 ? 1 : value;
    }
}
