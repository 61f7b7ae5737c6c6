namespace Consensus.Client;

/// <summary>A watch cannot go on: what comes next is no longer kept. Read what is there now, and watch from the revision after it.</summary>
/// <param name="compactRevision">The oldest revision that can still be read.</param>
public sealed class WatchCompactedException(long compactRevision)
    : Exception($"What comes next is no longer kept: the history begins after revision {compactRevision}. Read again, and watch from there.")
{
    /// <summary>The oldest revision that can still be read.</summary>
    public long CompactRevision { get; } = compactRevision;
}
