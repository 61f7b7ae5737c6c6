using Consensus.Primitives;
using Consensus.Security.Audit;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Audit;

/// <summary>How requests to an endpoint are recorded.</summary>
/// <param name="Level">From which level of their space on.</param>
/// <param name="Verb">Empty where none goes with the space.</param>
/// <param name="MayForce">
/// What it is shows in its command: <see cref="AuditLevel.Admin"/> and <see cref="AuditEvent.Force"/> when that is done to others.
/// </param>
internal sealed record AuditedKind(AuditEvent Event, AuditLevel Level, AuditSpace Space, string Verb = "", bool MayForce = false)
{
    public const string Break = "break";

    /// <summary>Null: its requests are never recorded. Probes come every second, and tell nothing to anybody.</summary>
    public static AuditedKind? Of(ApiRoute route, string method)
    {
        var isRead = method == "GET";
        var level = isRead ? AuditLevel.All : AuditLevel.Write;
        return route switch
        {
            ApiRoute.Live or ApiRoute.Ready => null,
            ApiRoute.Keys or ApiRoute.Key or ApiRoute.Txn => new(AuditEvent.Request, level, AuditSpace.Keys, isRead ? "read" : "write"),
            ApiRoute.Locks or ApiRoute.Lock or ApiRoute.MultiLock => Holds(AuditSpace.Locks, method),
            ApiRoute.Semaphores or ApiRoute.Semaphore => Holds(AuditSpace.Semaphores, method),
            ApiRoute.Elections or ApiRoute.Election => Holds(AuditSpace.Elections, method),
            ApiRoute.Fences or ApiRoute.Fence when method == "DELETE" =>
                new(AuditEvent.Force, AuditLevel.Admin, AuditSpace.Fences, Break),
            ApiRoute.Fences or ApiRoute.Fence => new(AuditEvent.Request, level, AuditSpace.Fences, isRead ? "read" : "write"),
            ApiRoute.Leases or ApiRoute.LeasesKeepAlive or ApiRoute.Lease or ApiRoute.LeaseKeepAlive or ApiRoute.LeaseSettle =>
                new(AuditEvent.Request, level, AuditSpace.Leases),
            ApiRoute.Requests or ApiRoute.Request => new(AuditEvent.Request, level, AuditSpace.Leases),
            ApiRoute.Snapshot => new(AuditEvent.Snapshot, AuditLevel.Admin, AuditSpace.Cluster),
            // These ask and change nothing.
            ApiRoute.AuthCheck or ApiRoute.StateTables => new(AuditEvent.Request, AuditLevel.All, AuditSpace.Cluster),
            _ when isRead => new(AuditEvent.Request, AuditLevel.All, AuditSpace.Cluster),
            ApiRoute.ClusterMembers or ApiRoute.ClusterMember or ApiRoute.ClusterLeader =>
                new(AuditEvent.Member, AuditLevel.Admin, AuditSpace.Cluster),
            // What is added later is recorded as what an administrator does, until somebody says here that it is less.
            _ => new(AuditEvent.Policy, AuditLevel.Admin, AuditSpace.Cluster),
        };
    }

    /// <summary>What is done to others, whichever endpoint it came through.</summary>
    public static bool IsForce(Command command) => command is ReleaseHoldCommand { Force: true } or ChangePermitsCommand or ResetFenceCommand;

    private static AuditedKind Holds(AuditSpace space, string method) => method switch
    {
        "GET" => new(AuditEvent.Request, AuditLevel.All, space, "read"),
        "DELETE" => new(AuditEvent.Request, AuditLevel.Write, space, "hold", MayForce: true),
        "PATCH" when space == AuditSpace.Semaphores => new(AuditEvent.Request, AuditLevel.Write, space, "hold", MayForce: true),
        "POST" or "PUT" or "PATCH" => new(AuditEvent.Request, AuditLevel.Write, space, "hold"),
        _ => Invariant.Unreachable<AuditedKind>(method),
    };
}
