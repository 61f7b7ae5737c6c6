using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>Tells what each entry did with each object that can be held, by comparing the states before and after it.</summary>
internal sealed class HoldSteps
{
    private readonly SortedSet<ObjectName> _objects = [];

    /// <summary>The objects with which the entry did, or could have done, something.</summary>
    public IReadOnlyList<HoldStep> Of(AppliedEntry entry) => entry.Command switch
    {
        AcquireCommand c => Around(entry, c.Object),
        RenewHoldCommand => entry.Before.Counts.Waiters > 0 ? OfAll(entry) : [],
        ReleaseHoldCommand c => Around(entry, c.Object),
        HandOverCommand c => Around(entry, c.Object),
        ChangePermitsCommand c => Of(entry, ObjectName.Semaphore(c.Name)),
        CancelWaitCommand c => Around(entry, c.Object),
        AcquireManyCommand c => Around(entry, [.. c.Names.Select(ObjectName.Lock)]),
        RenewLeasesCommand => entry.Before.Counts.Waiters > 0 ? OfAll(entry) : [],
        WithdrawCommand or SettleCommand or RevokeLeaseCommand or ExpireCommand or DetachWaitersCommand or DetachRequestsCommand or AnnounceMemberCommand or ForgetMemberCommand => OfAll(entry),
        _ => [],
    };

    /// <summary>The named objects, and others with which something happened: who waited for several locks is granted all of them.</summary>
    private List<HoldStep> Around(AppliedEntry entry, params ObjectName[] named) =>
    [
        .. named.SelectMany(name => Of(entry, name)),
        .. OfAll(entry).Where(step => step.Begun.Count + step.Ended.Count > 0 && !named.Contains(step.Name)),
    ];

    private List<HoldStep> OfAll(AppliedEntry entry) => [.. _objects.ToList().SelectMany(name => Of(entry, name))];

    private IReadOnlyList<HoldStep> Of(AppliedEntry entry, ObjectName name)
    {
        _objects.Add(name);
        var (before, after) = (entry.Before.GetObject(name), entry.After.GetObject(name));
        if (before.HolderCount + before.WaiterCount + after.HolderCount + after.WaiterCount == 0)
        {
            return [new HoldStep(name, before, after, [], [])];
        }
        var (had, has) = (TokensOf(before), TokensOf(after));
        return [new HoldStep(
            name,
            before,
            after,
            [.. after.Holders.Where(hold => !had.Contains(hold.Token.Value))],
            [.. before.Holders.Where(hold => !has.Contains(hold.Token.Value))])];
    }

    private static HashSet<long> TokensOf(HeldObject info) => [.. info.Holders.Select(hold => hold.Token.Value)];
}
