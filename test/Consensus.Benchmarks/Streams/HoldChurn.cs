using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Bulk;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Streams;

/// <summary>
/// A lock that has as many holders as are shown, each with as much metadata as may be, an election whose leader proclaims values as
/// long as may be, and a lease that keys come to and
/// go from: what streams of these are told of is as large as it gets.
/// </summary>
internal sealed class HoldChurn
{
    public const string LockPath = "/v1/locks/" + ValueWriter.Prefix + "shared";
    public const string ElectionPath = "/v1/elections/" + ValueWriter.Prefix + "election";

    private const int Holders = 99;
    private const int LongestText = 4000;

    private readonly string _host;
    private readonly string _acquire;
    private readonly long _leaderToken;
    private long _turn;

    /// <summary>Takes what is held all the time.</summary>
    public HoldChurn(LocalCluster cluster, int member, TimeSpan every)
    {
        _host = cluster.Hosts[member];
        using var client = new BlockingClient(cluster.Endpoints[member], TimeSpan.FromSeconds(15));
        LeaseId = Ask(client, "/v1/leases", "{\"ttl\":\"10m\"}", 201).Split("\"id\":\"")[1].Split('"')[0];
        var metadata = new string('m', LongestText);
        _acquire = $"{{\"owner\":\"holder\",\"mode\":\"shared\",\"lease\":\"{LeaseId}\",\"metadata\":{{\"m\":\"{metadata}\"}}}}";
        for (var i = 0; i < Holders; i++)
        {
            Ask(client, LockPath, _acquire, 200);
        }

        _leaderToken = Token(Ask(client, ElectionPath, $"{{\"candidate\":\"leader\",\"lease\":\"{LeaseId}\",\"value\":\"first\"}}", 200));
        Paced = new PacedClient(cluster.Endpoints[member], every, Turn);
    }

    public PacedClient Paced { get; }

    /// <summary>Of the lease that all is under.</summary>
    public string LeaseId { get; }

    private string Ask(BlockingClient client, string path, string body, int expected)
    {
        var status = client.Exchange(RequestWriter.Build("POST", path, _host, body));
        var answer = Encoding.UTF8.GetString(client.Body);
        return status == expected ? answer : throw new BenchException($"streams: {path} was answered {status}: {answer}");
    }

    private static long Token(string answer) => JsonScan.TryReadNumber(Encoding.UTF8.GetBytes(answer), "\"fencingToken\""u8, out var token)
        ? token
        : throw new BenchException($"streams: no token in {answer}");

    /// <summary>One more holder that goes again, another value, and a key of the lease that is another.</summary>
    private bool Turn(BlockingClient client)
    {
        var turn = (++_turn).ToString(CultureInfo.InvariantCulture);
        if (client.Exchange(RequestWriter.Build("POST", LockPath, _host, _acquire)) != 200
            || !JsonScan.TryReadNumber(client.Body, "\"fencingToken\""u8, out var token))
        {
            return false;
        }

        var held = string.Create(CultureInfo.InvariantCulture, $"{LockPath}?fencingToken={token}");
        var release = client.Exchange(RequestWriter.Build("DELETE", held, _host));
        var value = turn.PadLeft(LongestText, 'v');
        var proclaimed = client.Exchange(RequestWriter.Build(
            "PUT",
            ElectionPath,
            _host,
            string.Create(CultureInfo.InvariantCulture, $"{{\"fencingToken\":{_leaderToken},\"value\":\"{value}\"}}")));
        var key = $"/v1/kv/bench/leased/{_turn % 50}-{new string('k', 900)}?lease={LeaseId}";
        var put = client.Exchange(RequestWriter.Build("PUT", key, _host, turn));
        return release == 204 && proclaimed == 200 && put == 200;
    }
}
