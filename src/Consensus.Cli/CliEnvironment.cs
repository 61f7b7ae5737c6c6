namespace Consensus.Cli;

/// <summary>What a run of the program touches besides the cluster.</summary>
/// <param name="RawOutput">The stream under <paramref name="Output"/>, for values that are bytes.</param>
/// <param name="OutputIsTerminal">Tables are drawn and coloured only for a person.</param>
internal sealed record CliEnvironment(
    Stream Input, Stream RawOutput, TextWriter Output, TextWriter Error, bool OutputIsTerminal, Func<string, string?> Variable)
{
    /// <summary>Only a person is asked.</summary>
    public bool InputIsTerminal { get; init; }

    /// <summary>A token that is cancelled when nobody reads the output any more; asked for by what follows something.</summary>
    public Func<CancellationToken> ReaderGone { get; init; } = () => CancellationToken.None;

    /// <summary>Progress is shown only to a person.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>What tells how long an interval or a run of <c>top</c> and <c>bench</c> has lasted.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Whose signals end the program; null where it is not a process of its own.</summary>
    public ProgramSignals? Signals { get; init; }
}
