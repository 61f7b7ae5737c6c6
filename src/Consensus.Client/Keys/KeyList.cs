namespace Consensus.Client;

/// <summary>All keys with a prefix, in byte order, as they were together at one revision.</summary>
/// <param name="Revision">A watch from the revision after it misses nothing.</param>
public sealed record KeyList(IReadOnlyList<KeyEntry> Items, long Revision);
