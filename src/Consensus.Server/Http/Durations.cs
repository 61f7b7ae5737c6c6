using Consensus.Api;
using Consensus.Api.Durations;

namespace Consensus.Server.Http;

/// <summary>Durations of requests.</summary>
internal static class Durations
{
    /// <summary>Null when the TTL is one that is granted.</summary>
    public static string? RefuseTtl(long ttlMicros, long minTtlMicros) => ttlMicros switch
    {
        _ when ttlMicros < minTtlMicros => $"the field \"ttl\" is below {DurationText.Format(minTtlMicros)}, the smallest TTL",
        > ApiLimits.MaxTtlMicros => $"the field \"ttl\" is above {DurationText.Format(ApiLimits.MaxTtlMicros)}, the longest TTL",
        _ => null,
    };
}
