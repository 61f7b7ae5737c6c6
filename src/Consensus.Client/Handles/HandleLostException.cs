namespace Consensus.Client;

/// <summary>Something is not held any more under which work was to be done.</summary>
public sealed class HandleLostException(string message) : Exception(message);
