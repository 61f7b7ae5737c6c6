using Consensus.Cli.Commands;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary><c>lock run</c> and its like: takes a hold, does some work under it, and gives it back. Linux only.</summary>
/// <param name="wait">How long to wait for it; null: as long as it takes.</param>
internal sealed class HoldRunner(
    IHoldTarget target, TimeProvider clock, CommandSession session, TimeSpan? wait, HoldSchedule schedule, IHeldWork work)
{
    private readonly TextWriter _error = session.Environment.Error;

    /// <returns>The exit code.</returns>
    /// <exception cref="OperationCanceledException">
    /// A signal came while the program started, before this took signals over: nothing was asked for. Later ones are for
    /// <see cref="SignalRelay"/>.
    /// </exception>
    public async Task<int> RunAsync()
    {
        using var signals = new SignalRelay();
        var before = session.Cancellation;
        session.Environment.Signals?.HandOver();
        // One that came before, and is told only now, must not be lost between the two.
        using var early = before.UnsafeRegister(_ => signals.Receive(session.Environment.Signals?.Number ?? Libc.SigTerm), null);
        OrphanReaper.StartWhereOrphansFall();
        before.ThrowIfCancellationRequested();
        using var client = new ConsensusClient(session.Client, HoldWait.Options(session.Options, clock));
        Hold hold;
        try
        {
            hold = await new HoldWait(target, client, clock, _error, session.Options, wait).AcquireAsync(schedule, signals.Interrupted);
        }
        catch (OperationCanceledException) when (signals.ReceivedBefore != 0)
        {
            if (!await Withdrawal.HasSettledAsync(client))
            {
                _error.WriteLine("consensusctl: " + Plain.OneLine(Withdrawal.Doubt(target.Description)));
            }
            return LockRunExit.BySignal(signals.ReceivedBefore);
        }
        catch (HoldNotGrantedException no)
        {
            _error.WriteLine("consensusctl: " + Plain.OneLine($"{target.Description} {no.Message}"));
            return no.ExitCode;
        }
        // On a thread of its own: it blocks until the work has ended.
        return await Task.Factory.StartNew(
            () => work.Run(hold, signals, new HoldRelease(hold, _error)),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }
}
