using System.Runtime.InteropServices;

namespace Consensus.Node.Runtime;

/// <summary>
/// Lets one thread sleep until another wakes it. A wake-up that comes first is kept, at most one. May return early for no reason: the sleeper looks
/// again at what it waits for.
/// </summary>
/// <remarks>
/// On Linux a futex: one system call to sleep and one to wake, where the runtime's monitor takes five to seven for the same, and a lone commit
/// wakes a dozen threads over three members.
/// </remarks>
internal sealed unsafe partial class Parker
{
    private const int Empty = 0;
    private const int Notified = 1;
    private const int Parked = 2;

    private const int FutexWaitPrivate = 0 | 128;
    private const int FutexWakePrivate = 1 | 128;

    private static readonly nint FutexCall = OperatingSystem.IsLinux()
        ? RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 202,
            Architecture.Arm64 => 98,
            _ => -1,
        }
        : -1;

    private readonly object _gate = new();

    /// <summary>Pinned for good, so that the kernel may be told its address. Parkers live as long as the node.</summary>
    private readonly int[] _memory = GC.AllocateArray<int>(1, pinned: true);

    private ref int State => ref _memory[0];

    /// <summary>One thread at a time. False when it was woken; true, as a rule, when the time passed.</summary>
    public bool Park(long micros)
    {
        if (Interlocked.CompareExchange(ref State, Parked, Empty) == Empty)
        {
            if (FutexCall >= 0)
            {
                WaitOnFutex(micros);
            }
            else
            {
                WaitOnMonitor(micros);
            }
        }
        return Interlocked.Exchange(ref State, Empty) == Parked;
    }

    public void Unpark()
    {
        if (Interlocked.Exchange(ref State, Notified) != Parked)
        {
            return;
        }
        if (FutexCall >= 0)
        {
            Wake(FutexCall, Address, FutexWakePrivate, 1);
        }
        else
        {
            lock (_gate)
            {
                Monitor.Pulse(_gate);
            }
        }
    }

    private int* Address => (int*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);

    private void WaitOnFutex(long micros)
    {
        var timeout = new Timespec((nint)(micros / 1_000_000), (nint)(micros % 1_000_000 * 1000));
        // Returns at once when the state is not "parked" any more; its result says nothing that the caller would not see by looking.
        _ = Wait(FutexCall, Address, FutexWaitPrivate, Parked, &timeout);
    }

    private void WaitOnMonitor(long micros)
    {
        lock (_gate)
        {
            if (Volatile.Read(ref State) == Parked)
            {
                Monitor.Wait(_gate, TimeSpan.FromMicroseconds(micros));
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Timespec(nint seconds, nint nanoseconds)
    {
        public readonly nint Seconds = seconds;
        public readonly nint Nanoseconds = nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Wait(nint call, int* address, int operation, int expected, Timespec* timeout);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Wake(nint call, int* address, int operation, int count);
}
