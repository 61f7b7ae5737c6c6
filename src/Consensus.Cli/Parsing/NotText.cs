using System.CommandLine;
using System.CommandLine.Parsing;
using Consensus.Cli.Input;

namespace Consensus.Cli.Parsing;

/// <summary>Finds the argument that is not valid UTF-8. Names, values and files are text here; only the words of a command that is run under a hold are passed on as they are.</summary>
internal static class NotText
{
    /// <summary>The mistake; null when there is none.</summary>
    public static string? MistakeIn(ParseResult parsed)
    {
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            foreach (var child in at.Children)
            {
                var (name, tokens) = child switch
                {
                    OptionResult option => (option.Option.Name, option.Tokens),
                    ArgumentResult argument when !CommandWords.Are(argument.Argument) => (argument.Argument.Name, argument.Tokens),
                    _ => ("", []),
                };
                if (tokens.FirstOrDefault(token => !ByteText.IsText(token.Value)) is { } wrong)
                {
                    return $"{name} is not valid UTF-8: '{wrong.Value}'.";
                }
            }
        }
        return null;
    }
}
