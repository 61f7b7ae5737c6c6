using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Server.Audit;

/// <summary>
/// The calls that .NET does not offer, or offers otherwise: it opens a pipe that nobody reads by waiting for a reader, and does not say which
/// file is open. Constants are those of 64-bit Linux, the same on x64 and arm64.
/// </summary>
internal static partial class Libc
{
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Append = 0x400;

    /// <summary>A pipe, a terminal or a device is opened, or refused, at once.</summary>
    public const int NonBlocking = 0x800;

    public const int CloseOnExec = 0x80000;
    private const int ErrorWouldBlock = 11;
    public const int ErrorInterrupted = 4;
    public const int ErrorNoEntry = 2;

    private const int ErrorDenied = 13;
    private const int SetLock = 37;
    private const short WriteLock = 1;
    private const int EmptyPath = 0x1000;
    private const int WorkingDirectory = -100;
    private const uint BasicStatistics = 0x7ff;
    private const int StatisticsBytes = 256;
    private const int ModeAt = 28;
    private const int InodeAt = 32;
    private const int SizeAt = 40;
    private const int MajorAt = 136;
    private const int MinorAt = 140;
    private const int KindMask = 0xF000;
    private const int RegularFile = 0x8000;

    /// <summary>Which file it is.</summary>
    /// <param name="IsRegular">No pipe, directory or device.</param>
    public readonly record struct Identity(uint Major, uint Minor, ulong Inode, bool IsRegular, long Size)
    {
        public bool IsSame(Identity other) => (Major, Minor, Inode) == (other.Major, other.Minor, other.Inode);
    }

    /// <summary>From its beginning, without an end: all of a file.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static unsafe partial nint Write(SafeFileHandle file, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static unsafe partial nint Read(SafeFileHandle file, byte* into, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    /// <summary>
    /// Locks an open file against others who do the same, until it is closed. Not with <c>flock</c>: that is what programs of .NET take while
    /// they read, so a reader would keep the writer out.
    /// </summary>
    /// <param name="error">0 when another has it.</param>
    public static bool TryLock(SafeFileHandle file, out int error)
    {
        var whole = new FileLock { Type = WriteLock };
        if (Control(file, SetLock, ref whole) == 0)
        {
            error = 0;
            return true;
        }
        error = Marshal.GetLastPInvokeError() is var told && told is ErrorWouldBlock or ErrorDenied ? 0 : told;
        return false;
    }

    /// <summary>What is open; null with the error set when that cannot be told.</summary>
    public static Identity? IdentityOf(SafeFileHandle file, out int error)
    {
        var held = false;
        try
        {
            file.DangerousAddRef(ref held);
            return Statistics((int)file.DangerousGetHandle(), "", EmptyPath, out error);
        }
        finally
        {
            if (held)
            {
                file.DangerousRelease();
            }
        }
    }

    /// <summary>What a path leads to.</summary>
    public static Identity? IdentityOf(string path, out int error) => Statistics(WorkingDirectory, path, 0, out error);

    private static unsafe Identity? Statistics(int directory, string path, int flags, out int error)
    {
        // The fields of statx are the same on every machine, unlike those of stat.
        var buffer = stackalloc byte[StatisticsBytes];
        if (Statx(directory, path, flags, BasicStatistics, buffer) != 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }
        error = 0;
        return new Identity(
            *(uint*)(buffer + MajorAt),
            *(uint*)(buffer + MinorAt),
            *(ulong*)(buffer + InodeAt),
            (*(ushort*)(buffer + ModeAt) & KindMask) == RegularFile,
            *(long*)(buffer + SizeAt));
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, ref FileLock of);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* into);
}
