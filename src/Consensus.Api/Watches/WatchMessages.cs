using System.Text.Json.Serialization;
using Consensus.Api.KeyValue;

namespace Consensus.Api.Watches;

/// <summary>Data of <c>event: open</c>, the first message of a watch.</summary>
/// <param name="FromRevision">The first revision whose events are told.</param>
public sealed record WatchOpenData(long FromRevision);

/// <summary>
/// Data of <c>event: put</c> and <c>event: delete</c>, for a revision with one event of the watch. A deleted key has the revision of its deletion as
/// <see cref="ModRevision"/> and nothing else.
/// </summary>
public sealed record WatchEventData
{
    /// <summary><c>put</c> or <c>delete</c>; only within <see cref="WatchChangesData"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Event { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CreateRevision { get; init; }

    public required long ModRevision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Version { get; init; }

    public string? Lease { get; init; }

    /// <summary>With <c>prev=true</c>: the key before the event, unless there was none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public KeyAnswer? Prev { get; init; }

    /// <summary>True when the key before the event is left out because the message would be too large.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PrevOmitted { get; init; }
}

/// <summary>Data of <c>event: changes</c>, for a revision with several events of the watch.</summary>
/// <param name="Events">In the order in which they were done.</param>
/// <param name="More">True when this is not all of the revision: the next message goes on, and only the last one has an id.</param>
public sealed record WatchChangesData(
    long Revision, IReadOnlyList<WatchEventData> Events, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool More = false);

/// <summary>Data of <c>event: compacted</c>, the last message: what comes next is no longer kept.</summary>
/// <param name="CompactRevision">The oldest revision that can still be read.</param>
public sealed record WatchCompactedData(long CompactRevision);

/// <summary>Data of <c>event: ended</c>, the last message of a lease's stream.</summary>
/// <param name="Reason"><c>expired</c> or <c>revoked</c>; null when the member does not know.</param>
/// <param name="Revision">Of the state in which it was seen to be gone.</param>
public sealed record LeaseEndedData(string Id, string? Reason, long Revision);

/// <summary>Data of <c>event: leader</c> and <c>event: none</c> of an election.</summary>
/// <param name="Leader">Null when nobody leads.</param>
public sealed record ElectionEventData(
    string Name,
    string? Leader,
    long Revision,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Value = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? FencingToken = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Lease = null);
