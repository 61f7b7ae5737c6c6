using Consensus.Node.Ports;

namespace Consensus.Storage.Disk;

/// <summary>
/// Everything the storage room asks of a file system, so that a test can lose, tear and refuse any of it. Paths are absolute. Every method
/// throws <see cref="StorageFailedException"/> when the disk fails or is full, and opening or listing what is another user's
/// <see cref="UnauthorizedAccessException"/>; nothing is durable before the sync that covers it.
/// </summary>
public interface IDisk
{
    /// <summary>Opens or creates the file and locks it for this process until disposed; null when another holds it.</summary>
    IDisposable? TryLock(string path);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>Makes one directory, for its owner only (0700). Its name is durable once its parent is synced.</summary>
    void CreateDirectory(string path);

    /// <summary>Takes a directory that exists from everyone but its owner (0700).</summary>
    void RestrictDirectory(string path);

    /// <summary>Names (without the path) of everything in a directory, in order of their bytes.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Opens a file that exists. Throws <see cref="FileNotFoundException"/> when there is none.</summary>
    IDiskFile Open(string path, bool writable);

    /// <summary>Makes a file, for its owner only (0600), that does not exist yet. Its name is durable once its directory is synced.</summary>
    IDiskFile CreateNew(string path);

    /// <summary>Gives a file another name, atomically, in place of a file that has it.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file's name. Who has it open can go on reading it. Idempotent: a file that is gone already, perhaps by another thread, is no failure.</summary>
    void Delete(string path);

    /// <summary>Bytes that this user may still write to the file system of a directory that exists; <see cref="long.MaxValue"/> when that is not known.</summary>
    long FreeBytes(string directory);

    /// <summary>Makes the names in a directory durable: creations, renames, removals.</summary>
    void SyncDirectory(string path);
}

/// <summary>An open file. One thread at a time.</summary>
public interface IDiskFile : IDisposable
{
    string Path { get; }

    long Length { get; }

    /// <summary>Reserves space and sets the length to at least this; what was not written reads as zeros.</summary>
    void Allocate(long lengthBytes);

    /// <summary>Gives the space behind this length back; it is at most <see cref="Length"/>.</summary>
    void Truncate(long lengthBytes);

    /// <summary>Writes all of the bytes; a write past the end extends the file.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Reads as many bytes as there are, up to the span's length.</summary>
    int Read(long offset, Span<byte> into);

    /// <summary>Makes contents and length durable, not the times: <c>fdatasync</c>.</summary>
    void SyncData();

    /// <summary>Makes contents and all metadata durable: <c>fsync</c>.</summary>
    void Sync();
}
