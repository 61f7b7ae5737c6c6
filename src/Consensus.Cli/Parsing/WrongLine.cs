using System.CommandLine;
using System.CommandLine.Parsing;

namespace Consensus.Cli.Parsing;

/// <summary>Says what is wrong with a command line in one sentence that names the wrong word, and a second one with what was meant.</summary>
internal static class WrongLine
{
    /// <summary>The mistake; null when there is none.</summary>
    public static string? MistakeIn(ParseResult parsed)
    {
        if (WrongOption(parsed) is { } option)
        {
            return DescribeOption(parsed, option);
        }
        if (parsed.Errors.Count == 0)
        {
            return null;
        }
        var command = parsed.CommandResult.Command;
        var isGroup = command.Subcommands.Count > 0 && command.Arguments.Count == 0;
        if (isGroup)
        {
            return parsed.UnmatchedTokens is [var word, ..] ? DescribeCommand(parsed, word) : $"A command is missing: {Listed(command)}.";
        }
        if (parsed.UnmatchedTokens is [var extra, ..])
        {
            return $"There is no place for \"{extra}\" here.";
        }
        return DescribeNumber(parsed.Errors[0]) ?? Sentence(parsed.Errors[0].Message);
    }

    /// <summary>A word where a number has to stand, which the parser would describe with the name of a .NET type; null when the mistake is another one.</summary>
    private static string? DescribeNumber(ParseError error)
    {
        var (name, type) = error.SymbolResult switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType),
            ArgumentResult { Parent: OptionResult option } => (option.Option.Name, option.Option.ValueType),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType),
            _ => ("", typeof(string)),
        };
        // Options with a parser of their own have better words of their own.
        return error.SymbolResult?.Tokens is [var word, ..] && error.Message.Contains((Nullable.GetUnderlyingType(type) ?? type).ToString(), StringComparison.Ordinal)
            ? $"{name} needs a whole number, not '{word.Value}'."
            : null;
    }

    /// <summary>The parser's own message on one line; the list of what can stand there ends without a full stop.</summary>
    private static string Sentence(string message)
    {
        var line = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.EndsWith('.') ? line : line + ".";
    }

    /// <summary>
    /// A word that looks like an option and is none of this command's. The parser would take it for an argument: <c>kv get --raww</c> must not ask for a key of that name.
    /// What comes after "--" is what it is.
    /// </summary>
    private static string? WrongOption(ParseResult parsed)
    {
        var plain = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToList();
        var arguments = parsed.CommandResult.Children.OfType<ArgumentResult>();
        // Of a command's words (CMD ARGS…) only the first is ours to judge.
        var taken = arguments.SelectMany(argument => CommandWords.Are(argument.Argument) ? argument.Tokens.Take(1) : argument.Tokens);
        return taken
            .Where(token => LooksLikeOption(token.Value) && plain.Any(other => ReferenceEquals(other, token)))
            .Select(token => token.Value)
            .Concat(parsed.UnmatchedTokens.Where(word => LooksLikeOption(word) && plain.Any(token => token.Value == word)))
            .FirstOrDefault();
    }

    private static bool LooksLikeOption(string word) => word.Length > 1 && word[0] == '-';

    private static string DescribeOption(ParseResult parsed, string word)
    {
        var name = word.Split('=', ':')[0];
        var nearest = NearestWord.Of(name, OptionsOf(parsed.CommandResult).Distinct());
        var hint = nearest is not null ? $"Did you mean {nearest}?"
            : parsed.CommandResult.Command.Arguments.Count > 0 ? "A value that begins with - goes after --." : "";
        return $"There is no option {name} here. {hint}".TrimEnd();
    }

    /// <summary>The command's options and those of the commands above it that go with every command.</summary>
    private static IEnumerable<string> OptionsOf(CommandResult result)
    {
        for (var at = result; at is not null; at = at.Parent as CommandResult)
        {
            foreach (var option in at.Command.Options.Where(option => !option.Hidden && (at == result || option.Recursive)))
            {
                yield return option.Name;
            }
        }
    }

    private static string DescribeCommand(ParseResult parsed, string word)
    {
        var command = parsed.CommandResult.Command;
        var root = parsed.RootCommandResult.Command;
        var here = string.Join(' ', CommandPath.Of(parsed).Split(' ').Skip(1));
        if (NearestWord.Of(word, Visible(command).Select(sub => sub.Name)) is { } sibling)
        {
            return $"There is no command \"{word}\" here. Did you mean \"{$"{here} {sibling}".TrimStart()}\"?";
        }
        // The right word in the wrong place: "get" for "kv get".
        var elsewhere = Visible(root).SelectMany(group => Visible(group).Select(sub => (Path: $"{group.Name} {sub.Name}", sub.Name))).ToList();
        if (NearestWord.Of(word, elsewhere.Select(found => found.Name)) is { } other)
        {
            return $"There is no command \"{word}\" here. Did you mean \"{elsewhere.First(found => found.Name == other).Path}\"?";
        }
        return $"There is no command \"{word}\" here; there is {Listed(command)}.";
    }

    private static IEnumerable<Command> Visible(Command command) => command.Subcommands.Where(sub => !sub.Hidden);

    private static string Listed(Command command) => string.Join(", ", Visible(command).Select(sub => sub.Name));
}
