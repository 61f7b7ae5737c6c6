using System.Text.Json.Serialization;

namespace Consensus.Api.Leases;

/// <param name="Ttl">A duration (<see cref="Durations.DurationText"/>).</param>
public sealed record LeaseGrantRequest(string Ttl)
{
    /// <summary>With a table of answers: its client numbers its requests.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Session { get; init; }
}

/// <summary>The body of a session's renewal, which a plain one leaves out.</summary>
/// <param name="Since">The version up to which its client knows of the holds and places under it; 0 asks for all that there is.</param>
public sealed record SessionKeepAliveRequest(long Since)
{
    /// <summary>Where to go on with what began: <see cref="SessionNewsAnswer.Next"/> of the answer before.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? After { get; init; }
}

/// <param name="Ids">Leases to renew, hexadecimal.</param>
public sealed record LeaseKeepAliveRequest(IReadOnlyList<string> Ids);

/// <summary>A lease as granted or renewed.</summary>
/// <param name="Id">Lower-case hexadecimal.</param>
/// <param name="ExpiresInMs">Informs only: a client counts its TTL from before it sent the request.</param>
public sealed record LeaseAnswer(string Id, long TtlMs, long ExpiresInMs)
{
    /// <summary>Of a grant: it is a session.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Session { get; init; }

    /// <summary>Of a renewal with <c>since</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SessionNewsAnswer? News { get; init; }
}

/// <summary>One lease of a renewal of many; the numbers are 0 when it is not alive.</summary>
public sealed record LeaseRenewalAnswer(string Id, bool Alive, long TtlMs, long ExpiresInMs);

/// <param name="Items">In the order asked.</param>
public sealed record LeaseKeepAliveAnswer(IReadOnlyList<LeaseRenewalAnswer> Items);

/// <summary>A lease with what it carries: at most 100 keys and 100 holds, beside the whole counts.</summary>
public sealed record LeaseDetailAnswer
{
    public required string Id { get; init; }

    public required long TtlMs { get; init; }

    public required long ExpiresInMs { get; init; }

    public required IReadOnlyList<string> Keys { get; init; }

    /// <summary>Those of the keys that are not UTF-8.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? KeysBase64 { get; init; }

    public required long KeyCount { get; init; }

    public required IReadOnlyList<string> Locks { get; init; }

    public required IReadOnlyList<string> Semaphores { get; init; }

    public required IReadOnlyList<string> Elections { get; init; }

    /// <summary>Holds of all three kinds.</summary>
    public required long LockCount { get; init; }

    /// <summary>How many names are left out because whoever asks may not read them; null where none is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? HiddenNames { get; init; }

    /// <summary>Null for a lease that is no session.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SessionAnswer? Session { get; init; }
}

/// <summary>A lease in a list.</summary>
/// <param name="LockCount">Holds of locks, semaphores and elections.</param>
public sealed record LeaseItem(string Id, long TtlMs, long ExpiresInMs, long KeyCount, long LockCount);

/// <param name="Count">How many leases there are, over all pages.</param>
public sealed record LeaseListAnswer(IReadOnlyList<LeaseItem> Items, long Count, long Revision, string? NextCursor);

public sealed record LeaseRevokedAnswer(string Id, long KeysDeleted, long LocksFreed, long Revision);
