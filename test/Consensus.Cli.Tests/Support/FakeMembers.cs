using System.Text.Json;
using Consensus.Api;

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

    /// <summary>Where the cluster's list says that a member serves clients.</summary>
    public Func<int, Uri>? Told { get; set; }

    /// <summary>What a member was asked.</summary>
    public IReadOnlyCollection<FakeRequest> Asked(int index) => _servers[index].Requests;

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
        "/v1/status" => new FakeAnswer(200, Members[index].Look($"n{index + 1}")),
        "/v1/cluster" => new FakeAnswer(200, Cluster()),
        "/v1/statehash" => Members[index].StateHash($"n{index + 1}", long.Parse(request.Target.Split("index=")[1])),
        "/v1/statehash/tables" => Members[index].StateTables(request),
        _ => new FakeAnswer(404),
    };

    /// <summary>JSON of the list of those who wait to be added.</summary>
    public string Joining { get; set; } = "[]";

    private string Cluster()
    {
        var members = _servers.Select((server, index) => !Members[index].IsListed ? "" : $$"""
            {"id":"{{index}}","name":"n{{index + 1}}","role":"{{Members[index].Listed}}","self":false,"clientUrl":"{{Told?.Invoke(index) ?? server.Endpoint}}","peerUrl":"p{{index + 1}}:1","matchIndex":null,"healthy":{{(Members[index].Healthy ? "true" : "false")}},"health":"{{Members[index].Health}}","lastContactMs":{{(index == 0 ? "null" : "1234")}},"roundTripMs":{{(index == 0 ? "null" : "0.25")}}}
            """);
        return $$"""{"clusterId":"c","leader":"n1","term":4,"members":[{{string.Join(',', members.Where(member => member.Length > 0))}}],"joining":{{Joining}}}""";
    }

    internal sealed class Member
    {
        /// <summary>As it says itself.</summary>
        public string Id { get; set; } = "1";

        /// <summary>Whether the cluster's list has it.</summary>
        public bool IsListed { get; set; } = true;

        public string Role { get; set; } = "follower";

        public long Term { get; set; } = 4;

        public long Applied { get; set; } = 100;

        /// <summary>How much further it is each time that it is asked for its status.</summary>
        public long AppliedBetweenLooks { get; set; }

        public string Alarms { get; set; } = "";

        /// <summary>Its role in the cluster's list.</summary>
        public string Listed { get; set; } = "follower";

        /// <summary>Whether the answering member hears it.</summary>
        public bool Healthy { get; set; } = true;

        public string Health { get; set; } = "healthy";

        public string Leader { get; set; } = "\"n1\"";

        public string Version { get; set; } = "0.1.0";

        public bool Insecure { get; set; }

        /// <summary>What it says of its data at rest: fields, and a comma behind.</summary>
        public string AtRest { get; set; } = "";

        public long First { get; set; } = 1;

        public long? Last { get; set; }

        public long? Durable { get; set; }

        public string Hash { get; set; } = "000000000000abcd";

        public List<long> HashesAsked { get; } = [];

        /// <summary>Takes the place of the answer about an index, or null for the real one.</summary>
        public Func<long, FakeAnswer?> OnHash { get; set; } = _ => null;

        /// <summary>What it has in its tables, at whatever index; null: it does not answer about them.</summary>
        public ViewMember? Tables { get; set; }

        /// <summary>At which it was asked for its tables.</summary>
        public List<long> TablesAsked { get; } = [];

        /// <summary>Takes the place of the answer about the tables at an index, or null for the real one.</summary>
        public Func<long, FakeAnswer?> OnTables { get; set; } = _ => null;

        public FakeAnswer StateTables(FakeRequest request)
        {
            if (request.Method == "GET")
            {
                TablesAsked.Add(long.Parse(request.Target.Split("index=")[1]));
            }
            if (Tables is null)
            {
                return FakeAnswer.Problem(404, "not-found", "no such path");
            }
            if (request.Method == "POST")
            {
                var question = JsonSerializer.Deserialize(request.Body, ApiJson.Default.TableRangesRequest)!;
                return new FakeAnswer(200, JsonSerializer.Serialize(Tables.Answer(question), ApiJson.Default.TableRangesAnswer));
            }
            var index = TablesAsked[^1];
            return OnTables(index) ?? new FakeAnswer(200, JsonSerializer.Serialize(Tables.Tables(index), ApiJson.Default.StateTablesAnswer));
        }

        public FakeAnswer StateHash(string name, long index)
        {
            HashesAsked.Add(index);
            return OnHash(index) ?? new FakeAnswer(
                200, $$"""{"name":"{{name}}","index":{{index}},"stateHash":"{{Hash}}","oldestIndex":1,"appliedIndex":{{Math.Max(index, Applied)}}}""");
        }

        public string Look(string name)
        {
            var status = Status(name);
            Applied += AppliedBetweenLooks;
            return status;
        }

        public string Status(string name) => $$"""
            {"name":"{{name}}","memberId":"{{Id}}","clusterId":"c","version":"{{Version}}","role":"{{Role}}","leader":{{Leader}},"term":{{Term}},"commitIndex":{{Applied}},"appliedIndex":{{Applied}},
            "firstIndex":{{First}},"lastIndex":{{Last ?? Applied}},"durableIndex":{{Durable ?? Applied}},"revision":55,"stateHash":"{{Hash}}","clusterTimeMs":0,"logBytes":65536,"snapshotIndex":0,"snapshotBytes":0,"keys":3,"leases":2,"locks":1,
            "waiters":0,"idempotencyKeys":0,"stateBytes":0,"uptimeMs":1,"ready":true,{{AtRest}}
            "insecure":{{(Insecure ? "true" : "false")}},"alarms":[{{Alarms}}]}
            """;
    }
}
