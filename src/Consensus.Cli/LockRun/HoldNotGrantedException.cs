namespace Consensus.Cli.LockRun;

/// <summary>What was waited for is not held, nor will be, unless the exit code says that this is not known.</summary>
/// <param name="message">What follows its name in a sentence.</param>
internal sealed class HoldNotGrantedException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}
