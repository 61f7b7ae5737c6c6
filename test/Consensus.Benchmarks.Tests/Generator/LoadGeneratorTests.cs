using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Client.Tests.Support;

namespace Consensus.Benchmarks.Tests.Generator;

/// <summary>The generator against a small server in this process that counts what it is asked.</summary>
internal sealed class LoadGeneratorTests
{
    [Test]
    public void Every_request_is_answered_once_and_counted_once()
    {
        using var server = new CountingServer(_ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using var generator = new LoadGenerator([server.Endpoint], [.. Enumerable.Range(0, 8).Select(_ => new CountedScript(100))]);
        var result = generator.Run(TimeSpan.Zero, Patience.Limit);
        Assert.That(result.Operations, Is.EqualTo(800));
        Assert.That(result.Latency.Count, Is.EqualTo(800));
        Assert.That(result.Errors, Is.Zero, result.FirstError);
        Assert.That(server.Requests, Is.EqualTo(800));
    }

    [TestCase(2)]
    [TestCase(40_000)]
    public void Over_TLS_every_request_is_answered_once_however_many_records_an_answer_has(int length)
    {
        var body = new string('k', length);
        // Each client asks first whether it is wanted, for the head alone.
        using var server = new CountingServer(number => $"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{(number <= 8 ? "" : body)}");
        using var directory = new TemporaryDirectory();
        var bundle = Path.Combine(directory.Path, "n1.pem");
        BenchCertificates.WriteMember(bundle, "n1");
        using var front = new TlsFront(new Uri($"http://{server.Endpoint}"), bundle);
        var endpoint = new IPEndPoint(IPAddress.Loopback, front.Endpoint.Port);
        var scripts = Enumerable.Range(0, 8).Select(_ => new CountedScript(50, body)).ToList();
        using var generator = new LoadGenerator([endpoint], scripts, BenchCertificates.ClientOptions());
        var result = generator.Run(TimeSpan.Zero, Patience.Limit);
        Assert.That((result.Operations, result.Errors), Is.EqualTo((400, 0)), result.FirstError);
        Assert.That(front.Clients, Has.Count.EqualTo(8).And.All.EqualTo("consensus://bench/client/bench"));
    }

    [Test]
    public void A_refused_operation_is_an_error_and_the_client_goes_on()
    {
        using var server = new CountingServer(number => number == 3
            ? "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"
            : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using var generator = new LoadGenerator([server.Endpoint], [new CountedScript(10)]);
        var result = generator.Run(TimeSpan.Zero, Patience.Limit);
        Assert.That((result.Operations, result.Errors), Is.EqualTo((9, 1)));
        Assert.That(result.FirstError, Is.EqualTo("answered 503: busy"));
    }

    [Test]
    public void A_closed_connection_ends_its_client_and_no_other()
    {
        using var server = new CountingServer(number => number == 5 ? null : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using var generator = new LoadGenerator([server.Endpoint], [new CountedScript(20), new CountedScript(20)]);
        var result = generator.Run(TimeSpan.Zero, Patience.Limit);
        Assert.That(result.Errors, Is.EqualTo(1));
        Assert.That(result.FirstError, Is.EqualTo("connection closed without an answer"));
        Assert.That(result.Operations, Is.InRange(20, 39));
    }

    [Test]
    public void Operations_outside_the_window_are_not_counted_and_the_drain_lets_clients_end()
    {
        using var server = new CountingServer(_ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using var generator = new LoadGenerator([server.Endpoint], [new CountedScript(int.MaxValue)]);
        var asked = new List<int>();
        var result = generator.Run(
            TimeSpan.FromMilliseconds(50),
            TimeSpan.FromMilliseconds(50),
            () => asked.Add(server.Requests),
            () => asked.Add(server.Requests));
        Assert.That(asked, Has.Count.EqualTo(2));
        Assert.That(result.Operations, Is.InRange(asked[1] - asked[0] - 1, asked[1] - asked[0] + 1));
        Assert.That(result.Errors, Is.Zero, result.FirstError);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void An_answer_that_is_awaited_is_handled_whether_it_comes_with_the_one_before_or_later(bool together)
    {
        using var server = new CountingServer(_ => together ? "one.two." : "one.", together ? null : "two.");
        using var generator = new LoadGenerator([server.Endpoint], [new AwaitingScript(50)]);
        var result = generator.Run(TimeSpan.Zero, Patience.Limit);
        Assert.That((result.Operations, result.Errors), Is.EqualTo((50, 0)), result.FirstError);
        Assert.That(server.Requests, Is.EqualTo(50));
    }

    /// <summary>One request, and then two answers of four bytes.</summary>
    private sealed class AwaitingScript(int count) : IClientScript
    {
        private static readonly byte[] Bytes = "\n"u8.ToArray();
        private int _left = count;
        private bool _awaits;

        public AnswerBuffer CreateAnswer() => new FourByteAnswers();

        public int NextRequest(Span<byte> request, bool stopping)
        {
            _awaits = false;
            return stopping || _left-- == 0 ? 0 : RequestWriter.Copy(Bytes, request);
        }

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
        {
            var isInTurn = body.SequenceEqual(_awaits ? "two."u8 : "one."u8);
            _awaits = !_awaits;
            return !isInTurn ? StepOutcome.Failed : _awaits ? StepOutcome.Await : StepOutcome.Completed;
        }
    }

    private sealed class FourByteAnswers : AnswerBuffer
    {
        public override ParseResult Parse()
        {
            (BodyLength, AnswerEnd) = (Math.Min(Filled, 4), 4);
            return Filled < 4 ? ParseResult.Incomplete : ParseResult.Complete;
        }
    }

    private sealed class CountedScript(int count, string answer = "ok") : IClientScript
    {
        private static readonly byte[] Bytes = RequestWriter.Build("GET", "/", "test");
        private int _left = count;

        public int NextRequest(Span<byte> request, bool stopping) => stopping || _left-- == 0 ? 0 : RequestWriter.Copy(Bytes, request);

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) =>
            status == 200 && Encoding.ASCII.GetString(body) == answer ? StepOutcome.Completed : StepOutcome.Failed;
    }

    /// <summary>
    /// Answers request number n (from 1) with what it is told, or closes the connection on null; then it says something more, if told to.
    /// </summary>
    private sealed class CountingServer : IDisposable
    {
        private readonly string? _more;
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Func<int, string?> _answer;
        private int _requests;

        public CountingServer(Func<int, string?> answer, string? more = null)
        {
            (_answer, _more) = (answer, more);
            _listener.Start();
            Endpoint = (IPEndPoint)_listener.LocalEndpoint;
            _ = AcceptAsync();
        }

        public IPEndPoint Endpoint { get; }

        public int Requests => Volatile.Read(ref _requests);

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _ = ServeAsync(await _listener.AcceptTcpClientAsync());
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using (client)
            {
                using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
                while (await reader.ReadLineAsync() is { } line)
                {
                    if (line.Length > 0)
                    {
                        continue;
                    }

                    if (_answer(Interlocked.Increment(ref _requests)) is not { } answer)
                    {
                        return;
                    }

                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
                    if (_more is { } more)
                    {
                        await Task.Yield();
                        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(more));
                    }
                }
            }
        }
    }
}
