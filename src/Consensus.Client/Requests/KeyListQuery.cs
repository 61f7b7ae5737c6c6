using System.Globalization;

namespace Consensus.Client;

/// <summary>One page of the keys with a prefix, in byte order.</summary>
public sealed record KeyListQuery
{
    /// <summary>Empty: all keys.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>1 to 10,000; 1,000 when null. A page also ends at about 4 MiB.</summary>
    public int? Limit { get; init; }

    /// <summary>The last page's <c>nextCursor</c>; null for the first page.</summary>
    public string? Cursor { get; init; }

    /// <summary>Leaves the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>How the page is read; null: linearizable.</summary>
    public ReadOptions? Read { get; init; }

    internal string ToQuery() => QueryText.Join(
        "prefix=" + ApiPath.EncodeQuery(Prefix),
        Limit is { } most ? "limit=" + most.ToString(CultureInfo.InvariantCulture) : "",
        KeysOnly ? "keysOnly=true" : "",
        Cursor is null ? "" : "cursor=" + ApiPath.EncodeQuery(Cursor),
        ReadOptions.Query(Read));
}
