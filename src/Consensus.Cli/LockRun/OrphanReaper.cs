namespace Consensus.Cli.LockRun;

/// <summary>
/// Where this process is the one to which orphans fall (PID 1 of a container, or a "child subreaper"), nobody else learns of their ends: each would stay a zombie for as long as this
/// process runs, and a container has a bound on processes. What this process started itself is left to who waits for it. (SIGCHLD is no help: when it is asked for, the runtime reaps
/// every child by itself.)
/// </summary>
internal sealed class OrphanReaper
{
    /// <summary>Between two looks while there is no child, or an ended one of this process's own is still waited for by others.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly int _self = Libc.GetProcessId();

    private OrphanReaper()
    {
    }

    /// <summary>Reaps until the process ends, on a thread of its own; does nothing where orphans fall to another process.</summary>
    public static unsafe void StartWhereOrphansFall()
    {
        var isSubreaper = 0;
        if (Libc.GetProcessId() == 1 || (Libc.ProcessControl(Libc.GetChildSubreaper, &isSubreaper) == 0 && isSubreaper != 0))
        {
            new Thread(new OrphanReaper().Run) { IsBackground = true, Name = "orphan-reaper" }.Start();
        }
    }

    private unsafe void Run()
    {
        while (true)
        {
            Libc.SignalInfo info;
            if (Libc.WaitId(Libc.IdTypeAll, 0, &info, Libc.WaitExited | Libc.WaitNoReap) != 0 || Sweep() == 0)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    /// <returns>How many were reaped.</returns>
    private int Sweep() => ProcessEntry.All().Count(process => process.HasEnded && process.Parent == _self && ChildProcess.ReapForeign(process.Pid));
}
