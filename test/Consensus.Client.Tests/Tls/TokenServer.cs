using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Consensus.Client.Tests.Tls;

/// <summary>Takes one token, and answers every request with another as a member does that does not know who asks.</summary>
internal sealed class TokenServer : IDisposable
{
    private const string Unknown =
        """{"type":"urn:consensus:problem:unauthenticated","title":"t","status":401,"detail":"the credential is not valid"}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<string?> _shown = new();

    public TokenServer()
    {
        _listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public Uri Endpoint { get; }

    /// <summary>The header that is taken.</summary>
    public string? Takes { get; set; }

    /// <summary>Where it sends whoever asks, in place of an answer; null: nowhere.</summary>
    public Uri? RedirectsTo { get; set; }

    /// <summary>The header of each request, in order; null: it had none.</summary>
    public IReadOnlyList<string?> Shown => [.. _shown];

    public void Dispose() => _listener.Stop();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            string? shown = null;
            var (isRead, length) = (false, 0);
            for (var line = reader.ReadLine(); !string.IsNullOrEmpty(line); line = reader.ReadLine())
            {
                isRead |= line.StartsWith("GET ", StringComparison.Ordinal);
                const string Header = "Authorization: ", Size = "Content-Length: ";
                shown = line.StartsWith(Header, StringComparison.OrdinalIgnoreCase) ? line[Header.Length..] : shown;
                length = line.StartsWith(Size, StringComparison.OrdinalIgnoreCase) ? int.Parse(line[Size.Length..], null) : length;
            }
            for (; length > 0; length--)
            {
                reader.Read();
            }
            _shown.Enqueue(shown);
            var (head, body) = RedirectsTo is { } to ? ($"307 Temporary Redirect\r\nLocation: {to}v1/kv/a", "")
                : shown == Takes ? ($"200 OK\r\nContent-Type: {(isRead ? "application/octet-stream" : "application/json")}", "{}")
                : ("401 Unauthorized\r\nContent-Type: application/problem+json", Unknown);
            stream.Write(Encoding.Latin1.GetBytes($"HTTP/1.1 {head}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        }
        catch (IOException)
        {
            // It went away.
        }
    }
}
