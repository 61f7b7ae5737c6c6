using Consensus.Primitives;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine;

/// <summary>Who may do what.</summary>
public sealed partial class StateView
{
    /// <summary>As it is in this view: what it allows, it allows to be answered from this view.</summary>
    public Policy Policy => Tables.Policies.Compiled;

    /// <summary>Whether all of this is allowed by this very view: by the roles of who asks, and by whose the holds and leases are that are named.</summary>
    /// <returns>What is not; null when all is.</returns>
    public Denial? Judge(Actor actor, ReadOnlySpan<Access> accesses) =>
        Policy.IsEnabled ? Judgement.Of(Policy.RightsOf(actor), actor.Name, Tables, accesses) : null;

    /// <summary>As <see cref="GetLease(LeaseId)"/>, with the names alone of what the actor may read.</summary>
    public LeaseInfo? GetLease(LeaseId id, Actor actor)
    {
        var lease = GetLease(id);
        if (lease is null || !Policy.IsEnabled)
        {
            return lease;
        }
        var rights = Policy.RightsOf(actor);
        var keys = lease.Keys.RemoveAll(key => !rights.May(Access.To(Spaces.Keys, Verbs.Read, key)));
        var holds = lease.Holds.RemoveAll(name => !rights.May(Access.To(name, Verbs.Read)));
        return lease with { Keys = keys, Holds = holds, HiddenNames = lease.Keys.Length - keys.Length + lease.Holds.Length - holds.Length };
    }

    /// <summary>Null for a role that there is not, and for one that is built in.</summary>
    public RoleInfo? GetRole(string name) => Tables.Policies.Roles.TryGet(Key.FromText(name), out var role) ? role : null;

    /// <summary>Roles that are not built in, in byte order of their names, from after one (empty: from the first).</summary>
    public IEnumerable<RoleInfo> ListRoles(string after) => Tables.Policies.Roles.From(Key.FromText(after)).Select(static item => item.Value).Where(role => role.Name != after);

    public PrincipalInfo? GetPrincipal(string name) => Tables.Policies.Principals.TryGet(Key.FromText(name), out var principal) ? principal : null;

    /// <inheritdoc cref="ListRoles"/>
    public IEnumerable<PrincipalInfo> ListPrincipals(string after) =>
        Tables.Policies.Principals.From(Key.FromText(after)).Select(static item => item.Value).Where(principal => principal.Name != after);

    public RevocationInfo? GetRevocation(Key fingerprint) => Tables.Policies.Revocations.TryGet(fingerprint, out var revocation) ? revocation : null;

    /// <summary>In the order of the fingerprints, from after one (empty: from the first).</summary>
    public IEnumerable<RevocationInfo> ListRevocations(Key after) =>
        Tables.Policies.Revocations.From(after).Select(static item => item.Value).Where(revocation => revocation.Fingerprint != after);
}
