using Consensus.Primitives;

namespace Consensus.StateMachine.Outcomes;

/// <summary>What became of a request that was withdrawn. The numbers are in state hashes.</summary>
public enum WithdrawResult
{
    /// <summary>Nothing is held under it, and nothing will be.</summary>
    Withdrawn = 1,

    /// <summary>What it had been granted was given back now, or had ended before.</summary>
    Released = 2,

    /// <summary>It had an effect that stays.</summary>
    Done = 3,
}

/// <summary>The answer to a <see cref="Commands.WithdrawCommand"/>.</summary>
public sealed record Withdrawn(Revision Revision, WithdrawResult Result) : Outcome(Revision);

/// <summary>The answer to every attempt of a request that was withdrawn, also to the one that waited until then; nothing is held under it. 409.</summary>
public sealed record RequestWithdrawn(Revision Revision) : Outcome(Revision);
