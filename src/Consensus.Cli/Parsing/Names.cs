using System.CommandLine;

namespace Consensus.Cli.Parsing;

/// <summary>
/// Arguments that become part of a request's path. An empty one would turn a key into "all keys": a script's unset variable must not
/// delete the store.
/// </summary>
internal static class Names
{
    public static Argument<string> Argument(string name, string? description = null) => Checked(
        name, description, text => text.Length > 0 ? null : $"{name} is empty.");

    /// <summary>A lease's id, hexadecimal.</summary>
    public static Argument<string> LeaseId() => Checked(
        "ID",
        "The lease's id (hexadecimal).",
        text => text.Length is >= 1 and <= 16 && text.All(char.IsAsciiHexDigit)
            ? null
            : $"'{text}' is no lease id: 1 to 16 hexadecimal digits.");

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
