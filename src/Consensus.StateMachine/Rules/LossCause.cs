using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Rules;

/// <summary>Why a hold is lost.</summary>
/// <param name="By">Who did it, where somebody did.</param>
internal readonly record struct LossCause(LossReason Reason, string By)
{
    public static readonly LossCause Expired = new(LossReason.Expired, "");

    public static readonly LossCause HeldTooLong = new(LossReason.HeldTooLong, "");

    public static LossCause Revoked(string by) => new(LossReason.Revoked, by);

    public static LossCause Forced(string by) => new(LossReason.Forced, by);

    /// <summary>False when a command ended it that did not say its token, and does not tell it.</summary>
    public bool IsNamed { get; init; } = true;
}
