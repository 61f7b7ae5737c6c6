using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Client.Testing.Api;

/// <summary>What a member judges of a request before it is logged: names, sizes and durations.</summary>
internal static class Checks
{
    /// <summary>A key or a name.</summary>
    public static ApiProblem? Name(string text, string what, out Key key)
    {
        key = Key.FromText(text);
        return key.IsEmpty ? Refusals.BadRequest($"the {what} is empty")
            : key.Bytes.Contains((byte)0) ? Refusals.BadRequest($"the {what} has a NUL")
            : key.Length > ApiLimits.MaxKeyBytes ? Refusals.TooLarge($"the {what} has {key.Length} bytes; at most {ApiLimits.MaxKeyBytes} are taken")
            : null;
    }

    public static ApiProblem? IdempotencyKey(string key) =>
        key.Length is 0 or > ApiLimits.MaxIdempotencyKeyLength || key.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? Refusals.BadRequest($"the path does not name an Idempotency-Key: 1 to {ApiLimits.MaxIdempotencyKeyLength} printable ASCII characters")
            : null;

    public static ApiProblem? Owner(string owner) => Encoding.UTF8.GetByteCount(owner) switch
    {
        0 => Refusals.BadRequest("the field \"owner\" is empty"),
        > ApiLimits.MaxOwnerBytes => Refusals.BadRequest($"the field \"owner\" is longer than {ApiLimits.MaxOwnerBytes} bytes"),
        _ => null,
    };

    /// <summary>Exactly one of a TTL and an existing lease.</summary>
    public static ApiProblem? Lease(TimeSpan? ttl, string? lease, out LeaseId id)
    {
        id = LeaseId.None;
        return (ttl, lease) switch
        {
            (null, null) => Refusals.BadRequest("the field \"ttl\" is missing (or \"lease\", to hold it by an existing lease)"),
            ({ }, { }) => Refusals.BadRequest("the fields \"ttl\" and \"lease\" are given together"),
            ({ } given, null) => Ttl(given),
            (null, { } text) => LeaseId.TryParse(text, out id) ? null : Refusals.BadRequest("the field \"lease\" is not a lease id"),
        };
    }

    public static ApiProblem? Ttl(TimeSpan ttl, string field = "ttl") => Micros(ttl) switch
    {
        < ApiLimits.DefaultMinTtlMicros => Refusals.BadRequest($"the field \"{field}\" is below 1s, the smallest TTL"),
        > ApiLimits.MaxTtlMicros => Refusals.BadRequest($"the field \"{field}\" is above 365d, the longest TTL"),
        _ => null,
    };

    public static ApiProblem? Terms(TimeSpan? lockDelay, TimeSpan? maxHold, string? metadata)
    {
        if (lockDelay is { } delay && Micros(delay) > ApiLimits.MaxLockDelayMicros)
        {
            return Refusals.BadRequest("the field \"lockDelay\" is above 1h, the longest delay");
        }
        return (maxHold is { } most ? Ttl(most, "maxHold") : null) ?? (metadata is null ? null : Metadata(metadata));
    }

    public static ApiProblem? Text(string value) => Encoding.UTF8.GetByteCount(value) > ApiLimits.MaxMetadataBytes
        ? Refusals.BadRequest($"the field \"value\" is longer than {ApiLimits.MaxMetadataBytes} bytes")
        : null;

    public static long Micros(TimeSpan duration) => duration.Ticks / TimeSpan.TicksPerMicrosecond / 1_000 * 1_000;

    private static ApiProblem? Metadata(string metadata)
    {
        try
        {
            using var document = JsonDocument.Parse(metadata);
            return document.RootElement.ValueKind != JsonValueKind.Object ? Refusals.BadRequest("the field \"metadata\" is not an object")
                : Encoding.UTF8.GetByteCount(metadata) > ApiLimits.MaxMetadataBytes ? Refusals.BadRequest("the field \"metadata\" is too long")
                : null;
        }
        catch (JsonException)
        {
            return Refusals.BadRequest("the field \"metadata\" is not JSON");
        }
    }
}
