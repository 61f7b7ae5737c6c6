using System.Buffers;
using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Links;

/// <summary>
/// The sending side of one standing connection. Small frames are copied into a buffer, and <see cref="Flush"/> hands the whole buffer to the
/// socket on the calling thread. Only when the socket takes less than all of it, or when there is more, does a writer thread (started then) send the rest; until it is done, frames
/// wait in two lanes, of which the urgent one goes first. So each lane keeps its order, and the common case has no hop between threads.
/// </summary>
/// <remarks>
/// <see cref="Send"/> and <see cref="Flush"/>: with the node's turn. <see cref="WaitUntilClosed"/>, <see cref="Dispose"/>: the link's thread.
/// <see cref="Close"/>, <see cref="QueuedBytes"/>: any. The lock is held during a send that cannot block, which is what keeps a closed socket from being used.
/// </remarks>
internal sealed class OutgoingConnection(
    Socket socket, long peerBoot, int maxQueuedBytes, int maxFrameBytes, Action<string, Exception?> fatal) : IDisposable
{
    /// <summary>What <see cref="Flush"/> writes at most; larger frames, and what comes after them, are the writer's.</summary>
    private const int GatheredBytes = 64 * 1024;

    private static readonly TimeSpan PollSlice = TimeSpan.FromSeconds(5);

    private readonly object _gate = new();
    private readonly byte[] _gathering = new byte[GatheredBytes];
    private readonly FrameLane _urgent = new();
    private readonly FrameLane _bulk = new();
    private int _gathered;

    /// <summary>The writer's: what holds the bytes that it took and has still to send.</summary>
    private int _withWriter;

    /// <summary>What gathered and was not sent at once: the writer takes it before anything else.</summary>
    private FrameLane.Segment? _unsent;

    /// <summary>From when the writer is given something until nothing waits any more.</summary>
    private bool _writerIsBusy;
    private Thread? _writer;
    private bool _closed;

    /// <summary>The process at the other end.</summary>
    public long PeerBoot { get; } = peerBoot;

    /// <summary>Bytes that are held here for frames that wait for the network.</summary>
    public long QueuedBytes
    {
        get
        {
            lock (_gate)
            {
                return Queued;
            }
        }
    }

    private long Queued => _gathered + _withWriter + _urgent.HeldBytes + _bulk.HeldBytes;

    /// <summary>Something is in a lane, or with the writer: what comes now must not overtake it in its own lane.</summary>
    private bool IsBackedUp => _writerIsBusy || !_urgent.IsEmpty || !_bulk.IsEmpty;

    /// <summary>Copies a frame; false when the bound is reached or the connection is closed. The last tenth of the bound is for urgent frames.</summary>
    public bool Send(ReadOnlySpan<byte> frame, bool isUrgent)
    {
        Invariant.Require(frame.Length <= maxFrameBytes, "the node sends no frame above the largest that a peer accepts");
        lock (_gate)
        {
            var size = FrameFormat.HeaderSize + frame.Length;
            var lane = isUrgent ? _urgent : _bulk;
            var waits = IsBackedUp || _gathered + size > GatheredBytes;
            var cost = waits ? lane.Cost(size) : size;
            // One that is alone is taken, however large it is held.
            if (_closed || (Queued > 0 && cost > 0 && Queued + cost > (isUrgent ? maxQueuedBytes : maxQueuedBytes - (maxQueuedBytes / 10))))
            {
                return false;
            }
            var target = waits ? lane.Add(size) : Gather(size);
            frame.CopyTo(target[FrameFormat.HeaderSize..]);
            FrameFormat.WriteHeader(target, FrameFormat.LinkMagic, target[FrameFormat.HeaderSize..]);
            return true;
        }
    }

    /// <summary>One write of all that gathered; what it leaves, and what waits in the lanes, is the writer's.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_closed || _writerIsBusy || (_gathered == 0 && !IsBackedUp))
            {
                return;
            }
            var sent = 0;
            if (_gathered > 0)
            {
                sent = socket.Send(_gathering.AsSpan(0, _gathered), SocketFlags.None, out var error);
                if (error is not (SocketError.Success or SocketError.WouldBlock))
                {
                    CloseLocked();
                    return;
                }
            }
            var unsent = _gathering.AsSpan(sent, _gathered - sent);
            _gathered = 0;
            if (unsent.Length > 0 || IsBackedUp)
            {
                HandOver(unsent);
            }
        }
    }

    /// <summary>Returns when the connection is closed by either side. The other side has nothing to say on it: a byte from there closes it too.</summary>
    public void WaitUntilClosed()
    {
        Span<byte> unexpected = stackalloc byte[1];
        while (true)
        {
            if (!socket.Poll(PollSlice, SelectMode.SelectRead))
            {
                continue;
            }
            socket.Receive(unexpected, SocketFlags.None, out var error);
            if (error != SocketError.WouldBlock)
            {
                Close();
                return;
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            CloseLocked();
        }
    }

    public void Dispose()
    {
        Close();
        _writer?.Join();
        socket.Dispose();
    }

    private Span<byte> Gather(int size)
    {
        var room = _gathering.AsSpan(_gathered, size);
        _gathered += size;
        return room;
    }

    private void CloseLocked()
    {
        if (!_closed)
        {
            _closed = true;
            SocketIo.Shutdown(socket);
            Monitor.PulseAll(_gate);
        }
    }

    private void HandOver(ReadOnlySpan<byte> unsent)
    {
        _writerIsBusy = true;
        if (!unsent.IsEmpty)
        {
            _unsent = new FrameLane.Segment(ArrayPool<byte>.Shared.Rent(unsent.Length)) { Length = unsent.Length };
            unsent.CopyTo(_unsent.Bytes);
            _withWriter = _unsent.Bytes.Length;
        }
        if (_writer is null)
        {
            _writer = GuardedThread.Of("peer writer", Drain, fatal);
            _writer.Start();
        }
        else
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Drain()
    {
        while (Next() is { } segment)
        {
            if (!SendAll(segment.Bytes.AsSpan(0, segment.Length)))
            {
                Close();
                return;
            }
            ArrayPool<byte>.Shared.Return(segment.Bytes);
        }
    }

    /// <summary>What the writer sends next: what is begun, then what is urgent, then the rest. Null when the connection is closed.</summary>
    private FrameLane.Segment? Next()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                if (_writerIsBusy)
                {
                    var next = _unsent ?? _urgent.Take() ?? _bulk.Take();
                    _unsent = null;
                    if (next is not null)
                    {
                        _withWriter = next.Bytes.Length;
                        return next;
                    }
                    (_writerIsBusy, _withWriter) = (false, 0);
                }
                Monitor.Wait(_gate);
            }
            return null;
        }
    }

    /// <summary>Sends it all, waiting as long as it takes: a peer that is gone is given up by the kernel, and <see cref="Close"/> ends the wait.</summary>
    private bool SendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var sent = socket.Send(bytes, SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                return false;
            }
            bytes = bytes[sent..];
            lock (_gate)
            {
                if (_closed)
                {
                    return false;
                }
            }
            if (!bytes.IsEmpty)
            {
                socket.Poll(PollSlice, SelectMode.SelectWrite);
            }
        }
        return true;
    }
}
