using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Client.Tls;

namespace Consensus.Client.Transport;

/// <summary>An answer as it came over a <see cref="BlockingConnection"/>.</summary>
internal sealed record BlockingAnswer(HeardAnswer Heard, bool KeepsOpen);

/// <summary>The other end answered with more than it was asked to take.</summary>
internal sealed class AnswerTooLargeException() : IOException("The answer is too large.");

/// <summary>
/// One HTTP/1.1 connection (RFC 9112) on a blocking socket, in TLS or not: everything happens on the calling thread. <see
/// cref="HttpClient"/>'s synchronous calls still make connections and fire time-outs on the thread pool, and a renewal must not wait for
/// a pool that the program keeps busy.
/// </summary>
internal sealed class BlockingConnection : IDisposable
{
    private const int MaxHeadBytes = 64 * 1024;
    private static readonly TimeSpan CancelCheck = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket;
    private readonly WireStream _wire;

    /// <summary>The wire itself, or TLS over it.</summary>
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[4096];
    private int _from;
    private int _to;

    private BlockingConnection(Socket socket, WireStream wire, Stream stream, TlsIdentity? identity) =>
        (_socket, _wire, _stream, Identity) = (socket, wire, stream, identity);

    /// <summary>With what it was secured; null: it is in the clear.</summary>
    public TlsIdentity? Identity { get; }

    /// <summary>True when the other end closed it, or said something unasked.</summary>
    public bool IsStale => _from != _to || _socket.Poll(0, SelectMode.SelectRead);

    /// <param name="identity">Of a connection in TLS; null: it is in the clear.</param>
    /// <param name="hasToken">Who this is, requests say themselves.</param>
    /// <param name="now">The wall clock's time.</param>
    /// <param name="timeout">For all of it: the name, and the addresses that it has, of which each may take its share.</param>
    /// <exception cref="SocketException">Nobody accepts a connection in time.</exception>
    /// <exception cref="TlsException">Who accepted it does not speak TLS, is not believed, or is not done in time.</exception>
    /// <exception cref="TimeoutException">The time was over before.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static BlockingConnection Connect(
        Uri endpoint,
        NameLookups names,
        TlsIdentity? identity,
        bool hasToken,
        DateTimeOffset now,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var deadline = new Deadline(timeout);
        var addresses = names.LookUp(endpoint.IdnHost, timeout, cancellationToken);
        Exception? failure = null;
        for (var i = 0; i < addresses.Length; i++)
        {
            var share = new Deadline(deadline.Left / (addresses.Length - i));
            for (var isSecond = false; ; isSecond = true)
            {
                try
                {
                    TlsHandshake? handshake = identity is null ? null : new TlsHandshake(endpoint, identity, hasToken, now, isSecond);
                    return Connect(endpoint, addresses[i], handshake, identity, share, cancellationToken);
                }
                catch (TlsException unwanted) when (unwanted.IsUnwanted && !isSecond)
                {
                    // Once more, for it may be a server that ends.
                }
                catch (Exception error) when (error is SocketException or IOException or TimeoutException)
                {
                    failure = error;
                    break;
                }
            }
        }
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>To a socket of this machine, which is there or is not.</summary>
    /// <exception cref="SocketException">Nobody accepts a connection.</exception>
    public static BlockingConnection ConnectLocally(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var wire = new WireStream(socket);
            return new BlockingConnection(socket, wire, wire, null);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a whole request and reads the whole answer.</summary>
    /// <exception cref="SocketException">The connection broke, or the deadline passed.</exception>
    /// <exception cref="IOException">What came back is no answer, or one of more than <paramref name="maxBodyBytes"/>.</exception>
    public BlockingAnswer Exchange(ReadOnlySpan<byte> request, int maxBodyBytes, Deadline deadline)
    {
        _wire.Deadline = deadline;
        _stream.Write(request);
        while (true)
        {
            var head = ReadHead();
            if (head.Status is >= 200 or 101)
            {
                var body = head.Status is 204 or 304 ? [] : ReadBody(head, maxBodyBytes);
                return new BlockingAnswer(
                    new HeardAnswer(head.Status, head.MediaType, head.RetryAfter, body),
                    !head.Closes && (head.Length >= 0 || head.IsChunked || head.Status == 204));
            }
        }
    }

    /// <summary>Ends what another thread waits for on it; that thread disposes of it.</summary>
    public void Break() => _socket.Dispose();

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private static BlockingConnection Connect(
        Uri endpoint,
        IPAddress address,
        TlsHandshake? handshake,
        TlsIdentity? identity,
        Deadline deadline,
        CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            KeepAliveProbes.Enable(socket);
            Connect(socket, new IPEndPoint(address, endpoint.Port), deadline, cancellationToken);
            var wire = new WireStream(socket) { Deadline = deadline };
            using (cancellationToken.UnsafeRegister(static open => ((Socket)open!).Dispose(), socket))
            {
                return new BlockingConnection(socket, wire, handshake is { } tls ? tls.Begin(wire) : wire, identity);
            }
        }
        catch
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }

    private static void Connect(Socket socket, IPEndPoint to, Deadline deadline, CancellationToken cancellationToken)
    {
        socket.Blocking = false;
        try
        {
            socket.Connect(to);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // In short turns: nothing else ends the wait when it is cancelled.
            while (!socket.Poll(deadline.Left is var left && left < CancelCheck ? TimeSpan.FromTicks(Math.Max(0, left.Ticks)) : CancelCheck, SelectMode.SelectWrite))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (deadline.Left <= TimeSpan.Zero)
                {
                    throw new SocketException((int)SocketError.TimedOut);
                }
            }
            if (socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int and not 0 and var code)
            {
                throw new SocketException(code);
            }
        }
        socket.Blocking = true;
    }

    private Head ReadHead()
    {
        var lines = new List<string>();
        var total = 0;
        for (var line = ReadLine(); line.Length > 0 || lines.Count == 0; line = ReadLine())
        {
            total += line.Length;
            if (total > MaxHeadBytes)
            {
                throw new IOException("The head of the answer is too large.");
            }
            lines.Add(line);
        }
        return Head.Parse(lines);
    }

    private byte[] ReadBody(Head head, int maxBytes)
    {
        using var body = new MemoryStream();
        if (head.IsChunked)
        {
            while (true)
            {
                var size = ReadLine().Split(';')[0].Trim();
                if (!int.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length))
                {
                    throw new IOException("The answer's chunks are not of HTTP/1.1.");
                }
                if (length == 0)
                {
                    while (ReadLine().Length > 0)
                    {
                        // Trailers say nothing that matters here.
                    }
                    return body.ToArray();
                }
                Take(body, length, maxBytes);
                ReadLine();
            }
        }
        Take(body, head.Length >= 0 ? head.Length : long.MaxValue, maxBytes);
        return body.ToArray();
    }

    /// <param name="count"><see cref="long.MaxValue"/>: to the end of the connection.</param>
    private void Take(MemoryStream body, long count, int maxBytes)
    {
        for (var left = count; left > 0;)
        {
            if (_from == _to && !Fill())
            {
                if (count == long.MaxValue)
                {
                    return;
                }
                throw new IOException("The answer ended too soon.");
            }
            var part = (int)Math.Min(left, _to - _from);
            if (part > maxBytes - body.Length)
            {
                throw new AnswerTooLargeException();
            }
            body.Write(_buffer, _from, part);
            (_from, left) = (_from + part, left - part);
        }
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_from == _to && !Fill())
            {
                throw new IOException("The connection was closed before the answer's end.");
            }
            var value = _buffer[_from++];
            if (value == '\n')
            {
                return line.Length > 0 && line[^1] == '\r' ? line.ToString(0, line.Length - 1) : line.ToString();
            }
            if (line.Length >= MaxHeadBytes)
            {
                throw new IOException("A line of the answer is too long.");
            }
            line.Append((char)value);
        }
    }

    private bool Fill()
    {
        (_from, _to) = (0, _stream.Read(_buffer, 0, _buffer.Length));
        return _to > 0;
    }

    /// <param name="Length">-1 when it is not said.</param>
    private readonly record struct Head(int Status, string MediaType, long Length, bool IsChunked, bool Closes, TimeSpan? RetryAfter)
    {
        public static Head Parse(List<string> lines)
        {
            var parts = lines[0].Split(' ', 3);
            if (parts.Length < 2 || !parts[0].StartsWith("HTTP/1.", StringComparison.Ordinal)
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            {
                throw new IOException("The answer is not HTTP/1.1.");
            }
            var head = new Head(status, "", -1, false, parts[0] == "HTTP/1.0", null);
            foreach (var line in lines.Skip(1))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon <= 0)
                {
                    continue;
                }
                var value = line[(colon + 1)..].Trim();
                head = line[..colon].ToUpperInvariant() switch
                {
                    "CONTENT-LENGTH" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var length) => head with { Length = length },
                    "CONTENT-TYPE" => head with { MediaType = value.Split(';')[0].TrimEnd() },
                    "TRANSFER-ENCODING" => head with { IsChunked = value.EndsWith("chunked", StringComparison.OrdinalIgnoreCase) },
                    "CONNECTION" => head with { Closes = value.Contains("close", StringComparison.OrdinalIgnoreCase) },
                    "RETRY-AFTER" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var s) => head with { RetryAfter = TimeSpan.FromSeconds(s) },
                    _ => head,
                };
            }
            return head;
        }
    }
}
