namespace Consensus.Cli;

/// <summary>The command line asks for something that makes no sense; the message is the one sentence to tell.</summary>
internal sealed class UsageException(string message) : Exception(message);
