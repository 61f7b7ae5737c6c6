using System.Globalization;

namespace Consensus.Benchmarks.Library;

/// <summary>The locks that clients take, each its own, and how they are asked for.</summary>
internal static class LockNames
{
    public static string NameOf(string run, int client) => string.Create(CultureInfo.InvariantCulture, $"bench/{run}/own-{client:00000}");

    public static string PathOf(string run, int client) => "/v1/locks/" + NameOf(run, client);

    /// <summary>With the TTL that the library asks for where nothing is said.</summary>
    /// <param name="lease">Null: one of its own.</param>
    public static string AcquireBody(int client, string? lease)
    {
        var time = lease is null ? "\"ttl\":\"15s\"" : $"\"lease\":\"{lease}\"";
        return string.Create(CultureInfo.InvariantCulture, $"{{\"owner\":\"client-{client:00000}\",{time}}}");
    }
}
