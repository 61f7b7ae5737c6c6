using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Security.Certificates;

/// <summary>
/// Opens what has to be a file on a disk. A FIFO or a terminal would keep who opens or reads it until somebody writes there: at the start
/// for ever, and at a reload.
/// </summary>
internal static partial class RegularFile
{
    // Those of 64-bit Linux, the same on x64 and arm64.
    private const int ReadOnly = 0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int SeekCurrent = 1;
    private const int ErrorNoEntry = 2;
    private const int ErrorInterrupted = 4;
    private const int ErrorNoDirectory = 20;

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be opened, or is no such file.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        var whole = Path.GetFullPath(path);
        int descriptor;
        while ((descriptor = Open(whole, ReadOnly | NonBlocking | CloseOnExec)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != ErrorInterrupted)
            {
                throw error is ErrorNoEntry or ErrorNoDirectory
                    ? new FileNotFoundException("there is no such file", path)
                    : new IOException(Marshal.GetPInvokeErrorMessage(error));
            }
        }
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Seek(descriptor, 0, SeekCurrent) < 0 || Directory.Exists(whole))
        {
            file.Dispose();
            throw new IOException("it is no regular file");
        }
        return file;
    }

    /// <summary>Whether an open file lies in a directory, whichever links lead to either. The directory need not be there.</summary>
    /// <param name="path">By which the file was opened.</param>
    public static bool IsWithin(SafeFileHandle file, string path, string directory)
    {
        string[] places = [Path.GetFullPath(path), PlaceOf(file.DangerousGetHandle()) ?? Path.GetFullPath(path)];
        var given = Path.GetFullPath(directory);
        string[] directories = [given, WithoutLinks(given)];
        return places.Any(place => directories.Any(each => place.StartsWith(each.TrimEnd('/') + '/', StringComparison.Ordinal)));
    }

    /// <summary>As far as it exists.</summary>
    private static string WithoutLinks(string directory)
    {
        var descriptor = OperatingSystem.IsLinux() ? Open(directory, ReadOnly | NonBlocking | CloseOnExec) : -1;
        if (descriptor >= 0)
        {
            using var opened = new SafeFileHandle(descriptor, ownsHandle: true);
            return PlaceOf(descriptor) ?? directory;
        }
        return Path.GetDirectoryName(directory) is { } parent
            ? Path.Combine(WithoutLinks(parent), Path.GetFileName(directory))
            : directory;
    }

    private static string? PlaceOf(nint descriptor) => new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(int descriptor, long offset, int whence);
}
