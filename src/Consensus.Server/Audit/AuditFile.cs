using System.Globalization;
using System.Runtime.InteropServices;
using Consensus.Security.Audit;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Server.Audit;

/// <summary>An audit log's file on this machine's disk, beside it those that were full: <c>FILE.0000000001</c> and so on.</summary>
/// <param name="path">Absolute.</param>
/// <param name="member">Whose log it is: another's is not gone on with.</param>
internal sealed class AuditFile(string path, string member) : IAuditFile
{
    /// <summary>That are kept beside the one that is written.</summary>
    public const int MostKept = 10;

    /// <summary>So much of an end without a line's end is taken for what a crash cut off: all of one write, and the line before it.</summary>
    private const int MostTornBytes = AuditLog.ChunkBytes + (2 * AuditLine.MostBytes);

    private const uint OwnerOnly = 0x180;

    private const UnixFileMode OwnersDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private SafeFileHandle? _file;
    private Libc.Identity _identity;

    public string Path => path;

    public long Length { get; private set; }

    private string Folder => System.IO.Path.GetDirectoryName(path)!;

    private SafeFileHandle File => _file ?? throw new IOException($"{path} is not open");

    public AuditHead? Open(out long cut)
    {
        Close();
        cut = 0;
        MakeDirectory();
        var file = OpenOne(path, Libc.ReadWrite | Libc.Create | Libc.Append);
        try
        {
            _identity = Libc.IdentityOf(file, out var error) ?? throw Failure("look at", path, error);
            if (!_identity.IsRegular)
            {
                throw new IOException($"{path} is no file but a pipe, a device or a directory, and an audit log is read again");
            }
            if (!Libc.TryLock(file, out error))
            {
                throw error is 0 ? new IOException($"{path} is in use by another process") : Failure("lock", path, error);
            }
            var (whole, head) = ReadEnd(file, path, _identity.Size);
            if (whole < _identity.Size)
            {
                Truncate(file, whole);
                cut = _identity.Size - whole;
            }
            Length = whole;
            if (whole == 0)
            {
                SyncDirectory();
            }
            _file = file;
            return head;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public AuditHead? HeadBefore()
    {
        if (Aside().LastOrDefault() is not { } newest)
        {
            return null;
        }
        using var file = OpenOne(newest, 0);
        var identity = Libc.IdentityOf(file, out var error) ?? throw Failure("look at", newest, error);
        return ReadEnd(file, newest, identity.Size).Head;
    }

    public unsafe void Append(ReadOnlySpan<byte> lines)
    {
        var length = Length;
        fixed (byte* bytes = lines)
        {
            for (var written = 0; written < lines.Length;)
            {
                var count = Libc.Write(File, bytes + written, (nuint)(lines.Length - written));
                if (count > 0)
                {
                    written += (int)count;
                    continue;
                }
                var error = Marshal.GetLastPInvokeError();
                if (error != Libc.ErrorInterrupted)
                {
                    // Whoever goes on opens it first, and there an unfinished line is taken away; whole ones that were not told are here.
                    _ = Libc.Truncate(File, length);
                    throw Failure("write", path, error);
                }
            }
        }
        Length += lines.Length;
    }

    public void Sync()
    {
        if (Libc.SyncData(File) != 0)
        {
            throw Failure("flush", path, Marshal.GetLastPInvokeError());
        }
    }

    public AuditFileChange Look() =>
        Libc.IdentityOf(path, out _) is not { } there || !there.IsSame(_identity) ? AuditFileChange.Moved
        : there.Size < Length ? AuditFileChange.Cut
        : AuditFileChange.None;

    public void Rotate()
    {
        Sync();
        var aside = Aside();
        var number = aside.Count == 0 ? 1 : NumberOf(aside[^1])!.Value + 1;
        if (Libc.Rename(path, string.Create(CultureInfo.InvariantCulture, $"{path}.{number:D10}")) != 0)
        {
            throw Failure("move aside", path, Marshal.GetLastPInvokeError());
        }
        Close();
        foreach (var old in aside.Take(aside.Count + 1 - MostKept))
        {
            System.IO.File.Delete(old);
        }
    }

    public void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    public void Dispose() => Close();

    /// <summary>Where the last whole line ends, and what it stands for.</summary>
    private (long Whole, AuditHead? Head) ReadEnd(SafeFileHandle file, string of, long size)
    {
        var first = Read(file, of, 0, size);
        var end = first.IndexOf((byte)'\n');
        if (end < 0 && (size == 0 || (size < AuditLine.MostBytes && first.AsSpan().StartsWith("{"u8))))
        {
            // Nothing, or a first line that a crash or a full disk cut off.
            return (0, null);
        }
        AuditHead head = AuditHead.Empty;

        // A record comes first where somebody has emptied the file while it was written to.
        var owner = end < 0 ? null
            : AuditLine.TryReadHeader(first.AsSpan(0, end), out var named, out head) ? named
            : AuditLine.MemberOf(first.AsSpan(0, end));
        if (owner is null)
        {
            throw new IOException($"{of} holds something else than an audit log");
        }
        if (owner != member)
        {
            throw new IOException($"{of} is the audit log of {owner}, and this is {member}");
        }
        var from = Math.Max(0, size - (2 * AuditLine.MostBytes));
        var last = Read(file, of, from, size);
        if (!last.AsSpan().Contains((byte)'\n'))
        {
            // A crash leaves a part of what was written at a time, and of some file systems zeros in the place of all of it.
            from = Math.Max(0, size - MostTornBytes);
            last = Read(file, of, from, size, MostTornBytes);
        }
        var whole = last.LastIndexOf((byte)'\n') + 1;
        var line = whole == 0 ? [] : last.AsSpan(0, whole - 1);
        line = line[(line.LastIndexOf((byte)'\n') + 1)..];
        if (!AuditLine.TryReadHeader(line, out _, out head) && !AuditLine.TryRead(line, out head, out _))
        {
            throw new IOException($"{of} ends with a line that is no record of an audit log; consensusctl audit verify says more, and a new file begins when it is moved away");
        }
        return (from + whole, head);
    }

    private static unsafe byte[] Read(SafeFileHandle file, string of, long from, long size, int most = 2 * AuditLine.MostBytes)
    {
        var bytes = new byte[Math.Min(size - from, most)];
        fixed (byte* into = bytes)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var count = Libc.Read(file, into + done, (nuint)(bytes.Length - done), from + done);
                if (count <= 0 && Marshal.GetLastPInvokeError() != Libc.ErrorInterrupted)
                {
                    throw Failure("read", of, Marshal.GetLastPInvokeError());
                }
                done += (int)Math.Max(0, count);
            }
        }
        return bytes;
    }

    private static SafeFileHandle OpenOne(string file, int flags)
    {
        while (true)
        {
            var handle = Libc.Open(file, flags | Libc.NonBlocking | Libc.CloseOnExec, OwnerOnly);
            if (!handle.IsInvalid)
            {
                return handle;
            }
            var error = Marshal.GetLastPInvokeError();
            handle.Dispose();
            if (error != Libc.ErrorInterrupted)
            {
                throw Failure("open", file, error);
            }
        }
    }

    private void Truncate(SafeFileHandle file, long length)
    {
        if (Libc.Truncate(file, length) != 0)
        {
            throw Failure("shorten", path, Marshal.GetLastPInvokeError());
        }
    }

    private void MakeDirectory()
    {
        if (!Directory.Exists(Folder) && !OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Folder, OwnersDirectory);
        }
    }

    /// <summary>So that the name of a new file outlives a crash.</summary>
    private void SyncDirectory()
    {
        using var folder = OpenOne(Folder, 0);
        if (Libc.Sync(folder) != 0)
        {
            throw Failure("flush", Folder, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>The files that were moved aside, the oldest first.</summary>
    private List<string> Aside() =>
    [
        .. Directory.GetFiles(Folder, System.IO.Path.GetFileName(path) + ".*")
            .Where(file => NumberOf(file) is not null)
            .Order(StringComparer.Ordinal),
    ];

    private long? NumberOf(string file) =>
        file.Length == path.Length + 11 && long.TryParse(file.AsSpan(path.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static IOException Failure(string operation, string of, int error) => new($"cannot {operation} {of}: {Marshal.GetPInvokeErrorMessage(error)}");
}
