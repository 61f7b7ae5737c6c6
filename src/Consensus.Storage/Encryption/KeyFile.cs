using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Consensus.Node.Ports;
using Consensus.Storage.Disk;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Storage.Encryption;

/// <summary>Reads a key file from this machine's disk, and refuses one that others can read or that lies beside what it seals.</summary>
internal static class KeyFile
{
    private const int MostBytes = 64 << 10;

    private const UnixFileMode OfOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;

    /// <summary>Throws <see cref="StorageRefusedException"/>, one sentence that begins with <paramref name="label"/>.</summary>
    /// <param name="label">What a sentence calls it: the option and the file.</param>
    /// <param name="dataDirectory">Where it may not lie, whichever links lead there; need not exist. Null: it may lie anywhere.</param>
    public static KeySet Read(string path, string label, string? dataDirectory)
    {
        var text = new byte[MostBytes + 1];
        try
        {
            using var file = Open(path);

            // All that is judged is of the file that was opened, whatever its name leads to a moment later.
            var place = new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget ?? Path.GetFullPath(path);
            if (dataDirectory is not null && (IsWithin(place, dataDirectory) || IsWithin(Path.GetFullPath(path), dataDirectory)))
            {
                throw new StorageRefusedException(
                    $"{label} lies in the data directory {dataDirectory}: who takes the one would have the other; keep it elsewhere");
            }
            var mode = OperatingSystem.IsLinux() ? File.GetUnixFileMode(file) : UnixFileMode.OtherRead;
            if ((mode & OfOthers) != 0)
            {
                throw new StorageRefusedException(
                    $"{label} can be read or written by others (0{Convert.ToString((int)mode, 8)}): chmod 600 {path}");
            }
            var length = 0;
            for (int count; length < text.Length && (count = RandomAccess.Read(file, text.AsSpan(length), length)) > 0;)
            {
                length += count;
            }
            return length <= MostBytes
                ? KeySet.Parse(text.AsSpan(0, length), label)
                : throw new StorageRefusedException($"{label} is larger than {MostBytes >> 10} KiB: that is no key file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new StorageRefusedException($"{label} cannot be read: {e.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>A FIFO or a terminal would keep who opens or reads it until somebody writes there, and is refused.</summary>
    private static SafeFileHandle Open(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return File.OpenHandle(path);
        }
        var whole = Path.GetFullPath(path);
        int descriptor;
        while ((descriptor = Libc.Open(whole, Libc.ReadOnly | Libc.NonBlocking | Libc.CloseOnExec, 0)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (!Libc.WasInterrupted(error))
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(error));
            }
        }
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Libc.Seek(descriptor, 0, Libc.SeekCurrent) < 0 || Directory.Exists(whole))
        {
            file.Dispose();
            throw new IOException("it is no regular file");
        }
        return file;
    }

    private static bool IsWithin(string path, string directory)
    {
        var real = RealPath(Path.GetFullPath(directory));
        return path.StartsWith(real.TrimEnd('/') + '/', StringComparison.Ordinal)
            || path.StartsWith(Path.GetFullPath(directory).TrimEnd('/') + '/', StringComparison.Ordinal);
    }

    /// <summary>Without links, as far as it exists: a first start has no data directory yet.</summary>
    private static string RealPath(string path)
    {
        if (Libc.RealPath(path, 0) is { } real)
        {
            return real;
        }
        var parent = Path.GetDirectoryName(path);
        return parent is null ? path : Path.Combine(RealPath(parent), Path.GetFileName(path));
    }
}
