using System.ComponentModel;

namespace Consensus.Cli.LockRun;

/// <summary>How a supervised command came to its end.</summary>
internal enum SupervisionEnd
{
    /// <summary>By itself, or by a signal that was passed on to it.</summary>
    CommandEnded,

    /// <summary>It was ended, because the lock was lost or could not be renewed in time.</summary>
    LockNotKept,

    /// <summary>Some process of the group outlived SIGKILL (one stuck in the kernel, or one that may not be signalled).</summary>
    GroupOutlived,
}

/// <summary>The end of a supervised command; <see cref="Reason"/> is a sentence, empty when it ended by itself.</summary>
internal readonly record struct Supervision(SupervisionEnd End, ChildExit Exit, string Reason);

/// <summary>
/// Watches over a running command and its lock, on the calling thread. The promise: when <see cref="Run"/> returns anything but
/// <see cref="SupervisionEnd.GroupOutlived"/>, the whole process group is dead; and it is dead before the lease can expire.
/// </summary>
internal sealed class LockSupervisor
{
    /// <summary>The grace left to a command whose lock is lost already: every moment may overlap with the next holder.</summary>
    private static readonly TimeSpan GraceWhenLost = TimeSpan.FromMilliseconds(500);

    /// <summary>How long to look for the end of processes that were sent SIGKILL.</summary>
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan GroupPoll = TimeSpan.FromMilliseconds(5);

    private readonly object _gate = new();
    private readonly TimeProvider _clock;
    private readonly Hold _hold;
    private readonly ChildProcess _child;
    private readonly ProcessGroup _group;
    private readonly ForegroundTerminal _terminal;
    private readonly GroupGuard? _guard;
    private TimeSpan _guardedUntil;
    private bool _ended;

    /// <param name="guardedUntil">When the guard kills the group as it stands.</param>
    public LockSupervisor(
        TimeProvider clock,
        Hold hold,
        ChildProcess child,
        ProcessGroup group,
        ForegroundTerminal terminal,
        GroupGuard? guard = null,
        TimeSpan guardedUntil = default)
    {
        _clock = clock;
        _hold = hold;
        _child = child;
        _group = group;
        _terminal = terminal;
        _guard = guard;
        _guardedUntil = guardedUntil;
    }

    /// <summary>Blocks until the command and its whole group have ended, and reaps the child.</summary>
    public Supervision Run()
    {
        new Thread(WaitForChild) { IsBackground = true, Name = "child-waiter" }.Start();
        var reason = WaitForEndOrTrouble();
        var grace = _hold.Schedule.Grace;
        var killAt = Min(_clock.SinceStart() + (_hold.Handle.IsEndedByCluster ? Min(grace, GraceWhenLost) : grace), _hold.KillAt);
        var dead = EndGroup(killAt);
        if (!dead && !HasEnded())
        {
            // The command itself is stuck: it can be neither reaped nor waited for.
            return new Supervision(SupervisionEnd.GroupOutlived, default, reason);
        }
        var hasGuardStruck = _guard is { HasStruck: true };
        _guard?.Dispose();
        _group.Close();
        var exit = _child.Reap() ?? new ChildExit(LockRunExit.CommandOutOfReach, BySignal: false);
        if (reason.Length == 0 && hasGuardStruck && exit is { BySignal: true, Code: Libc.SigKill })
        {
            // While this process was stopped, its guard did what it could not.
            reason = _hold.Reason;
        }
        return (dead, reason.Length) switch
        {
            (false, _) => new Supervision(SupervisionEnd.GroupOutlived, exit, reason),
            (true, 0) => new Supervision(SupervisionEnd.CommandEnded, exit, ""),
            _ => new Supervision(SupervisionEnd.LockNotKept, exit, reason),
        };
    }

    /// <returns>Why the lock cannot be kept; empty when the command ended first.</returns>
    private string WaitForEndOrTrouble()
    {
        // A loss that the cluster tells is acted on at once, not at the next look.
        using var lost = _hold.Handle.HandleLost.UnsafeRegister(static supervisor => ((LockSupervisor)supervisor!).Wake(), this);
        _hold.Handle.OnRenewed(Wake);
        lock (_gate)
        {
            while (!_ended)
            {
                if (_hold.IsOver(_clock))
                {
                    return _hold.Reason;
                }
                FollowRenewals();
                Monitor.Wait(_gate, Clocks.Slice(_hold.TerminateAt - _clock.SinceStart()));
            }
            return "";
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The guard's time moves with each renewal, and never before it.</summary>
    private void FollowRenewals()
    {
        var killAt = _hold.KillAt;
        if (killAt > _guardedUntil)
        {
            _guardedUntil = killAt;
            _guard?.MoveTo(killAt);
        }
    }

    /// <summary>
    /// SIGTERM to whatever of the group still runs, SIGKILL at <paramref name="killAt"/>. A process that was stopped is woken, so that
    /// it can act on the SIGTERM.
    /// </summary>
    /// <returns>True when the whole group is dead.</returns>
    private bool EndGroup(TimeSpan killAt)
    {
        if (_group.Living().Count == 0)
        {
            return true;
        }
        if (_clock.SinceStart() < killAt)
        {
            _group.Signal(Libc.SigTerm);
            _group.Signal(Libc.SigCont);
            if (WaitUntilDead(killAt, orLost: true))
            {
                return true;
            }
        }
        _group.Signal(Libc.SigKill);
        return WaitUntilDead(_clock.SinceStart() + KillPatience);
    }

    /// <param name="orLost">Ends it sooner when the cluster tells that the hold is somebody else's by now.</param>
    private bool WaitUntilDead(TimeSpan until, bool orLost = false)
    {
        while (_group.Living().Count > 0)
        {
            if (orLost && _hold.Handle.IsEndedByCluster)
            {
                (until, orLost) = (Min(until, _clock.SinceStart() + GraceWhenLost), false);
            }
            var left = until - _clock.SinceStart();
            if (left <= TimeSpan.Zero)
            {
                return false;
            }
            Thread.Sleep(Min(left, GroupPoll));
        }
        return true;
    }

    private bool HasEnded()
    {
        lock (_gate)
        {
            return _ended;
        }
    }

    private void WaitForChild()
    {
        try
        {
            while (_child.WaitForChange(out var stoppedBy) is null)
            {
                _terminal.HandleStop(_group, stoppedBy);
            }
        }
        catch (Win32Exception)
        {
            // No such child any more: the system was told to reap children by itself (SIGCHLD ignored). It has ended all the same.
        }
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
