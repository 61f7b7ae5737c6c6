namespace Consensus.Storage.Encryption;

/// <summary>
/// Which files of a data directory are sealed with which key: what an operator has to know before he takes a key away. Any thread.
/// </summary>
public sealed class SealedFiles
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string?> _files = new(StringComparer.Ordinal);

    /// <summary>Of files that are being written, by key: not named yet, and in need of it already.</summary>
    private readonly Dictionary<string, int> _begun = new(StringComparer.Ordinal);

    /// <summary>Ids of keys that some file needs, in order; one that is being written too.</summary>
    public IReadOnlyList<string> KeysInUse
    {
        get
        {
            lock (_gate)
            {
                return [.. _files.Values.OfType<string>().Concat(_begun.Keys).Distinct().Order(StringComparer.Ordinal)];
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

    /// <summary>A file is begun under this key.</summary>
    internal void Begin(string keyId)
    {
        lock (_gate)
        {
            _begun[keyId] = _begun.GetValueOrDefault(keyId) + 1;
        }
    }

    /// <summary>It is whole, and was added under its name; or it never will be.</summary>
    internal void End(string keyId)
    {
        lock (_gate)
        {
            if (--_begun[keyId] == 0)
            {
                _begun.Remove(keyId);
            }
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
