using Consensus.Node.Ports;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>
/// Another disk for a process that may have so many files open at a time, and whose directories have room for so many bytes each.
/// </summary>
internal sealed class ScarceDisk(IDisk disk, int mostFiles = int.MaxValue, long roomBytes = long.MaxValue) : IDisk
{
    private int _open;

    public IDisposable? TryLock(string path) => disk.TryLock(path);

    public bool FileExists(string path) => disk.FileExists(path);

    public bool DirectoryExists(string path) => disk.DirectoryExists(path);

    public void CreateDirectory(string path) => disk.CreateDirectory(path);

    public void RestrictDirectory(string path) => disk.RestrictDirectory(path);

    public IReadOnlyList<string> List(string directory) => disk.List(directory);

    public IDiskFile Open(string path, bool writable) => Count(disk.Open(path, writable));

    public IDiskFile CreateNew(string path) => Count(disk.CreateNew(path));

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string path) => disk.Delete(path);

    public long FreeBytes(string directory) => disk.FreeBytes(directory);

    public void SyncDirectory(string path) => disk.SyncDirectory(path);

    private Counted Count(IDiskFile file)
    {
        if (_open == mostFiles)
        {
            throw new StorageFailedException($"cannot open {file.Path}: Too many open files") { IsOutOfFiles = true };
        }
        _open++;
        return new Counted(file, this);
    }

    private void DemandRoom(string path, long lengthBytes)
    {
        var directory = Path.GetDirectoryName(path)!;
        foreach (var other in List(directory).Select(name => Path.Combine(directory, name))
            .Where(other => other != path && FileExists(other)))
        {
            using var file = disk.Open(other, writable: false);
            lengthBytes += file.Length;
        }
        if (lengthBytes > roomBytes)
        {
            throw new StorageFailedException($"cannot allocate {path}: the disk is full") { IsDiskFull = true };
        }
    }

    private sealed class Counted(IDiskFile file, ScarceDisk owner) : IDiskFile
    {
        private bool _closed;

        public string Path => file.Path;

        public long Length => file.Length;

        public void Allocate(long lengthBytes)
        {
            owner.DemandRoom(file.Path, lengthBytes);
            file.Allocate(lengthBytes);
        }

        public void Truncate(long lengthBytes) => file.Truncate(lengthBytes);

        public void Write(long offset, ReadOnlySpan<byte> bytes) => file.Write(offset, bytes);

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void SyncData() => file.SyncData();

        public void Sync() => file.Sync();

        public void Dispose()
        {
            owner._open -= _closed ? 0 : 1;
            _closed = true;
            file.Dispose();
        }
    }
}
