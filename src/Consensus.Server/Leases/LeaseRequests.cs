using System.Collections.Immutable;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Leases;

/// <summary>Reads the bodies of lease requests. Each returns null with a sentence when the body is refused.</summary>
internal static class LeaseRequests
{
    /// <summary>The grant of a lease that has no id yet.</summary>
    public static GrantLeaseCommand? ReadGrant(ReadOnlyMemory<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        long? ttl = null;
        bool? isSession = null;
        while (json.NextField())
        {
            if (json.Is("ttl"u8, 0))
            {
                ttl = json.DurationMicros();
            }
            else if (json.Is("session"u8, 1))
            {
                isSession = json.Flag();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (ttl is { } micros ? Durations.RefuseTtl(micros, minTtlMicros) : "the field \"ttl\" is missing");
        return refusal is null ? new GrantLeaseCommand(LeaseId.None, ttl!.Value) { IsSession = isSession ?? false } : null;
    }

    /// <summary>What a session's renewal asks for; no body, or an empty object, asks for nothing but the renewal.</summary>
    public static (long Since, long After)? ReadNews(ReadOnlyMemory<byte> body, out string? refusal)
    {
        refusal = null;
        if (body.IsEmpty)
        {
            return null;
        }
        var json = new StrictObjectReader(body);
        long? since = null;
        long? after = null;
        while (json.NextField())
        {
            if (json.Is("since"u8, 0))
            {
                since = json.Number(0, long.MaxValue);
            }
            else if (json.Is("after"u8, 1))
            {
                after = json.Number(0, long.MaxValue);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (since, after) switch
        {
            (null, not null) => "the field \"after\" goes with the field \"since\", which is missing",
            _ when after < since => "the field \"after\" is below the field \"since\"",
            _ => null,
        };
        return refusal is null && since is { } from ? (from, after ?? from) : null;
    }

    public static long? ReadSettle(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        long? seq = null;
        while (json.NextField())
        {
            if (json.Is("seq"u8, 0))
            {
                seq = json.Number(1, long.MaxValue);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (seq is null ? "the field \"seq\" is missing" : null);
        return refusal is null ? seq : null;
    }

    public static ImmutableArray<LeaseId>? ReadKeepAlive(ReadOnlyMemory<byte> body, out string? refusal)
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
