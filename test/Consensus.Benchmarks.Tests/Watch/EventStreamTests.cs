using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Watch;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.Consensusd;
using Consensus.Benchmarks.Workloads.Etcd;

namespace Consensus.Benchmarks.Tests.Watch;

/// <summary>The reader of endless answers against a peer that says what servers say, also in pieces.</summary>
internal sealed class EventStreamTests
{
    [Test]
    public void The_revision_of_the_last_event_is_read_though_it_comes_in_pieces() => ReadsAll(
        new ConsensusScripts().Watch("a:1", "b:2", "k"),
        ("HTTP/1.1 200 OK\r\n\r\nevent: open\nid: 7\n", 7),
        ("data: {}\n\nid: 1", 7),
        ("23\ndata: {}\n\n", 123));

    [Test]
    public void The_revision_of_etcds_header_is_read_and_not_that_of_its_key_values() => ReadsAll(
        new EtcdScripts().Watch("a:1", "b:2", "k"),
        ("HTTP/1.1 200 OK\r\n\r\n{\"result\":{\"header\":{\"revision\":\"7\"},\"created\":true}}\n", 7),
        ("{\"result\":{\"header\":{\"revision\":\"9\"},\"events\":[{\"kv\":{\"create_revision\":\"3\",\"mod_revision\":\"8\"}}]}}\n", 9));

    private static void ReadsAll(WatchWords words, params (string Text, long Revision)[] steps)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stream = new EventStream((IPEndPoint)listener.LocalEndpoint, words.Watch, words.EventRevision);
        using var peer = listener.AcceptSocket();
        using var poll = new EventPoll();
        stream.Register(poll, 0);
        foreach (var (text, revision) in steps)
        {
            peer.Send(Encoding.ASCII.GetBytes(text));
            Assert.That(poll.Wait((int)Patience.Limit.TotalMilliseconds), Is.EqualTo(1));
            stream.Read();
            Assert.That(stream.LastId, Is.EqualTo(revision), text);
        }
    }
}
