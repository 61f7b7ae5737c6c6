using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Cli.LockRun;

/// <summary>
/// One instant on the clock that counts suspension, kept by the kernel (timerfd_create(2)): another process that has the descriptor can wait for it, and the instant moves for
/// both when it is set anew. A read of 8 bytes blocks until it is reached.
/// </summary>
internal sealed unsafe class BootTimer : IDisposable
{
    private readonly SafeFileHandle _handle;
    private bool _isSet;

    private BootTimer(SafeFileHandle handle) => _handle = handle;

    public SafeFileHandle Handle => _handle;

    /// <summary>A timer that is not set.</summary>
    /// <exception cref="Win32Exception">The system has none.</exception>
    public static BootTimer Create()
    {
        var descriptor = Libc.CreateTimer(Libc.ClockBootTime, Libc.OpenCloseOnExec);
        return descriptor >= 0 ? new BootTimer(Descriptors.AboveStandard(descriptor)) : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Whether its instant has come. A timer that was reached is one that has no time left.</summary>
    public bool IsReached
    {
        get
        {
            Libc.TimerSetting left;
            Check(Libc.GetTimer(Descriptor, &left));
            return _isSet && left is { Seconds: 0, Nanoseconds: 0 };
        }
    }

    private int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Sets it to an instant, the time since the clock's start; one of the past is reached at once.</summary>
    /// <returns>True when the instant before was reached already.</returns>
    public bool Set(TimeSpan instant)
    {
        var ticks = Math.Max(instant.Ticks, 1);
        var setting = new Libc.TimerSetting
        {
            Seconds = ticks / TimeSpan.TicksPerSecond,
            Nanoseconds = ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
        };
        Libc.TimerSetting left;
        Check(Libc.SetTimer(Descriptor, Libc.TimerAbsolute, &setting, &left));
        var wasReached = _isSet && left is { Seconds: 0, Nanoseconds: 0 };
        _isSet = true;
        return wasReached;
    }

    public void Dispose() => _handle.Dispose();

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }
}
