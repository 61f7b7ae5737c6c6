namespace Consensus.StateMachine;

/// <summary>What a backup loses when it becomes the state of a new cluster.</summary>
/// <param name="Keys">Keys that were tied to leases, and went with them.</param>
public sealed record NewClusterLosses(long Leases, long Holds, long Waiters, long Keys);
