namespace Consensus.Client;

/// <summary>What came of a write that was to happen only if the key is at a revision.</summary>
/// <param name="Succeeded">False: the key was not at that revision; nothing was done.</param>
/// <param name="Revision">The key's modRevision now; 0 when there is no such key.</param>
public readonly record struct ConditionalWrite(bool Succeeded, long Revision);
