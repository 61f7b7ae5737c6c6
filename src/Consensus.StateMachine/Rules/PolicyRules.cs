using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Changes of who may do what. Each takes effect with its entry: what stands behind it in the log is judged by it, on every member. They
/// take no revision of the store.
/// </summary>
internal sealed class PolicyRules(StateTables state, Applying entry)
{
    private static readonly WaiterKey FirstPlace = new(ObjectName.Lock(default), 0);

    private TokenRules Tokens => field ??= new TokenRules(state, entry, this);

    public Outcome Do(PolicyCommand command)
    {
        if (command.ExpectedRevision != 0 && command.ExpectedRevision != state.Policies.Revision)
        {
            return Refuse(PolicyRefusal.OtherRevision, "");
        }
        return command switch
        {
            PutRoleCommand c => Put(c),
            DeleteRoleCommand c => Delete(c),
            PutPrincipalCommand c => Put(c),
            DeletePrincipalCommand c => Delete(c),
            PutRevocationCommand c => Put(c),
            DeleteRevocationCommand c => Delete(c),
            EnableAuthCommand c => Enable(c),
            TokenCommand c => Tokens.Do(c),
            _ => Invariant.Unreachable<Outcome>(command),
        };
    }

    /// <inheritdoc cref="TokenRules.Forget"/>
    public Noted Forget(ForgetTokensCommand command) => Tokens.Forget(command);

    /// <summary>The first member that announces itself says whether rights are judged in its cluster from the beginning; what later ones say is not looked at.</summary>
    /// <param name="admin">Empty: they are not.</param>
    public void Form(string admin)
    {
        if (state.Members.Count > 0 || admin.Length == 0 || state.Policies.IsEnabled)
        {
            return;
        }
        if (state.Policies.FindPrincipal(admin) is null)
        {
            // Whatever a restored cluster has no room for: without it nobody could make any.
            state.Policies.Set(new PrincipalInfo(admin, [BuiltInRoles.Admin], IsDisabled: false));
        }
        state.Policies.Counters = state.Policies.Counters with { IsEnabled = true };
        Changed();
    }

    private Outcome Put(PutRoleCommand c)
    {
        if (BuiltInRoles.Contains(c.Name))
        {
            return Refuse(PolicyRefusal.BuiltIn, c.Name);
        }
        if (!PolicyNames.IsRole(c.Name, state.Limits) || !c.Rules.All(static rule => rule.IsValid))
        {
            return Refuse(PolicyRefusal.Malformed, "");
        }
        if (c.Rules.Length > state.Limits.MaxRulesPerRole)
        {
            return new BoundReached(state.Revision, BoundKind.Rules, state.Limits.MaxRulesPerRole);
        }
        var before = state.Policies.FindRole(c.Name);
        var role = new RoleInfo(c.Name, c.Rules);
        if (role == before)
        {
            return Unchanged();
        }
        if (before is null && state.Policies.RoleCount >= state.Limits.MaxRoles)
        {
            return new BoundReached(state.Revision, BoundKind.Roles, state.Limits.MaxRoles);
        }
        if (state.RefuseGrowth(PolicyTable.SizeOf(role) - (before is null ? 0 : PolicyTable.SizeOf(before))) is { } full)
        {
            return full;
        }
        state.Policies.Set(role);
        return Changed();
    }

    private Outcome Delete(DeleteRoleCommand c)
    {
        if (BuiltInRoles.Contains(c.Name))
        {
            return Refuse(PolicyRefusal.BuiltIn, c.Name);
        }
        if (state.Policies.FindRole(c.Name) is null)
        {
            return Refuse(PolicyRefusal.Missing, PolicyNames.IsRole(c.Name, state.Limits) ? c.Name : "");
        }
        entry.Output.Light += state.Policies.PrincipalCount;
        if (state.Policies.UserOf(c.Name) is { } user)
        {
            return Refuse(PolicyRefusal.RoleInUse, user.Name);
        }
        state.Policies.RemoveRole(c.Name);
        return Changed();
    }

    private Outcome Put(PutPrincipalCommand c)
    {
        if (!PolicyNames.IsBinding(c.Name, state.Limits) || c.Roles.Distinct().Count() < c.Roles.Length || !c.Limits.IsValid)
        {
            return Refuse(PolicyRefusal.Malformed, "");
        }
        if (c.Roles.Length > state.Limits.MaxRolesPerPrincipal)
        {
            return new BoundReached(state.Revision, BoundKind.RolesOfOne, state.Limits.MaxRolesPerPrincipal);
        }
        foreach (var role in c.Roles)
        {
            if (!state.Policies.HasRole(role))
            {
                return Refuse(PolicyRefusal.NoSuchRole, PolicyNames.IsRole(role, state.Limits) ? role : "");
            }
        }
        var principal = new PrincipalInfo(c.Name, c.Roles, c.IsDisabled) { Limits = c.Limits };
        return principal == state.Policies.FindPrincipal(c.Name) ? Unchanged() : Bind(principal) ?? Changed();
    }

    /// <returns>Why not; null when it was done.</returns>
    private Outcome? Bind(PrincipalInfo principal)
    {
        var before = state.Policies.FindPrincipal(principal.Name);
        if (before is null && state.Policies.PrincipalCount >= state.Limits.MaxPrincipals)
        {
            return new BoundReached(state.Revision, BoundKind.Principals, state.Limits.MaxPrincipals);
        }
        if (state.RefuseGrowth(PolicyTable.SizeOf(principal) - (before is null ? 0 : PolicyTable.SizeOf(before))) is { } full)
        {
            return full;
        }
        state.Policies.Set(principal);
        return null;
    }

    private Outcome Delete(DeletePrincipalCommand c)
    {
        if (state.Policies.FindPrincipal(c.Name) is null)
        {
            return Refuse(PolicyRefusal.Missing, PolicyNames.IsBinding(c.Name, state.Limits) ? c.Name : "");
        }
        state.Policies.RemovePrincipal(c.Name);
        return Changed();
    }

    private Outcome Put(PutRevocationCommand c)
    {
        if (c.Fingerprint.Length != PolicyNames.FingerprintBytes || Encoding.UTF8.GetByteCount(c.Note) > state.Limits.MaxPolicyNameBytes)
        {
            return Refuse(PolicyRefusal.Malformed, "");
        }
        var before = state.Policies.FindRevocation(c.Fingerprint);
        var revocation = new RevocationInfo(c.Fingerprint, c.Note);
        if (revocation == before)
        {
            return Unchanged();
        }
        if (before is null && state.Policies.RevocationCount >= state.Limits.MaxRevocations)
        {
            return new BoundReached(state.Revision, BoundKind.Revocations, state.Limits.MaxRevocations);
        }
        state.Policies.Set(revocation);
        return Changed();
    }

    private Outcome Delete(DeleteRevocationCommand c)
    {
        if (state.Policies.FindRevocation(c.Fingerprint) is null)
        {
            return Refuse(PolicyRefusal.Missing, "");
        }
        state.Policies.RemoveRevocation(c.Fingerprint);
        return Changed();
    }

    private Outcome Enable(EnableAuthCommand c)
    {
        if (c.Admin.Length > 0 && !PolicyNames.IsBinding(c.Admin, state.Limits))
        {
            return Refuse(PolicyRefusal.Malformed, "");
        }
        if (state.Policies.IsEnabled)
        {
            return Unchanged();
        }
        var bound = c.Admin.Length > 0 ? state.Policies.FindPrincipal(c.Admin) : null;
        if (bound is not null && (bound.IsDisabled || !bound.Roles.Contains(BuiltInRoles.Admin)))
        {
            return Refuse(PolicyRefusal.NoAdministrator, c.Admin);
        }
        if (c.Admin.Length > 0 && bound is null
            && Bind(new PrincipalInfo(c.Admin, [BuiltInRoles.Admin], IsDisabled: false)) is { } refused)
        {
            return refused;
        }
        state.Policies.Counters = state.Policies.Counters with { IsEnabled = true };
        return Changed();
    }

    /// <summary>
    /// From here on all that wait are judged anew: who may not have it any more is passed over at once, and told so step by step.
    /// </summary>
    /// <param name="takesNothing">Nobody has fewer rights by it, so that those who wait are left alone.</param>
    public PolicyChanged Changed(bool takesNothing = false)
    {
        var before = state.Policies.Counters;
        state.Policies.Counters = before with { Revision = before.Revision + 1 };
        entry.Output.Objects++;
        if (before.IsEnabled && !takesNothing)
        {
            state.Policies.SetSweep(state.Waiters.Count > 0 ? FirstPlace : null);
        }
        return new PolicyChanged(state.Revision, before.Revision + 1, before.Revision);
    }

    public PolicyChanged Unchanged() => new(state.Revision, state.Policies.Revision, state.Policies.Revision);

    public PolicyRefused Refuse(PolicyRefusal reason, string name) => new(state.Revision, reason, state.Policies.Revision, name);
}
