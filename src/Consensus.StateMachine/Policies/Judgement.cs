using Consensus.Primitives;

namespace Consensus.StateMachine.Policies;

/// <summary>Whose holds and leases are.</summary>
internal interface IOwners
{
    /// <summary>The name of the principal; null when there is no such lease.</summary>
    string? OwnerOf(LeaseId lease);

    /// <summary>As above, of the hold with this token.</summary>
    string? OwnerOf(ObjectName name, FencingToken token);
}

/// <summary>
/// The whole judgement of what a request needs: the roles of who asks, and whose the holds and leases are that it names. What there is not
/// is nobody's: the command answers for that, to whoever may ask.
/// </summary>
internal static class Judgement
{
    public static Denial? Of(Rights rights, string principal, IOwners owners, ReadOnlySpan<Access> accesses)
    {
        if (rights.Judge(accesses) is { } denial)
        {
            return denial;
        }
        foreach (ref readonly var access in accesses)
        {
            if (!IsOwn(rights, principal, owners, access))
            {
                return new Denial(DenialReason.NotOwner, access);
            }
        }
        return null;
    }

    /// <summary>Whether the lease may be shown, kept alive or ended by whoever asks.</summary>
    public static bool MayKeep(Rights rights, string principal, string owner) =>
        owner == principal || rights.May(Access.ToCluster(SystemRights.Operate));

    private static bool IsOwn(Rights rights, string principal, IOwners owners, in Access access)
    {
        if (access.Token != FencingToken.None)
        {
            return owners.OwnerOf(Named(access), access.Token) is not { } holder
                || (holder == principal ? rights.May(access) || rights.May(access.Broken) : rights.May(access.Broken));
        }
        if (access.Lease.IsNone || access.IsOneOfMany || owners.OwnerOf(access.Lease) is not { } owner)
        {
            return true;
        }
        return (access.Right & SystemRights.Operate) != 0 ? MayKeep(rights, principal, owner) : owner == principal;
    }

    private static ObjectName Named(in Access access) => access.Space switch
    {
        Spaces.Locks => ObjectName.Lock(access.Name),
        Spaces.Semaphores => ObjectName.Semaphore(access.Name),
        Spaces.Elections => ObjectName.Election(access.Name),
        _ => Invariant.Unreachable<ObjectName>(access.Space),
    };
}
