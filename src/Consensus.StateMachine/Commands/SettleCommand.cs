using Consensus.Primitives;

namespace Consensus.StateMachine.Commands;

/// <summary>
/// Ends all doubt about one number of a session: what came of it is told, or it is fenced for ever. A place in line that stands under it is given up. Idempotent; it has no
/// identity of its own, and no bound on bytes refuses it.
/// </summary>
/// <param name="Number">At least 1.</param>
public sealed record SettleCommand(LeaseId Session, long Number) : Command;
