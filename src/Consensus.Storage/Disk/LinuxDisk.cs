using System.Runtime.InteropServices;
using Consensus.Node.Ports;

namespace Consensus.Storage.Disk;

/// <summary>The machine's own file system, by libc. Thread-safe.</summary>
public sealed class LinuxDisk : IDisk
{
    private const uint OwnerOnlyDirectory = 0x1C0; // 0700
    private const uint OwnerOnlyFile = 0x180; // 0600

    public IDisposable? TryLock(string path)
    {
        var descriptor = OpenDescriptor(path, Libc.ReadWrite | Libc.Create, "open the lock file");
        while (Libc.Lock(descriptor, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (Libc.WasInterrupted(error))
            {
                continue;
            }
            _ = Libc.Close(descriptor);
            return Libc.WouldBlock(error) ? null : throw Libc.Failure("lock", path, error);
        }
        return new LinuxDiskFile(path, descriptor);
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public void CreateDirectory(string path) => Check(Libc.MakeDirectory(path, OwnerOnlyDirectory), "make the directory", path);

    public void RestrictDirectory(string path) => Check(Libc.ChangeMode(path, OwnerOnlyDirectory), "set the permissions of", path);

    public IReadOnlyList<string> List(string directory)
    {
        try
        {
            var names = Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)).ToArray();
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (IOException e)
        {
            // Where .NET has no exception of its own for an error, its number is the result.
            throw new StorageFailedException($"cannot list {directory}: {e.Message}", e) { IsOutOfFiles = Libc.IsOutOfFiles(e.HResult) };
        }
    }

    public IDiskFile Open(string path, bool writable) =>
        new LinuxDiskFile(path, OpenDescriptor(path, writable ? Libc.ReadWrite : Libc.ReadOnly, "open"));

    public IDiskFile CreateNew(string path) =>
        new LinuxDiskFile(path, OpenDescriptor(path, Libc.ReadWrite | Libc.Create | Libc.Exclusive, "create"));

    public void Rename(string from, string to) => Check(Libc.Rename(from, to), "rename to", to);

    public void Delete(string path)
    {
        if (Libc.Unlink(path) != 0 && Marshal.GetLastPInvokeError() is var error && !Libc.IsMissing(error))
        {
            throw Libc.Failure("remove", path, error);
        }
    }

    public long FreeBytes(string directory)
    {
        try
        {
            return new DriveInfo(directory).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }

    public void SyncDirectory(string path)
    {
        using var directory = new LinuxDiskFile(path, OpenDescriptor(path, Libc.ReadOnly, "open the directory"));
        directory.Sync();
    }

    private static int OpenDescriptor(string path, int flags, string operation)
    {
        while (true)
        {
            var descriptor = Libc.Open(path, flags | Libc.CloseOnExec, OwnerOnlyFile);
            if (descriptor >= 0)
            {
                return descriptor;
            }
            var error = Marshal.GetLastPInvokeError();
            if (Libc.IsMissing(error))
            {
                throw new FileNotFoundException($"there is no {path}", path);
            }
            if (Libc.IsDenied(error))
            {
                throw new UnauthorizedAccessException($"cannot {operation} {path}: permission denied");
            }
            if (!Libc.WasInterrupted(error))
            {
                throw Libc.Failure(operation, path, error);
            }
        }
    }

    private static void Check(int result, string operation, string path)
    {
        if (result != 0)
        {
            throw Libc.Failure(operation, path, Marshal.GetLastPInvokeError());
        }
    }
}
