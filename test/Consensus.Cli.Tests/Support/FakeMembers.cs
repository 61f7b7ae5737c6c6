namespace Consensus.Cli.Tests.Support;

/// <summary>Three members that tell their status and the cluster's member list, each a server of its own.</summary>
internal sealed class FakeMembers : IDisposable
{
    private readonly FakeServer[] _servers;

    public FakeMembers()
    {
        _servers = [.. Enumerable.Range(0, 3).Select(index => new FakeServer(request => Answer(index, request)))];
        Members = [.. Enumerable.Range(0, 3).Select(index => new Member { Role = index == 0 ? "leader" : "follower" })];
    }

    public Member[] Members { get; }

    public Uri Endpoint(int index) => _servers[index].Endpoint;

    public void Stop(int index) => _servers[index].Stop();

    public void Dispose()
    {
        foreach (var server in _servers)
        {
            server.Dispose();
        }
    }

    private FakeAnswer Answer(int index, FakeRequest request) => request.Path switch
    {
        "/v1/status" => new FakeAnswer(200, Members[index].Status($"n{index + 1}")),
        "/v1/cluster" => new FakeAnswer(200, Cluster()),
        "/v1/statehash" => Members[index].StateHash($"n{index + 1}", long.Parse(request.Target.Split("index=")[1])),
        _ => new FakeAnswer(404),
    };

    private string Cluster()
    {
        var members = _servers.Select((server, index) => $$"""
            {"id":"{{index}}","name":"n{{index + 1}}","role":"follower","self":false,"clientUrl":"{{server.Endpoint}}","peerUrl":"x","matchIndex":null,"healthy":true}
            """);
        return $$"""{"clusterId":"c","leader":"n1","term":4,"members":[{{string.Join(',', members)}}]}""";
    }

    internal sealed class Member
    {
        public string Role { get; set; } = "follower";

        public long Term { get; set; } = 4;

        public long Applied { get; set; } = 100;

        public string Alarms { get; set; } = "";

        public string Hash { get; set; } = "000000000000abcd";

        public List<long> HashesAsked { get; } = [];

        /// <summary>Takes the place of the answer about an index, or null for the real one.</summary>
        public Func<long, FakeAnswer?> OnHash { get; set; } = _ => null;

        public FakeAnswer StateHash(string name, long index)
        {
            HashesAsked.Add(index);
            return OnHash(index) ?? new FakeAnswer(
                200, $$"""{"name":"{{name}}","index":{{index}},"stateHash":"{{Hash}}","oldestIndex":1,"appliedIndex":{{Math.Max(index, Applied)}}}""");
        }

        public string Status(string name) => $$"""
            {"name":"{{name}}","memberId":"1","clusterId":"c","version":"0.1.0","role":"{{Role}}","leader":"n1","term":{{Term}},"commitIndex":{{Applied}},"appliedIndex":{{Applied}},
            "firstIndex":1,"lastIndex":100,"durableIndex":100,"revision":55,"stateHash":"0","clusterTimeMs":0,"logBytes":65536,"snapshotIndex":0,"snapshotBytes":0,"keys":3,"leases":2,"locks":1,
            "waiters":0,"idempotencyKeys":0,"stateBytes":0,"uptimeMs":1,"ready":true,"insecure":false,"alarms":[{{Alarms}}]}
            """;
    }
}
