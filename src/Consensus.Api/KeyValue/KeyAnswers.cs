using System.Text;
using System.Text.Json.Serialization;
using System.Text.Unicode;

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

    /// <summary>Made anew by each reading where <see cref="ValueBytes"/> is there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value
    {
        get => ValueBytes is { } bytes ? Utf8.IsValid(bytes.Span) ? Encoding.UTF8.GetString(bytes.Span) : null : field;
        init => (field, ValueBytes) = (value, null);
    }

    /// <summary>As <see cref="Value"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueBase64
    {
        get => ValueBytes is { } bytes ? Utf8.IsValid(bytes.Span) ? null : Convert.ToBase64String(bytes.Span) : field;
        init => (field, ValueBytes) = (value, null);
    }

    /// <summary>
    /// The value as an answer in MessagePack had it; null where there was none, or where it came as one of the two texts.
    /// </summary>
    internal ReadOnlyMemory<byte>? ValueBytes { get; init; }

    public required long CreateRevision { get; init; }

    public required long ModRevision { get; init; }

    /// <summary>How often it was written since it was created; 1 at first.</summary>
    public required long Version { get; init; }

    /// <summary>The lease that it is tied to (hexadecimal), or null.</summary>
    public required string? Lease { get; init; }

    /// <summary>By what it says, in whichever form it came.</summary>
    public bool Equals(KeyAnswer? other) => other is not null
        && (Key, KeyBase64, CreateRevision, ModRevision, Version, Lease)
            == (other.Key, other.KeyBase64, other.CreateRevision, other.ModRevision, other.Version, other.Lease)
        && (ValueBytes is { } mine && other.ValueBytes is { } others
            ? mine.Span.SequenceEqual(others.Span)
            : (Value, ValueBase64) == (other.Value, other.ValueBase64));

    public override int GetHashCode() => HashCode.Combine(Key, KeyBase64, CreateRevision, ModRevision, Version, Lease);
}

/// <param name="Count">How many keys have the prefix, over all pages.</param>
/// <param name="Revision">The one revision that all pages show.</param>
/// <param name="NextCursor">Null on the last page.</param>
public sealed record KeyListAnswer(IReadOnlyList<KeyAnswer> Items, long Count, long Revision, string? NextCursor);

/// <param name="Deleted">How many keys were deleted; 0 leaves the revision as it was.</param>
public sealed record KeysDeletedAnswer(long Deleted, long Revision);
