using System.CommandLine;
using System.CommandLine.Parsing;

namespace Consensus.Cli.Parsing;

/// <summary>
/// Arguments that become part of a request's path. An empty one would turn a key into "all keys": a script's unset variable must not
/// delete the store.
/// </summary>
internal static class Names
{
    public static Argument<string> Argument(string name, string? description = null) => Checked(
        name, description, text => text.Length > 0 ? null : $"{name} is empty.");

    /// <summary>An argument that may be left out; what is given is not empty.</summary>
    public static Argument<string?> OptionalArgument(string name, string description) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result => result.Tokens is [var token] ? NotEmpty(result, name, token.Value) : null,
    };

    /// <summary>An option whose value is not empty.</summary>
    public static Option<string?> Option(string name, string helpName, string description) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => NotEmpty(result, name, result.Tokens[0].Value),
    };

    /// <summary>A lease's id, hexadecimal.</summary>
    public static Argument<string> LeaseId() => Checked(
        "ID",
        "The lease's id (hexadecimal).",
        text => text.Length is >= 1 and <= 16 && text.All(char.IsAsciiHexDigit)
            ? null
            : $"'{text}' is no lease id: 1 to 16 hexadecimal digits.");

    private static string NotEmpty(SymbolResult result, string name, string text)
    {
        if (text.Length == 0)
        {
            result.AddError($"{name} is empty.");
        }
        return text;
    }

    private static Argument<string> Checked(string name, string? description, Func<string, string?> mistake) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (mistake(text) is { } sentence)
            {
                result.AddError(sentence);
            }
            return text;
        },
    };
}
