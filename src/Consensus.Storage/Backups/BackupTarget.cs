using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Backups;

/// <summary>
/// A backup on its way into a file: under a temporary name beside it until it is whole, checked and durable. Disposing it before <see cref="Complete"/> removes what there is.
/// Failures are <see cref="BackupException"/>s. One thread at a time.
/// </summary>
public sealed class BackupTarget : IDisposable
{
    private readonly IDisk _disk;
    private readonly string _path;
    private readonly string _directory;
    private readonly string _temporary;
    private readonly IDiskFile _file;
    private readonly PacedWriter _writer;
    private readonly KeyRing? _keys;
    private readonly SealingIntake? _sealing;
    private bool _done;

    private BackupTarget(IDisk disk, string path, string directory, string temporary, KeyRing? keys)
    {
        (_disk, _path, _directory, _temporary, _keys) = (disk, path, directory, temporary, keys);
        _file = disk.CreateNew(temporary);
        _writer = new PacedWriter(_file);
        _sealing = keys is null ? null : new SealingIntake(_writer.Write, null, keys, long.MaxValue);
    }

    public long Written => _writer.Position;

    /// <summary>Begins a file, for its owner only (0600). One that is there already is replaced at the end if it is a backup too; anything else is refused.</summary>
    /// <param name="keys">Seal it, with the first of them; null: it is in plain, as it comes.</param>
    public static BackupTarget Create(string path, KeyRing? keys = null) => Create(new LinuxDisk(), Path.GetFullPath(path), keys);

    internal static BackupTarget Create(IDisk disk, string path, KeyRing? keys = null)
    {
        if (keys is { Seals: false })
        {
            throw new BackupException($"{path} was to be encrypted, and the key file says \"plain\": put a key first there");
        }
        var directory = Path.GetDirectoryName(path);
        try
        {
            if (directory is null || disk.DirectoryExists(path))
            {
                throw new BackupException($"{path} is a directory, not a file to write");
            }
            if (!disk.DirectoryExists(directory))
            {
                throw new BackupException($"there is no directory {directory}");
            }
            if (disk.FileExists(path))
            {
                using var present = disk.Open(path, writable: false);
                if (present.Length > 0 && !SnapshotFormat.IsSnapshot(present))
                {
                    throw new BackupException($"{path} is there already and no snapshot; it is not overwritten");
                }
            }
            return new BackupTarget(disk, path, directory, $"{path}.{Guid.NewGuid():N}.part", keys);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or StorageFailedException or FileNotFoundException)
        {
            throw new BackupException(e.Message);
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_sealing is null)
            {
                _writer.Write(bytes);
            }
            else
            {
                _sealing.Write(bytes);
            }
        }
        catch (StorageFailedException e)
        {
            throw new BackupException(e.Message, isRefusal: false);
        }
    }

    /// <summary>Reads it back and checks it to its end, then makes it durable under its name.</summary>
    public BackupSummary Complete()
    {
        try
        {
            _sealing?.End();
            var summary = BackupFile.Inspect(_disk, _temporary, keys: _keys) with { File = _path };
            _file.Sync();
            _disk.Rename(_temporary, _path);
            _done = true;
            _disk.SyncDirectory(_directory);
            return summary;
        }
        catch (WireFormatException e)
        {
            throw new BackupException($"what came {e.Message}");
        }
        catch (StorageFailedException e)
        {
            throw new BackupException(e.Message, isRefusal: false);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _sealing?.Dispose();
        if (!_done)
        {
            _done = true;
            try
            {
                _disk.Delete(_temporary);
            }
            catch (StorageFailedException)
            {
                // What led here is told; a file that ends in .part is nobody's backup.
            }
        }
    }
}
