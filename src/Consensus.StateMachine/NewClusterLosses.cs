namespace Consensus.StateMachine;

/// <summary>What a backup loses when it becomes the state of a new cluster.</summary>
/// <param name="Keys">Keys that were tied to leases, and went with them.</param>
/// <param name="LiveTokens">
/// No loss, unless they were to be ended: tokens that are good at the time of the restore, be it again because they were revoked after the
/// backup was taken.
/// </param>
/// <param name="EndedTokens">Of these, how many were ended.</param>
public sealed record NewClusterLosses(long Leases, long Holds, long Waiters, long Keys, long LiveTokens = 0, long EndedTokens = 0);
