using System.Net.Sockets;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Tls;

/// <summary>A read or a write under TLS took longer than it may.</summary>
internal sealed class SocketTimeoutException() : IOException("no byte came or went in time");

/// <summary>
/// What TLS reads from and writes to: a non-blocking socket, with a limit for each wait. The limits are below TLS, because what it has
/// decrypted and not yet given out is invisible to whoever waits on the socket from above; and a deadline for a whole exchange holds
/// against one byte now and then, which a time-out for each read does not.
/// </summary>
/// <remarks>One thread reads and one writes, each with limits of its own. <see cref="SocketIo.Shutdown"/> ends both.</remarks>
internal sealed class SocketStream(Socket socket) : Stream
{
    /// <summary>Between two looks of an idle reader.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private Deadline? _readUntil;
    private TimeSpan _readStall;
    private Action? _look;
    private Deadline? _writeUntil;
    private TimeSpan _writeStall;
    private byte[]? _collected;

    /// <summary>The first byte that came, -1 before: what somebody speaks who does not speak TLS.</summary>
    public int FirstByte { get; private set; } = -1;

    /// <summary>How many bytes were collected since <see cref="Collect"/>.</summary>
    public int CollectedBytes { get; private set; }

    public ReadOnlySpan<byte> Collected => _collected.AsSpan(0, CollectedBytes);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From now on reads end by then.</summary>
    public void LimitReads(Deadline until) => (_readUntil, _look) = (until, null);

    /// <summary>From now on each wait for a byte ends after so long.</summary>
    public void LimitReads(TimeSpan stall) => (_readUntil, _readStall, _look) = (null, stall, null);

    /// <summary>
    /// From now on reads wait as long as it takes, and <paramref name="look"/> is called about once a second meanwhile; what it throws ends
    /// the read.
    /// </summary>
    public void LimitReads(Action look) => (_readUntil, _look) = (null, look);

    /// <summary>From now on writes end by then.</summary>
    public void LimitWrites(Deadline until) => _writeUntil = until;

    /// <summary>From now on each wait for the network ends after so long.</summary>
    public void LimitWrites(TimeSpan stall) => (_writeUntil, _writeStall) = (null, stall);

    /// <summary>
    /// From now on what is written stays in <see cref="Collected"/>, for whoever sends it without waiting; what was there is forgotten.
    /// </summary>
    public void Collect()
    {
        _collected ??= new byte[4096];
        CollectedBytes = 0;
    }

    /// <exception cref="SocketTimeoutException">Nothing came in time.</exception>
    /// <exception cref="IOException">The connection failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            if (!buffer.IsEmpty)
            {
                var count = socket.Receive(buffer, SocketFlags.None, out var error);
                if (error == SocketError.Success)
                {
                    FirstByte = FirstByte < 0 && count > 0 ? buffer[0] : FirstByte;
                    return count;
                }
                if (error != SocketError.WouldBlock)
                {
                    throw new IOException("the connection failed", new SocketException((int)error));
                }
            }
            WaitToRead();
            // TLS asks so whether it is worth a buffer.
            if (buffer.IsEmpty)
            {
                return 0;
            }
        }
    }

    /// <exception cref="SocketTimeoutException">The network took nothing in time.</exception>
    /// <exception cref="IOException">The connection failed.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_collected is not null)
        {
            Append(buffer);
            return;
        }
        switch (SocketIo.Send(socket, buffer, _writeUntil?.Remaining ?? _writeStall))
        {
            case IoResult.Done:
                return;
            case IoResult.TimedOut:
                throw new SocketTimeoutException();
            default:
                throw new IOException("the connection failed");
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is kept back here.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void WaitToRead()
    {
        if (_look is { } look)
        {
            while (!socket.Poll(LookEvery, SelectMode.SelectRead))
            {
                look();
            }
        }
        else if (!socket.Poll(SocketIo.Pollable(_readUntil?.Remaining ?? _readStall), SelectMode.SelectRead))
        {
            throw new SocketTimeoutException();
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_collected!.Length - CollectedBytes < bytes.Length)
        {
            Array.Resize(ref _collected, Math.Max(2 * _collected.Length, CollectedBytes + bytes.Length));
        }
        bytes.CopyTo(_collected.AsSpan(CollectedBytes));
        CollectedBytes += bytes.Length;
    }
}
