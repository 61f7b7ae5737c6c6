namespace Consensus.StateMachine.Policies;

/// <summary>Why something is not allowed. The numbers are in snapshots and state hashes.</summary>
public enum DenialReason
{
    /// <summary>No rule of its roles covers it.</summary>
    NotAllowed = 1,

    /// <summary>The hold or the lease is another's.</summary>
    NotOwner = 2,

    /// <summary>The principal is disabled.</summary>
    Disabled = 3,

    /// <summary>The credential is revoked.</summary>
    Revoked = 4,
}

/// <param name="Missing">What was not allowed, as it was asked for; nothing where all is refused.</param>
public readonly record struct Denial(DenialReason Reason, Access Missing);
