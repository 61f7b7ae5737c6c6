using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Consensus.Benchmarks.Generator;

/// <summary>
/// Level-triggered readiness of many sockets for one thread, through epoll(7). One thread and no queue between the kernel and
/// the client's script: the generator must take as little as it can of the cores that the servers need.
/// </summary>
internal sealed unsafe class EventPoll : IDisposable
{
    private const int Capacity = 512;

    // struct epoll_event is packed on x86-64 only: 32 bits of events, then 64 bits of the caller's data.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = EventSize - 8;

    private readonly int _descriptor;
    private readonly byte* _events;

    public EventPoll()
    {
        _descriptor = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (_descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        _events = (byte*)NativeMemory.AllocZeroed(Capacity, (nuint)EventSize);
    }

    /// <summary>Reports <paramref name="id"/> whenever <paramref name="descriptor"/> can be read, until it is closed.</summary>
    public void Add(int descriptor, int id)
    {
        var epollEvent = stackalloc byte[16];
        *(uint*)epollEvent = Libc.EpollIn;
        *(long*)(epollEvent + DataOffset) = id;
        if (Libc.EpollControl(_descriptor, Libc.EpollAdd, descriptor, epollEvent) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Waits until something can be read or the time is over, and answers how many ids <see cref="Id"/> now tells.</summary>
    public int Wait(int timeoutMs)
    {
        var count = Libc.EpollWait(_descriptor, _events, Capacity, timeoutMs);
        if (count >= 0)
        {
            return count;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == Libc.Interrupted ? 0 : throw new Win32Exception(error);
    }

    public int Id(int index) => (int)*(long*)(_events + (index * EventSize) + DataOffset);

    public void Dispose()
    {
        _ = Libc.Close(_descriptor);
        NativeMemory.Free(_events);
    }
}
