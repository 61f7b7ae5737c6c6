namespace Consensus.Cli.LockRun;

/// <summary>Exit codes of <c>lock run</c> beside the command's own and the usual ones of <see cref="ExitCode"/>.</summary>
internal static class LockRunExit
{
    /// <summary>The lock could not be kept, and the command was ended for it. As <c>timeout</c> says "ended by me".</summary>
    public const int LockNotKept = 124;

    /// <summary>Something of the command outlived SIGKILL, or its end could not be learnt.</summary>
    public const int CommandOutOfReach = 125;

    /// <summary>The command exists but cannot be run. As shells say it.</summary>
    public const int CannotRun = 126;

    /// <summary>There is no such command. As shells say it.</summary>
    public const int NotFound = 127;

    /// <summary>128 + the number of the signal that ended the command, or the wait for the lock.</summary>
    public static int BySignal(int signal) => 128 + signal;
}
