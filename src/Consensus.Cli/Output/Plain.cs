using System.Globalization;
using System.Text;
using Consensus.Cli.Input;

namespace Consensus.Cli.Output;

/// <summary>Text that cannot break a line, a column or a terminal.</summary>
internal static class Plain
{
    /// <summary>Control characters and what is no text as escapes: data may hold anything, a table must not.</summary>
    public static string OneLine(string text)
    {
        if (!text.Any(character => char.IsControl(character) || char.IsSurrogate(character)))
        {
            return text;
        }
        var result = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (char.IsHighSurrogate(character) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                result.Append(character).Append(text[++i]);
                continue;
            }
            _ = character switch
            {
                _ when ByteText.EscapedBy(character) is { } value => result.Append("\\x").Append(value.ToString("x2", CultureInfo.InvariantCulture)),
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                _ when char.IsControl(character) || char.IsSurrogate(character) =>
                    result.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture)),
                _ => result.Append(character),
            };
        }
        return result.ToString();
    }

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A size for a person.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.##} GiB"),
    };
}
