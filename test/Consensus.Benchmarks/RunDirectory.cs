using System.Globalization;

namespace Consensus.Benchmarks;

/// <summary>The directory that holds all data of one run, named after its process and removed with it.</summary>
internal sealed class RunDirectory : IDisposable
{
    private const string Prefix = "bench-";

    public RunDirectory(string parent)
    {
        Directory.CreateDirectory(parent);
        foreach (var left in Directory.GetDirectories(parent, Prefix + "*").Where(IsLeftOver))
        {
            Remove(left);
        }

        FullPath = Path.GetFullPath(
            Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}")));
        Directory.CreateDirectory(FullPath);
    }

    public string FullPath { get; }

    public void Dispose() => Remove(FullPath);

    /// <summary>A run that was ended with kill -9 could not remove its own.</summary>
    private static bool IsLeftOver(string directory) =>
        int.TryParse(Path.GetFileName(directory).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        && !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}"));

    private static void Remove(string directory)
    {
        // A server that was just killed may still be finishing its last write while the tree is removed.
        for (var attempt = 0; attempt < 20 && Directory.Exists(directory); attempt++)
        {
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Thread.Sleep(50);
            }
        }
    }
}
