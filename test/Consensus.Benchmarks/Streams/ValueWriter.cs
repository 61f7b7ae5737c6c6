using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Bulk;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Streams;

/// <summary>Puts values of the given sizes in turn into a ring of keys, at a steady pace.</summary>
internal sealed class ValueWriter
{
    public const string Prefix = "streams/";

    private const int Keys = 16;

    private readonly ConcurrentQueue<long> _revisions = new();
    private readonly byte[][] _requests;
    private long _turn;
    private long _writtenBytes;

    public ValueWriter(LocalCluster cluster, int member, string name, IReadOnlyList<int> sizes, TimeSpan every)
    {
        // As many requests as it takes until sizes and keys come together again.
        _requests = [.. Enumerable.Range(0, Keys * sizes.Count).Select(index =>
            Request(cluster.Hosts[member], $"{Prefix}{name}/{index % Keys}", sizes[index % sizes.Count]))];
        Paced = new PacedClient(cluster.Endpoints[member], every, Put);
    }

    public PacedClient Paced { get; }

    /// <summary>Of the values that were acknowledged.</summary>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    public long Written { get; private set; }

    /// <summary>The revision of a write some way back, from which there is much history; 0 before there is so much.</summary>
    public long RevisionBack => _revisions.Count >= Keys && _revisions.TryPeek(out var revision) ? revision : 0;

    private static byte[] Request(string host, string key, int bytes)
    {
        var head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"PUT /v1/kv/{key} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {bytes}\r\n\r\n"));
        var request = new byte[head.Length + bytes];
        head.CopyTo(request, 0);
        new Random(bytes).NextBytes(request.AsSpan(head.Length));
        return request;
    }

    private bool Put(BlockingClient client)
    {
        var request = _requests[_turn++ % _requests.Length];
        if (client.Exchange(request) != 200 || !JsonScan.TryReadNumber(client.Body, "\"modRevision\""u8, out var revision))
        {
            return false;
        }

        Written++;
        Interlocked.Add(ref _writtenBytes, request.Length);
        _revisions.Enqueue(revision);
        if (_revisions.Count > Keys)
        {
            _revisions.TryDequeue(out _);
        }

        return true;
    }
}
