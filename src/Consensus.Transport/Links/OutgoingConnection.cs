using System.Net.Sockets;
using Consensus.Primitives;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Links;

/// <summary>
/// The sending side of one standing connection. Frames are copied into a buffer, and <see cref="Flush"/> hands the whole buffer to the
/// socket on the calling thread. Only when the socket takes less than all of it does a writer thread (started then) send the rest, while new
/// frames gather in a second buffer that it takes next; so the order holds and the common case has no hop between threads.
/// </summary>
/// <remarks>
/// <see cref="Send"/> and <see cref="Flush"/>: with the node's turn. <see cref="WaitUntilClosed"/>, <see cref="Dispose"/>: the link's thread.
/// <see cref="Close"/>: any. The lock is held during a send that cannot block, which is what keeps a closed socket from being used.
/// </remarks>
internal sealed class OutgoingConnection(Socket socket, long peerBoot, int maxQueuedBytes, int maxFrameBytes) : IDisposable
{
    private const int UsualSize = 64 * 1024;

    /// <summary>A larger buffer is given back when it is empty.</summary>
    private const int KeptSize = 4 * 1024 * 1024;

    private static readonly TimeSpan PollSlice = TimeSpan.FromSeconds(5);

    private readonly object _gate = new();
    private byte[] _gathering = new byte[UsualSize];
    private int _gathered;
    private byte[] _draining = new byte[UsualSize];

    /// <summary>Bytes of <see cref="_draining"/> that the writer has still to send; it owns the array while this is not 0.</summary>
    private int _left;

    /// <summary>Where in <see cref="_draining"/> the writer starts.</summary>
    private int _drainFrom;

    private Thread? _writer;
    private bool _closed;

    /// <summary>The process at the other end.</summary>
    public long PeerBoot { get; } = peerBoot;

    /// <summary>Copies a frame; false when the bound is reached or the connection is closed.</summary>
    public bool Send(ReadOnlySpan<byte> frame)
    {
        Invariant.Require(frame.Length <= maxFrameBytes, "the node sends no frame above the largest that a peer accepts");
        lock (_gate)
        {
            var size = FrameFormat.HeaderSize + frame.Length;
            if (_closed || (long)_gathered + _left + size > maxQueuedBytes)
            {
                return false;
            }
            if (_gathering.Length - _gathered < size)
            {
                Array.Resize(ref _gathering, (int)Math.Clamp(_gathering.Length * 2L, _gathered + size, Math.Max(maxQueuedBytes, _gathered + size)));
            }
            var target = _gathering.AsSpan(_gathered, size);
            frame.CopyTo(target[FrameFormat.HeaderSize..]);
            FrameFormat.WriteHeader(target, FrameFormat.LinkMagic, target[FrameFormat.HeaderSize..]);
            _gathered += size;
            return true;
        }
    }

    /// <summary>One write of all that gathered, unless the writer is busy: it takes them next.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_closed || _left > 0 || _gathered == 0)
            {
                return;
            }
            var sent = socket.Send(_gathering.AsSpan(0, _gathered), SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                CloseLocked();
            }
            else if (sent == _gathered)
            {
                _gathered = 0;
                _gathering = Trimmed(_gathering);
            }
            else
            {
                HandOver(sent);
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

    private static byte[] Trimmed(byte[] empty) => empty.Length > KeptSize ? new byte[UsualSize] : empty;

    private void CloseLocked()
    {
        if (!_closed)
        {
            _closed = true;
            SocketIo.Shutdown(socket);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The writer gets what gathered, of which <paramref name="sent"/> bytes went out already.</summary>
    private void HandOver(int sent)
    {
        (_gathering, _draining) = (_draining, _gathering);
        (_drainFrom, _left, _gathered) = (sent, _gathered - sent, 0);
        if (_writer is null)
        {
            _writer = new Thread(Drain) { IsBackground = true, Name = "peer writer" };
            _writer.Start();
        }
        else
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Drain()
    {
        while (true)
        {
            ReadOnlyMemory<byte> bytes;
            lock (_gate)
            {
                while (_left == 0 && !_closed)
                {
                    Monitor.Wait(_gate);
                }
                if (_closed)
                {
                    return;
                }
                bytes = _draining.AsMemory(_drainFrom, _left);
            }
            if (!DrainAll(bytes.Span))
            {
                Close();
                return;
            }
            lock (_gate)
            {
                // The loop may have flushed, and handed over again, between the last byte and here.
                if (_left == 0)
                {
                    _draining = Trimmed(_draining);
                    if (_gathered > 0 && !_closed)
                    {
                        HandOver(sent: 0);
                    }
                }
            }
        }
    }

    /// <summary>Sends it all, waiting as long as it takes: a peer that is gone is given up by the kernel, and <see cref="Close"/> ends the wait.</summary>
    private bool DrainAll(ReadOnlySpan<byte> bytes)
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
                _left -= sent;
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
