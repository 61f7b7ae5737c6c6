using Consensus.Api;

namespace Consensus.Server.Routing;

/// <summary>Every resource that the server has.</summary>
internal enum ApiRoute
{
    None,
    Keys,
    Key,
    Leases,
    LeasesKeepAlive,
    Lease,
    LeaseKeepAlive,
    LeaseSettle,
    Locks,
    Lock,
    MultiLock,
    Semaphores,
    Semaphore,
    Elections,
    Election,
    Fences,
    Fence,
    Settings,
    Setting,
    Txn,
    Requests,
    Request,
    Auth,
    AuthRoles,
    AuthRole,
    AuthPrincipals,
    AuthPrincipal,
    AuthRevocations,
    AuthRevocation,
    AuthTokens,
    AuthToken,
    AuthCheck,
    AuthEnable,
    Cluster,
    ClusterMembers,
    ClusterMember,
    ClusterLeader,
    Status,
    StateHash,
    StateTables,
    Snapshot,
    Live,
    Ready,
    Metrics,
    OpenApi,
}

/// <summary>Finds the resource of a decoded path; what is left of the path is the name of a key, a lock and the like, or a lease.</summary>
internal static class ApiRouter
{
    private static ReadOnlySpan<byte> KeepAliveSuffix => "/keepalive"u8;

    private static ReadOnlySpan<byte> SettleSuffix => "/settle"u8;

    public static ApiRoute Match(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (path.StartsWith("/v1/kv"u8) && TryRest(path, "/v1/kv"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Keys : ApiRoute.Key;
        }
        if (path.StartsWith("/v1/locks"u8) && TryRest(path, "/v1/locks"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Locks : ApiRoute.Lock;
        }
        if (path.StartsWith("/v1/semaphores"u8) && TryRest(path, "/v1/semaphores"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Semaphores : ApiRoute.Semaphore;
        }
        if (path.StartsWith("/v1/elections"u8) && TryRest(path, "/v1/elections"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Elections : ApiRoute.Election;
        }
        if (path.StartsWith("/v1/fences"u8) && TryRest(path, "/v1/fences"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Fences : ApiRoute.Fence;
        }
        if (path.StartsWith("/v1/requests"u8) && TryRest(path, "/v1/requests"u8.Length, out name))
        {
            return name.IsEmpty ? ApiRoute.Requests : ApiRoute.Request;
        }
        if (path.StartsWith("/v1/leases"u8) && TryRest(path, "/v1/leases"u8.Length, out name))
        {
            return MatchLease(ref name);
        }
        if (path.StartsWith("/v1/settings/"u8))
        {
            name = path["/v1/settings/"u8.Length..];
            return name.IsEmpty || name.Contains((byte)'/') ? ApiRoute.None : ApiRoute.Setting;
        }
        if (path.StartsWith("/v1/cluster/members/"u8))
        {
            name = path["/v1/cluster/members/"u8.Length..];
            return name.IsEmpty || name.Contains((byte)'/') ? ApiRoute.None : ApiRoute.ClusterMember;
        }
        if (path.StartsWith("/v1/auth"u8) && TryRest(path, "/v1/auth"u8.Length, out var rest))
        {
            return MatchAuth(path, rest, out name);
        }
        return path switch
        {
            _ when path.SequenceEqual("/v1/txn"u8) => ApiRoute.Txn,
            _ when path.SequenceEqual("/v1/multilock"u8) => ApiRoute.MultiLock,
            _ when path.SequenceEqual("/v1/cluster"u8) => ApiRoute.Cluster,
            _ when path.SequenceEqual("/v1/cluster/members"u8) => ApiRoute.ClusterMembers,
            _ when path.SequenceEqual("/v1/cluster/leader"u8) => ApiRoute.ClusterLeader,
            _ when path.SequenceEqual("/v1/settings"u8) => ApiRoute.Settings,
            _ when path.SequenceEqual("/v1/status"u8) => ApiRoute.Status,
            _ when path.SequenceEqual("/v1/statehash"u8) => ApiRoute.StateHash,
            _ when path.SequenceEqual("/v1/statehash/tables"u8) => ApiRoute.StateTables,
            _ when path.SequenceEqual("/v1/snapshot"u8) => ApiRoute.Snapshot,
            _ when path.SequenceEqual("/livez"u8) => ApiRoute.Live,
            _ when path.SequenceEqual("/readyz"u8) => ApiRoute.Ready,
            _ when path.SequenceEqual("/metrics"u8) => ApiRoute.Metrics,
            _ when path.SequenceEqual("/openapi/v1.json"u8) => ApiRoute.OpenApi,
            _ => ApiRoute.None,
        };
    }

    /// <summary>What follows the collection: nothing, or a slash and a name.</summary>
    private static bool TryRest(ReadOnlySpan<byte> path, int prefixLength, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (path.Length > prefixLength)
        {
            name = path[(prefixLength + 1)..];
            return path[prefixLength] == '/';
        }
        return true;
    }

    private static ApiRoute MatchLease(ref ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            return ApiRoute.Leases;
        }
        if (name.SequenceEqual("keepalive"u8))
        {
            return ApiRoute.LeasesKeepAlive;
        }
        if (name.EndsWith(KeepAliveSuffix))
        {
            name = name[..^KeepAliveSuffix.Length];
            return name.Contains((byte)'/') ? ApiRoute.None : ApiRoute.LeaseKeepAlive;
        }
        if (name.EndsWith(SettleSuffix))
        {
            name = name[..^SettleSuffix.Length];
            return name.Contains((byte)'/') ? ApiRoute.None : ApiRoute.LeaseSettle;
        }
        return name.Contains((byte)'/') ? ApiRoute.None : ApiRoute.Lease;
    }

    /// <param name="rest">What follows <c>/v1/auth/</c>.</param>
    private static ApiRoute MatchAuth(ReadOnlySpan<byte> path, ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (rest.IsEmpty)
        {
            return path[^1] == '/' ? ApiRoute.None : ApiRoute.Auth;
        }
        if (rest.StartsWith("roles"u8) && TryRest(rest, "roles"u8.Length, out name))
        {
            return One(ApiRoute.AuthRoles, ApiRoute.AuthRole, rest, name);
        }
        if (rest.StartsWith("principals"u8) && TryRest(rest, "principals"u8.Length, out name))
        {
            return One(ApiRoute.AuthPrincipals, ApiRoute.AuthPrincipal, rest, name);
        }
        if (rest.StartsWith("revocations"u8) && TryRest(rest, "revocations"u8.Length, out name))
        {
            return One(ApiRoute.AuthRevocations, ApiRoute.AuthRevocation, rest, name);
        }
        if (rest.StartsWith("tokens"u8) && TryRest(rest, "tokens"u8.Length, out name))
        {
            return One(ApiRoute.AuthTokens, ApiRoute.AuthToken, rest, name);
        }
        return rest.SequenceEqual("check"u8) ? ApiRoute.AuthCheck
            : rest.SequenceEqual("enable"u8) ? ApiRoute.AuthEnable
            : ApiRoute.None;
    }

    /// <summary>The collection, or one of it. What follows its slash is a name, and not empty.</summary>
    private static ApiRoute One(ApiRoute many, ApiRoute one, ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) =>
        !name.IsEmpty ? one
        : path[^1] == '/' ? ApiRoute.None
        : many;

    /// <summary>The path of a resource as a template; <c>other</c> for paths that are none.</summary>
    public static string Template(ApiRoute route) => route switch
    {
        ApiRoute.Keys => ApiRoutes.Keys,
        ApiRoute.Key => ApiRoutes.Key,
        ApiRoute.Leases => ApiRoutes.Leases,
        ApiRoute.LeasesKeepAlive => ApiRoutes.LeasesKeepAlive,
        ApiRoute.Lease => ApiRoutes.Lease,
        ApiRoute.LeaseKeepAlive => ApiRoutes.LeaseKeepAlive,
        ApiRoute.LeaseSettle => ApiRoutes.LeaseSettle,
        ApiRoute.Locks => ApiRoutes.Locks,
        ApiRoute.Lock => ApiRoutes.Lock,
        ApiRoute.MultiLock => ApiRoutes.MultiLock,
        ApiRoute.Semaphores => ApiRoutes.Semaphores,
        ApiRoute.Semaphore => ApiRoutes.Semaphore,
        ApiRoute.Elections => ApiRoutes.Elections,
        ApiRoute.Election => ApiRoutes.Election,
        ApiRoute.Fences => ApiRoutes.Fences,
        ApiRoute.Fence => ApiRoutes.Fence,
        ApiRoute.Settings => ApiRoutes.Settings,
        ApiRoute.Setting => ApiRoutes.Setting,
        ApiRoute.Txn => ApiRoutes.Txn,
        ApiRoute.Requests => ApiRoutes.Requests,
        ApiRoute.Request => ApiRoutes.Request,
        ApiRoute.Auth => ApiRoutes.Auth,
        ApiRoute.AuthRoles => ApiRoutes.AuthRoles,
        ApiRoute.AuthRole => ApiRoutes.AuthRole,
        ApiRoute.AuthPrincipals => ApiRoutes.AuthPrincipals,
        ApiRoute.AuthPrincipal => ApiRoutes.AuthPrincipal,
        ApiRoute.AuthRevocations => ApiRoutes.AuthRevocations,
        ApiRoute.AuthRevocation => ApiRoutes.AuthRevocation,
        ApiRoute.AuthTokens => ApiRoutes.AuthTokens,
        ApiRoute.AuthToken => ApiRoutes.AuthToken,
        ApiRoute.AuthCheck => ApiRoutes.AuthCheck,
        ApiRoute.AuthEnable => ApiRoutes.AuthEnable,
        ApiRoute.Cluster => ApiRoutes.Cluster,
        ApiRoute.ClusterMembers => ApiRoutes.ClusterMembers,
        ApiRoute.ClusterMember => ApiRoutes.ClusterMember,
        ApiRoute.ClusterLeader => ApiRoutes.ClusterLeader,
        ApiRoute.Status => ApiRoutes.Status,
        ApiRoute.StateHash => ApiRoutes.StateHash,
        ApiRoute.StateTables => ApiRoutes.StateTables,
        ApiRoute.Snapshot => ApiRoutes.Snapshot,
        ApiRoute.Live => ApiRoutes.Live,
        ApiRoute.Ready => ApiRoutes.Ready,
        ApiRoute.Metrics => ApiRoutes.Metrics,
        ApiRoute.OpenApi => ApiRoutes.OpenApi,
        _ => "other",
    };
}
