using System.Text;

namespace Consensus.Security.Certificates;

/// <summary>
/// Reads the files of a bundle as they are on disk. Who else may read or change them is looked at on the opened file itself, so that none
/// is put in its place meanwhile.
/// </summary>
internal static class BundleText
{
    private const int MaxBytes = 1024 * 1024;

    // The names that Kubernetes and cert-manager give.
    private static readonly (string Name, bool IsSecret)[] Files = [("tls.key", true), ("tls.crt", false), ("ca.crt", false)];

    /// <summary>The text of a bundle: a file, or a directory with <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c>.</summary>
    /// <param name="apartFrom">
    /// A directory in which what is secret may not lie, whichever links lead there; null: it may lie anywhere.
    /// </param>
    /// <exception cref="BundleException">It cannot be read, or others may.</exception>
    public static string OfBundle(string path, string label, string? apartFrom = null)
    {
        if (!Directory.Exists(path))
        {
            return OfFile(path, label, isSecret: true, apartFrom);
        }
        return string.Join(
            '\n', Files.Select(file => OfFile(Path.Combine(path, file.Name), $"{label}: {file.Name}", file.IsSecret, apartFrom)));
    }

    /// <summary>The text of a file of certificates, which is no secret.</summary>
    /// <exception cref="BundleException">It cannot be read, or others may change it.</exception>
    public static string OfAnchors(string path, string label) => OfFile(path, label, isSecret: false);

    /// <summary>The text of a file that nobody else may know.</summary>
    /// <exception cref="BundleException">It cannot be read, or others may.</exception>
    public static string OfSecret(string path, string label) => OfFile(path, label, isSecret: true);

    /// <summary>The text of either, whoever else may read it: what is wrong with that is told beside it.</summary>
    /// <exception cref="BundleException">It cannot be read.</exception>
    public static string OfShown(string path, string label) => Directory.Exists(path)
        ? string.Join('\n', Files.Select(file => OfFile(Path.Combine(path, file.Name), label, isSecret: false)))
        : OfFile(path, label, isSecret: false);

    private static string OfFile(string path, string label, bool isSecret, string? apartFrom = null)
    {
        try
        {
            using var file = RegularFile.Open(path);
            if (!OperatingSystem.IsWindows())
            {
                DemandMode(File.GetUnixFileMode(file), path, label, isSecret);
            }
            if (isSecret && apartFrom is not null && RegularFile.IsWithin(file, path, apartFrom))
            {
                throw new BundleException(
                    $"{label} lies in the data directory {apartFrom}: a copy of that would have the key; keep it elsewhere");
            }
            var bytes = new byte[MaxBytes + 1];
            var count = 0;
            for (int read; count < bytes.Length && (read = RandomAccess.Read(file, bytes.AsSpan(count), count)) > 0;)
            {
                count += read;
            }
            // Latin-1 keeps every byte: what is no PEM is found by the reader of PEM, and a comment may be in any encoding.
            return count > MaxBytes
                ? throw new BundleException($"{label} is larger than 1 MiB")
                : Encoding.Latin1.GetString(bytes, 0, count);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BundleException($"{label}: there is no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new BundleException($"{label} cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    private static void DemandMode(UnixFileMode mode, string path, string label, bool isSecret)
    {
        var shown = Convert.ToString((int)mode, 8).PadLeft(4, '0');
        if (isSecret && mode.HasFlag(UnixFileMode.OtherRead))
        {
            throw new BundleException($"{label} can be read by everybody ({shown}): chmod 600 {path}");
        }
        if (mode.HasFlag(UnixFileMode.OtherWrite))
        {
            throw new BundleException($"{label} can be changed by everybody ({shown}): chmod o-w {path}");
        }
    }
}
