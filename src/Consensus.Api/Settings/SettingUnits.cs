using System.Globalization;
using Consensus.Api.Durations;

namespace Consensus.Api.Settings;

/// <summary>What a setting's value counts, and how a person writes it.</summary>
public static class SettingUnits
{
    public const string Bytes = "bytes";
    public const string Milliseconds = "ms";
    public const string Count = "count";

    /// <summary>Reads a value as a person writes it: bytes as <c>8GiB</c>, a time as <c>10m</c> (a bare number is seconds, as everywhere), a count as digits.</summary>
    public static bool TryParse(string unit, string text, out long value)
    {
        switch (unit)
        {
            case Bytes:
                return SizeText.TryParse(text, out value);
            case Milliseconds:
                var isTime = DurationText.TryParseMicros(text, out var micros) && micros % 1_000 == 0;
                value = micros / 1_000;
                return isTime;
            default:
                return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        }
    }

    /// <summary>What <see cref="TryParse"/> takes, for a sentence that says what was expected.</summary>
    public static string Expected(string unit) => unit switch
    {
        Bytes => "a size such as 512MiB or 8GiB",
        Milliseconds => "a duration such as 5m or 1h",
        _ => "a whole number",
    };

    /// <summary>A value in the form that <see cref="TryParse"/> reads, exactly.</summary>
    public static string Format(string unit, long value) => unit switch
    {
        Bytes => SizeText.Format(value),
        Milliseconds => DurationText.Format(value * 1_000),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
