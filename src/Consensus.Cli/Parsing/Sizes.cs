using System.CommandLine;
using System.Globalization;

namespace Consensus.Cli.Parsing;

/// <summary>Sizes: a whole number of bytes, or with B, KiB or MiB.</summary>
internal static class Sizes
{
    private static readonly (string Unit, long Bytes)[] Units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)];

    public static bool TryParse(string text, out long bytes)
    {
        var (unit, factor) = Units.FirstOrDefault(known => text.EndsWith(known.Unit, StringComparison.Ordinal), ("", 1));
        var isNumber = long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        bytes = isNumber && number <= long.MaxValue / factor ? number * factor : -1;
        return bytes >= 0;
    }

    /// <summary>An option whose value is a size of at most <paramref name="most"/> bytes.</summary>
    public static Option<long?> Option(string name, long most, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParse(text, out var bytes) && bytes <= most)
            {
                return bytes;
            }
            result.AddError($"{name} needs a size such as 100, 4KiB or 1MiB, at most {most} bytes, not '{text}'.");
            return null;
        },
    };
}
