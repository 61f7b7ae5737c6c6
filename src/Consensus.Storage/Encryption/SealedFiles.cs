namespace Consensus.Storage.Encryption;

/// <summary>
/// Which files of a data directory are sealed with which key: what an operator has to know before he takes a key away. Any thread.
/// </summary>
public sealed class SealedFiles
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string?> _files = new(StringComparer.Ordinal);

    /// <summary>Ids of keys that some file needs, in order.</summary>
    public IReadOnlyList<string> KeysInUse
    {
        get
        {
            lock (_gate)
            {
                return [.. _files.Values.OfType<string>().Distinct().Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Log segments in plain.</summary>
    public int PlainSegments => CountPlain(Log.SegmentFiles.Extension);

    /// <summary>Snapshots in plain.</summary>
    public int PlainSnapshots => CountPlain(Snapshots.SnapshotName.Extension);

    /// <summary>A file is there.</summary>
    /// <param name="keyId">Null: in plain.</param>
    internal void Add(string path, string? keyId)
    {
        lock (_gate)
        {
            _files[path] = keyId;
        }
    }

    internal void Remove(string path)
    {
        lock (_gate)
        {
            _files.Remove(path);
        }
    }

    private int CountPlain(string extension)
    {
        lock (_gate)
        {
            return _files.Count(file => file.Value is null && file.Key.EndsWith(extension, StringComparison.Ordinal));
        }
    }
}
