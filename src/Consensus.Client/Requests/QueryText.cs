namespace Consensus.Client;

/// <summary>Queries put together from parts that may be empty.</summary>
internal static class QueryText
{
    public static string Join(params ReadOnlySpan<string> parts)
    {
        var present = new List<string>(parts.Length);
        foreach (var part in parts)
        {
            if (part.Length > 0)
            {
                present.Add(part);
            }
        }
        return string.Join('&', present);
    }

    /// <summary>A target with its query, or without one.</summary>
    public static string Append(string path, string query) =>
        query.Length == 0 ? path : path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + query;
}
