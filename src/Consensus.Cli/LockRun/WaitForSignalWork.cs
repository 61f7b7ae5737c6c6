namespace Consensus.Cli.LockRun;

/// <summary>Holds on until a signal says enough, then gives the hold back.</summary>
/// <param name="tell">Says that the hold is there.</param>
internal sealed class WaitForSignalWork(TimeProvider clock, Action tell) : IHeldWork
{
    public int Run(Hold hold, SignalRelay signals, HoldRelease release)
    {
        try
        {
            tell();
        }
        catch (IOException)
        {
            // Nobody hears of the hold, so nobody can use it.
            release.Release();
            throw;
        }
        var interrupted = signals.Interrupted.WaitHandle;
        while (!hold.IsOver(clock))
        {
            if (interrupted.WaitOne(Clocks.Slice(hold.TerminateAt - clock.SinceStart())))
            {
                return release.Release() ? LockRunExit.BySignal(signals.ReceivedBefore) : LockRunExit.LockNotKept;
            }
        }
        release.Say($"{hold.Target.Description} could not be kept: {hold.Reason}");
        release.ReleaseSoon();
        return LockRunExit.LockNotKept;
    }
}
