using System.CommandLine;
using System.CommandLine.Parsing;

namespace Consensus.Cli.Parsing;

/// <summary>The words that chose a command, from the program's name on.</summary>
internal static class CommandPath
{
    public static string Of(ParseResult parsed)
    {
        var names = new List<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
        {
            names.Insert(0, result.Command is RootCommand ? "consensusctl" : result.Command.Name);
        }
        return string.Join(' ', names);
    }
}
