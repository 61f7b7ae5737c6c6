namespace Consensus.Primitives.Wire;

/// <summary>Bytes that are not a well-formed Protocol Buffers message, or not one that this version may accept (rule 12).</summary>
public sealed class WireFormatException(string message) : Exception(message);
