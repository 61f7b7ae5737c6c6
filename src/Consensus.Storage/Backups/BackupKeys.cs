using System.Diagnostics.CodeAnalysis;
using Consensus.Node.Ports;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Backups;

/// <summary>Key files for backups.</summary>
public static class BackupKeys
{
    /// <summary>Reads one; null when none was given. Throws <see cref="BackupException"/> when it cannot be used.</summary>
    /// <param name="option">Which option gave it, for the sentence.</param>
    /// <param name="dataDirectory">Where it may not lie; null where there is none.</param>
    [return: NotNullIfNotNull(nameof(path))]
    public static KeyRing? Load(string option, string? path, string? dataDirectory = null)
    {
        try
        {
            return path is null ? null : KeyRing.Load(path, $"{option} {path}", dataDirectory);
        }
        catch (StorageRefusedException e)
        {
            throw new BackupException(e.Message);
        }
    }
}
