namespace Consensus.Cli.LockRun;

/// <summary>Holds on until a signal says enough, then gives the hold back.</summary>
/// <param name="tell">Says that the hold is there.</param>
internal sealed class WaitForSignalWork(TimeProvider clock, Action tell) : IHeldWork
{
    public int Run(Hold hold, LockKeeper keeper, SignalRelay signals, HoldRelease release)
    {
        keeper.Start();
        try
        {
            tell();
        }
        catch (IOException)
        {
            // Nobody hears of the hold, so nobody can use it.
            keeper.Stop();
            release.Release();
            throw;
        }
        var interrupted = signals.Interrupted.WaitHandle;
        while (keeper.Lost is null && Left(hold, keeper) is var left && left > TimeSpan.Zero)
        {
            if (interrupted.WaitOne(Clocks.Slice(left)))
            {
                keeper.Stop();
                return release.Release() ? LockRunExit.BySignal(signals.ReceivedBefore) : LockRunExit.LockNotKept;
            }
        }
        keeper.Stop();
        release.Say($"{hold.Target.Description} could not be kept: {keeper.Reason}");
        if (keeper.Lost is null)
        {
            release.ReleaseSoon();
        }
        return LockRunExit.LockNotKept;
    }

    private TimeSpan Left(Hold hold, LockKeeper keeper) => hold.Schedule.KillAt(keeper.Deadline) - clock.SinceStart();
}
