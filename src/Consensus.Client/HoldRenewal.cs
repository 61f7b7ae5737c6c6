namespace Consensus.Client;

/// <summary>What one renewal told its holder.</summary>
public enum HoldRenewalOutcome
{
    /// <summary>The hold lasts for its <see cref="HoldRenewal.Ttl"/>, counted from before this renewal was sent (rule 3).</summary>
    Renewed,

    /// <summary>The cluster said that the hold is over (410, 412 <c>not-holder</c>); no further renewal can help.</summary>
    Lost,

    /// <summary>Nothing certain was learnt: no answer, no leader, anything else. The hold may live on; try again.</summary>
    Unanswered,
}

/// <summary>The answer to one renewal; <see cref="Detail"/> is a sentence, empty when renewed.</summary>
public readonly record struct HoldRenewal(HoldRenewalOutcome Outcome, string Detail)
{
    /// <summary>
    /// For how long the hold lasts if it is not renewed again, counted from before this renewal was sent: what the answer says, which need not be what was asked for, for the lease may be
    /// a shared one, and a <c>maxHold</c> may end the hold before it. Zero unless renewed.
    /// </summary>
    public TimeSpan Ttl { get; init; }
}
