namespace Consensus.Storage.Backups;

/// <summary>A backup cannot be read, written or restored. The message is one sentence for the operator, without a full stop.</summary>
public sealed class BackupException(string message, bool isRefusal = true) : Exception(message)
{
    /// <summary>True when the file or the directory is not what it has to be; false when the disk failed.</summary>
    public bool IsRefusal { get; } = isRefusal;
}
