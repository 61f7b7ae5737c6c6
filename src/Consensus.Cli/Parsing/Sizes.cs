using System.CommandLine;
using Consensus.Api.Settings;

namespace Consensus.Cli.Parsing;

/// <summary>Sizes on the command line.</summary>
internal static class Sizes
{
    /// <summary>An option whose value is a size of at most <paramref name="most"/> bytes.</summary>
    public static Option<long?> Option(string name, long most, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (SizeText.TryParse(text, out var bytes) && bytes <= most)
            {
                return bytes;
            }
            result.AddError($"{name} needs a size such as 100, 4KiB or 1MiB, at most {most} bytes, not '{text}'.");
            return null;
        },
    };
}
