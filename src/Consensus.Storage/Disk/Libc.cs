using System.Runtime.InteropServices;
using Consensus.Node.Ports;

namespace Consensus.Storage.Disk;

/// <summary>
/// The calls whose errors .NET swallows or which it does not offer: its <c>FlushToDisk</c> returns normally when <c>fsync</c> fails,
/// it never calls <c>fdatasync</c>, and it cannot open a directory. Constants are those of 64-bit Linux, the same on x64 and arm64.
/// </summary>
internal static partial class Libc
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int SeekCurrent = 1;
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    private const int ErrorNoEntry = 2;
    private const int ErrorInterrupted = 4;
    private const int ErrorWouldBlock = 11;
    private const int ErrorDenied = 13;
    private const int ErrorFileTable = 23;
    private const int ErrorTooManyFiles = 24;
    private const int ErrorNoSpace = 28;
    private const int ErrorQuota = 122;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static unsafe partial nint Read(int descriptor, byte* into, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static unsafe partial nint Write(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(int descriptor);

    /// <summary>Returns the error number itself, not -1.</summary>
    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    public static partial int Allocate(int descriptor, long offset, long length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long length);

    /// <summary>The path without links; null when it does not lead anywhere.</summary>
    /// <param name="room">0: the result has room of its own.</param>
    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial string? RealPath(string path, nint room);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeMode(string path, uint mode);

    public static bool WasInterrupted(int error) => error == ErrorInterrupted;

    public static bool WouldBlock(int error) => error == ErrorWouldBlock;

    public static bool IsMissing(int error) => error == ErrorNoEntry;

    public static bool IsDenied(int error) => error == ErrorDenied;

    public static StorageFailedException Failure(string operation, string path, int error) => error is ErrorNoSpace or ErrorQuota
        ? new($"cannot {operation} {path}: the disk is full ({Marshal.GetPInvokeErrorMessage(error)})") { IsDiskFull = true }
        : new($"cannot {operation} {path}: {Marshal.GetPInvokeErrorMessage(error)}") { IsOutOfFiles = IsOutOfFiles(error) };

    public static bool IsOutOfFiles(int error) => error is ErrorTooManyFiles or ErrorFileTable;
}
