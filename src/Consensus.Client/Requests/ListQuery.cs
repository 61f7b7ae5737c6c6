using System.Globalization;

namespace Consensus.Client;

/// <summary>One page of locks, semaphores, elections, fences or leases, in byte order of their names.</summary>
public sealed record ListQuery
{
    /// <summary>Empty: all. Leases have no names: it must be empty for them.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>1 to 10,000; 1,000 when null.</summary>
    public int? Limit { get; init; }

    /// <summary>The last page's <c>nextCursor</c>; null for the first page.</summary>
    public string? Cursor { get; init; }

    /// <summary>How the page is read; null: linearizable.</summary>
    public ReadOptions? Read { get; init; }

    internal string ToQuery() => QueryText.Join(
        Prefix.Length == 0 ? "" : "prefix=" + ApiPath.EncodeQuery(Prefix),
        Limit is { } most ? "limit=" + most.ToString(CultureInfo.InvariantCulture) : "",
        Cursor is null ? "" : "cursor=" + ApiPath.EncodeQuery(Cursor),
        ReadOptions.Query(Read));
}
