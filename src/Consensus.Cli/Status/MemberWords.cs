using System.Globalization;
using Consensus.Api.Cluster;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Status;

/// <summary>What the answering member knows of another one, for tables. Null is "it does not know".</summary>
internal static class MemberWords
{
    public static string Health(MemberAnswer member) => member.Health switch
    {
        "notAcknowledging" => "not acknowledging",
        "notReady" => "not ready",
        { Length: > 0 } word => word,
        _ => member.Healthy switch { true => "healthy", false => "not healthy", null => "unknown" },
    };

    public static string? Contact(MemberAnswer member) => member.LastContactMs is { } ms ? $"{Durations.Show(ms)} ago" : null;

    public static string? RoundTrip(MemberAnswer member) =>
        member.RoundTripMs is { } ms ? ms.ToString(ms < 10 ? "0.0#" : "0", CultureInfo.InvariantCulture) + " ms" : null;
}
