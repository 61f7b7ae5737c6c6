using System.Globalization;
using Consensus.Api.Durations;

namespace Consensus.Server.Options;

/// <summary>Reads the options' texts by type; a wrong one is an <see cref="OptionsException"/> that names its source.</summary>
internal sealed class OptionValues(IReadOnlyDictionary<string, RawOption> raw)
{
    public bool IsGiven(string flag) => raw.ContainsKey(flag);

    public string Text(string flag, string otherwise)
    {
        if (!raw.TryGetValue(flag, out var option))
        {
            return otherwise;
        }
        return option.Text.Trim().Length > 0 ? option.Text : throw Wrong(flag, "is empty");
    }

    public bool Switch(string flag)
    {
        if (!raw.TryGetValue(flag, out var option))
        {
            return false;
        }
        return option.Text.ToUpperInvariant() switch
        {
            "TRUE" or "1" or "YES" => true,
            "FALSE" or "0" or "NO" => false,
            _ => throw Wrong(flag, $"is \"{option.Text}\", neither true nor false"),
        };
    }

    public TimeSpan Duration(string flag, TimeSpan otherwise, TimeSpan least, TimeSpan most)
    {
        if (!raw.TryGetValue(flag, out var option))
        {
            return otherwise;
        }
        if (!DurationText.TryParseMicros(option.Text, out var micros))
        {
            throw Wrong(flag, $"is \"{option.Text}\", not {DurationText.Expected}");
        }
        if (micros < Micros(least) || micros > Micros(most))
        {
            throw Wrong(flag, $"is {option.Text}; it has to be from {DurationText.Format(Micros(least))} to {DurationText.Format(Micros(most))}");
        }
        return TimeSpan.FromMicroseconds(micros);
    }

    public long Count(string flag, long otherwise, long least, long most)
    {
        if (!raw.TryGetValue(flag, out var option))
        {
            return otherwise;
        }
        return long.TryParse(option.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= least && count <= most
            ? count
            : throw Wrong(flag, $"is \"{option.Text}\"; it has to be a number from {least} to {most}");
    }

    /// <summary>A sentence about one option, that says where its text came from.</summary>
    public OptionsException Wrong(string flag, string because) =>
        new($"{(raw.TryGetValue(flag, out var option) ? option.Source : "--" + flag)} {because}");

    private static long Micros(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;
}
