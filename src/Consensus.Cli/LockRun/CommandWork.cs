using System.ComponentModel;
using System.Globalization;

namespace Consensus.Cli.LockRun;

/// <summary>Runs a command in a process group of its own while the hold is kept; the hold is given back when the whole group has ended.</summary>
internal sealed class CommandWork(TimeProvider clock, IReadOnlyList<string> command) : IHeldWork
{
    public int Run(Hold hold, SignalRelay signals, HoldRelease release)
    {
        using var terminal = new ForegroundTerminal();
        GroupGuard guard;
        try
        {
            guard = GroupGuard.Start();
        }
        catch (Win32Exception failure)
        {
            release.Release();
            release.Say($"'{command[0]}' was not started, for its guard (/bin/sh) could not be: {failure.Message}.");
            return LockRunExit.CannotRun;
        }
        using (guard)
        {
            return Run(hold, signals, release, terminal, guard);
        }
    }

    private int Run(Hold hold, SignalRelay signals, HoldRelease release, ForegroundTerminal terminal, GroupGuard guard)
    {
        var killAt = hold.KillAt;
        try
        {
            if (signals.StartUnlessInterrupted(() => StartCommand(hold, guard, killAt), out var group) is not { } child || group is null)
            {
                if (signals.ReceivedBefore == 0)
                {
                    release.Say($"{hold.Target.Description} could not be kept, so '{command[0]}' was not started: {hold.Reason}");
                    release.ReleaseSoon();
                    return LockRunExit.LockNotKept;
                }
                release.ReleaseSoon();
                return LockRunExit.BySignal(signals.ReceivedBefore);
            }
            terminal.GiveTo(group);
            return Finish(hold, new LockSupervisor(clock, hold, child, group, terminal, guard, killAt).Run(), release);
        }
        catch (Win32Exception failure)
        {
            release.Release();
            release.Say($"'{command[0]}' could not be started: {failure.Message}.");
            return failure.NativeErrorCode == Libc.Enoent ? LockRunExit.NotFound : LockRunExit.CannotRun;
        }
    }

    /// <returns>Null: while the guard was started, or this machine slept, the hold was lost.</returns>
    private ChildProcess? StartCommand(Hold hold, GroupGuard guard, TimeSpan killAt)
    {
        if (hold.IsOver(clock))
        {
            return null;
        }
        var variables = new Dictionary<string, string>(hold.Target.Variables)
        {
            ["CONSENSUS_FENCING_TOKEN"] = hold.FencingToken.ToString(CultureInfo.InvariantCulture),
        };
        var child = ChildProcess.StartInOwnGroup(command, variables);
        guard.Watch(child.Pid, killAt);
        return child;
    }

    private int Finish(Hold hold, Supervision supervision, HoldRelease release)
    {
        switch (supervision.End)
        {
            case SupervisionEnd.GroupOutlived:
                // Not released: what still runs must not run beside the next holder, at least until the lease ends by itself.
                hold.Handle.Abandon();
                release.Say($"some process of '{command[0]}' could not be killed; {hold.Target.Description} is left to end with its lease.");
                return LockRunExit.CommandOutOfReach;
            case SupervisionEnd.LockNotKept:
                release.Say($"{hold.Target.Description} could not be kept, so '{command[0]}' was ended: {supervision.Reason}");
                release.ReleaseSoon();
                return LockRunExit.LockNotKept;
            default:
                return release.Release() ? supervision.Exit.ExitCode : LockRunExit.LockNotKept;
        }
    }
}
