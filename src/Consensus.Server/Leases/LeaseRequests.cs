using System.Collections.Immutable;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Json;

namespace Consensus.Server.Leases;

/// <summary>Reads the bodies of lease requests. Each returns null with a sentence when the body is refused.</summary>
internal static class LeaseRequests
{
    /// <summary>The TTL in microseconds.</summary>
    public static long? ReadGrant(ReadOnlySpan<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        long? ttl = null;
        while (json.NextField())
        {
            if (json.Is("ttl"u8, 0))
            {
                ttl = json.DurationMicros();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (ttl is { } micros ? Durations.RefuseTtl(micros, minTtlMicros) : "the field \"ttl\" is missing");
        return refusal is null ? ttl : null;
    }

    public static ImmutableArray<LeaseId>? ReadKeepAlive(ReadOnlySpan<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        List<LeaseId>? ids = null;
        while (json.NextField())
        {
            if (json.Is("ids"u8, 0))
            {
                ids = ReadIds(ref json);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (ids is null or [] ? "the field \"ids\" names no lease" : null);
        return refusal is null ? [.. ids!] : null;
    }

    private static List<LeaseId>? ReadIds(ref StrictObjectReader json)
    {
        if (!json.EnterArray("an array of lease ids"))
        {
            return null;
        }
        var ids = new List<LeaseId>();
        while (json.NextItem())
        {
            if (ids.Count == ApiLimits.MaxKeepAliveIds)
            {
                json.Refuse($"the field \"ids\" names more than {ApiLimits.MaxKeepAliveIds} leases");
            }
            else if (json.Lease() is { } lease)
            {
                ids.Add(lease);
            }
            else
            {
                json.Wrong("a lease id: up to 16 hexadecimal digits");
            }
        }
        return ids;
    }
}
