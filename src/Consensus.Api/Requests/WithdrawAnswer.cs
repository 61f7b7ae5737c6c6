namespace Consensus.Api.Requests;

/// <summary>What became of a request that was withdrawn under its Idempotency-Key.</summary>
/// <param name="Outcome">One of <see cref="WithdrawOutcomes"/>.</param>
public sealed record WithdrawAnswer(string Outcome, long Revision);

public static class WithdrawOutcomes
{
    /// <summary>Nothing is held under it, and nothing will be.</summary>
    public const string Withdrawn = "withdrawn";

    /// <summary>What it had been granted was given back now, or had ended before.</summary>
    public const string Released = "released";

    /// <summary>It had an effect that stays.</summary>
    public const string Done = "done";
}
