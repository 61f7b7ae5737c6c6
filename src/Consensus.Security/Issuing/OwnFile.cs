using System.Text;
using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary>
/// Writes files with keys: for their owner only from the first byte on, and under their name only once they are whole and on disk.
/// </summary>
internal static class OwnFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="BundleException">There is such a file, or it cannot be written.</exception>
    public static void WriteNew(string path, string text) => Write(path, text, OwnerOnly, overwrite: false);

    /// <summary>Puts another content in place of a file by one rename. Whoever could read it still can, but for everybody.</summary>
    /// <exception cref="BundleException">It cannot be written.</exception>
    public static void Replace(string path, string text)
    {
        var mode = OwnerOnly;
        if (!OperatingSystem.IsWindows() && File.Exists(path))
        {
            mode |= File.GetUnixFileMode(path) & UnixFileMode.GroupRead;
        }
        Write(path, text, mode, overwrite: true);
    }

    /// <summary>Makes a directory that is its owner's alone; one that is there stays as it is.</summary>
    /// <exception cref="BundleException">It cannot be made.</exception>
    public static void MakeDirectory(string path) => Guarded(path, () =>
    {
        if (Directory.Exists(path))
        {
            return;
        }
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    });

    private static void Write(string path, string text, UnixFileMode mode, bool overwrite) => Guarded(path, () =>
    {
        var unfinished = Path.Combine(Path.GetDirectoryName(path) ?? "", $".{Path.GetFileName(path)}.new");
        // What a killed run left; its mode is not to be inherited.
        File.Delete(unfinished);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }
        using (var file = new FileStream(unfinished, options))
        {
            // As it was read: words between the blocks may be in any encoding.
            file.Write(Encoding.Latin1.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(unfinished, path, overwrite);
        }
        catch (IOException) when (!overwrite && File.Exists(path))
        {
            File.Delete(unfinished);
            throw new BundleException($"{path} is there already, and is not overwritten");
        }
    });

    private static void Guarded(string path, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new BundleException($"{path} cannot be written ({e.Message.TrimEnd('.')})", e);
        }
    }
}
