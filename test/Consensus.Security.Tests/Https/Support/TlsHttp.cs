using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Consensus.Security.Tests.Https.Support;

/// <summary>An answer of HTTP/1.1.</summary>
internal sealed record TlsAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A connection whose bytes a test chooses, with or without TLS: client libraries correct what is to be tested.</summary>
internal sealed class TlsHttp : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CountingStream _wire;
    private readonly List<byte> _received = [];
    private Stream _stream;

    /// <param name="from">Of the addresses of loopback, the one that it comes from.</param>
    public TlsHttp(int port, string from = "127.0.0.1")
    {
        _socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        _socket.Connect(IPAddress.Loopback, port);
        _socket.NoDelay = true;
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)Patience.Limit.TotalMilliseconds;
        _stream = _wire = new CountingStream(new NetworkStream(_socket, ownsSocket: true));
    }

    /// <summary>What came over the wire so far, of TLS and all.</summary>
    public long BytesReceived => _wire.BytesRead;

    public SslStream Tls => (SslStream)_stream;

    /// <summary>A connection that presents a certificate; null: none.</summary>
    public static TlsHttp Open(
        int port,
        MadeCertificate? certificate,
        SslProtocols protocols = SslProtocols.Tls13,
        string? alpn = "http/1.1",
        string from = "127.0.0.1")
    {
        var connection = new TlsHttp(port, from);
        try
        {
            connection.Handshake(OptionsFor(certificate, protocols, alpn));
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SslClientAuthenticationOptions OptionsFor(
        MadeCertificate? certificate, SslProtocols protocols = SslProtocols.Tls13, string? alpn = "http/1.1") => new()
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            ApplicationProtocols = alpn is null ? null : [new SslApplicationProtocol(alpn)],
            ClientCertificateContext = certificate is null
            ? null
            : SslStreamCertificateContext.Create(certificate.Leaf, certificate.Others, offline: true),
            // Who the server is judged to be is for the client's tests.
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };

    public void Handshake(SslClientAuthenticationOptions options)
    {
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        tls.AuthenticateAsClient(options);
        _stream = tls;
    }

    /// <summary>One request and its answer on a connection of its own.</summary>
    public static TlsAnswer Ask(int port, MadeCertificate? certificate, string method, string target, params string[] headers)
    {
        using var connection = Open(port, certificate);
        return connection.Ask(method, target, headers);
    }

    public TlsAnswer Ask(string method, string target, params string[] headers)
    {
        Send(Request(method, target, headers));
        return Receive(hasBody: method != "HEAD");
    }

    public static string Request(string method, string target, params string[] headers)
    {
        var hasHost = headers.Any(header => header.StartsWith("Host:", StringComparison.Ordinal));
        string[] lines = [$"{method} {target} HTTP/1.1", .. hasHost ? headers : ["Host: localhost", .. headers], "", ""];
        return string.Join("\r\n", lines);
    }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    public TlsAnswer Receive(bool hasBody = true)
    {
        int end;
        while ((end = HeadEnd()) < 0)
        {
            ReadMore();
        }
        var lines = Encoding.Latin1.GetString([.. _received[..end]]).Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(
            pair => pair[0], pair => pair.Length > 1 ? pair[1] : "", StringComparer.OrdinalIgnoreCase);
        var length = hasBody && headers.TryGetValue("Content-Length", out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        while (_received.Count < end + 4 + length)
        {
            ReadMore();
        }
        var body = Encoding.UTF8.GetString([.. _received.GetRange(end + 4, length)]);
        _received.RemoveRange(0, end + 4 + length);
        return new TlsAnswer(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, body);
    }

    /// <summary>Takes so many bytes.</summary>
    public byte[] ReceiveExactly(int count)
    {
        while (_received.Count < count)
        {
            ReadMore();
        }
        var taken = _received.GetRange(0, count).ToArray();
        _received.RemoveRange(0, count);
        return taken;
    }

    /// <summary>The types of all frames of HTTP/2 that come until the server ends the connection.</summary>
    public IReadOnlyList<byte> ReceiveFramesToTheEnd()
    {
        var types = new List<byte>();
        try
        {
            while (true)
            {
                var head = ReceiveExactly(9);
                ReceiveExactly((head[0] << 16) | (head[1] << 8) | head[2]);
                types.Add(head[3]);
            }
        }
        catch (IOException e) when (IsEnd(e))
        {
            return types;
        }
    }

    /// <summary>Whether the server ends the connection, with or without a word, before it says anything else.</summary>
    public bool IsEnded()
    {
        try
        {
            return _received.Count == 0 && _stream.ReadByte() < 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return IsEnd(e);
        }
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>False for what the end of the test's patience looks like.</summary>
    private static bool IsEnd(Exception e) =>
        e.InnerException is not SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock };

    private void ReadMore()
    {
        var buffer = new byte[16 * 1024];
        var count = _stream.Read(buffer);
        _received.AddRange(count > 0 ? buffer.AsSpan(0, count) : throw new EndOfStreamException("the server ended the connection"));
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

    private sealed class CountingStream(NetworkStream inner) : Stream
    {
        private long _bytesRead;

        public long BytesRead => Interlocked.Read(ref _bytesRead);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var count = inner.Read(buffer);
            Interlocked.Add(ref _bytesRead, count);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
