using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// No principal takes all that there is for everybody: each has bounds of its own, while rights are judged. What waits already becomes a
/// hold, with a lease if it has one of its own, whatever its principal has by then.
/// </summary>
internal sealed class ShareRules(StateTables state, Applying entry, AccessRules access)
{
    /// <summary>The refusal of one more lease; null when there is room.</summary>
    public BoundReached? RefuseLease() =>
        access.Limits is { } limits && Own.Leases >= limits.LeasesWithin(state.Limits)
            ? new BoundReached(state.Revision, BoundKind.LeasesOfPrincipal, limits.LeasesWithin(state.Limits))
            : null;

    /// <summary>The refusal of so many more holds or waiting places; null when there is room.</summary>
    /// <param name="isLease">A lease for them as well.</param>
    public BoundReached? Refuse(int holds, bool isLease) =>
        access.Limits is not { } limits ? null
        : Own.Holds + holds > limits.HoldsWithin(state.Limits)
            ? new BoundReached(state.Revision, BoundKind.HoldsOfPrincipal, limits.HoldsWithin(state.Limits))
        : isLease ? RefuseLease()
        : null;

    /// <summary>
    /// As the bound of all, with the principal's own outcomes alone: its oldest make room, but never one younger than the promised time.
    /// Where the bound was lowered, they go in steps, more than one for each that comes.
    /// </summary>
    /// <returns>The refusal of an outcome that is to be kept; null when there is room.</returns>
    public BoundReached? RefuseKept()
    {
        if (access.Limits is not { } limits)
        {
            return null;
        }
        var bound = limits.IdempotencyBytesWithin(state.Limits);
        for (var step = 0; step < AnswerTable.ForgottenByOneCommand && Own.KeptBytes >= bound; step++)
        {
            if (state.Answers.ForgetOldestOf(entry.Principal, entry.Stamp) is > 0 and var left)
            {
                return new BoundReached(state.Revision, BoundKind.IdempotencyBytesOfPrincipal, bound)
                {
                    // This answer is remembered for its key for a while.
                    RetryAfterMicros = Math.Max(left, state.Limits.BriefKeepMicros + 1),
                };
            }
        }
        return null;
    }

    private Share Own => state.Shares.Of(entry.Principal);
}
