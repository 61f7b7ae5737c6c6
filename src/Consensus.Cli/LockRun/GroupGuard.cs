using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Cli.LockRun;

/// <summary>
/// A tiny helper process that outlives this one: it waits on a pipe whose other end only this process holds, and when that end
/// closes without a word (this process was killed), it kills the group at once, for nobody renews its lock any more.
/// </summary>
internal sealed class GroupGuard : IDisposable
{
    /// <summary>First line: a greeting. Second line: the group. Third line: all is well. End of input instead of it: kill.</summary>
    private const string Script =
        """trap "" HUP INT TERM; read -r hello; read -r group || exit 0; read -r done || kill -s KILL -- "-$group" """;

    private readonly ChildProcess _process;
    private readonly FileStream _pipe;
    private bool _watches;
    private bool _dismissed;

    private GroupGuard(ChildProcess process, FileStream pipe)
    {
        _process = process;
        _pipe = pipe;
    }

    /// <exception cref="Win32Exception">It could not be started.</exception>
    public static unsafe GroupGuard Start()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.OpenCloseOnExec) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
        using var read = new SafeFileHandle(ends[0], ownsHandle: true);
        var write = new SafeFileHandle(ends[1], ownsHandle: true);
        try
        {
            var process = ChildProcess.StartInOwnSession(["/bin/sh", "-c", Script], ends[0]);
            var guard = new GroupGuard(process, new FileStream(write, FileAccess.Write, bufferSize: 0));
            // Also compiles this path now, so that next to no time passes between the command's start and Watch.
            guard.Say("hello\n");
            return guard;
        }
        catch (Win32Exception)
        {
            write.Dispose();
            throw;
        }
    }

    /// <summary>Tells the group; to be called right after its leader was started.</summary>
    public void Watch(int group)
    {
        Say(group.ToString(CultureInfo.InvariantCulture) + "\n");
        _watches = true;
    }

    /// <summary>
    /// Dismisses the guard: the group has ended, or never began. To be done before the group's leader is reaped. Again: nothing.
    /// </summary>
    public void Dispose()
    {
        if (_dismissed)
        {
            return;
        }
        _dismissed = true;
        if (_watches)
        {
            Say("done\n");
        }
        _pipe.Dispose();
        _ = _process.Reap();
    }

    private void Say(string line)
    {
        try
        {
            _pipe.Write(System.Text.Encoding.ASCII.GetBytes(line));
        }
        catch (IOException)
        {
            // The guard itself was killed: the lock is kept as well as before, only without this safety net.
        }
    }
}
