namespace Consensus.Cli.LockRun;

/// <summary>
/// Hands the terminal to a command's process group, as a shell does, so that it can read from it and gets its Ctrl-C; takes it back at the
/// end. Does nothing where standard input is no terminal, or where this process runs in the background.
/// </summary>
internal sealed class ForegroundTerminal : IDisposable
{
    private const int StandardInput = 0;

    private readonly int _own = Libc.GetProcessGroup();
    private readonly bool _active;

    public ForegroundTerminal()
    {
        _active = Libc.IsTerminal(StandardInput) == 1 && Libc.GetForegroundGroup(StandardInput) == _own;
    }

    /// <summary>Lends the terminal to a group and wakes those of its processes that asked for it too early and were stopped.</summary>
    public void GiveTo(ProcessGroup group)
    {
        if (_active)
        {
            SetForeground(group.Id);
            group.Signal(Libc.SigCont);
        }
    }

    /// <summary>
    /// What to do when the command was stopped. From the keyboard (Ctrl-Z): a lock's holder cannot pause, the shell would wait for us
    /// for ever; it goes on. For want of the terminal that is ours to give: it gets it. Any other stop is its sender's wish.
    /// </summary>
    /// <returns>True when it was told to go on.</returns>
    public bool HandleStop(ProcessGroup group, int signal)
    {
        if (!_active || signal is not (Libc.SigTstp or Libc.SigTtin or Libc.SigTtou))
        {
            return false;
        }
        GiveTo(group);
        return true;
    }

    public void Dispose()
    {
        if (_active)
        {
            SetForeground(_own);
        }
    }

    private static unsafe void SetForeground(int group)
    {
        // From the background this call raises SIGTTOU, which would stop us; blocked in this thread, it does not.
        Libc.Opaque blocked;
        Libc.Opaque before;
        _ = Libc.EmptySignalSet(&blocked);
        _ = Libc.AddToSignalSet(&blocked, Libc.SigTtou);
        _ = Libc.ThreadSignalMask(Libc.SignalMaskBlock, &blocked, &before);
        _ = Libc.SetForegroundGroup(StandardInput, group);
        _ = Libc.ThreadSignalMask(Libc.SignalMaskSet, &before, null);
    }
}
