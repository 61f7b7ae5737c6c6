using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Packed;
using Consensus.Fuzzing;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Fuzzing;

/// <summary>
/// Bytes of any kind on a real connection. The server goes on; each answer is whole and valid HTTP; one of 400 or above is a problem document, and never says that the server
/// made a mistake.
/// </summary>
internal sealed class HttpFuzzTests : ContractTest
{
    /// <summary>Not the server's mistakes: a revision that lies in the future, a wait that its client ended, a version of HTTP that does not exist.</summary>
    private static readonly int[] Truthful = [503, 504, 505];

    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(20);

    [TearDown]
    public async Task The_server_goes_on()
    {
        using var put = await SendAsync("PUT", "/v1/kv/alive", "yes");
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await UntilAsync(() => Node.WaitingRequests == 0, "nobody waits for an answer that is not wanted any more");
    }

    [Test]
    public async Task Random_bytes_are_answered_or_closed([Range(1, 3)] int seed)
    {
        var random = Mutator.Random(seed);
        for (var round = Mutator.Rounds(150); round > 0; round--)
        {
            await ExchangeAsync(Mutator.Bytes(random, random.Chance(1, 10) ? 40_000 : 300), null);
        }
        Assert.That(Node.AppliedCommands, Is.Zero, "noise is no command");
    }

    [Test]
    public async Task Changed_requests_are_answered_truthfully([Range(1, 6)] int seed)
    {
        var random = Mutator.Random(seed);
        var statuses = new SortedDictionary<int, int>();
        for (var round = Mutator.Rounds(250); round > 0; round--)
        {
            var request = Encoding.Latin1.GetBytes(Requests.DrawSeveral(random));
            await ExchangeAsync(random.Chance(1, 2) ? request : Mutator.Change(request, random), statuses);
            if (random.Chance(1, 20))
            {
                Node.Advance(TimeSpan.FromSeconds(random.Next(30)));
            }
        }
        TestContext.Out.WriteLine(string.Join(", ", statuses.Select(s => $"{s.Key}: {s.Value}")));
        Assert.That(statuses.Keys, Is.SupersetOf(new[] { 200, 201, 400, 404 }), "requests get past the parser and to the state");
    }

    /// <summary>A connection that begins as HTTP/2 with prior knowledge, and goes on with frames that are changed or made up.</summary>
    [Test]
    public async Task HTTP2_frames_of_any_kind_end_at_most_their_connection([Range(1, 3)] int seed)
    {
        var random = Mutator.Random(seed);
        for (var round = Mutator.Rounds(100); round > 0; round--)
        {
            List<byte> bytes = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];
            for (var frames = random.Next(1, 6); frames > 0; frames--)
            {
                var payload = Mutator.Bytes(random, 60);
                bytes.AddRange([0, 0, (byte)payload.Length, (byte)random.Next(12), (byte)random.NextUInt64(), 0, 0, 0, (byte)random.Next(8), .. payload]);
            }
            byte[] sent = [.. bytes];
            await SendAllAsync(random.Chance(1, 3) ? [.. sent[..24], .. Mutator.Change(sent.AsSpan(24), random)] : sent);
        }
    }

    private async Task ExchangeAsync(byte[] request, SortedDictionary<int, int>? statuses)
    {
        var (received, isReset) = await SendAllAsync(request);
        var shown = Encoding.Latin1.GetString(request);
        // With HTTP/2's first line in it the rest is frames.
        if (shown.Contains("HTTP/2", StringComparison.Ordinal))
        {
            return;
        }
        try
        {
            foreach (var (status, headers, body) in HttpAnswers.Parse(received, shown.Contains("HEAD", StringComparison.Ordinal), isReset))
            {
                statuses?[status] = statuses.GetValueOrDefault(status) + 1;
                CheckAnswer(status, headers, body);
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or AssertionException || PackedDocument.IsFault(e))
        {
            Assert.Fail($"{e.Message}\n--- request ---\n{shown}\n--- answers ---\n{Encoding.Latin1.GetString(received)}");
        }
    }

    private static void CheckAnswer(int status, Dictionary<string, string> headers, byte[] body)
    {
        if (body.Length > 0 && headers.GetValueOrDefault("Content-Type") == "application/msgpack")
        {
            Packed.ToNode(body);
        }
        Assert.That(status is 100 or (>= 200 and < 300) or 304 or (>= 400 and < 500) || Truthful.Contains(status), Is.True, $"status {status}");
        if (status < 400 || body.Length == 0)
        {
            return;
        }
        Assert.That(headers["Content-Type"], Is.EqualTo("application/problem+json"));
        var problem = JsonSerializer.Deserialize(body, ApiJson.Default.ProblemAnswer)!;
        Assert.That(problem.Status, Is.EqualTo(status));
        Assert.That(problem.Type, Does.StartWith("urn:consensus:problem:"));
        Assert.That(problem.Detail, Is.Not.Empty);
    }

    /// <summary>
    /// Sends everything, in the end says that nothing more comes, and gives all that is answered until the server closes. A server that will not read the rest resets the connection, and
    /// the end of what it sent may be lost with that.
    /// </summary>
    private async Task<(byte[] Received, bool IsReset)> SendAllAsync(byte[] request)
    {
        using var limit = Patience.Begin();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
        var received = new List<byte>();
        try
        {
            for (var at = 0; at < request.Length;)
            {
                at += await socket.SendAsync(request.AsMemory(at), limit.Token);
            }
            var buffer = new byte[16_384];
            var isShut = false;
            while (true)
            {
                // A server that hears the end of the requests drops what it has not answered yet: so it hears of it only when nothing more comes.
                if (!isShut && !socket.Poll(Quiet, SelectMode.SelectRead))
                {
                    socket.Shutdown(SocketShutdown.Send);
                    isShut = true;
                }
                var count = await socket.ReceiveAsync(buffer, limit.Token);
                if (count == 0)
                {
                    break;
                }
                received.AddRange(buffer.AsSpan(0, count));
            }
        }
        catch (SocketException)
        {
            return ([.. received], true);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the server neither answers nor closes: {Encoding.Latin1.GetString(request)}");
        }
        return ([.. received], false);
    }
}
