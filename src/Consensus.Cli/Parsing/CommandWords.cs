using System.CommandLine;

namespace Consensus.Cli.Parsing;

/// <summary>The words of a command that is run under a hold (CMD ARGS…): the only argument that takes several.</summary>
internal static class CommandWords
{
    public static bool Are(Argument argument) => argument.Arity.MaximumNumberOfValues > 1;
}
