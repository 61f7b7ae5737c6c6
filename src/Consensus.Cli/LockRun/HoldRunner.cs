using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary><c>lock run</c> and its like: takes a hold, does some work under it, and gives it back. Linux only.</summary>
/// <param name="wait">How long to wait for it; null: as long as it takes.</param>
/// <param name="grace">From SIGTERM to SIGKILL when it cannot be kept; null: as <see cref="HoldSchedule"/> says.</param>
internal sealed class HoldRunner(
    IHoldTarget target, TimeProvider clock, CliEnvironment environment, ConsensusClientOptions options, TimeSpan? wait, TimeSpan? grace, IHeldWork work)
{
    private readonly TextWriter _error = environment.Error;

    /// <param name="before">Cancelled by a signal that came while the program started, before this took signals over; later ones are for <see cref="SignalRelay"/>.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="OperationCanceledException">Such a signal came; nothing was asked for.</exception>
    public async Task<int> RunAsync(CancellationToken before)
    {
        using var signals = new SignalRelay();
        environment.Signals?.HandOver();
        // One that came before, and is told only now, must not be lost between the two.
        using var early = before.UnsafeRegister(_ => signals.Receive(environment.Signals?.Number ?? Libc.SigTerm), null);
        OrphanReaper.StartWhereOrphansFall();
        before.ThrowIfCancellationRequested();
        var acquirer = new LockAcquirer(target, clock, _error, options, wait, grace);
        while (true)
        {
            Acquisition acquisition;
            try
            {
                acquisition = await acquirer.AcquireAsync(signals.Interrupted);
            }
            catch (OperationCanceledException) when (signals.ReceivedBefore != 0)
            {
                if (!await acquirer.WithdrawAsync())
                {
                    _error.WriteLine("consensusctl: " + Plain.OneLine(Withdrawal.Doubt(target.Description)));
                }
                return LockRunExit.BySignal(signals.ReceivedBefore);
            }
            if (acquisition.Hold is not { } hold)
            {
                _error.WriteLine("consensusctl: " + Plain.OneLine($"{target.Description} was not acquired: {acquisition.Message}"));
                return acquisition.ExitCode;
            }
            // On a thread of its own: it blocks until the work has ended.
            var code = await Task.Factory.StartNew(
                () => Hold(hold, signals), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (code is { } final)
            {
                return final;
            }
            if (acquirer.IsOver)
            {
                _error.WriteLine($"consensusctl: {Plain.OneLine(target.Description)} was granted, but the answer came too late to use it.");
                return ExitCode.Unreachable;
            }
        }
    }

    /// <returns>The exit code; null when the grant came too late to be used and was given back.</returns>
    private int? Hold(Hold hold, SignalRelay signals)
    {
        using var keeper = new LockKeeper(clock, hold);
        var release = new HoldRelease(hold, _error);
        if (!IsUsable(hold, keeper))
        {
            if (hold.IsEnd(hold.Deadline))
            {
                release.Say($"{hold.Target.Description} was granted, but no time is sure to be left of its --max-hold: it is given back.");
            }
            release.Release();
            return null;
        }
        return work.Run(hold, keeper, signals, release);
    }

    /// <summary>
    /// Whether enough of the TTL is left to start with. A grant whose answer was long on its way (a retry got it) is renewed first.
    /// </summary>
    private bool IsUsable(Hold hold, LockKeeper keeper)
    {
        bool IsFresh() => keeper.Lost is null && clock.SinceStart() < hold.Schedule.TerminateAt(keeper.Deadline);
        return IsFresh() || (keeper.RenewOnce() && IsFresh());
    }
}
