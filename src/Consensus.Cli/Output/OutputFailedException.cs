namespace Consensus.Cli.Output;

/// <summary>
/// Standard output cannot be written to, so what was to be told is not told: a token that nobody heard of is of no use to anybody. The message is the sentence to tell, without
/// its full stop.
/// </summary>
/// <param name="readerIsGone">Its reader is gone (EPIPE): whoever ends a pipe early has had enough, and nothing is wrong.</param>
internal sealed class OutputFailedException(string message, bool readerIsGone) : IOException(message)
{
    public bool ReaderIsGone { get; } = readerIsGone;

    public int ExitCode => ReaderIsGone ? Cli.ExitCode.ReaderGone : Cli.ExitCode.OutputFailed;
}
