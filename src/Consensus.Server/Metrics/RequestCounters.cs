using Consensus.Server.Routing;

namespace Consensus.Server.Metrics;

/// <summary>How many requests were answered, by resource and class of status.</summary>
internal sealed class RequestCounters
{
    private const int Classes = 6;

    private readonly long[] _counts = new long[((int)ApiRoute.OpenApi + 1) * Classes];

    public void Count(ApiRoute route, int status) => Interlocked.Increment(ref _counts[((int)route * Classes) + (status / 100 % Classes)]);

    public long Of(ApiRoute route, int statusClass) => Interlocked.Read(ref _counts[((int)route * Classes) + statusClass]);
}
