using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Consensus.Client.Tls;

namespace Consensus.Client.Transport;

/// <summary>What came of one blocking send: an answer, or how it failed.</summary>
/// <param name="Unsent">Not a byte of the request left this machine.</param>
internal readonly record struct BlockingResult(BlockingAnswer? Answer, Exception? Failure, bool Unsent);

/// <summary>
/// Sends without ever needing the thread pool. Keeps the connections that are open. Thread-safe.
/// </summary>
/// <param name="time">By whose wall clock certificates are judged.</param>
internal sealed class BlockingHttp(TimeSpan connectTimeout, NameLookups names, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentBag<BlockingConnection>> _idle = new();
    private volatile bool _disposed;

    /// <summary>Who this is, requests say themselves.</summary>
    public bool HasToken { get; init; }

    /// <summary>Over which all is sent, whatever the endpoint; null: to its address.</summary>
    public string? SocketPath { get; init; }

    /// <param name="mark">Of a write that has an effect of its own.</param>
    /// <param name="identity">With what connections are secured: one that was made with another is not used; null: in the clear.</param>
    /// <param name="authorization">The header that says who asks; null: none is sent.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public BlockingResult Send(
        Uri endpoint,
        ApiRequest request,
        WriteMark mark,
        TlsIdentity? identity,
        TimeSpan timeout,
        CancellationToken cancellationToken,
        string? authorization = null)
    {
        var bytes = Encode(endpoint, request, mark, authorization);
        // A write that is sent a second time behind its caller's back and then refused would look as if nothing was done.
        var maySendTwice = !request.IsWrite || !request.NeedsIdentity;
        var deadline = new Deadline(timeout);
        var idle = _idle.GetOrAdd(endpoint.GetLeftPart(UriPartial.Authority), _ => []);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var isKept = TryTake(idle, identity, out var connection);
            var isSent = false;
            try
            {
                connection ??= SocketPath is { } path
                    ? BlockingConnection.ConnectLocally(path)
                    : BlockingConnection.Connect(
                        endpoint, names, identity, HasToken, time.GetUtcNow(), Shorter(connectTimeout, deadline.Left), cancellationToken);
                isSent = true;
                BlockingAnswer answer;
                using (cancellationToken.UnsafeRegister(static open => ((BlockingConnection)open!).Break(), connection))
                {
                    answer = connection.Exchange(bytes, HttpTransport.MaxAnswerBytes, deadline);
                }
                Keep(idle, connection, answer.KeepsOpen && !cancellationToken.IsCancellationRequested);
                return new BlockingResult(answer, null, false);
            }
            catch (Exception met) when (met is SocketException or IOException or ObjectDisposedException or TimeoutException)
            {
                connection?.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                var error = OfTheWire(met);
                // A kept connection may have been closed by the other end, for being idle, as it was used.
                if (isKept && maySendTwice && deadline.Left > TimeSpan.Zero && error is not (TimeoutException or SocketException { SocketErrorCode: SocketError.TimedOut }))
                {
                    continue;
                }
                return new BlockingResult(null, error, !isSent);
            }
        }
    }

    public void Dispose()
    {
        _disposed = true;
        foreach (var idle in _idle.Values)
        {
            while (idle.TryTake(out var connection))
            {
                connection.Dispose();
            }
        }
    }

    private static bool TryTake(ConcurrentBag<BlockingConnection> idle, TlsIdentity? identity, out BlockingConnection? connection)
    {
        while (idle.TryTake(out connection))
        {
            if (connection.Identity == identity && !connection.IsStale)
            {
                return true;
            }
            connection.Dispose();
        }
        return false;
    }

    private void Keep(ConcurrentBag<BlockingConnection> idle, BlockingConnection connection, bool isOpen)
    {
        if (!isOpen || _disposed)
        {
            connection.Dispose();
            return;
        }
        idle.Add(connection);
        if (_disposed)
        {
            Dispose();
        }
    }

    private static byte[] Encode(Uri endpoint, ApiRequest request, WriteMark mark, string? authorization)
    {
        var body = request.Body ?? ReadOnlyMemory<byte>.Empty;
        var head = new StringBuilder(request.Method.Method).Append(' ').Append(request.Target).Append(" HTTP/1.1\r\n");
        Field("Host", endpoint.Authority);
        if (request.Body is not null)
        {
            Field("Content-Type", request.ContentType);
        }
        if (request.IsWrite)
        {
            Field("Content-Length", body.Length.ToString(CultureInfo.InvariantCulture));
        }
        if (mark.Header is var (name, value))
        {
            Field(name, value);
        }
        Field("Authorization", authorization);
        Field("If-Match", request.IfMatch);
        Field("If-None-Match", request.IfNoneMatch);
        Field("Accept", request.Accept);
        Field("Last-Event-ID", request.LastEventId?.ToString(CultureInfo.InvariantCulture));
        head.Append("\r\n");
        var bytes = new byte[head.Length + body.Length];
        Encoding.ASCII.GetBytes(head.ToString(), bytes);
        body.Span.CopyTo(bytes.AsSpan(head.Length));
        return bytes;

        void Field(string name, string? value)
        {
            if (value is not null)
            {
                head.Append(name).Append(": ").Append(value).Append("\r\n");
            }
        }
    }

    /// <summary>What befell the socket, as it was thrown under TLS: that wraps it.</summary>
    private static Exception OfTheWire(Exception met) =>
        met is IOException and not TlsException && met.InnerException is SocketException or TimeoutException ? met.InnerException! : met;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b > TimeSpan.Zero ? b : TimeSpan.FromMilliseconds(1);
}
