using Consensus.Server.Cluster;
using Consensus.Server.Http;
using Consensus.Server.KeyValue;
using Consensus.Server.Leases;
using Consensus.Server.Locks;
using Consensus.Server.Metrics;
using Consensus.Server.OpenApi;

namespace Consensus.Server.Routing;

/// <summary>What answers one method of one resource, and which query parameters it takes.</summary>
internal sealed record Endpoint(ApiRoute Route, string Method, QueryNames Query, Func<ApiCall, Task> InvokeAsync);

/// <summary>The table of all endpoints. HEAD is answered as GET, without the body.</summary>
internal sealed class Endpoints
{
    private readonly Endpoint[][] _byRoute;

    public Endpoints(
        KeyReadEndpoints keyReads,
        KeyWriteEndpoints keyWrites,
        LeaseReadEndpoints leaseReads,
        LeaseEndpoints leases,
        LockReadEndpoints lockReads,
        LockWriteEndpoints lockWrites,
        ClusterEndpoints cluster,
        MemberEndpoints members,
        HealthEndpoints health,
        MetricsEndpoint metrics,
        OpenApiEndpoint openApi)
    {
        const QueryNames ReadKeys = QueryNames.Read | QueryNames.Key | QueryNames.Prefix | QueryNames.Page | QueryNames.KeysOnly;
        const QueryNames ReadLocks = QueryNames.Read | QueryNames.Key | QueryNames.Prefix | QueryNames.Page;
        const QueryNames PutKey = QueryNames.Key | QueryNames.Value | QueryNames.Lease;
        All =
        [
            new(ApiRoute.Key, "GET", QueryNames.Read | QueryNames.Key, keyReads.GetAsync),
            new(ApiRoute.Key, "PUT", PutKey, keyWrites.PutAsync),
            new(ApiRoute.Key, "DELETE", QueryNames.Key | QueryNames.Prefix, keyWrites.DeleteAsync),
            new(ApiRoute.Keys, "GET", ReadKeys, keyReads.GetAsync),
            new(ApiRoute.Keys, "PUT", PutKey, keyWrites.PutAsync),
            new(ApiRoute.Keys, "DELETE", QueryNames.Key | QueryNames.Prefix, keyWrites.DeleteAsync),
            new(ApiRoute.Leases, "GET", QueryNames.Read | QueryNames.Page, leaseReads.ListAsync),
            new(ApiRoute.Leases, "POST", QueryNames.None, leases.GrantAsync),
            new(ApiRoute.LeasesKeepAlive, "POST", QueryNames.None, leases.KeepManyAliveAsync),
            new(ApiRoute.Lease, "GET", QueryNames.Read, leaseReads.GetAsync),
            new(ApiRoute.Lease, "DELETE", QueryNames.None, leases.RevokeAsync),
            new(ApiRoute.LeaseKeepAlive, "POST", QueryNames.None, leases.KeepAliveAsync),
            new(ApiRoute.Lock, "GET", QueryNames.Read | QueryNames.Key, lockReads.GetAsync),
            new(ApiRoute.Lock, "POST", QueryNames.Key, lockWrites.AcquireAsync),
            new(ApiRoute.Lock, "PUT", QueryNames.Key, lockWrites.RenewAsync),
            new(ApiRoute.Lock, "DELETE", QueryNames.Key | QueryNames.Release, lockWrites.ReleaseAsync),
            new(ApiRoute.Locks, "GET", ReadLocks, lockReads.GetAsync),
            new(ApiRoute.Locks, "POST", QueryNames.Key, lockWrites.AcquireAsync),
            new(ApiRoute.Locks, "PUT", QueryNames.Key, lockWrites.RenewAsync),
            new(ApiRoute.Locks, "DELETE", QueryNames.Key | QueryNames.Release, lockWrites.ReleaseAsync),
            new(ApiRoute.Cluster, "GET", QueryNames.None, cluster.ClusterAsync),
            new(ApiRoute.ClusterMembers, "GET", QueryNames.None, cluster.ClusterAsync),
            new(ApiRoute.ClusterMembers, "POST", QueryNames.None, members.AddAsync),
            new(ApiRoute.ClusterMember, "PATCH", QueryNames.None, members.UpdateAsync),
            new(ApiRoute.ClusterMember, "DELETE", QueryNames.None, members.RemoveAsync),
            new(ApiRoute.ClusterLeader, "POST", QueryNames.None, cluster.TransferAsync),
            new(ApiRoute.Status, "GET", QueryNames.None, cluster.StatusAsync),
            new(ApiRoute.Live, "GET", QueryNames.None, health.LiveAsync),
            new(ApiRoute.Ready, "GET", QueryNames.Verbose, health.ReadyAsync),
            new(ApiRoute.Metrics, "GET", QueryNames.None, metrics.GetAsync),
            new(ApiRoute.OpenApi, "GET", QueryNames.None, openApi.GetAsync),
        ];
        _byRoute = [.. Enum.GetValues<ApiRoute>().Select(route => All.Where(endpoint => endpoint.Route == route).ToArray())];
    }

    public IReadOnlyList<Endpoint> All { get; }

    public Endpoint? Find(ApiRoute route, string method)
    {
        var wanted = method == "HEAD" ? "GET" : method;
        foreach (var endpoint in _byRoute[(int)route])
        {
            if (endpoint.Method == wanted)
            {
                return endpoint;
            }
        }
        return null;
    }

    /// <summary>The methods of a resource, as a 405 answer lists them.</summary>
    public string Allow(ApiRoute route) =>
        string.Join(", ", _byRoute[(int)route].Select(endpoint => endpoint.Method == "GET" ? "GET, HEAD" : endpoint.Method));
}
