namespace Consensus.Cli.LockRun;

/// <summary>What is done while something is held.</summary>
internal interface IHeldWork
{
    /// <summary>Does the work on the calling thread, keeps the hold meanwhile, and gives it back when the work has ended.</summary>
    /// <param name="keeper">Not started yet.</param>
    /// <returns>The exit code.</returns>
    int Run(Hold hold, LockKeeper keeper, SignalRelay signals, HoldRelease release);
}
