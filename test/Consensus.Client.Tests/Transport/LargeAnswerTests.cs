using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Api;
using Consensus.Client.Transport;

namespace Consensus.Client.Tests.Transport;

/// <summary>Answers of any declared and real length, from somebody who is no member: memory is taken for what comes, and no more than a bound.</summary>
internal sealed class LargeAnswerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ApiRequest Question = new() { Method = HttpMethod.Get, Target = "/v1/kv/a", Form = new Anything() };

    public enum Way
    {
        Pool,
        CallingThread,
        Renewal,
        Stream,
    }

    [Test]
    public async Task A_declared_length_takes_no_memory_before_its_bytes_come([Values] Way way)
    {
        const long Declared = 60_000_000;
        using var server = new Impostor(Declared, sent: 80);
        await AskAsync(way, server.Endpoint);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var attempt = await AskAsync(way, server.Endpoint);

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(Declared / 4));
        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.NothingDone));
        Assert.That(attempt.Detail, Does.EndWith("closed the connection before it answered."));
    }

    [Test]
    public async Task An_answer_beyond_the_bound_is_not_taken_and_told_as_that([Values] Way way)
    {
        const int Length = HttpTransport.MaxAnswerBytes + 1;
        using var server = new Impostor(Length, sent: Length);

        var attempt = await AskAsync(way, server.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.NothingDone));
        Assert.That(attempt.Detail, Is.EqualTo($"{server.Endpoint.Authority} answered with more than 64 MiB."));
    }

    [Test]
    public async Task The_largest_answer_within_the_bound_is_taken([Values(Way.Pool, Way.CallingThread, Way.Renewal)] Way way)
    {
        using var server = new Impostor(HttpTransport.MaxAnswerBytes, HttpTransport.MaxAnswerBytes, status: 200);

        var attempt = await AskAsync(way, server.Endpoint);

        Assert.That((attempt.Kind, attempt.Body.Length), Is.EqualTo((AttemptKind.Done, HttpTransport.MaxAnswerBytes)), attempt.Detail);
    }

    private static async Task<Attempt> AskAsync(Way way, Uri endpoint)
    {
        using var transport = new HttpTransport(new ConsensusClientOptions { Endpoints = [endpoint], SendsOnCallingThread = way == Way.CallingThread });
        switch (way)
        {
            case Way.Renewal:
                return transport.Send(endpoint, Question, Patience, CancellationToken.None);
            case Way.Stream:
                var (attempt, response) = await transport.OpenStreamAsync(
                    endpoint, Question, ApiMediaTypes.Bytes, Patience, CancellationToken.None);
                response?.Dispose();
                return attempt;
            default:
                return await transport.SendAsync(endpoint, Question, default, Patience, CancellationToken.None);
        }
    }

    private sealed class Anything : AnswerForm
    {
        public override object? Read(HttpStatusCode status, byte[] body) => body;
    }

    /// <summary>Answers every connection's first request with a declared and a real length of its own, then closes it.</summary>
    private sealed class Impostor : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public Impostor(long declared, int sent, int status = 500)
        {
            _listener.Start();
            Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
            new Thread(() => Serve(declared, sent, status)) { IsBackground = true }.Start();
        }

        public Uri Endpoint { get; }

        public void Dispose() => _listener.Stop();

        private void Serve(long declared, int sent, int status)
        {
            try
            {
                while (true)
                {
                    using var socket = _listener.AcceptSocket();
                    Answer(socket, declared, sent, status);
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Stopped.
            }
        }

        private static void Answer(Socket socket, long declared, int sent, int status)
        {
            var part = new byte[64 * 1024];
            Array.Fill(part, (byte)'x');
            try
            {
                socket.Receive(part.AsSpan(0, 4096).ToArray());
                socket.Send(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Said\r\nContent-Length: {declared}\r\n\r\n")));
                for (var left = sent; left > 0;)
                {
                    left -= socket.Send(part.AsSpan(0, Math.Min(left, part.Length)));
                }
                socket.Shutdown(SocketShutdown.Send);
                // Until the other end has had enough.
                while (socket.Receive(part) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // It had.
            }
        }
    }
}
