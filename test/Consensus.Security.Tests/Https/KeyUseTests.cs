using System.Net;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tls;

namespace Consensus.Security.Tests.Https;

/// <summary>No key of a connection seals more records, or more bytes, than it may.</summary>
internal sealed class KeyUseTests : HttpsTest
{
    protected override KeyLimits KeyLimits => new(Records: 40, Bytes: 4 << 20);

    [Test]
    public void A_connection_ends_between_two_requests_when_it_has_sent_as_many_records_as_it_may()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        TlsAnswer answer;
        var answers = 0;
        do
        {
            answer = connection.Ask("GET", "/v1/status");
            Assert.That((answer.Status, ++answers), Is.EqualTo((200, answers)));
        }
        while (!answer.Headers.ContainsKey("Connection") && answers < 200);
        Assert.That(answers, Is.InRange(10, 45));
        Assert.That(connection.IsEnded(), Is.True);
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_stream_that_has_no_end_is_cut_off_by_twice_as_many(string version)
    {
        using var stream = await EventStream.OpenAsync(Library(Billing, Version.Parse(version)), "/v1/kv/a");
        await stream.ExpectAsync("open");
        var writer = Library(Client("writer"));
        var heard = 0;
        async Task ReadAsync()
        {
            while (await stream.NextAsync() is not null)
            {
                Interlocked.Increment(ref heard);
            }
        }
        var reading = ReadAsync();
        for (var i = 0; i < 200 && !reading.IsCompleted; i++)
        {
            using var put = await writer.PutAsync(new Uri("/v1/kv/a", UriKind.Relative), new StringContent($"{i}"));
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK), "the writer's connections end between two requests");
            // Else several events share a record.
            var told = i;
            await Patience.UntilAsync(() => Volatile.Read(ref heard) > told || reading.IsCompleted, "it is heard, or nothing is any more");
        }
        Assert.That(async () => await reading.InTimeAsync(), Throws.InstanceOf<IOException>().Or.InstanceOf<HttpRequestException>());
        Assert.That(heard, Is.LessThan(100));
    }

    [Test]
    public async Task What_is_received_counts_in_bytes()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        var body = new string('x', 1 << 20);
        var answers = 0;
        TlsAnswer answer;
        do
        {
            connection.Send(TlsHttp.Request("PUT", "/v1/kv/a", $"Content-Length: {body.Length}") + body);
            answer = connection.Receive();
            Assert.That((answer.Status, ++answers), Is.EqualTo((200, answers)), answer.Body);
        }
        while (!answer.Headers.ContainsKey("Connection") && answers < 7);
        Assert.That(answers, Is.InRange(4, 5));
        await Patience.UntilAsync(() => Tls.Connections == 0, "it ended");
    }
}
