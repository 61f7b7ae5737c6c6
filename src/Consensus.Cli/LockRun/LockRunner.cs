using System.ComponentModel;
using System.Globalization;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>
/// <c>lock run</c>: takes a lock, runs a command in a process group of its own while renewing the lock, and gives it back when the
/// whole group has ended. Linux only.
/// </summary>
internal sealed class LockRunner(ConsensusApiClient client, TimeProvider clock, TextWriter error, LockRunOptions options)
{
    private static readonly TimeSpan PatienceAfterTrouble = TimeSpan.FromSeconds(3);

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        using var signals = new SignalRelay();
        var acquirer = new LockAcquirer(client, clock, options);
        while (true)
        {
            Acquisition acquisition;
            try
            {
                acquisition = await acquirer.AcquireAsync(signals.Interrupted);
            }
            catch (OperationCanceledException) when (signals.ReceivedBefore != 0)
            {
                return LockRunExit.BySignal(signals.ReceivedBefore);
            }
            if (acquisition.Hold is not { } hold)
            {
                Say($"lock '{options.Name}' was not acquired: {acquisition.Message}");
                return acquisition.ExitCode;
            }
            // On a thread of its own: it blocks until the command has ended.
            var code = await Task.Factory.StartNew(
                () => Hold(hold, signals), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (code is { } final)
            {
                return final;
            }
            if (acquirer.IsOver)
            {
                Say($"lock '{options.Name}' was granted, but the answer came too late to use it.");
                return ExitCode.Unreachable;
            }
        }
    }

    /// <returns>The exit code; null when the grant came too late to be used and was given back.</returns>
    private int? Hold(Hold hold, SignalRelay signals)
    {
        LockSupervisor? supervisor = null;
        using var keeper = new LockKeeper(client, clock, hold, () => Volatile.Read(ref supervisor)?.Wake());
        if (!IsUsable(hold, keeper))
        {
            Release(hold, hold.Schedule.Ttl);
            return null;
        }
        using var terminal = new ForegroundTerminal();
        try
        {
            using var guard = GroupGuard.Start();
            if (signals.StartUnlessInterrupted(() => StartCommand(hold, guard), out var group) is not { } child || group is null)
            {
                Release(hold, hold.Schedule.Ttl);
                return LockRunExit.BySignal(signals.ReceivedBefore);
            }
            terminal.GiveTo(group);
            Volatile.Write(ref supervisor, new LockSupervisor(clock, hold.Schedule, child, group, terminal, guard));
            keeper.Start();
            return Finish(hold, keeper, supervisor.Run(keeper));
        }
        catch (Win32Exception failure)
        {
            Release(hold, hold.Schedule.Ttl);
            Say($"'{options.Command[0]}' could not be started: {failure.Message}.");
            return failure.NativeErrorCode == Libc.Enoent ? LockRunExit.NotFound : LockRunExit.CannotRun;
        }
    }

    /// <summary>
    /// Whether enough of the TTL is left to start with. A grant whose answer was long on its way (a retry got it) is renewed first.
    /// </summary>
    private bool IsUsable(Hold hold, LockKeeper keeper)
    {
        bool IsFresh() => keeper.Lost is null && clock.SinceStart() < hold.Schedule.TerminateAt(keeper.Deadline);
        return IsFresh() || (keeper.RenewOnce() && IsFresh());
    }

    private ChildProcess StartCommand(Hold hold, GroupGuard guard)
    {
        var variables = new Dictionary<string, string>
        {
            ["CONSENSUS_LOCK"] = hold.Name,
            ["CONSENSUS_FENCING_TOKEN"] = hold.FencingToken.ToString(CultureInfo.InvariantCulture),
        };
        var child = ChildProcess.StartInOwnGroup(options.Command, variables);
        guard.Watch(child.Pid);
        return child;
    }

    private int Finish(Hold hold, LockKeeper keeper, Supervision supervision)
    {
        keeper.Stop();
        switch (supervision.End)
        {
            case SupervisionEnd.GroupOutlived:
                // Not released: what still runs must not run beside the next holder, at least until the lease ends by itself.
                Say($"some process of '{options.Command[0]}' could not be killed; lock '{hold.Name}' is left to end with its lease.");
                return LockRunExit.CommandOutOfReach;
            case SupervisionEnd.LockNotKept:
                Say($"lock '{hold.Name}' could not be kept, so '{options.Command[0]}' was ended: {supervision.Reason}");
                if (keeper.Lost is null)
                {
                    // Whoever waits need not wait for what is left of the lease; but where nobody answers, it ends soon anyway.
                    Release(hold, PatienceAfterTrouble);
                }
                return LockRunExit.LockNotKept;
            default:
                return Release(hold, hold.Schedule.Ttl) ? supervision.Exit.ExitCode : LockRunExit.LockNotKept;
        }
    }

    /// <param name="patience">How long to try; past the TTL there is nothing to give back.</param>
    /// <returns>False when the cluster says that the hold had been lost before.</returns>
    private bool Release(Hold hold, TimeSpan patience)
    {
        using var expired = new CancellationTokenSource(patience);
        string failure;
        try
        {
            var result = client.ReleaseLockAsync(hold.Name, hold.FencingToken, expired.Token).GetAwaiter().GetResult();
            if (result.Succeeded)
            {
                return true;
            }
            failure = result.Problem.Detail;
            if (result.Problem.Kind == ApiFailureKind.Refused)
            {
                Say($"lock '{hold.Name}' was lost before it was released: {failure}");
                return false;
            }
        }
        catch (OperationCanceledException)
        {
            failure = "no member answered in time.";
        }
        Say($"lock '{hold.Name}' may not be released and then ends with its lease: {failure}");
        return true;
    }

    private void Say(string sentence) => error.WriteLine("consensusctl: " + sentence);
}
