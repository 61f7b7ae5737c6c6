using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Consensus.Cli.Tests.Support;

/// <summary>A request as a <see cref="FakeServer"/> received it; <see cref="Target"/> is the raw path and query.</summary>
internal sealed record FakeRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Path => Target.Split('?')[0];

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

/// <summary>An answer; <see cref="Abort"/> closes the connection without one.</summary>
internal sealed record FakeAnswer(int Status, string Body = "", string ContentType = "application/json")
{
    public static readonly FakeAnswer Abort = new(0);

    /// <summary>Sent in place of <see cref="Body"/>.</summary>
    public byte[]? Raw { get; init; }

    /// <summary>Seconds after which to ask again; null: not said.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>Where to go instead; null: not said.</summary>
    public Uri? Location { get; init; }

    /// <summary>Bytes that are announced, never sent, and missing when the connection closes.</summary>
    public int Missing { get; init; }

    public static FakeAnswer Problem(int status, string slug, string detail) => new(
        status,
        $$"""{"type":"urn:consensus:problem:{{slug}}","title":"{{slug}}","status":{{status}},"detail":"{{detail}}"}""",
        "application/problem+json");
}

/// <summary>A small HTTP/1.1 server on loopback that answers by a function, keeps connections, and can drop them or go away.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<FakeRequest, Task<FakeAnswer>> _answer;
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private volatile bool _stopped;

    public FakeServer(Func<FakeRequest, FakeAnswer> answer)
        : this(request => Task.FromResult(answer(request)))
    {
    }

    public FakeServer(Func<FakeRequest, Task<FakeAnswer>> answer)
    {
        _answer = answer;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Endpoint { get; }

    public ConcurrentQueue<FakeRequest> Requests { get; } = new();

    /// <summary>From here on connections are refused, and the open ones are closed.</summary>
    public void Stop()
    {
        _stopped = true;
        _listener.Stop();
        foreach (var socket in _open.Keys)
        {
            socket.Close();
        }
    }

    public void Dispose() => Stop();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        _open[socket] = 0;
        socket.NoDelay = true;
        try
        {
            if (_stopped)
            {
                return;
            }
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await ReadRequestAsync(stream) is { } request)
            {
                if (request.Method == "HEAD")
                {
                    // Over https a client asks so whether it is wanted, before it asks for anything.
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"u8.ToArray());
                    continue;
                }
                Requests.Enqueue(request);
                var answer = await AnswerAsync(request);
                if (answer == FakeAnswer.Abort)
                {
                    return;
                }
                var body = answer.Raw ?? Encoding.UTF8.GetBytes(answer.Body);
                var length = answer.Status == 204 ? "" : $"Content-Length: {body.Length + answer.Missing}\r\n";
                var retryAfter = answer.RetryAfter is { } seconds ? $"Retry-After: {seconds}\r\n" : "";
                var location = answer.Location is { } there ? $"Location: {there}\r\n" : "";
                var head = $"HTTP/1.1 {answer.Status} Status\r\nContent-Type: {answer.ContentType}\r\n{retryAfter}{location}{length}\r\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
                await stream.WriteAsync(body);
                if (answer.Missing > 0)
                {
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // The client went away, or Stop.
        }
        finally
        {
            _open.TryRemove(socket, out _);
            socket.Dispose();
        }
    }

    private async Task<FakeAnswer> AnswerAsync(FakeRequest request)
    {
        try
        {
            return await _answer(request);
        }
        catch (Exception defect)
        {
            // A test's mistake must show in the program's answer, not hang it.
            return new FakeAnswer(400, defect.ToString(), "text/plain");
        }
    }

    private static async Task<FakeRequest?> ReadRequestAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!EndsHead(head))
        {
            if (await stream.ReadAsync(one) == 0)
            {
                return null;
            }
            head.Add(one[0]);
        }
        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }
        var body = new byte[headers.TryGetValue("Content-Length", out var length) ? int.Parse(length) : 0];
        await stream.ReadExactlyAsync(body);
        return new FakeRequest(first[0], first[1], headers, body);
    }

    private static bool EndsHead(List<byte> head) =>
        head.Count >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';
}
