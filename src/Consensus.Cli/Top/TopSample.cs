using Consensus.Api.Cluster;
using Consensus.Cli.Status;

namespace Consensus.Cli.Top;

/// <summary>All members at one moment, as far as they answer.</summary>
/// <param name="At">On a monotonic clock.</param>
internal sealed record TopSample(ClusterReport Report, TimeSpan At);

/// <summary>What happened each second between two samples; null where it is not known: a member that did not answer twice, or was started in between.</summary>
internal sealed record MemberRates(double? Reads, double? Writes, double? Failures, double? Entries, double? CpuPercent)
{
    private static readonly MemberRates Unknown = new(null, null, null, null, null);

    public static MemberRates Of(MemberReport now, TopSample? before, TopSample after)
    {
        var past = before?.Report.Members.FirstOrDefault(member => member.Name == now.Name)?.Status;
        return now.Status is { } present && past is not null && present.UptimeMs >= past.UptimeMs
            ? Between(past, present, (after.At - before!.At).TotalSeconds)
            : Unknown;
    }

    private static MemberRates Between(StatusAnswer past, StatusAnswer present, double seconds) => new(
        Rate(past.Reads, present.Reads, seconds),
        Rate(past.Writes, present.Writes, seconds),
        Rate(past.Failures, present.Failures, seconds),
        Rate(past.AppliedIndex, present.AppliedIndex, seconds),
        Rate(past.CpuMs, present.CpuMs, seconds) / 10);

    private static double? Rate(long? past, long? present, double seconds) =>
        past is { } from && present is { } to && seconds > 0 ? Math.Max(0, to - from) / seconds : null;
}

/// <summary>Two samples, and what they tell together.</summary>
internal sealed record TopView(TopSample? Before, TopSample Now)
{
    public IReadOnlyList<MemberRates> Rates { get; } = [.. Now.Report.Members.Select(member => MemberRates.Of(member, Before, Now))];

    public Diagnosis Diagnosis { get; } = Diagnosis.Of(Now.Report);

    /// <summary>Null when no member's is known.</summary>
    public double? Total(Func<MemberRates, double?> of)
    {
        var known = Rates.Select(of).Where(rate => rate is not null).ToList();
        return known.Count > 0 ? known.Sum() : null;
    }
}
