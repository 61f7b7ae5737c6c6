namespace Consensus.StateMachine.Commands;

/// <summary>
/// What may not wait behind bulk: what keeps alive, what gives back what others wait for, and what the leader logs for time that passed. Whoever asks for it has little time, and it
/// is small. Deletions are not among it, although they always pass: nobody loses anything by waiting for them.
/// </summary>
public static class Urgency
{
    /// <summary>An encoded command above this is bulk whatever it does: an election's new value.</summary>
    public const int MaxBytes = 8 * 1024;

    public static bool Of(Command command) => command is
        RenewLeasesCommand or RenewHoldCommand
        or ReleaseHoldCommand or RevokeLeaseCommand or HandOverCommand or CancelWaitCommand or WithdrawCommand or SettleCommand
        or ExpireCommand or DetachWaitersCommand or DetachRequestsCommand or NoteLeaderlessCommand;
}
