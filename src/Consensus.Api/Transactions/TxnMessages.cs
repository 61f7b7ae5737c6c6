using System.Text.Json.Serialization;
using Consensus.Api.Json;
using Consensus.Api.KeyValue;

namespace Consensus.Api.Transactions;

/// <summary>All compares hold: the operations of <see cref="Success"/> are done, else those of <see cref="Failure"/>; 128 of the three together at most.</summary>
public sealed record TxnRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TxnCompareRequest>? Compare { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TxnOperationRequest>? Success { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TxnOperationRequest>? Failure { get; init; }
}

/// <summary>
/// Either of a key (<see cref="Key"/> or <see cref="KeyBase64"/>, <see cref="Target"/>, <see cref="Op"/>, <see cref="Operand"/>), or of a hold: one of
/// <see cref="Lock"/>, <see cref="Semaphore"/> and <see cref="Election"/> with its <see cref="FencingToken"/>.
/// </summary>
public sealed record TxnCompareRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    /// <summary><c>version</c>, <c>createRevision</c>, <c>modRevision</c>, <c>value</c>, <c>lease</c> or <c>exists</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Target { get; init; }

    /// <summary><c>=</c>, which it is when absent, <c>!=</c>, <c>&lt;</c> or <c>&gt;</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Op { get; init; }

    /// <summary>A number, a string (value, lease) or a boolean (exists).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RawJson? Operand { get; init; }

    /// <summary>In place of <see cref="Operand"/>, for a value that is not UTF-8.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OperandBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lock { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Semaphore { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Election { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? FencingToken { get; init; }
}

/// <summary>Exactly one of the three.</summary>
public sealed record TxnOperationRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TxnPutRequest? Put { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TxnDeleteRequest? Delete { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TxnGetRequest? Get { get; init; }
}

/// <summary>One of the two forms of the key, and of the value.</summary>
public sealed record TxnPutRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }
}

/// <summary>One of the four: a key, or all keys with a prefix (empty: all keys).</summary>
public sealed record TxnDeleteRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Prefix { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PrefixBase64 { get; init; }
}

/// <summary>As <see cref="TxnDeleteRequest"/>.</summary>
public sealed record TxnGetRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Prefix { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PrefixBase64 { get; init; }

    /// <summary>Items of a prefix at most: 1 to 1,000, which it is when absent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Limit { get; init; }
}

/// <param name="Succeeded">Whether all compares held, and so which branch was done.</param>
/// <param name="Results">One for each operation of that branch, in its order.</param>
public sealed record TxnAnswer(bool Succeeded, long Revision, IReadOnlyList<TxnResultAnswer> Results);

/// <summary>One of the three, as the operation was.</summary>
public sealed record TxnResultAnswer
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public KeyAnswer? Put { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TxnDeletedAnswer? Delete { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TxnItemsAnswer? Get { get; init; }
}

public sealed record TxnDeletedAnswer(long Deleted);

/// <summary>Either <see cref="Items"/> and <see cref="Count"/>, or <see cref="Omitted"/>.</summary>
public sealed record TxnItemsAnswer
{
    /// <summary>Null where they are omitted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<KeyAnswer>? Items { get; init; }

    /// <summary>All that there are, also beyond the limit; null where they are omitted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Count { get; init; }

    /// <summary>True when what the get saw cannot be told: it cannot be read again for a retry, or large answers hold all that the member has for them; absent else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Omitted { get; init; }
}
