namespace Consensus.Node;

/// <summary>What one thing that holds payload holds at this moment, and its bound. The table of them stands in docs/architecture.md.</summary>
/// <param name="What">Lower-case words with hyphens, as <c>/metrics</c> labels it.</param>
/// <param name="Held">In bytes.</param>
/// <param name="Limit">In bytes.</param>
public readonly record struct HeldBytes(string What, long Held, long Limit);
