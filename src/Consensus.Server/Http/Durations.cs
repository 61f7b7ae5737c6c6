using Consensus.Api;
using Consensus.Api.Durations;
using Consensus.Primitives;

namespace Consensus.Server.Http;

/// <summary>Durations of requests and answers.</summary>
internal static class Durations
{
    /// <summary>Null when the TTL is one that is granted.</summary>
    public static string? RefuseTtl(long ttlMicros, long minTtlMicros) => ttlMicros switch
    {
        _ when ttlMicros < minTtlMicros => $"the field \"ttl\" is below {DurationText.Format(minTtlMicros)}, the smallest TTL",
        > ApiLimits.MaxTtlMicros => $"the field \"ttl\" is above {DurationText.Format(ApiLimits.MaxTtlMicros)}, the longest TTL",
        _ => null,
    };

    /// <summary>What is left until a deadline in cluster time, in ms, never negative. It informs, no more (rule 4).</summary>
    public static long ExpiresInMs(ClusterTime deadline, ClusterTime now) => deadline > now ? (deadline - now) / 1_000 : 0;

    public static long Ms(long micros) => micros / 1_000;
}
