using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Consensus.Cli.LockRun;

/// <summary>How a child ended: by itself with a code, or by a signal.</summary>
internal readonly record struct ChildExit(int Code, bool BySignal)
{
    /// <summary>As a shell tells it: 128 + the signal's number for a killed child.</summary>
    public int ExitCode => BySignal ? 128 + Code : Code;
}

/// <summary>
/// A child of this process, started by posix_spawn (there is no fork in .NET). It stays unreaped until <see cref="Reap"/>, so that
/// neither its pid nor its process group's can be given to a stranger while signals are still sent to them.
/// </summary>
internal sealed class ChildProcess
{
    /// <summary>Held while a child is started or a stranger's child is reaped, so that no child's end is taken away before it is known as one.</summary>
    private static readonly Lock Gate = new();

    private static readonly HashSet<int> Unreaped = [];

    private ChildProcess(int pid) => Pid = pid;

    public int Pid { get; }

    /// <summary>Starts a command found on the PATH as the leader of a new process group.</summary>
    /// <exception cref="Win32Exception">It could not be started; the error code says why.</exception>
    public static unsafe ChildProcess StartInOwnGroup(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> variables) =>
        Start(command, variables, Libc.SpawnSetProcessGroup, null);

    /// <summary>Starts a command in a session, and so in a process group, of its own; its output is thrown away.</summary>
    /// <param name="input">The descriptor that is its standard input, above all standard ones.</param>
    /// <param name="third">The descriptor that is its number 3.</param>
    /// <exception cref="Win32Exception">It could not be started.</exception>
    public static unsafe ChildProcess StartInOwnSession(IReadOnlyList<string> command, int input, int third)
    {
        Libc.Opaque actions;
        Check(Libc.SpawnActionsInit(&actions));
        try
        {
            fixed (byte* nowhere = "/dev/null\0"u8)
            {
                Check(Libc.SpawnActionsDuplicate(&actions, input, 0));
                Check(Libc.SpawnActionsDuplicate(&actions, third, 3));
                Check(Libc.SpawnActionsOpen(&actions, 1, nowhere, Libc.OpenReadWrite, 0));
                Check(Libc.SpawnActionsOpen(&actions, 2, nowhere, Libc.OpenReadWrite, 0));
            }
            return Start(command, new Dictionary<string, string>(), Libc.SpawnSetSession, &actions);
        }
        finally
        {
            _ = Libc.SpawnActionsDestroy(&actions);
        }
    }

    /// <summary>Blocks until the child ends or is stopped; a stop is told once, an end stays to be reaped.</summary>
    /// <returns>The end, or null with the signal that stopped it.</returns>
    public unsafe ChildExit? WaitForChange(out int stoppedBy)
    {
        stoppedBy = 0;
        Libc.SignalInfo info;
        Wait(&info, Libc.WaitExited | Libc.WaitStopped | Libc.WaitNoReap);
        if (info.Code != Libc.ChildStopped)
        {
            return new ChildExit(info.Status, info.Code != Libc.ChildExited);
        }
        stoppedBy = info.Status;
        Libc.SignalInfo consumed;
        Wait(&consumed, Libc.WaitStopped | Libc.WaitNoHang);
        return null;
    }

    /// <summary>Waits for the end and frees the pid; null when the system reaped the child by itself (SIGCHLD ignored).</summary>
    public unsafe ChildExit? Reap()
    {
        try
        {
            Libc.SignalInfo info;
            Wait(&info, Libc.WaitExited);
            return new ChildExit(info.Status, info.Code != Libc.ChildExited);
        }
        catch (Win32Exception)
        {
            return null;
        }
        finally
        {
            lock (Gate)
            {
                Unreaped.Remove(Pid);
            }
        }
    }

    /// <summary>Reaps an ended child of this process, unless it was started here: then it is left to <see cref="Reap"/>.</summary>
    /// <returns>True when it was reaped.</returns>
    public static unsafe bool ReapForeign(int pid)
    {
        lock (Gate)
        {
            Libc.SignalInfo info;
            return !Unreaped.Contains(pid) && Libc.WaitId(Libc.IdTypePid, pid, &info, Libc.WaitExited | Libc.WaitNoHang) == 0;
        }
    }

    private unsafe void Wait(Libc.SignalInfo* info, int options)
    {
        *info = default;
        while (Libc.WaitId(Libc.IdTypePid, Pid, info, options) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Libc.Eintr)
            {
                throw new Win32Exception(error);
            }
        }
    }

    private static unsafe ChildProcess Start(
        IReadOnlyList<string> command, IReadOnlyDictionary<string, string> variables, short placement, Libc.Opaque* actions)
    {
        using var arguments = new NativeStrings(command);
        using var environment = new NativeStrings(variables);
        Libc.Opaque attributes;
        Check(Libc.SpawnAttributesInit(&attributes));
        try
        {
            // The runtime ignores SIGPIPE and may block signals, and this program ignores SIGTTOU; a command expects none of that.
            Libc.Opaque defaults;
            Libc.Opaque unblocked;
            _ = Libc.EmptySignalSet(&defaults);
            _ = Libc.AddToSignalSet(&defaults, Libc.SigPipe);
            _ = Libc.AddToSignalSet(&defaults, Libc.SigTtou);
            _ = Libc.EmptySignalSet(&unblocked);
            var flags = (short)(placement | Libc.SpawnSetDefaultSignals | Libc.SpawnSetSignalMask);
            Check(Libc.SpawnAttributesSetFlags(&attributes, flags));
            Check(Libc.SpawnAttributesSetDefaultSignals(&attributes, &defaults));
            Check(Libc.SpawnAttributesSetSignalMask(&attributes, &unblocked));
            if (placement == Libc.SpawnSetProcessGroup)
            {
                Check(Libc.SpawnAttributesSetGroup(&attributes, 0));
            }
            lock (Gate)
            {
                int pid;
                Check(Libc.Spawn(&pid, arguments.Array[0], actions, &attributes, arguments.Array, environment.Array));
                Unreaped.Add(pid);
                return new ChildProcess(pid);
            }
        }
        finally
        {
            _ = Libc.SpawnAttributesDestroy(&attributes);
        }
    }

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new Win32Exception(error);
        }
    }
}
