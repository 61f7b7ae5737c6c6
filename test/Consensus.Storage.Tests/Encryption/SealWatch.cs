using System.Security.Cryptography;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;
using Consensus.Storage.Log;
using Consensus.Storage.Snapshots;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>
/// Passes everything on to another disk, and looks at every sealed frame and section that any process writes, also where the write fails:
/// one key and number with two contents ends the test.
/// </summary>
internal sealed class SealWatch(IDisk disk) : IDisk
{
    private readonly Dictionary<(string Key, long Number), string> _contents = [];

    /// <summary>How many different parts were seen.</summary>
    public int Parts => _contents.Count;

    public IDisposable? TryLock(string path) => disk.TryLock(path);

    public bool FileExists(string path) => disk.FileExists(path);

    public bool DirectoryExists(string path) => disk.DirectoryExists(path);

    public void CreateDirectory(string path) => disk.CreateDirectory(path);

    public void RestrictDirectory(string path) => disk.RestrictDirectory(path);

    public IReadOnlyList<string> List(string directory) => disk.List(directory);

    public IDiskFile Open(string path, bool writable) => new Watched(disk.Open(path, writable), this);

    public IDiskFile CreateNew(string path) => new Watched(disk.CreateNew(path), this);

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string path) => disk.Delete(path);

    public long FreeBytes(string directory) => disk.FreeBytes(directory);

    public void SyncDirectory(string path) => disk.SyncDirectory(path);

    private void See(string key, long number, ReadOnlySpan<byte> part)
    {
        var content = Convert.ToHexString(SHA256.HashData(part));
        if (_contents.TryAdd((key, number), content))
        {
            return;
        }
        Assert.That(content, Is.EqualTo(_contents[(key, number)]), $"two contents under one key and the number {number}");
    }

    private sealed class Watched(IDiskFile file, SealWatch watch) : IDiskFile
    {
        /// <summary>All that was written of a snapshot: its sections come in pieces.</summary>
        private readonly List<byte> _snapshot = [];

        private bool IsSnapshot =>
            file.Path.Contains(".snap", StringComparison.Ordinal) || file.Path.EndsWith(".part", StringComparison.Ordinal);

        public string Path => file.Path;

        public long Length => file.Length;

        public void Allocate(long lengthBytes) => file.Allocate(lengthBytes);

        public void Truncate(long lengthBytes) => file.Truncate(lengthBytes);

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            if (IsSnapshot)
            {
                _snapshot.AddRange(bytes);
            }
            else if (FrameHeader.TryRead(bytes, LogMap.Identity.FrameSeed, out var header)
                && FileHeader.Read(file, "CNSS-WAL"u8).Key is { } key)
            {
                watch.See(Convert.ToHexString(key.Sealed), header.Frame, bytes[FrameHeader.Bytes..]);
            }
            file.Write(offset, bytes);
        }

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void SyncData() => file.SyncData();

        public void Sync() => file.Sync();

        public void Dispose()
        {
            SeeSections();
            file.Dispose();
        }

        private void SeeSections()
        {
            ReadOnlySpan<byte> bytes = _snapshot.ToArray();
            if (bytes.Length < FileHeader.FixedBytes)
            {
                return;
            }
            var head = FileHeader.Parse(bytes[..FileHeader.WholeBytes(bytes, SnapshotFormat.Magic, bytes.Length)], SnapshotFormat.Magic);
            bytes = bytes[head.Bytes..];
            for (var number = 0; head.Key is not null && bytes.Length >= SnapshotFormat.SectionHeaderBytes; number++)
            {
                var length = BitConverter.ToInt32(bytes[4..]);
                if (bytes.Length < SnapshotFormat.SectionHeaderBytes + length)
                {
                    return;
                }
                watch.See(Convert.ToHexString(head.Key.Sealed), number, bytes.Slice(SnapshotFormat.SectionHeaderBytes, length));
                bytes = bytes[(SnapshotFormat.SectionHeaderBytes + length)..];
            }
        }
    }
}
