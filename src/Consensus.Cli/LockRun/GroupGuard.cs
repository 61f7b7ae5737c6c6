using System.ComponentModel;
using System.Globalization;
using System.Text;

namespace Consensus.Cli.LockRun;

/// <summary>
/// A tiny helper process that kills the group where this one cannot. It waits on a pipe whose other end only this process holds: when that end closes (this process was
/// killed), nobody renews the hold any more. And it waits for the instant at which the group must be dead, by a timer of the kernel's that this process moves with each renewal:
/// a process that is stopped (SIGSTOP, a debugger) moves nothing, and ends nothing by itself.
/// </summary>
internal sealed class GroupGuard : IDisposable
{
    /// <summary>
    /// The first line of the pipe is a greeting, the second the group. A third never comes: after the end of input the guard itself ends with the group, so that it cannot kill
    /// a later group of that number. dd reads once what the timer gives (8 bytes), which the shell's own read, byte by byte, cannot.
    /// </summary>
    private const string Script = """
        trap "" HUP INT TERM
        exec 4<&0
        read -r hello; read -r group || exit 0
        { read -r end <&4 || { kill -s KILL -- "-$group"; kill -s KILL 0; }; } &
        dd bs=8 count=1 <&3 >/dev/null 2>&1 && kill -s KILL -- "-$group"
        wait
        """;

    private readonly Lock _gate = new();
    private readonly ChildProcess _process;
    private readonly FileStream _pipe;
    private readonly BootTimer _timer;
    private bool _hasStruck;
    private bool _dismissed;

    private GroupGuard(ChildProcess process, FileStream pipe, BootTimer timer)
    {
        _process = process;
        _pipe = pipe;
        _timer = timer;
    }

    /// <summary>Whether the time has come at which it kills the group, be it only for a moment before a renewal moved it. Not after it is dismissed.</summary>
    public bool HasStruck
    {
        get
        {
            lock (_gate)
            {
                return _hasStruck || _timer.IsReached;
            }
        }
    }

    /// <exception cref="Win32Exception">It could not be started.</exception>
    public static GroupGuard Start()
    {
        var timer = BootTimer.Create();
        try
        {
            var (read, write) = Descriptors.Pipe();
            using (read)
            {
                var pipe = new FileStream(write, FileAccess.Write, bufferSize: 0);
                try
                {
                    var process = ChildProcess.StartInOwnSession(
                        ["/bin/sh", "-c", Script], (int)read.DangerousGetHandle(), (int)timer.Handle.DangerousGetHandle());
                    var guard = new GroupGuard(process, pipe, timer);
                    // Also compiles this path now, so that next to no time passes between the command's start and Watch.
                    guard.Say("hello\n");
                    return guard;
                }
                catch (Win32Exception)
                {
                    pipe.Dispose();
                    throw;
                }
            }
        }
        catch (Win32Exception)
        {
            timer.Dispose();
            throw;
        }
    }

    /// <summary>Tells the group, and when it must be dead; to be called right after its leader was started.</summary>
    /// <param name="killAt">By the boot clock, since its start.</param>
    public void Watch(int group, TimeSpan killAt)
    {
        _timer.Set(killAt);
        Say(group.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    /// <summary>Another instant: the hold was renewed. On any thread; nothing once it is dismissed.</summary>
    public void MoveTo(TimeSpan killAt)
    {
        lock (_gate)
        {
            if (!_dismissed)
            {
                _hasStruck |= _timer.Set(killAt);
            }
        }
    }

    /// <summary>
    /// Dismisses the guard: the group has ended, or never began. To be done before the group's leader is reaped: when this returns, the guard kills nothing any more. Again: nothing.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_dismissed)
            {
                return;
            }
            _dismissed = true;
        }
        // With all that it started, which is in its group; the pipe is closed only when it cannot take that for this process's end.
        _ = Libc.Kill(-_process.Pid, Libc.SigKill);
        _ = _process.Reap();
        _pipe.Dispose();
        _timer.Dispose();
    }

    private void Say(string line)
    {
        try
        {
            _pipe.Write(Encoding.ASCII.GetBytes(line));
        }
        catch (IOException)
        {
            // The guard itself was killed: the hold is kept as well as before, only without this safety net.
        }
    }
}
