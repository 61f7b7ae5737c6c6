using System.Text.Json.Serialization;

namespace Consensus.Api.Cluster;

/// <summary>What one member's tables have at a log index. Members whose tables have equal digests there have the same in them.</summary>
public sealed record StateTablesAnswer(string Name, long Index, IReadOnlyList<StateTableAnswer> Tables);

/// <param name="Count">Of its records.</param>
/// <param name="Digest">16 hexadecimal digits: the sum of a hash of each record.</param>
public sealed record StateTableAnswer(string Table, long Count, string Digest);

/// <summary>What is asked of ranges of one table, to find where it differs from another member's.</summary>
/// <param name="Index">At which the tables were asked for before.</param>
/// <param name="Ranges">At most <see cref="ApiLimits.MaxTableRanges"/>.</param>
public sealed record TableRangesRequest(long Index, string Table, IReadOnlyList<TableRangeRequest> Ranges);

/// <summary>One range, and exactly one of three questions. Places are base64, as answers give them; their bytes have the order of the records.</summary>
public sealed record TableRangeRequest
{
    /// <summary>The range's first place; null: from the table's begin.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? From { get; init; }

    /// <summary>The place before which it ends; null: with the table.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? To { get; init; }

    /// <summary>The member cuts it into so many parts, at most <see cref="ApiLimits.MaxTableParts"/>, and gives the sum of each.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Parts { get; init; }

    /// <summary>It is cut at these places, in order, fewer than <see cref="ApiLimits.MaxTableParts"/>, and the member gives the sum of each part.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Cuts { get; init; }

    /// <summary>The member lists the first so many records, at most <see cref="ApiLimits.MaxTableItems"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Items { get; init; }
}

/// <param name="Ranges">In the order asked; fewer than asked, but one at least, where the answer would become too large.</param>
public sealed record TableRangesAnswer(string Name, long Index, string Table, IReadOnlyList<TableRangeAnswer> Ranges);

/// <summary>What was asked of one range.</summary>
public sealed record TableRangeAnswer
{
    /// <summary>Where the member cut it: one less than <see cref="Sums"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Cuts { get; init; }

    /// <summary>Of its parts, in order.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TableSumAnswer>? Sums { get; init; }

    /// <summary>Its records, in order.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TableItemAnswer>? Items { get; init; }

    /// <summary>True where the range has more records than are listed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? More { get; init; }
}

public sealed record TableSumAnswer(long Count, string Digest);

/// <summary>One record, without any value that somebody stored.</summary>
/// <param name="Digest">A hash of all of it, values too.</param>
/// <param name="Name">What it is, in words.</param>
/// <param name="Content">What it says, in words.</param>
public sealed record TableItemAnswer(string Place, string Digest, string Name, string Content);
