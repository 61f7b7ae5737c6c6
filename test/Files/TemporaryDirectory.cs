namespace Consensus.Files;

/// <summary>A directory on the machine's disk, removed afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("consensus-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
