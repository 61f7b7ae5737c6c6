using Consensus.StateMachine.Policies;

namespace Consensus.Server.Auth;

/// <summary>
/// What an event stream needs to go on: judged when it began, and again by each later policy before it is told anything of that time.
/// </summary>
/// <param name="access">
/// Hangs on roles alone: whose a lease is never changes, and was judged at the beginning.
/// </param>
/// <param name="judgedBy">The policy that allowed it to begin.</param>
internal sealed class StreamRight(Actor actor, Access access, Policy judgedBy)
{
    private Policy _allowedBy = judgedBy;

    /// <summary>Costs a comparison while the policy is the same. By one caller at a time.</summary>
    /// <param name="present">As new as what is told next.</param>
    public bool IsAllowedBy(Policy present)
    {
        if (ReferenceEquals(present, _allowedBy))
        {
            return true;
        }
        if (present.Revision >= _allowedBy.Revision)
        {
            if (!Allows(present))
            {
                return false;
            }
            _allowedBy = present;
        }
        return true;
    }

    private bool Allows(Policy policy) => policy.Judge(actor, new ReadOnlySpan<Access>(in access)) is null;
}
