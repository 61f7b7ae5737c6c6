using System.Globalization;

namespace Consensus.Client;

/// <summary>How a read is made. Reads are linearizable unless they are asked to be <see cref="Stale"/>.</summary>
public sealed record ReadOptions
{
    /// <summary>Reads the answering member's own copy: faster, served without a leader too, and possibly of the past.</summary>
    public bool Stale { get; init; }

    /// <summary>The member waits until it has applied this revision, for at most 5 s: so that a stale read sees one's own write.</summary>
    public long? MinRevision { get; init; }

    /// <summary>Reads keys as they were right after this revision. Not for leases, locks, semaphores, elections and fences, which have no history.</summary>
    public long? Revision { get; init; }

    internal static string Query(ReadOptions? options)
    {
        if (options is null)
        {
            return "";
        }
        var parts = new List<string>(3);
        if (options.Stale)
        {
            parts.Add("consistency=stale");
        }
        if (options.MinRevision is { } least)
        {
            parts.Add("minRevision=" + least.ToString(CultureInfo.InvariantCulture));
        }
        if (options.Revision is { } revision)
        {
            parts.Add("revision=" + revision.ToString(CultureInfo.InvariantCulture));
        }
        return string.Join('&', parts);
    }
}
