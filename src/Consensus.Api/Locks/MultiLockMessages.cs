using System.Text.Json.Serialization;
using Consensus.Api.Json;

namespace Consensus.Api.Locks;

/// <summary>
/// Asks for exclusive holds of all the locks at once or of none: exactly one of <see cref="Ttl"/> and <see cref="Lease"/> is given.
/// </summary>
public sealed record MultiLockRequest
{
    /// <summary>1 to 128, no two alike.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    public required string Owner { get; init; }

    /// <summary>Makes one lease for all of them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ttl { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }

    /// <summary>How long to queue for them, in the line of each, at most 10 minutes; absent: not at all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Wait { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LockDelay { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MaxHold { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RawJson? Metadata { get; init; }
}

/// <param name="FencingToken">Each lock has a token of its own.</param>
public sealed record MultiLockItem(string Name, long FencingToken);

/// <param name="WaitedMs">How long the request waited in the queues; the TTL began at its end.</param>
/// <param name="Locks">In the order asked.</param>
public sealed record MultiLockAnswer(
    string Owner, string Lease, long TtlMs, long WaitedMs, long ExpiresInMs, string ClusterId, IReadOnlyList<MultiLockItem> Locks);
