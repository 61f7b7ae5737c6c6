using Consensus.Storage.Disk;

namespace Consensus.Storage.Tests.Disk;

/// <summary>Passes everything on to another disk, and writes down what changed or synced something.</summary>
internal sealed class RecordingDisk(IDisk disk) : IDisk
{
    public List<string> Calls { get; } = [];

    public IDisposable? TryLock(string path) => disk.TryLock(path);

    public bool FileExists(string path) => disk.FileExists(path);

    public bool DirectoryExists(string path) => disk.DirectoryExists(path);

    public void CreateDirectory(string path) => Record("mkdir", () => disk.CreateDirectory(path));

    public void RestrictDirectory(string path) => Record("chmod", () => disk.RestrictDirectory(path));

    public IReadOnlyList<string> List(string directory) => disk.List(directory);

    public IDiskFile Open(string path, bool writable) => new RecordingFile(disk.Open(path, writable), this);

    public IDiskFile CreateNew(string path)
    {
        Calls.Add("create");
        return new RecordingFile(disk.CreateNew(path), this);
    }

    public void Rename(string from, string to) => Record("rename", () => disk.Rename(from, to));

    public void Delete(string path) => Record("unlink", () => disk.Delete(path));

    public long FreeBytes(string directory) => disk.FreeBytes(directory);

    public void SyncDirectory(string path) => Record("fsync directory", () => disk.SyncDirectory(path));

    private void Record(string call, Action action)
    {
        Calls.Add(call);
        action();
    }

    private sealed class RecordingFile(IDiskFile file, RecordingDisk owner) : IDiskFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public void Allocate(long lengthBytes) => owner.Record("fallocate", () => file.Allocate(lengthBytes));

        public void Truncate(long lengthBytes) => owner.Record("ftruncate", () => file.Truncate(lengthBytes));

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            owner.Calls.Add("pwrite");
            file.Write(offset, bytes);
        }

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void SyncData() => owner.Record("fdatasync", file.SyncData);

        public void Sync() => owner.Record("fsync", file.Sync);

        public void Dispose() => file.Dispose();
    }
}
