namespace Consensus.StateMachine.Commands;

/// <summary>
/// Takes back whatever was asked under an Idempotency-Key of the entry's principal: a waiting place is given up, what was granted is released, and what has not arrived yet
/// will do nothing. Effects of other kinds stay. Idempotent; it has no identity of its own, and no bound refuses it.
/// </summary>
/// <param name="IdempotencyKey">At least one byte.</param>
public sealed record WithdrawCommand(Key IdempotencyKey) : Command;
