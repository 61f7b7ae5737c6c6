using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.StateMachine.Policies;

/// <summary>
/// What one actor may do, under one policy. Immutable: whoever keeps it keeps the policy that it is of beside it, and asks anew when that
/// is another.
/// </summary>
public sealed class Rights
{
    /// <summary>Where nobody's rights are judged.</summary>
    internal static readonly Rights Everything = new([], null) { IsEverything = true };

    private readonly ImmutableArray<RoleRights> _roles;
    private readonly SystemRights _clusterRights;

    /// <param name="refusal">Why all is refused; null where the roles decide.</param>
    internal Rights(ImmutableArray<RoleRights> roles, DenialReason? refusal)
    {
        (_roles, Refusal, _clusterRights) = (roles, refusal, SystemRights.KeepToken);
        foreach (var role in roles)
        {
            _clusterRights |= role.ClusterRights;
        }
    }

    /// <summary>Why all is refused; null where the roles decide.</summary>
    public DenialReason? Refusal { get; }

    /// <summary>How much of everything whoever has them may take; the defaults where nothing is bound.</summary>
    public PrincipalLimits Limits { get; internal init; } = PrincipalLimits.Default;

    private bool IsEverything { get; init; }

    /// <summary>
    /// Whether all of this is allowed, as far as that hangs on roles: that a hold or a lease is one's own is judged by the state that has
    /// it.
    /// </summary>
    /// <returns>What is not; null when all is.</returns>
    public Denial? Judge(ReadOnlySpan<Access> accesses)
    {
        if (Refusal is { } refusal)
        {
            return new Denial(refusal, default);
        }
        foreach (ref readonly var access in accesses)
        {
            if (!May(access) && !(access.Token != FencingToken.None && May(access.Broken)))
            {
                return new Denial(DenialReason.NotAllowed, access);
            }
        }
        return null;
    }

    /// <summary>As above, of one; of a hold, as its holder.</summary>
    public bool May(in Access access)
    {
        if (IsEverything)
        {
            return true;
        }
        if (Refusal is not null)
        {
            return false;
        }
        if (access.Right != SystemRights.None)
        {
            return (_clusterRights & access.Right) != 0;
        }
        foreach (var role in _roles)
        {
            if (role.Covers(access.Space, access.Verb, access.Name, access.IsPrefix))
            {
                return true;
            }
        }
        return false;
    }
}
