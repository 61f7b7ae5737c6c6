using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Framing;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Links;

/// <summary>
/// The sending side of one standing connection. Small frames are copied into a buffer, and <see cref="Flush"/> hands the whole buffer to the
/// socket on the calling thread. Only when the socket takes less than all of it, or when there is more, does a writer thread (started then) send the rest; until it is done, frames
/// wait in two lanes, of which the urgent one goes first. So each lane keeps its order, and the common case has no hop between threads.
/// Under TLS the same bytes are sealed first, by whoever sends them: sealing never waits.
/// </summary>
/// <remarks>
/// <see cref="Send"/> and <see cref="Flush"/>: with the node's turn. <see cref="WaitUntilClosed"/>, <see cref="Finish"/>,
/// <see cref="Dispose"/>: the link's thread.
/// <see cref="Close"/>, <see cref="QueuedBytes"/>: any. The lock is held during a send that cannot block, which is what keeps a closed socket from being used.
/// </remarks>
internal sealed class OutgoingConnection(
    PeerConnection connection, long peerBoot, int maxQueuedBytes, int maxFrameBytes, Action<string, Exception?> fatal) : IDisposable
{
    /// <summary>What <see cref="Flush"/> writes at most; larger frames, and what comes after them, are the writer's.</summary>
    private const int GatheredBytes = 64 * 1024;

    private static readonly TimeSpan PollSlice = TimeSpan.FromSeconds(5);

    /// <summary>As <see cref="PollSlice"/> for a link that may have to be renewed.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Socket _socket = connection.Socket;
    private readonly PeerTls? _tls = connection.Tls;
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

    /// <summary>Nothing more is taken; what was goes out.</summary>
    private bool _isFinishing;

    /// <summary>The process at the other end.</summary>
    public long PeerBoot { get; } = peerBoot;

    /// <summary>Why the other side is not believed any more; null while it is.</summary>
    public string? Doubt => connection.Doubt;

    /// <summary>Records that its key has sealed; 0 without TLS.</summary>
    public long SealedRecords => _tls?.SealedRecords ?? 0;

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
            var bound = isUrgent ? maxQueuedBytes : maxQueuedBytes - (maxQueuedBytes / 10);
            if (_closed || _isFinishing || (Queued > 0 && cost > 0 && Queued + cost > bound))
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
            ReadOnlySpan<byte> unsent = _gathering.AsSpan(0, _gathered);
            if (_gathered > 0)
            {
                if (!TrySeal(unsent, out unsent) || !TrySend(ref unsent))
                {
                    CloseLocked();
                    return;
                }
            }
            _gathered = 0;
            if (unsent.Length > 0 || IsBackedUp)
            {
                HandOver(unsent);
            }
        }
    }

    /// <summary>
    /// Returns true when the connection is closed by either side. The other side has nothing to say on it: a byte from there closes it too.
    /// Returns false, under TLS only, when <paramref name="hasCause"/>, which is asked about once a second, has something else for this
    /// thread to do.
    /// </summary>
    public bool WaitUntilClosed(Func<PeerTls, bool> hasCause)
    {
        Span<byte> unexpected = stackalloc byte[1];
        while (true)
        {
            if (!_socket.Poll(_tls is null ? PollSlice : LookEvery, SelectMode.SelectRead))
            {
                if (_tls is not null && hasCause(_tls))
                {
                    return false;
                }
                continue;
            }
            // What of TLS itself comes after a handshake came before the Welcome: news of any kind is the end.
            if (_tls is not null)
            {
                Close();
                return true;
            }
            _socket.Receive(unexpected, SocketFlags.None, out var error);
            if (error != SocketError.WouldBlock)
            {
                Close();
                return true;
            }
        }
    }

    /// <summary>
    /// Takes no frame any more, sends those that it took, and waits for the other side to say that all of them arrived. False when that is
    /// not known: then frames may be lost, as when a link breaks. Under TLS only.
    /// </summary>
    public bool Finish(Deadline deadline)
    {
        lock (_gate)
        {
            _isFinishing = true;
        }
        Flush();
        lock (_gate)
        {
            while (!_closed && (_writerIsBusy || _gathered > 0 || IsBackedUp))
            {
                if (!Monitor.Wait(_gate, deadline.Remaining))
                {
                    return false;
                }
            }
        }
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
        Span<byte> word = stackalloc byte[IncomingLink.LastWordBytes];
        return connection.Receive(word, deadline) == IoResult.Done && BinaryPrimitives.ReadInt64LittleEndian(word) == _tls!.SealedBytes;
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
        connection.Dispose();
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
            connection.Shutdown();
            Monitor.PulseAll(_gate);
        }
    }

    private void HandOver(ReadOnlySpan<byte> unsent)
    {
        _writerIsBusy = true;
        if (!unsent.IsEmpty)
        {
            _unsent = new FrameLane.Segment(ArrayPool<byte>.Shared.Rent(unsent.Length)) { Length = unsent.Length, IsSealed = true };
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
            if (!SendAll(segment))
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
                    Monitor.PulseAll(_gate);
                }
                Monitor.Wait(_gate);
            }
            return null;
        }
    }

    /// <summary>
    /// What goes out for these bytes: under TLS what it makes of them, which is sent before anything else is sealed; else they themselves.
    /// </summary>
    private bool TrySeal(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> outgoing)
    {
        outgoing = bytes;
        return _tls is null || _tls.TrySeal(bytes, out outgoing);
    }

    /// <summary>
    /// As much as the network takes now; what is left stays in <paramref name="bytes"/>. False when the connection failed.
    /// </summary>
    private bool TrySend(ref ReadOnlySpan<byte> bytes)
    {
        var sent = _socket.Send(bytes, SocketFlags.None, out var error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            return false;
        }
        bytes = bytes[sent..];
        return true;
    }

    private bool SendAll(FrameLane.Segment segment)
    {
        ReadOnlySpan<byte> bytes = segment.Bytes.AsSpan(0, segment.Length);
        if (_tls is null || segment.IsSealed)
        {
            return SendAll(bytes);
        }
        // In pieces, so that no second buffer grows with the largest frame.
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(GatheredBytes, bytes.Length)];
            bytes = bytes[piece.Length..];
            if (!TrySeal(piece, out var outgoing) || !SendAll(outgoing))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Sends it all, waiting as long as it takes: a peer that is gone is given up by the kernel, and <see cref="Close"/> ends the wait.</summary>
    private bool SendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (!TrySend(ref bytes))
            {
                return false;
            }
            lock (_gate)
            {
                if (_closed)
                {
                    return false;
                }
            }
            if (!bytes.IsEmpty)
            {
                _socket.Poll(PollSlice, SelectMode.SelectWrite);
            }
        }
        return true;
    }
}
