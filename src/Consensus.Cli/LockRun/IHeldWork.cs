namespace Consensus.Cli.LockRun;

/// <summary>What is done while something is held.</summary>
internal interface IHeldWork
{
    /// <summary>Does the work on the calling thread, for as long as the hold lasts, and gives it back when the work has ended.</summary>
    /// <returns>The exit code.</returns>
    int Run(Hold hold, SignalRelay signals, HoldRelease release);
}
