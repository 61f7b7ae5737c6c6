using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// No hold ends but for a reason: its holder released it, handed it over, gave it back or withdrew its request, an operator broke it, its lease was revoked, or by the stamp of the entry that ends it
/// its lease or its <c>maxHold</c> was over (rule 2).
/// </summary>
internal static class HoldEnds
{
    public const string Name = "hold ends";

    public static void Saw(AppliedEntry entry, HoldStep step)
    {
        foreach (var hold in step.Ended)
        {
            Violation.Unless(HasReason(entry, hold), Name, () => $"{entry} ended {hold}");
        }
    }

    private static bool HasReason(AppliedEntry entry, Hold hold) => entry.Command switch
    {
        ReleaseHoldCommand release => release.Token == hold.Token || (release.Force && release.Token == FencingToken.None),
        HandOverCommand over => over.Token == hold.Token,
        CancelWaitCommand => true,
        WithdrawCommand => entry.Asked?.Withdraws is { } withdrawn && (withdrawn.HoldsAs == hold.Owner || entry.WithdrewLease(hold.Lease)),
        RevokeLeaseCommand revoke => revoke.Id == hold.Lease,
        ExpireCommand => hold.HoldUntil <= entry.Stamp || (entry.Before.GetLease(hold.Lease) is { } lease && lease.Deadline <= entry.Stamp),
        _ => false,
    };
}
