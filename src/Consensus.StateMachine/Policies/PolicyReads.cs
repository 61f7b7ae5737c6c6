using Consensus.Primitives;

namespace Consensus.StateMachine.Policies;

/// <summary>What a view says of who may do what: what it allows, it allows to be answered from this very view.</summary>
public static class PolicyReads
{
    /// <summary>
    /// Whether all of this is allowed by this view: by the roles of who asks, and by whose the holds and leases are that are named.
    /// </summary>
    /// <returns>What is not; null when all is.</returns>
    public static Denial? Judge(this StateView view, Actor actor, ReadOnlySpan<Access> accesses) =>
        view.Policy.IsEnabled ? Judgement.Of(view.Policy.RightsOf(actor), actor.Name, view.Tables, accesses) : null;

    /// <summary>As <see cref="StateView.GetLease"/>, with the names alone of what the actor may read.</summary>
    public static LeaseInfo? GetLease(this StateView view, LeaseId id, Actor actor)
    {
        var lease = view.GetLease(id);
        if (lease is null || !view.Policy.IsEnabled)
        {
            return lease;
        }
        var rights = view.Policy.RightsOf(actor);
        var keys = lease.Keys.RemoveAll(key => !rights.May(Access.To(Spaces.Keys, Verbs.Read, key)));
        var holds = lease.Holds.RemoveAll(name => !rights.May(Access.To(name, Verbs.Read)));
        var hidden = lease.Keys.Length - keys.Length + lease.Holds.Length - holds.Length;
        return lease with { Keys = keys, Holds = holds, HiddenNames = hidden };
    }

    /// <summary>Null for a role that there is not, and for one that is built in.</summary>
    public static RoleInfo? GetRole(this StateView view, string name) =>
        view.Tables.Policies.Roles.TryGet(Key.FromText(name), out var role) ? role : null;

    /// <summary>Roles that are not built in, in byte order of their names, from after one (empty: from the first).</summary>
    public static IEnumerable<RoleInfo> ListRoles(this StateView view, string after) =>
        view.Tables.Policies.Roles.From(Key.FromText(after)).Select(static item => item.Value).Where(role => role.Name != after);

    /// <summary>What is bound to this very name.</summary>
    public static PrincipalInfo? GetPrincipal(this StateView view, string name) =>
        view.Tables.Policies.Principals.TryGet(Key.FromText(name), out var principal) ? principal : null;

    /// <inheritdoc cref="ListRoles"/>
    public static IEnumerable<PrincipalInfo> ListPrincipals(this StateView view, string after) =>
        view.Tables.Policies.Principals.From(Key.FromText(after)).Select(static item => item.Value)
            .Where(principal => principal.Name != after);

    public static TokenInfo? GetToken(this StateView view, string id) => view.Policy.FindToken(id);

    /// <summary>In the order of their ids, from after one (empty: from the first).</summary>
    public static IEnumerable<TokenInfo> ListTokens(this StateView view, string after) =>
        view.Tables.Policies.Tokens.From(Key.FromText(after)).Select(static item => item.Value).Where(token => token.Id != after);

    public static RevocationInfo? GetRevocation(this StateView view, Key fingerprint) =>
        view.Tables.Policies.Revocations.TryGet(fingerprint, out var revocation) ? revocation : null;

    /// <summary>In the order of the fingerprints, from after one (empty: from the first).</summary>
    public static IEnumerable<RevocationInfo> ListRevocations(this StateView view, Key after) =>
        view.Tables.Policies.Revocations.From(after).Select(static item => item.Value)
            .Where(revocation => revocation.Fingerprint != after);
}
