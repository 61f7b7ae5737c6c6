using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Policies;

/// <summary>
/// What a command needs to be allowed: everything that it names, in both branches of a transaction, whichever is taken. The one place that
/// says so, for the member that is asked and for apply alike.
/// </summary>
public static class Accesses
{
    /// <summary>What the command needs; null for one that no request can ask for.</summary>
    public static ImmutableArray<Access>? Of(Command command)
    {
        var accesses = new List<Access>();
        return Add(command, accesses) ? [.. accesses] : null;
    }

    /// <summary>As above, into a list that its owner uses again.</summary>
    /// <returns>False for a command that no request can ask for: members make it themselves, and nobody's rights are judged.</returns>
    public static bool Add(Command command, List<Access> accesses)
    {
        switch (command)
        {
            case PutCommand c:
                accesses.Add(Access.To(Spaces.Keys, Verbs.Write, c.Key));
                AddLease(c.Lease, accesses);
                return true;
            case DeleteCommand c:
                accesses.Add(Access.To(Spaces.Keys, Verbs.Write, c.Key));
                return true;
            case DeletePrefixCommand c:
                accesses.Add(Access.ToPrefix(Spaces.Keys, Verbs.Write, c.Prefix));
                return true;
            case TxnCommand c:
                Add(c, accesses);
                return true;
            case GrantLeaseCommand:
                accesses.Add(Access.ToLease(LeaseId.None));
                return true;
            case RenewLeasesCommand { Ids: [var only] }:
                accesses.Add(Access.ToLifeOf(only));
                return true;
            case RenewLeasesCommand c:
                accesses.Add(Access.ToLifeOf(LeaseId.None));
                foreach (var id in c.Ids)
                {
                    accesses.Add(Access.ToLifeOfEach(id));
                }
                return true;
            case RevokeLeaseCommand c:
                accesses.Add(Access.ToLifeOf(c.Id));
                return true;
            case AcquireCommand c:
                accesses.Add(Access.To(c.Object, Verbs.Hold));
                AddLease(c.SharedLease, accesses);
                return true;
            case AcquireManyCommand c:
                foreach (var name in c.Names)
                {
                    accesses.Add(Access.To(Spaces.Locks, Verbs.Hold, name));
                }
                AddLease(c.SharedLease, accesses);
                return true;
            case RenewHoldCommand c:
                accesses.Add(Access.ToHold(c.Object, c.Token));
                return true;
            case ReleaseHoldCommand { Force: true } c:
                accesses.Add(Access.To(c.Object, Verbs.Break));
                return true;
            case ReleaseHoldCommand c:
                accesses.Add(Access.ToHold(c.Object, c.Token));
                return true;
            case HandOverCommand c:
                accesses.Add(Access.ToHold(c.Object, c.Token));
                return true;
            case ChangePermitsCommand c:
                accesses.Add(Access.To(Spaces.Semaphores, Verbs.Break, c.Name));
                return true;
            case FenceCommand c:
                accesses.Add(Access.To(Spaces.Fences, Verbs.Write, c.Resource));
                return true;
            case ResetFenceCommand c:
                accesses.Add(Access.To(Spaces.Fences, Verbs.Break, c.Resource));
                return true;
            case WithdrawCommand:
                // The key is one of the asker's own, whatever it says.
                accesses.Add(Access.ToLease(LeaseId.None));
                return true;
            case SettleCommand c:
                accesses.Add(Access.ToLease(c.Session));
                return true;
            case RotateTokenCommand or EndOwnTokenCommand:
                // They name nothing of others: whose token it is, the credential says.
                accesses.Add(Access.ToCluster(SystemRights.KeepToken));
                return true;
            case PutSettingCommand or PolicyCommand:
                accesses.Add(Access.ToCluster(SystemRights.Administer));
                return true;
            case CancelWaitCommand or ExpireCommand or NoteLeaderlessCommand or DetachWaitersCommand or DetachRequestsCommand:
            case AnnounceMemberCommand or ForgetMemberCommand or ForgetTokensCommand or CompactCommand:
                return false;
            default:
                return Invariant.Unreachable<bool>(command);
        }
    }

    private static void Add(TxnCommand txn, List<Access> accesses)
    {
        foreach (var compare in txn.Compares)
        {
            // Whoever may compare may find out by asking often.
            accesses.Add(compare.Target == CompareTarget.Hold
                ? Access.To(new ObjectName(compare.Space, compare.Name), Verbs.Read)
                : Access.To(Spaces.Keys, Verbs.Read, compare.Name));
        }
        foreach (var operation in txn.Success)
        {
            Add(operation, accesses);
        }
        foreach (var operation in txn.Failure)
        {
            Add(operation, accesses);
        }
        if (accesses.Count == 0)
        {
            // It names nothing: whoever may do nothing may not have it logged either.
            accesses.Add(Access.ToLease(LeaseId.None));
        }
    }

    private static void Add(TxnOperation operation, List<Access> accesses)
    {
        switch (operation)
        {
            case TxnPut put:
                accesses.Add(Access.To(Spaces.Keys, Verbs.Write, put.Key));
                AddLease(put.Lease, accesses);
                break;
            case TxnDelete delete:
                accesses.Add(
                    delete.IsPrefix
                        ? Access.ToPrefix(Spaces.Keys, Verbs.Write, delete.Key)
                        : Access.To(Spaces.Keys, Verbs.Write, delete.Key));
                break;
            case TxnGet get:
                accesses.Add(
                    get.IsPrefix ? Access.ToPrefix(Spaces.Keys, Verbs.Read, get.Key) : Access.To(Spaces.Keys, Verbs.Read, get.Key));
                break;
            default:
                Invariant.Unreachable<bool>(operation);
                break;
        }
    }

    private static void AddLease(LeaseId lease, List<Access> accesses)
    {
        if (!lease.IsNone)
        {
            accesses.Add(Access.ToLease(lease));
        }
    }
}
