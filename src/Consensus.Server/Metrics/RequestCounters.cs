using Consensus.Server.Routing;

namespace Consensus.Server.Metrics;

/// <summary>How many requests were answered, by resource and class of status, and how many of them read or were to change what clients keep here.</summary>
internal sealed class RequestCounters
{
    private const int Classes = 6;

    private readonly long[] _counts = new long[((int)ApiRoute.OpenApi + 1) * Classes];
    private long _reads;
    private long _writes;
    private long _failures;

    public long Reads => Interlocked.Read(ref _reads);

    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Reads and writes that were answered with a status of 500 and above.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    public void Count(ApiRoute route, int status, bool isRead)
    {
        Interlocked.Increment(ref _counts[((int)route * Classes) + (status / 100 % Classes)]);
        if (route is > ApiRoute.None and < ApiRoute.Cluster)
        {
            Interlocked.Increment(ref isRead ? ref _reads : ref _writes);
            if (status >= StatusCodes.Status500InternalServerError)
            {
                Interlocked.Increment(ref _failures);
            }
        }
    }

    public long Of(ApiRoute route, int statusClass) => Interlocked.Read(ref _counts[((int)route * Classes) + statusClass]);
}
