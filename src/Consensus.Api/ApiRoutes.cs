namespace Consensus.Api;

/// <summary>
/// Every path of the API, as templates: <c>{key}</c>, <c>{name}</c>, <c>{resource}</c>, <c>{principal}</c> and <c>{idempotencyKey}</c> take
/// the rest of the path, slashes included.
/// </summary>
public static class ApiRoutes
{
    /// <summary>Where a member listens for clients unless told otherwise.</summary>
    public const string DefaultClientUrl = "http://127.0.0.1:7379";

    public const string KeyPrefix = "/v1/kv/";
    public const string LockPrefix = "/v1/locks/";
    public const string LeasePrefix = "/v1/leases/";
    public const string SemaphorePrefix = "/v1/semaphores/";
    public const string ElectionPrefix = "/v1/elections/";
    public const string FencePrefix = "/v1/fences/";
    public const string RequestPrefix = "/v1/requests/";

    public const string Keys = "/v1/kv/";
    public const string Key = "/v1/kv/{key}";
    public const string Leases = "/v1/leases";
    public const string LeasesKeepAlive = "/v1/leases/keepalive";
    public const string Lease = "/v1/leases/{id}";
    public const string LeaseKeepAlive = "/v1/leases/{id}/keepalive";
    public const string LeaseSettle = "/v1/leases/{id}/settle";
    public const string Locks = "/v1/locks/";
    public const string Lock = "/v1/locks/{name}";
    public const string MultiLock = "/v1/multilock";
    public const string Semaphores = "/v1/semaphores/";
    public const string Semaphore = "/v1/semaphores/{name}";
    public const string Elections = "/v1/elections/";
    public const string Election = "/v1/elections/{name}";
    public const string Fences = "/v1/fences/";
    public const string Fence = "/v1/fences/{resource}";
    public const string Settings = "/v1/settings";
    public const string Setting = "/v1/settings/{setting}";
    public const string Txn = "/v1/txn";
    public const string Requests = "/v1/requests/";
    public const string Request = "/v1/requests/{idempotencyKey}";
    public const string Auth = "/v1/auth";
    public const string AuthRoles = "/v1/auth/roles";
    public const string AuthRole = "/v1/auth/roles/{role}";
    public const string AuthPrincipals = "/v1/auth/principals";
    public const string AuthPrincipal = "/v1/auth/principals/{principal}";
    public const string AuthRevocations = "/v1/auth/revocations";
    public const string AuthRevocation = "/v1/auth/revocations/{fingerprint}";
    public const string AuthTokens = "/v1/auth/tokens";
    public const string AuthToken = "/v1/auth/tokens/{token}";
    public const string AuthCheck = "/v1/auth/check";
    public const string AuthEnable = "/v1/auth/enable";
    public const string Cluster = "/v1/cluster";
    public const string ClusterMembers = "/v1/cluster/members";
    public const string ClusterMember = "/v1/cluster/members/{id}";
    public const string ClusterLeader = "/v1/cluster/leader";
    public const string Status = "/v1/status";
    public const string StateHash = "/v1/statehash";
    public const string StateTables = "/v1/statehash/tables";
    public const string Snapshot = "/v1/snapshot";
    public const string Live = "/livez";
    public const string Ready = "/readyz";
    public const string Metrics = "/metrics";
    public const string OpenApi = "/openapi/v1.json";
}
