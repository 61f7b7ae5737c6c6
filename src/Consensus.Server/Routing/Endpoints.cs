using Consensus.Server.Audit;
using Consensus.Server.Auth;
using Consensus.Server.Backups;
using Consensus.Server.Cluster;
using Consensus.Server.Comparison;
using Consensus.Server.Fences;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.KeyValue;
using Consensus.Server.Leases;
using Consensus.Server.Locks;
using Consensus.Server.Metrics;
using Consensus.Server.OpenApi;
using Consensus.Server.Requests;
using Consensus.Server.Settings;
using Consensus.Server.Transactions;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Routing;

/// <summary>What answers one method of one resource, and which query parameters it takes.</summary>
/// <param name="Needs">What is needed to be served. There is no endpoint that does not say it.</param>
/// <param name="Forms">What a GET can be answered as.</param>
internal sealed record Endpoint(
    ApiRoute Route, string Method, QueryNames Query, Needs Needs, Func<ApiCall, Task> InvokeAsync, MediaForms Forms = MediaForms.Documents)
{
    /// <summary>How its requests are recorded; null: they are not.</summary>
    public AuditedKind? Audited { get; } = AuditedKind.Of(Route, Method);

    /// <summary>What is chosen among by <c>Accept</c>: nothing where it does not count.</summary>
    public MediaForms FormsOf(ApiCall call) =>
        Method != "GET" ? MediaForms.None
        : Route == ApiRoute.Keys && Names.IsGiven(call) ? Forms | MediaForms.Bytes
        : Forms;
}

/// <summary>The endpoints of locks, of semaphores, or of elections.</summary>
/// <param name="GetAsync">Shows one, lists them, or watches one where that can be.</param>
internal sealed record HoldEndpoints(Func<ApiCall, Task> GetAsync, HoldWriteEndpoints Writes);

/// <summary>The table of all endpoints. HEAD is answered as GET, without the body; OPTIONS with the methods that there are.</summary>
internal sealed class Endpoints
{
    /// <summary>What some resource takes.</summary>
    public const string AllMethods = "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS";

    private const MediaForms Watched = MediaForms.Documents | MediaForms.EventStream;

    private readonly Endpoint[][] _byRoute;

    public Endpoints(
        KeyReadEndpoints keyReads,
        KeyWriteEndpoints keyWrites,
        LeaseReadEndpoints leaseReads,
        LeaseEndpoints leases,
        SettleEndpoint settle,
        HoldEndpoints locks,
        HoldEndpoints semaphores,
        HoldEndpoints elections,
        MultiLockEndpoint multiLock,
        FenceEndpoints fences,
        SettingEndpoints settings,
        TxnEndpoint txn,
        WithdrawEndpoint withdraw,
        AuthEndpoints auth,
        RoleEndpoints roles,
        PrincipalEndpoints principals,
        RevocationEndpoints revocations,
        TokenEndpoints tokens,
        ClusterEndpoints cluster,
        StateHashEndpoint stateHash,
        StateTableEndpoints stateTables,
        SnapshotEndpoint snapshot,
        MemberEndpoints members,
        HealthEndpoints health,
        MetricsEndpoint metrics,
        OpenApiEndpoint openApi)
    {
        const QueryNames ReadKeys =
            QueryNames.Read | QueryNames.Key | QueryNames.Prefix | QueryNames.Page | QueryNames.KeysOnly | QueryNames.Revision | QueryNames.Watch;
        const QueryNames ReadKey = QueryNames.Read | QueryNames.Key | QueryNames.Revision | QueryNames.Watch;
        const QueryNames List = QueryNames.Read | QueryNames.Key | QueryNames.Prefix | QueryNames.Page;
        const QueryNames PutKey = QueryNames.Key | QueryNames.Value | QueryNames.Lease;
        All =
        [
            new(ApiRoute.Key, "GET", ReadKey, Needs.OfView, keyReads.GetAsync, Watched | MediaForms.Bytes),
            new(ApiRoute.Key, "PUT", PutKey, Needs.OfCommand, keyWrites.PutAsync),
            new(ApiRoute.Key, "DELETE", QueryNames.Key | QueryNames.Prefix, Needs.OfCommand, keyWrites.DeleteAsync),
            new(ApiRoute.Keys, "GET", ReadKeys, Needs.OfView, keyReads.GetAsync, Watched),
            new(ApiRoute.Keys, "PUT", PutKey, Needs.OfCommand, keyWrites.PutAsync),
            new(ApiRoute.Keys, "DELETE", QueryNames.Key | QueryNames.Prefix, Needs.OfCommand, keyWrites.DeleteAsync),
            new(ApiRoute.Leases, "GET", QueryNames.Read | QueryNames.Page, Needs.OfView, leaseReads.ListAsync),
            new(ApiRoute.Leases, "POST", QueryNames.None, Needs.OfCommand, leases.GrantAsync),
            new(ApiRoute.LeasesKeepAlive, "POST", QueryNames.None, Needs.OfCommand, leases.KeepManyAliveAsync),
            new(ApiRoute.Lease, "GET", QueryNames.Read, Needs.OfView, leaseReads.GetAsync, Watched),
            new(ApiRoute.Lease, "DELETE", QueryNames.None, Needs.OfCommand, leases.RevokeAsync),
            new(ApiRoute.LeaseKeepAlive, "POST", QueryNames.None, Needs.OfCommand, leases.KeepAliveAsync),
            new(ApiRoute.LeaseSettle, "POST", QueryNames.None, Needs.OfCommand, settle.SettleAsync),
            .. Holds(ApiRoute.Lock, ApiRoute.Locks, locks, QueryNames.None),
            new(ApiRoute.MultiLock, "POST", QueryNames.Poll, Needs.OfCommand, multiLock.AcquireAsync),
            .. Holds(ApiRoute.Semaphore, ApiRoute.Semaphores, semaphores, QueryNames.None),
            .. Holds(ApiRoute.Election, ApiRoute.Elections, elections, QueryNames.FromRevision),
            new(ApiRoute.Fence, "GET", QueryNames.Read | QueryNames.Key, Needs.OfView, fences.GetAsync),
            new(ApiRoute.Fence, "PUT", QueryNames.Key, Needs.OfCommand, fences.PassAsync),
            new(ApiRoute.Fence, "DELETE", QueryNames.Key, Needs.OfCommand, fences.ResetAsync),
            new(ApiRoute.Fences, "GET", List, Needs.OfView, fences.GetAsync),
            new(ApiRoute.Fences, "PUT", QueryNames.Key, Needs.OfCommand, fences.PassAsync),
            new(ApiRoute.Fences, "DELETE", QueryNames.Key, Needs.OfCommand, fences.ResetAsync),
            new(ApiRoute.Settings, "GET", QueryNames.Read, Needs.OfView, settings.ListAsync),
            new(ApiRoute.Setting, "GET", QueryNames.Read, Needs.OfView, settings.GetAsync),
            new(ApiRoute.Setting, "PUT", QueryNames.None, Needs.OfCommand, settings.PutAsync),
            new(ApiRoute.Setting, "DELETE", QueryNames.None, Needs.OfCommand, settings.ResetAsync),
            new(ApiRoute.Txn, "POST", QueryNames.None, Needs.OfCommand, txn.ExecuteAsync),
            new(ApiRoute.Request, "DELETE", QueryNames.Key, Needs.OfCommand, withdraw.WithdrawAsync),
            new(ApiRoute.Requests, "DELETE", QueryNames.Key, Needs.OfCommand, withdraw.WithdrawAsync),
            new(ApiRoute.Auth, "GET", QueryNames.Read, Needs.AnyPrincipal, auth.WhoamiAsync),
            new(ApiRoute.AuthRoles, "GET", QueryNames.Read | QueryNames.Page, Needs.OfView, roles.ListAsync),
            new(ApiRoute.AuthRole, "GET", QueryNames.Read, Needs.OfView, roles.GetAsync),
            new(ApiRoute.AuthRole, "PUT", QueryNames.None, Needs.OfCommand, roles.PutAsync),
            new(ApiRoute.AuthRole, "DELETE", QueryNames.None, Needs.OfCommand, roles.DeleteAsync),
            new(ApiRoute.AuthPrincipals, "GET", QueryNames.Read | QueryNames.Page, Needs.OfView, principals.ListAsync),
            new(ApiRoute.AuthPrincipal, "GET", QueryNames.Read, Needs.OfView, principals.GetAsync),
            new(ApiRoute.AuthPrincipal, "PUT", QueryNames.None, Needs.OfCommand, principals.PutAsync),
            new(ApiRoute.AuthPrincipal, "DELETE", QueryNames.None, Needs.OfCommand, principals.DeleteAsync),
            new(ApiRoute.AuthRevocations, "GET", QueryNames.Read | QueryNames.Page, Needs.OfView, revocations.ListAsync),
            new(ApiRoute.AuthRevocation, "GET", QueryNames.Read, Needs.OfView, revocations.GetAsync),
            new(ApiRoute.AuthRevocation, "PUT", QueryNames.Force, Needs.OfCommand, revocations.PutAsync),
            new(ApiRoute.AuthRevocation, "DELETE", QueryNames.None, Needs.OfCommand, revocations.DeleteAsync),
            new(ApiRoute.AuthTokens, "GET", QueryNames.Read | QueryNames.Page, Needs.OfView, tokens.ListAsync),
            new(ApiRoute.AuthTokens, "POST", QueryNames.None, Needs.OfCommand, tokens.MakeAsync),
            new(ApiRoute.AuthToken, "GET", QueryNames.Read, Needs.OfView, tokens.GetAsync),
            new(ApiRoute.AuthToken, "PUT", QueryNames.None, Needs.OfCommand, tokens.PutAsync),
            new(ApiRoute.AuthToken, "DELETE", QueryNames.End, Needs.OfCommand, tokens.EndAsync),
            new(ApiRoute.AuthCheck, "POST", QueryNames.Read, Needs.OfView, auth.CheckAsync),
            new(ApiRoute.AuthEnable, "POST", QueryNames.None, Needs.OfCommand, auth.EnableAsync),
            new(ApiRoute.Cluster, "GET", QueryNames.None, Needs.AnyPrincipal, cluster.ClusterAsync),
            new(ApiRoute.ClusterMembers, "GET", QueryNames.None, Needs.AnyPrincipal, cluster.ClusterAsync),
            new(ApiRoute.ClusterMembers, "POST", QueryNames.None, Needs.OfCluster(SystemRights.Operate), members.AddAsync),
            new(ApiRoute.ClusterMember, "PATCH", QueryNames.None, Needs.OfCluster(SystemRights.Operate), members.UpdateAsync),
            new(ApiRoute.ClusterMember, "DELETE", QueryNames.None, Needs.OfCluster(SystemRights.Operate), members.RemoveAsync),
            new(ApiRoute.ClusterLeader, "POST", QueryNames.None, Needs.OfCluster(SystemRights.Operate), cluster.TransferAsync),
            new(ApiRoute.Status, "GET", QueryNames.None, Needs.Here(SystemRights.ViewStatus), cluster.StatusAsync),
            new(ApiRoute.StateHash, "GET", QueryNames.Index, Needs.Here(SystemRights.ViewHash), stateHash.GetAsync),
            new(ApiRoute.StateTables, "GET", QueryNames.Index, Needs.Here(SystemRights.ViewHash), stateTables.GetAsync),
            new(ApiRoute.StateTables, "POST", QueryNames.None, Needs.OfCluster(SystemRights.Administer), stateTables.AskAsync),
            new(ApiRoute.Snapshot, "GET", QueryNames.Read, Needs.OfView, snapshot.GetAsync, MediaForms.Bytes),
            // Who asks these looks at the status: one that names no form of theirs must not be told that the process is ill.
            new(ApiRoute.Live, "GET", QueryNames.None, Needs.Nothing, health.LiveAsync, MediaForms.None),
            new(ApiRoute.Ready, "GET", QueryNames.Verbose, Needs.Nothing, health.ReadyAsync, MediaForms.None),
            new(ApiRoute.Metrics, "GET", QueryNames.None, Needs.Here(SystemRights.ViewStatus), metrics.GetAsync, MediaForms.Text),
            new(ApiRoute.OpenApi, "GET", QueryNames.None, Needs.AnyPrincipal, openApi.GetAsync, MediaForms.Json),
        ];
        _byRoute = [.. Enum.GetValues<ApiRoute>().Select(route => All.Where(endpoint => endpoint.Route == route).ToArray())];
    }

    public IReadOnlyList<Endpoint> All { get; }

    /// <summary>What locks, semaphores and elections have in common. A name may also be given in the query, to the path of the list.</summary>
    /// <param name="watch">What a stream of one takes beside.</param>
    private static IEnumerable<Endpoint> Holds(ApiRoute one, ApiRoute many, HoldEndpoints holds, QueryNames watch)
    {
        yield return new(one, "GET", QueryNames.Read | QueryNames.Key | watch, Needs.OfView, holds.GetAsync, Watched);
        const QueryNames List = QueryNames.Read | QueryNames.Key | QueryNames.Prefix | QueryNames.Page;
        yield return new(many, "GET", List | watch, Needs.OfView, holds.GetAsync, Watched);
        foreach (var route in (ApiRoute[])[one, many])
        {
            yield return new(route, "POST", QueryNames.Key | QueryNames.Poll, Needs.OfCommand, holds.Writes.AcquireAsync);
            yield return new(route, "PUT", QueryNames.Key, Needs.OfCommand, holds.Writes.RenewAsync);
            yield return new(route, "PATCH", QueryNames.Key, Needs.OfCommand, holds.Writes.PatchAsync);
            yield return new(route, "DELETE", QueryNames.Key | QueryNames.Release, Needs.OfCommand, holds.Writes.ReleaseAsync);
        }
    }

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

    /// <summary>The methods of a resource, as <c>Allow</c> lists them.</summary>
    public string Allow(ApiRoute route) =>
        string.Join(", ", _byRoute[(int)route].Select(endpoint => endpoint.Method == "GET" ? "GET, HEAD" : endpoint.Method).Append("OPTIONS"));
}
