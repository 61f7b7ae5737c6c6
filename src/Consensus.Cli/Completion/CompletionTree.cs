using System.CommandLine;
using System.CommandLine.Completions;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Completion;

/// <summary>What can stand in one place; <see cref="Words"/> only for <see cref="ValueKind.Words"/>.</summary>
internal sealed record PlaceValues(ValueKind Kind, IReadOnlyList<string> Words);

/// <param name="Names">As typed: "--output", "-o".</param>
/// <param name="Value">What comes after it; null for one that stands alone.</param>
internal sealed record OptionPlace(IReadOnlyList<string> Names, string Summary, PlaceValues? Value);

/// <summary>One command with all that can follow it.</summary>
/// <param name="Path">Its words without the program's name; empty for the program itself.</param>
internal sealed record CommandPlace(
    string Path,
    IReadOnlyList<(string Name, string Summary)> Commands,
    IReadOnlyList<OptionPlace> Options,
    IReadOnlyList<PlaceValues> Arguments);

/// <summary>The whole command line as the scripts need it, read off the parser's own commands, so that nothing is offered that is not there.</summary>
internal static class CompletionTree
{
    public static IReadOnlyList<CommandPlace> Of(Command root)
    {
        var places = new List<CommandPlace>();
        Add(places, "", root, []);
        return places;
    }

    private static void Add(List<CommandPlace> places, string path, Command command, IReadOnlyList<Option> inherited)
    {
        var options = command.Options.Where(option => !option.Hidden).Concat(inherited).ToList();
        var commands = command.Subcommands.Where(sub => !sub.Hidden).ToList();
        places.Add(new CommandPlace(
            path,
            [.. commands.Select(sub => (sub.Name, Summary(sub.Description)))],
            [.. options.Select(Option)],
            [.. command.Arguments.Select(argument => Values(argument, argument.Name, CommandWords.Are(argument)))]));
        IReadOnlyList<Option> recursive = [.. options.Where(option => option.Recursive)];
        foreach (var sub in commands)
        {
            Add(places, $"{path} {sub.Name}".TrimStart(), sub, recursive);
        }
    }

    private static OptionPlace Option(Option option) => new(
        [.. option.Aliases.Prepend(option.Name).Where(name => name.StartsWith('-') && name != "-?").Distinct()],
        Summary(option.Description),
        option.Arity.MinimumNumberOfValues == 0 ? null : Values(option, option.HelpName ?? "", isCommandLine: false));

    private static PlaceValues Values(Symbol symbol, string name, bool isCommandLine)
    {
        // The names are those that the help shows: the same word means the same thing wherever it stands.
        var kind = (name, isCommandLine) switch
        {
            (_, true) => ValueKind.CommandLine,
            ("FILE", _) => ValueKind.File,
            ("DIR", _) => ValueKind.Directory,
            ("MEMBER", _) => ValueKind.Member,
            ("JOINER", _) => ValueKind.Joiner,
            _ => ValueKind.Free,
        };
        if (kind != ValueKind.Free)
        {
            return new PlaceValues(kind, []);
        }
        var words = symbol.GetCompletions(CompletionContext.Empty).Select(item => item.InsertText ?? item.Label).ToList();
        return new PlaceValues(words.Count > 0 ? ValueKind.Words : ValueKind.Free, words);
    }

    /// <summary>What a description begins with, to its first stop that stands outside brackets.</summary>
    private static string Summary(string? description)
    {
        var text = description ?? "";
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            var isStop = text[i] is ':' or ';' || (text[i] == '.' && (i + 1 == text.Length || text[i + 1] == ' '));
            if (depth == 0 && isStop)
            {
                return text[..i];
            }
        }
        return text;
    }
}
