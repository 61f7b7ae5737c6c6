using System.Text.Json.Serialization;

namespace Consensus.Api.KeyValue;

/// <summary>
/// A key with its record. A key that is not UTF-8 comes as <see cref="KeyBase64"/>, such a value as <see cref="ValueBase64"/>; a write's answer and a list with
/// <c>keysOnly</c> have no value.
/// </summary>
public sealed record KeyAnswer
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueBase64 { get; init; }

    public required long CreateRevision { get; init; }

    public required long ModRevision { get; init; }

    /// <summary>How often it was written since it was created; 1 at first.</summary>
    public required long Version { get; init; }

    /// <summary>The lease that it is tied to (hexadecimal), or null.</summary>
    public required string? Lease { get; init; }
}

/// <param name="Count">How many keys have the prefix, over all pages.</param>
/// <param name="Revision">The one revision that all pages show.</param>
/// <param name="NextCursor">Null on the last page.</param>
public sealed record KeyListAnswer(IReadOnlyList<KeyAnswer> Items, long Count, long Revision, string? NextCursor);

/// <param name="Deleted">How many keys were deleted; 0 leaves the revision as it was.</param>
public sealed record KeysDeletedAnswer(long Deleted, long Revision);
