using System.CommandLine;

namespace Consensus.Cli.Parsing;

/// <summary>The words of a command that is run under a hold (CMD ARGS…): the only argument of which all but the first are not ours to read.</summary>
internal static class CommandWords
{
    public const string Name = "CMD";

    public static bool Are(Argument argument) => argument.Name == Name;
}
