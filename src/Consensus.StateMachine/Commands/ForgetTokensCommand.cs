namespace Consensus.StateMachine.Commands;

/// <summary>Tokens that ended long ago are forgotten: so many with each entry, and the next one goes on. The leader asks for it.</summary>
/// <param name="Now">In seconds since 1970, by the leader's clock.</param>
public sealed record ForgetTokensCommand(long Now) : Command;
