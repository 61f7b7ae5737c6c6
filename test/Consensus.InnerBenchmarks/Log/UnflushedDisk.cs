using Consensus.Storage.Disk;

namespace Consensus.InnerBenchmarks.Log;

/// <summary>This machine's disk, but for the flushes of files: what is left is our own work and the kernel's copy.</summary>
internal sealed class UnflushedDisk : IDisk
{
    private readonly LinuxDisk _disk = new();

    public IDisposable? TryLock(string path) => _disk.TryLock(path);

    public bool FileExists(string path) => _disk.FileExists(path);

    public bool DirectoryExists(string path) => _disk.DirectoryExists(path);

    public void CreateDirectory(string path) => _disk.CreateDirectory(path);

    public void RestrictDirectory(string path) => _disk.RestrictDirectory(path);

    public IReadOnlyList<string> List(string directory) => _disk.List(directory);

    public IDiskFile Open(string path, bool writable) => new UnflushedFile(_disk.Open(path, writable));

    public IDiskFile CreateNew(string path) => new UnflushedFile(_disk.CreateNew(path));

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Delete(string path) => _disk.Delete(path);

    public long FreeBytes(string directory) => _disk.FreeBytes(directory);

    public void SyncDirectory(string path) => _disk.SyncDirectory(path);

    private sealed class UnflushedFile(IDiskFile file) : IDiskFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public void Allocate(long lengthBytes) => file.Allocate(lengthBytes);

        public void Truncate(long lengthBytes) => file.Truncate(lengthBytes);

        public void Write(long offset, ReadOnlySpan<byte> bytes) => file.Write(offset, bytes);

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void SyncData()
        {
        }

        public void Sync()
        {
        }

        public void Dispose() => file.Dispose();
    }
}
