using System.Globalization;

namespace Consensus.Api.Durations;

/// <summary>
/// Durations as requests and options write them: a whole number with a unit (<c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c>, <c>d</c>); a bare number is seconds.
/// </summary>
public static class DurationText
{
    /// <summary>What a wrong duration is told.</summary>
    public const string Expected = "a duration such as \"500ms\", \"15s\", \"2m\" or \"1h\" (a bare number is seconds)";

    private const int MaxDigits = 15;

    /// <summary>Reads a duration in microseconds. False for a sign, a fraction, white space, an unknown unit or a number too large.</summary>
    public static bool TryParseMicros(ReadOnlySpan<char> text, out long micros)
    {
        micros = 0;
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }
        if (digits is 0 or > MaxDigits)
        {
            return false;
        }
        var scale = text[digits..] switch
        {
            "ms" => 1_000L,
            "" or "s" => 1_000_000L,
            "m" => 60_000_000L,
            "h" => 3_600_000_000L,
            "d" => 86_400_000_000L,
            _ => 0L,
        };
        var number = long.Parse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture);
        var high = Math.BigMul(number, scale, out var low);
        if (scale == 0 || high != 0 || low < 0)
        {
            return false;
        }
        micros = low;
        return true;
    }

    /// <summary>The shortest text of a duration in the largest unit that divides it; microseconds below a millisecond are cut.</summary>
    public static string Format(long micros)
    {
        var millis = micros / 1_000;
        return millis switch
        {
            0 => "0s",
            _ when millis % 86_400_000 == 0 => Text(millis / 86_400_000, "d"),
            _ when millis % 3_600_000 == 0 => Text(millis / 3_600_000, "h"),
            _ when millis % 60_000 == 0 => Text(millis / 60_000, "m"),
            _ when millis % 1_000 == 0 => Text(millis / 1_000, "s"),
            _ => Text(millis, "ms"),
        };
    }

    private static string Text(long number, string unit) => number.ToString(CultureInfo.InvariantCulture) + unit;
}
