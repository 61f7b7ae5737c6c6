using System.ComponentModel;
using System.Globalization;

namespace Consensus.Cli.LockRun;

/// <summary>Runs a command in a process group of its own while the hold is kept; the hold is given back when the whole group has ended.</summary>
internal sealed class CommandWork(TimeProvider clock, IReadOnlyList<string> command) : IHeldWork
{
    public int Run(Hold hold, LockKeeper keeper, SignalRelay signals, HoldRelease release)
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
            return Run(hold, keeper, signals, release, terminal, guard);
        }
    }

    private int Run(Hold hold, LockKeeper keeper, SignalRelay signals, HoldRelease release, ForegroundTerminal terminal, GroupGuard guard)
    {
        TimeSpan KillAt() => hold.Schedule.KillAt(keeper.Deadline);
        try
        {
            if (signals.StartUnlessInterrupted(() => StartCommand(hold, guard, KillAt()), out var group) is not { } child || group is null)
            {
                release.ReleaseSoon();
                return LockRunExit.BySignal(signals.ReceivedBefore);
            }
            terminal.GiveTo(group);
            var supervisor = new LockSupervisor(clock, hold.Schedule, child, group, terminal, guard);
            keeper.Changed = () =>
            {
                guard.MoveTo(KillAt());
                supervisor.Wake();
            };
            keeper.Start();
            return Finish(hold, keeper, supervisor.Run(keeper), release);
        }
        catch (Win32Exception failure)
        {
            release.Release();
            release.Say($"'{command[0]}' could not be started: {failure.Message}.");
            return failure.NativeErrorCode == Libc.Enoent ? LockRunExit.NotFound : LockRunExit.CannotRun;
        }
    }

    private ChildProcess StartCommand(Hold hold, GroupGuard guard, TimeSpan killAt)
    {
        var variables = new Dictionary<string, string>(hold.Target.Variables)
        {
            ["CONSENSUS_FENCING_TOKEN"] = hold.FencingToken.ToString(CultureInfo.InvariantCulture),
        };
        var child = ChildProcess.StartInOwnGroup(command, variables);
        guard.Watch(child.Pid, killAt);
        return child;
    }

    private int Finish(Hold hold, LockKeeper keeper, Supervision supervision, HoldRelease release)
    {
        keeper.Stop();
        switch (supervision.End)
        {
            case SupervisionEnd.GroupOutlived:
                // Not released: what still runs must not run beside the next holder, at least until the lease ends by itself.
                release.Say($"some process of '{command[0]}' could not be killed; {hold.Target.Description} is left to end with its lease.");
                return LockRunExit.CommandOutOfReach;
            case SupervisionEnd.LockNotKept:
                release.Say($"{hold.Target.Description} could not be kept, so '{command[0]}' was ended: {supervision.Reason}");
                if (keeper.Lost is null)
                {
                    release.ReleaseSoon();
                }
                return LockRunExit.LockNotKept;
            default:
                return release.Release() ? supervision.Exit.ExitCode : LockRunExit.LockNotKept;
        }
    }
}
