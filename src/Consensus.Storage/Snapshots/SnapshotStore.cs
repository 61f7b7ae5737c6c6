using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// The snapshot files of one data directory. A file has its final name only when it is whole and durable; it counts only once the log
/// marks it. A missing file throws <see cref="FileNotFoundException"/>: an older snapshot may be removed while somebody is about to send it.
/// </summary>
public sealed class SnapshotStore : ISnapshotStore
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly Func<StorageIdentity> _owner;
    private readonly StorageOptions _options;
    private long _temporaryFiles;

    /// <param name="owner">Whose snapshots these are; asked at each use, because a directory is formed after it is opened.</param>
    internal SnapshotStore(IDisk disk, string directory, Func<StorageIdentity> owner, StorageOptions options) =>
        (_disk, _directory, _owner, _options) = (disk, directory, owner, options);

    public SnapshotFile Save(SnapshotMark mark, Action<ISnapshotSink> write)
    {
        var (file, temporary) = CreateTemporary(mark);
        try
        {
            using (file)
            {
                using var writer = new SnapshotFileWriter(file, _owner(), mark, _options.Keys);
                write(writer);
                var length = writer.End();
                file.Sync();
                Publish(temporary, mark, writer.KeyId);
                return new SnapshotFile(mark, length);
            }
        }
        catch
        {
            TryRemove(temporary);
            throw;
        }
    }

    public ISnapshotReader Open(SnapshotMark mark)
    {
        var path = PathOf(mark);
        var file = _disk.Open(path, writable: false);
        try
        {
            var scanner = new SnapshotScanner(file, _owner(), mark, _options.Keys);
            _options.Keys?.Demand(scanner.KeyId);
            return new SnapshotFileReader(file, scanner, new SnapshotFile(mark, file.Length));
        }
        catch (WireFormatException e)
        {
            file.Dispose();
            throw new StorageRefusedException($"{path} {e.Message}");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <remarks>A sealed file is opened: it is sent in plain, over links that are the transport's to seal.</remarks>
    public Stream OpenRaw(SnapshotMark mark)
    {
        var file = _disk.Open(PathOf(mark), writable: false);
        try
        {
            if (_options.Keys is not { } keys)
            {
                return new DiskFileStream(file);
            }
            var header = SnapshotFormat.ReadHeader(file);
            keys.Demand(header.Head.Key?.KeyId);
            return header.Head.Key is not null ? new OpenedSnapshot(file, header, keys) : new DiskFileStream(file);
        }
        catch (WireFormatException e)
        {
            file.Dispose();
            throw new StorageFailedException($"{file.Path} {e.Message}", e);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public IIncomingSnapshot Receive(SnapshotMark mark, long lengthBytes)
    {
        if (lengthBytes <= 0 || lengthBytes > _options.MaxSnapshotBytes)
        {
            throw new WireFormatException(
                $"a snapshot of {SizeText.MiB(lengthBytes)} is not taken: the most that this version takes is {SizeText.MiB(_options.MaxSnapshotBytes)}; delete what is not needed");
        }
        // The log goes on meanwhile, and cannot do without its next segment.
        var free = _disk.FreeBytes(_directory);
        if (free < _options.SegmentBytes || free - _options.SegmentBytes < lengthBytes)
        {
            throw new StorageFailedException(
                $"{_directory} has {SizeText.FreeMiB(free)} free, and a snapshot of {SizeText.MiB(lengthBytes)} beside a log segment of {SizeText.MiB(_options.SegmentBytes)} needs "
                    + $"{SizeText.MiB(lengthBytes + _options.SegmentBytes)}; free some space there, and it is offered again within a minute")
            { IsDiskFull = true };
        }
        var (file, temporary) = CreateTemporary(mark);
        return new IncomingSnapshot(this, file, temporary, _owner(), mark, lengthBytes, _options.Keys);
    }

    public void RemoveOlderThan(SnapshotMark mark)
    {
        var removed = false;
        foreach (var name in _disk.List(_directory))
        {
            if (SnapshotName.TryParse(name, out var lastIndex) && lastIndex < mark.LastIndex)
            {
                Remove(Path.Combine(_directory, name));
                removed = true;
            }
        }
        if (removed)
        {
            _disk.SyncDirectory(_directory);
        }
    }

    /// <summary>Reads the whole file of the mark in use. Throws <see cref="StorageRefusedException"/> when it is missing or damaged.</summary>
    internal void Check(SnapshotMark mark)
    {
        var path = PathOf(mark);
        try
        {
            using var file = _disk.Open(path, writable: false);
            using var scanner = new SnapshotScanner(file, _owner(), mark, _options.Keys);
            _options.Keys?.Demand(scanner.KeyId);
            scanner.CheckRest(new byte[64 << 10]);
            _options.Keys?.Files.Add(path, scanner.KeyId);
        }
        catch (WireFormatException e)
        {
            throw new StorageRefusedException($"{path} {e.Message}");
        }
        catch (FileNotFoundException)
        {
            throw new StorageRefusedException($"the snapshot {path} is missing, which the log needs");
        }
    }

    /// <summary>Removes what a crash left: temporary files, and snapshots other than the one in use.</summary>
    internal void RemoveAllBut(SnapshotMark? inUse, List<string> notes)
    {
        var keep = inUse is null ? null : SnapshotName.Of(inUse);
        var names = _disk.List(_directory);
        foreach (var name in names)
        {
            if (name == keep || !(SnapshotName.IsTemporary(name) || SnapshotName.TryParse(name, out _)))
            {
                continue;
            }
            var path = Path.Combine(_directory, name);
            Remove(path);
            notes.Add($"{path} was removed: {(SnapshotName.IsTemporary(name) ? "a snapshot that was never finished" : "a snapshot that the log does not use")}");
        }
        if (names.Count > 0)
        {
            _disk.SyncDirectory(_directory);
        }
    }

    /// <summary>Gives a whole and flushed file its final name.</summary>
    /// <param name="keyId">Of the key that it is sealed with; null when it is plain.</param>
    internal void Publish(string temporary, SnapshotMark mark, string? keyId)
    {
        _disk.Rename(temporary, PathOf(mark));
        _options.Keys?.Files.Add(PathOf(mark), keyId);
        _disk.SyncDirectory(_directory);
    }

    /// <summary>Gives space back after a failure; what remains is removed at the next start.</summary>
    internal void TryRemove(string temporary)
    {
        try
        {
            if (_disk.FileExists(temporary))
            {
                _disk.Delete(temporary);
            }
        }
        catch (StorageFailedException)
        {
            // The failure that led here is the one to report.
        }
    }

    private void Remove(string path)
    {
        _disk.Delete(path);
        _options.Keys?.Files.Remove(path);
    }

    private (IDiskFile File, string Path) CreateTemporary(SnapshotMark mark)
    {
        var number = Interlocked.Increment(ref _temporaryFiles);
        var path = string.Create(CultureInfo.InvariantCulture, $"{PathOf(mark)}.{number}{SnapshotName.TemporaryExtension}");
        return (_disk.CreateNew(path), path);
    }

    private string PathOf(SnapshotMark mark) => Path.Combine(_directory, SnapshotName.Of(mark));
}
