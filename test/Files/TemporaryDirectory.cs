namespace Consensus.Files;

/// <summary>A directory on the machine's disk, removed afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("consensus-test-").FullName;

    /// <summary>A FIFO, into which nobody writes: who opens it as any file waits for ever.</summary>
    public static string MakeFifo(string path)
    {
        using var made = System.Diagnostics.Process.Start("mkfifo", [path]);
        made.WaitForExit();
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
