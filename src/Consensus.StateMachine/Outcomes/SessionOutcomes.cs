using Consensus.Primitives;

namespace Consensus.StateMachine.Outcomes;

/// <summary>Why a session does not take a number. The numbers are in state hashes.</summary>
public enum SessionRefusal
{
    /// <summary>It ended, or never was: this attempt did nothing, and what came of the request is unknown. 410.</summary>
    Ended = 1,

    /// <summary>The request acknowledges its own answer. 400.</summary>
    AcknowledgesItself = 2,

    /// <summary>So many numbers may be unacknowledged, and this one is further on. 429.</summary>
    TooFarAhead = 3,

    /// <summary>The answers that are not acknowledged have so many bytes. 429.</summary>
    Full = 4,

    /// <summary>It asks for a hold that would not end with the session. 400.</summary>
    OtherLease = 5,

    /// <summary>The quota of the state is used up, so that no answer could be kept. 507.</summary>
    QuotaUsed = 6,
}

/// <summary>The session did not take the number; nothing was done, and nothing of it is kept: another attempt of the same number is judged anew.</summary>
/// <param name="Limit">Of <see cref="SessionRefusal.TooFarAhead"/>, <see cref="SessionRefusal.Full"/> and <see cref="SessionRefusal.QuotaUsed"/>, else 0.</param>
public sealed record SessionRefused(Revision Revision, LeaseId Session, SessionRefusal Reason, long Limit) : Outcome(Revision);

/// <summary>What is settled of a number. The numbers are in state hashes.</summary>
public enum SettleResult
{
    /// <summary>It was done.</summary>
    Done = 1,

    /// <summary>It was refused, and stays so.</summary>
    Refused = 2,

    /// <summary>It was not done, and it never will be.</summary>
    NotDone = 3,
}

/// <summary>The answer to a <see cref="Commands.SettleCommand"/>.</summary>
/// <param name="First">What the request was told, of holds as they are now; null when it was not done, or is not known but for that it was done.</param>
public sealed record Settled(Revision Revision, SettleResult Result, Outcome? First) : Outcome(Revision);
