using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Client.Tests.Support;
using Consensus.Client.Tls;
using Consensus.Client.Transport;

namespace Consensus.Client.Tests.Transport;

/// <summary>HTTP/1.1 on blocking sockets (RFC 9112), against answers written byte for byte.</summary>
internal sealed class BlockingHttpTests
{
    private static readonly TimeSpan Patience = Waiting.Patience.Limit;
    private static readonly ApiRequest Renewal = new() { Method = HttpMethod.Put, Target = "/v1/locks/a", Body = "{}"u8.ToArray(), NeedsIdentity = false };

    private BlockingHttp _http = null!;

    [SetUp]
    public void Start() => _http = new BlockingHttp(TimeSpan.FromSeconds(5), new NameLookups(Dns.GetHostAddresses), TimeProvider.System);

    [TearDown]
    public void Stop() => _http.Dispose();

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n", 200, "hello")]
    [TestCase("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello", 200, "hello")]
    [TestCase("HTTP/1.1 204 No Content\r\n\r\n", 204, "")]
    [TestCase("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n", 412, "")]
    public void An_answer_is_read_whole_and_the_connection_is_used_again(string answer, int status, string body)
    {
        using var server = new RawServer(_ => answer);

        for (var i = 0; i < 3; i++)
        {
            var result = _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);
            Assert.That(result.Failure, Is.Null);
            Assert.That((result.Answer!.Heard.Status, Encoding.UTF8.GetString(result.Answer.Heard.Body)), Is.EqualTo((status, body)));
        }

        Assert.That(server.Connections, Is.EqualTo(1));
        Assert.That(server.LastRequest, Does.StartWith($"PUT /v1/locks/a HTTP/1.1\r\nHost: {server.Endpoint.Authority}\r\n").And.EndWith("\r\n\r\n{}"));
    }

    [TestCase("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")]
    [TestCase("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    public void A_connection_that_is_to_be_closed_is_not_used_again(string answer)
    {
        using var server = new RawServer(_ => answer);

        _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);
        _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);

        Assert.That(server.Connections, Is.EqualTo(2));
    }

    [Test]
    public void A_kept_connection_that_breaks_in_use_is_made_anew()
    {
        var requests = 0;
        using var server = new RawServer(_ => ++requests == 2 ? null : "HTTP/1.1 204 No Content\r\n\r\n");

        _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);
        var result = _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);

        Assert.That(result.Answer?.Heard.Status, Is.EqualTo(204));
        Assert.That(server.Connections, Is.EqualTo(2));
    }

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [TestCase("SSH-2.0-OpenSSH\r\n\r\n")]
    [TestCase("HTTP/1.1 abc\r\n\r\n")]
    [TestCase("")]
    public void What_is_no_answer_is_a_failure_of_a_request_that_was_sent(string answer)
    {
        using var server = new RawServer(_ => answer) { ClosesAfterAnswer = true };

        var result = _http.Send(server.Endpoint, Renewal, default, null, Patience, CancellationToken.None);

        Assert.That(result.Failure, Is.InstanceOf<IOException>().Or.InstanceOf<SocketException>());
        Assert.That(result.Unsent, Is.False);
    }

    [Test]
    public void Where_nobody_listens_nothing_is_sent()
    {
        var result = _http.Send(ServerProcess.DeadEndpoint(), Renewal, default, null, Patience, CancellationToken.None);

        Assert.That((result.Answer, result.Unsent), Is.EqualTo(((BlockingAnswer?)null, true)));
    }

    [Test]
    public void A_silent_server_is_waited_for_no_longer_than_asked()
    {
        using var release = new ManualResetEventSlim();
        using var server = new RawServer(_ =>
        {
            release.Wait();
            return null;
        });

        BlockingResult result;
        do
        {
            // One that is given up before it is sent shows nothing.
            result = _http.Send(server.Endpoint, Renewal, default, null, TimeSpan.FromMilliseconds(100), CancellationToken.None);
        }
        while (server.LastRequest.Length == 0);
        release.Set();

        Assert.That(result.Failure, Is.InstanceOf<SocketException>().Or.InstanceOf<TimeoutException>());
        Assert.That(result.Unsent, Is.False);
    }

    [Test]
    public void A_handshake_that_comes_byte_by_byte_is_waited_for_no_longer_than_asked()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        new Thread(() => Drip(listener)) { IsBackground = true }.Start();
        var endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        var result = _http.Send(endpoint, Renewal, default, TlsIdentity.OfMachine, TimeSpan.FromMilliseconds(300), CancellationToken.None);

        Assert.That((result.Answer, result.Unsent), Is.EqualTo(((BlockingAnswer?)null, true)));
        Assert.That(result.Failure, Is.InstanceOf<TlsException>().With.Message.Contains("did not end the TLS handshake in time"));
    }

    [Test]
    public void A_handshake_ends_when_its_request_is_cancelled()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var release = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        new Thread(() =>
        {
            using var socket = listener.AcceptSocket();
            socket.Receive(new byte[1]);
            cancellation.Cancel();
            release.Wait();
        })
        { IsBackground = true }.Start();
        var endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        Assert.That(() => _http.Send(endpoint, Renewal, default, TlsIdentity.OfMachine, Patience, cancellation.Token),
            Throws.InstanceOf<OperationCanceledException>());
        release.Set();
    }

    [Test]
    public void A_cancelled_request_ends_though_the_server_is_silent()
    {
        using var release = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        using var server = new RawServer(_ =>
        {
            cancellation.Cancel();
            release.Wait();
            return null;
        });

        Assert.That(() => _http.Send(server.Endpoint, Renewal, default, null, Patience, cancellation.Token),
            Throws.InstanceOf<OperationCanceledException>());
        release.Set();
    }

    [Test]
    public void A_write_with_an_effect_of_its_own_is_not_sent_again_when_a_kept_connection_breaks()
    {
        var requests = 0;
        using var server = new RawServer(_ => ++requests == 2 ? null : "HTTP/1.1 204 No Content\r\n\r\n");
        var write = Renewal with { NeedsIdentity = true };

        _http.Send(server.Endpoint, write, new WriteMark("k1"), null, Patience, CancellationToken.None);
        var result = _http.Send(server.Endpoint, write, new WriteMark("k2"), null, Patience, CancellationToken.None);

        Assert.That((result.Answer, result.Unsent), Is.EqualTo(((BlockingAnswer?)null, false)));
        Assert.That((server.Connections, requests), Is.EqualTo((1, 2)));
    }

    [Test]
    public void A_write_carries_its_identity_and_its_conditions()
    {
        using var server = new RawServer(_ => "HTTP/1.1 204 No Content\r\n\r\n");
        var write = new ApiRequest { Method = HttpMethod.Put, Target = "/v1/kv/a", Body = "{}"u8.ToArray(), ContentType = "text/plain", IfMatch = "\"7\"", IfNoneMatch = "*" };

        _http.Send(server.Endpoint, write, new WriteMark("k1"), null, Patience, CancellationToken.None);

        var lines = server.LastRequest.Split("\r\n");
        Assert.That(lines, Is.SupersetOf(new[]
        {
            "Content-Type: text/plain", "Content-Length: 2", "Idempotency-Key: k1", "If-Match: \"7\"", "If-None-Match: *",
        }));
    }

    [Test]
    public void A_question_says_nothing_about_content()
    {
        using var server = new RawServer(_ => "HTTP/1.1 204 No Content\r\n\r\n");

        _http.Send(server.Endpoint, new ApiRequest { Method = HttpMethod.Get, Target = "/v1/kv/a" }, default, null, Patience,
            CancellationToken.None);

        Assert.That(server.LastRequest, Does.StartWith("GET /v1/kv/a HTTP/1.1\r\n").And.Not.Contain("Content-"));
    }

    /// <summary>The beginning of a handshake's record of 16 KiB, a byte each few milliseconds, for as long as somebody takes it.</summary>
    private static void Drip(TcpListener listener)
    {
        using var socket = listener.AcceptSocket();
        try
        {
            socket.Receive(new byte[16 * 1024]);
            socket.Send([22, 3, 3, 0x3F, 0xFF, 2, 0, 0x3F, 0xFB]);
            while (!socket.Poll(TimeSpan.FromMilliseconds(5), SelectMode.SelectRead))
            {
                socket.Send([0]);
            }
        }
        catch (SocketException)
        {
            // It is not.
        }
    }

    /// <summary>Answers each request with the given bytes, on threads of its own; null closes the connection.</summary>
    private sealed class RawServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Func<string, string?> _answer;
        private int _connections;

        public RawServer(Func<string, string?> answer)
        {
            _answer = answer;
            _listener.Start();
            Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
            new Thread(Accept) { IsBackground = true }.Start();
        }

        public Uri Endpoint { get; }

        public bool ClosesAfterAnswer { get; init; }

        public int Connections => Volatile.Read(ref _connections);

        public string LastRequest { get; private set; } = "";

        public void Dispose() => _listener.Stop();

        private void Accept()
        {
            try
            {
                while (true)
                {
                    var socket = _listener.AcceptSocket();
                    Interlocked.Increment(ref _connections);
                    new Thread(() => Serve(socket)) { IsBackground = true }.Start();
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Stopped: before, within or between two calls.
            }
        }

        private void Serve(Socket socket)
        {
            using (socket)
            {
                try
                {
                    var buffer = new byte[4096];
                    var request = "";
                    for (int count; (count = socket.Receive(buffer)) > 0;)
                    {
                        request += Encoding.ASCII.GetString(buffer, 0, count);
                        if (!request.EndsWith(request.StartsWith("GET ", StringComparison.Ordinal) ? "\r\n\r\n" : "\r\n\r\n{}", StringComparison.Ordinal))
                        {
                            continue;
                        }
                        LastRequest = request;
                        if (_answer(request) is not { } answer)
                        {
                            return;
                        }
                        request = "";
                        socket.Send(Encoding.ASCII.GetBytes(answer));
                        if (ClosesAfterAnswer)
                        {
                            return;
                        }
                    }
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    // The client went away, or the test that waits in the answer is over.
                }
            }
        }
    }
}
