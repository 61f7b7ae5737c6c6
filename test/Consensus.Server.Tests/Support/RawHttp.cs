using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Consensus.Server.Tests.Support;

/// <summary>An HTTP/1.1 connection whose bytes the test chooses, because client libraries correct what is to be tested.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly NetworkStream _stream;
    private readonly List<byte> _received = [];

    /// <param name="receiveBufferBytes">What the kernel takes for it before it reads; 0: as usual.</param>
    public RawHttp(int port, int receiveBufferBytes = 0)
    {
        if (receiveBufferBytes > 0)
        {
            _socket.ReceiveBufferSize = receiveBufferBytes;
        }
        _socket.Connect(IPAddress.Loopback, port);
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)Patience.Limit.TotalMilliseconds;
        _stream = new NetworkStream(_socket, ownsSocket: true);
    }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    /// <summary>Waits until something has come, and leaves it there.</summary>
    public void WaitForBytes() => Assert.That(_socket.Poll(Patience.Limit, SelectMode.SelectRead), Is.True, "something comes");

    /// <summary>True when the server ended the connection before the bytes could be sent or another answer came.</summary>
    public bool IsClosedByServer()
    {
        try
        {
            return _received.Count == 0 && _stream.ReadByte() < 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public RawAnswer Receive(bool hasBody = true)
    {
        while (HeadEnd() < 0)
        {
            ReadMore();
        }
        var headEnd = HeadEnd();
        var head = Encoding.Latin1.GetString([.. _received[..headEnd]]);
        var lines = head.Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(
            pair => pair[0], pair => pair.Length > 1 ? pair[1] : "", StringComparer.OrdinalIgnoreCase);
        var length = hasBody && headers.TryGetValue("Content-Length", out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        while (_received.Count < headEnd + 4 + length)
        {
            ReadMore();
        }
        var body = Encoding.UTF8.GetString([.. _received.GetRange(headEnd + 4, length)]);
        _received.RemoveRange(0, headEnd + 4 + length);
        return new RawAnswer(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, body);
    }

    /// <summary>The server's first settings of HTTP/2 by their numbers, and the window of the whole connection (RFC 9113 §6.5 and §6.9).</summary>
    public (IReadOnlyDictionary<int, long> Settings, long ConnectionWindow) ReceiveHttp2Settings()
    {
        var settings = new Dictionary<int, long>();
        var window = 65_535L;
        var acknowledged = false;
        while (!acknowledged)
        {
            var head = TakeExactly(9);
            var payload = TakeExactly((head[0] << 16) | (head[1] << 8) | head[2]);
            const byte Settings = 4, WindowUpdate = 8, Acknowledges = 1;
            // The acknowledgement of ours comes after the server has said all of its own.
            acknowledged = head[3] == Settings && (head[4] & Acknowledges) != 0;
            for (var at = 0; head[3] == Settings && at < payload.Length; at += 6)
            {
                settings[BinaryPrimitives.ReadUInt16BigEndian(payload.AsSpan(at))] = BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(at + 2));
            }
            window += head[3] == WindowUpdate ? BinaryPrimitives.ReadUInt32BigEndian(payload) : 0;
        }
        return (settings, window);
    }

    public Http2Frame ReceiveHttp2Frame()
    {
        var head = TakeExactly(9);
        return new Http2Frame(
            head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue, TakeExactly((head[0] << 16) | (head[1] << 8) | head[2]));
    }

    /// <summary>Waits for the head of the stream's answer.</summary>
    public void ReceiveHttp2Head(int stream)
    {
        while (ReceiveHttp2Frame() is { } frame && !(frame.Type == Http2Frames.Headers && frame.Stream == stream))
        {
        }
    }

    /// <summary>How many requests are answered until the server ends the connection.</summary>
    public int CountHttp2AnswersToItsEnd()
    {
        const byte Headers = 1;
        var answers = 0;
        try
        {
            while (true)
            {
                var head = TakeExactly(9);
                answers += head[3] == Headers ? 1 : 0;
                TakeExactly((head[0] << 16) | (head[1] << 8) | head[2]);
            }
        }
        catch (EndOfStreamException)
        {
            return answers;
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: not (SocketError.TimedOut or SocketError.WouldBlock) })
        {
            return answers;
        }
    }

    /// <summary>Takes so many bytes, whatever they are.</summary>
    public void ReceiveAtLeast(int bytes) => TakeExactly(bytes);

    public void Dispose() => _stream.Dispose();

    /// <summary>One request, one answer, on a connection of its own.</summary>
    public static RawAnswer Ask(int port, string request, bool hasBody = true)
    {
        using var connection = new RawHttp(port);
        connection.Send(request);
        return connection.Receive(hasBody);
    }

    public static RawAnswer Get(int port, string target, string method = "GET") =>
        Ask(port, $"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n", hasBody: method != "HEAD");

    private byte[] TakeExactly(int count)
    {
        while (_received.Count < count)
        {
            var buffer = new byte[8192];
            var got = _stream.Read(buffer);
            _received.AddRange(got > 0 ? buffer.AsSpan(0, got) : throw new EndOfStreamException());
        }
        var taken = _received.GetRange(0, count).ToArray();
        _received.RemoveRange(0, count);
        return taken;
    }

    private void ReadMore()
    {
        var buffer = new byte[8192];
        var count = _stream.Read(buffer);
        Assert.That(count, Is.Positive, "the server sends a whole answer before it closes");
        _received.AddRange(buffer.AsSpan(0, count));
    }

    private int HeadEnd()
    {
        for (var i = 0; i + 3 < _received.Count; i++)
        {
            if (_received[i] == '\r' && _received[i + 1] == '\n' && _received[i + 2] == '\r' && _received[i + 3] == '\n')
            {
                return i;
            }
        }
        return -1;
    }
}

internal sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body);

/// <param name="Stream">0 for the connection.</param>
internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload);
