using System.CommandLine;
using System.Globalization;
using Consensus.Api;
using Consensus.Api.Durations;

namespace Consensus.Cli.Parsing;

/// <summary>Durations as the API writes them (<see cref="DurationText"/>), up to its longest, 365 days.</summary>
internal static class Durations
{
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (!DurationText.TryParseMicros(text, out var micros) || micros > ApiLimits.MaxTtlMicros)
        {
            return false;
        }
        duration = TimeSpan.FromMicroseconds(micros);
        return true;
    }

    /// <summary>An option whose value is a duration.</summary>
    public static Option<TimeSpan?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParse(text, out var duration))
            {
                return duration;
            }
            result.AddError($"{name} needs a duration such as 500ms, 15s or 2m, not '{text}'.");
            return null;
        },
    };

    /// <summary>Milliseconds for a person: two units at most, nothing shorter than what matters.</summary>
    public static string Show(long milliseconds)
    {
        var duration = TimeSpan.FromMilliseconds(milliseconds);
        return duration switch
        {
            { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms"),
            { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.#}s"),
            { TotalHours: < 1 } => $"{duration.Minutes}m{duration.Seconds:00}s",
            { TotalDays: < 1 } => $"{duration.Hours}h{duration.Minutes:00}m",
            _ => $"{(int)duration.TotalDays}d{duration.Hours:00}h",
        };
    }
}
