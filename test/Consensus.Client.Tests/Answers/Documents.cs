using System.Text.Json.Nodes;
using Consensus.Api.Access;
using Consensus.Api.Cluster;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Api.Transactions;
using Consensus.Api.Watches;

namespace Consensus.Client.Tests.Answers;

/// <summary>One document of the contract with all that it always has, and how it is asked for.</summary>
/// <param name="Problem">Asks for it: null when it was read.</param>
internal sealed record AskedDocument(Type Type, string Json, bool IsWrite, Func<ConsensusApiClient, Task<ApiProblem?>> Problem)
{
    public override string ToString() => (IsWrite ? "a write that answers " : "a read of ") + Type.Name;
}

/// <summary>One message of an event stream.</summary>
internal sealed record ToldDocument(string Event, Type Type, string Json, Func<ConsensusApiClient, IAsyncEnumerable<WatchMessage>> Watch)
{
    /// <summary>It moves the place that the watch goes on from.</summary>
    public bool HasId { get; init; } = true;

    public override string ToString() => "an event " + Event;
}

/// <summary>All that a client reads. Each has one of everything that it may have a list of.</summary>
internal static class Documents
{
    private const string Key = """{"key":"a","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}""";
    private const string Loss =
        """{"owner":"o","fencingToken":1,"reason":"forced","revision":3,"lostMsAgo":1,"renewedMsBefore":1,"ttlMs":1}""";
    private const string Delays = """[{"fencingToken":1,"delayMs":5}]""";
    private const string Lock = $$"""
        {"name":"a",
        "holders":[{"owner":"o","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":1,"acquiredRevision":7,"expiresInMs":1}],
        "holderCount":1,"waiters":[{"owner":"w","position":1,"mode":"shared"}],"waiterCount":1,"lastLoss":{{Loss}},"delays":{{Delays}}}
        """;
    private const string Semaphore = $$"""
        {"name":"s","permits":null,"permitsUsed":1,
        "holders":[{"owner":"o","count":1,"fencingToken":7,"lease":"1f","ttlMs":1,"acquiredRevision":7,"expiresInMs":1}],"holderCount":1,
        "waiters":[{"owner":"w","position":1,"count":1}],"waiterCount":1,"lastLoss":{{Loss}},"delays":{{Delays}}}
        """;
    private const string Election = $$"""
        {"name":"e","leader":null,"candidates":[{"candidate":"c","position":1}],"candidateCount":1,"lastLoss":{{Loss}},
        "delays":{{Delays}}}
        """;
    private const string Lease = """{"id":"1f","ttlMs":15000,"expiresInMs":14000}""";
    private const string LeaseDetail = """
        {"id":"1f","ttlMs":15000,"expiresInMs":14000,"keys":["k"],"keyCount":1,"locks":["l"],"semaphores":["s"],"elections":["e"],
        "lockCount":3,"session":{"seq":1,"acked":0,"answers":1,"version":2}}
        """;
    private const string News = """
        {"id":"1f","ttlMs":15000,"expiresInMs":14000,"news":{"version":9,"mustList":false,
        "ended":[{"kind":"lock","name":"l","reason":"forced"}],"began":[{"kind":"lock","name":"m"}]}}
        """;
    private const string Member = """
        {"id":"1","name":"n1","role":"leader","self":true,"clientUrl":"u","peerUrl":"p","matchIndex":null,"healthy":null}
        """;
    private const string Role = """
        {"name":"r","builtIn":false,"rules":[{"verbs":["read"],"spaces":["keys"],"prefix":"a"}],"rights":["leases"],"policyRevision":3}
        """;
    private const string Principal = """{"name":"p","roles":["r"],"disabled":false,"limits":{},"policyRevision":3}""";

    private const string Token =
        """{"id":"t","principal":"p","family":"t","notAfter":"2030-01-01T00:00:00Z","ttlMs":1000,"policyRevision":3}""";
    private const string Whoami = $$"""
        {"principal":"p","credential":"c","enabled":true,"boundAs":null,"disabled":false,"roles":[{{Role}}],"policyRevision":3}
        """;
    private const string Setting = """{"name":"s","value":1,"unit":"count","default":1,"least":0,"most":9}""";
    private const string Fence = """{"resource":"f","highestToken":7}""";
    private const string HandOver = """{"name":"a","handedOverTo":"w","fencingToken":8,"revision":8}""";
    private const string Leadership = """
        {"name":"e","leader":"c","value":"","fencingToken":7,"lease":"1f","ttlMs":15000,"expiresInMs":1,"clusterId":"c"}
        """;
    private const string Settled = """
        {"seq":1,"result":"refused","revision":9,"holds":[{"kind":"lock","name":"l","fencingToken":7}],
        "problem":{"type":"t","title":"t","status":409,"detail":"d"}}
        """;

    private static readonly CancellationToken Never = CancellationToken.None;
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(15);
    private static readonly WatchOptions NotForLong = new() { GiveUpAfter = TimeSpan.Zero };

    public static readonly AskedDocument[] Asked =
    [
        Read(Key, api => api.GetKeyAsync("a", Never)),
        Write(
            """{"key":"a","createRevision":2,"modRevision":3,"version":2,"lease":null}""",
            api => api.PutKeyAsync("a", default, null, Never)),
        Write("""{"deleted":1,"revision":7}""", api => api.DeleteKeyAsync("a", null, Never)),
        Read($$"""{"items":[{{Key}}],"count":1,"revision":3,"nextCursor":null}""", api => api.ListKeysAsync(new KeyListQuery(), Never)),
        Write(
            $$$"""
            {"succeeded":true,"revision":3,"results":[{"put":{{{Key}}}},{"delete":{"deleted":1}},{"get":{"items":[{{{Key}}}],"count":1}}]}
            """,
            api => api.TxnAsync(new TxnRequest(), Never)),
        Write(Lease, api => api.GrantLeaseAsync(Ttl, Never)),
        Write(Lease, api => api.KeepLeaseAliveAsync("1f", Never)),
        Write(News, api => api.KeepSessionAliveAsync("1f", 1, null, Never)),
        Write(
            """{"items":[{"id":"1f","alive":true,"ttlMs":1,"expiresInMs":1}]}""",
            api => api.KeepLeasesAliveAsync(["1f"], Never)),
        Write("""{"id":"1f","keysDeleted":0,"locksFreed":0,"revision":9}""", api => api.RevokeLeaseAsync("1f", Never)),
        Read(LeaseDetail, api => api.GetLeaseAsync("1f", Never)),
        Read(
            """{"items":[{"id":"1f","ttlMs":1,"expiresInMs":1,"keyCount":0,"lockCount":0}],"count":1,"revision":3,"nextCursor":null}""",
            api => api.ListLeasesAsync(new ListQuery(), Never)),
        Write(Settled, api => api.SettleAsync("1f", 1, Never)),
        Write(
            """
            {"name":"a","owner":"o","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":1,"waitedMs":0,"expiresInMs":1,"clusterId":"c"}
            """,
            api => api.AcquireLockAsync(new LockWish("a", "o") { Ttl = Ttl }, Never)),
        Write(
            """
            {"owner":"o","lease":"1f","ttlMs":1,"waitedMs":0,"expiresInMs":1,"clusterId":"c","locks":[{"name":"a","fencingToken":7}]}
            """,
            api => api.AcquireLocksAsync(new MultiLockWish(["a"], "o") { Ttl = Ttl }, Never)),
        Write(
            """{"name":"a","owner":"o","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":1,"expiresInMs":1,"clusterId":"c"}""",
            api => api.RenewLockAsync("a", 7, Never)),
        Write(HandOver, api => api.HandOverLockAsync("a", 7, "w", Never)),
        Read(Lock, api => api.GetLockAsync("a", Never)),
        Read($$"""{"items":[{{Lock}}],"revision":3,"nextCursor":null}""", api => api.ListLocksAsync(new ListQuery(), Never)),
        Write(
            """
            {"name":"s","owner":"o","permits":1,"count":1,"fencingToken":7,"lease":"1f","ttlMs":1,"waitedMs":0,"expiresInMs":1,
            "clusterId":"c"}
            """,
            api => api.AcquireSemaphoreAsync(new SemaphoreWish("s", "o", 1) { Ttl = Ttl }, Never)),
        Write(
            """{"name":"s","owner":"o","count":1,"fencingToken":7,"lease":"1f","ttlMs":1,"expiresInMs":1,"clusterId":"c"}""",
            api => api.RenewSemaphoreAsync("s", 7, Never)),
        Write("""{"name":"s","permits":2,"permitsOut":1,"revision":3}""", api => api.ChangePermitsAsync("s", 2, Never)),
        Read(Semaphore, api => api.GetSemaphoreAsync("s", null, Never)),
        Read($$"""{"items":[{{Semaphore}}],"revision":3,"nextCursor":null}""", api => api.ListSemaphoresAsync(new ListQuery(), Never)),
        Write(
            """
            {"name":"e","leader":"c","value":"","fencingToken":7,"lease":"1f","ttlMs":1,"waitedMs":0,"expiresInMs":1,"clusterId":"c"}
            """,
            api => api.CampaignAsync(new CampaignWish("e", "c") { Ttl = Ttl }, Never)),
        Write(Leadership, api => api.RenewLeadershipAsync("e", 7, Never)),
        Read(Election, api => api.GetElectionAsync("e", null, Never)),
        Read($$"""{"items":[{{Election}}],"revision":3,"nextCursor":null}""", api => api.ListElectionsAsync(new ListQuery(), Never)),
        Read(Fence, api => api.GetFenceAsync("f", null, Never)),
        Read($$"""{"items":[{{Fence}}],"revision":3,"nextCursor":null}""", api => api.ListFencesAsync(new ListQuery(), Never)),
        Write("""{"resource":"f","existed":true,"revision":3}""", api => api.ResetFenceAsync("f", Never)),
        Write(Setting, api => api.PutSettingAsync("s", 1, Never)),
        Read($$"""{"items":[{{Setting}}],"revision":3}""", api => api.ListSettingsAsync(null, Never)),
        Read(Whoami, api => api.GetWhoamiAsync(null, Never)),
        Read(Role, api => api.GetRoleAsync("r", null, Never)),
        Read($$"""{"items":[{{Role}}],"policyRevision":3,"nextCursor":null}""", api => api.ListRolesAsync(new ListQuery(), Never)),
        Read(Principal, api => api.GetPrincipalAsync("p", null, Never)),
        Read(
            $$"""{"items":[{{Principal}}],"policyRevision":3,"nextCursor":null}""", api => api.ListPrincipalsAsync(new ListQuery(), Never)),
        Read(
            """{"items":[{"fingerprint":"f","note":"n","policyRevision":3}],"policyRevision":3,"nextCursor":null}""",
            api => api.ListRevocationsAsync(new ListQuery(), Never)),
        Read(Token, api => api.GetTokenAsync("t", null, Never)),
        Read($$"""{"items":[{{Token}}],"policyRevision":3,"nextCursor":null}""", api => api.ListTokensAsync(new ListQuery(), Never)),
        Write(
            """{"token":"cns1_x","id":"t","principal":"p","notAfter":"2030-01-01T00:00:00Z","ttlMs":1000,"policyRevision":3}""",
            api => api.MakeTokenAsync("p", null, Never)),
        Write("""{"policyRevision":3,"changed":true}""", api => api.PutRoleAsync("r", [], null, Never)),
        Write(
            """{"allowed":true,"reason":null,"enabled":true,"policyRevision":3}""",
            api => api.CheckAccessAsync(new AccessCheckRequest("p", "read", "keys"), Never)),
        Write("""{"outcome":"withdrawn","revision":9}""", api => api.WithdrawAsync("k", Never)),
        Read(
            $$"""
            {"clusterId":"c","leader":null,"term":4,"members":[{{Member}}],"joining":[{"id":"2","name":"n2","peerUrl":"p"}]}
            """,
            api => api.GetClusterAsync(Never)),
        Write(Member, api => api.AddMemberAsync("n1", false, Never)),
        Write("""{"id":"1","name":null}""", api => api.RemoveMemberAsync("1", Never)),
        Write("""{"leader":"n1","term":4}""", api => api.TransferLeadershipAsync("n1", Never)),
        Read(
            """
            {"name":"n1","memberId":"1","clusterId":"c","version":"v","role":"leader","leader":null,"term":4,"commitIndex":1,
            "appliedIndex":1,"firstIndex":1,"lastIndex":1,"durableIndex":1,"revision":1,"stateHash":"h","clusterTimeMs":0,"logBytes":0,
            "snapshotIndex":0,"snapshotBytes":0,"keys":0,"leases":0,"locks":0,"waiters":0,"idempotencyKeys":0,"stateBytes":0,"uptimeMs":1,
            "ready":true,"insecure":false,"alarms":["a"]}
            """,
            api => api.GetStatusAsync(Never)),
        Read(
            """{"name":"n1","index":1,"stateHash":"h","oldestIndex":1,"appliedIndex":1}""",
            api => api.GetStateHashAsync(null, Never)),
        Read(
            """{"name":"n1","index":1,"tables":[{"table":"keys","count":1,"digest":"d"}]}""",
            api => api.GetStateTablesAsync(1, Never)),
        Write(
            """
            {"name":"n1","index":1,"table":"keys","ranges":[{"sums":[{"count":1,"digest":"d"}]},
            {"items":[{"place":"","digest":"d","name":"n","content":"c"}]}]}
            """,
            api => api.AskRangesAsync(new TableRangesRequest(1, "keys", []), Never)),
    ];

    /// <summary>What is held from its answer on.</summary>
    public static IEnumerable<AskedDocument> Grants =>
        Asked.Where(document => document.Json.Contains("\"waitedMs\"", StringComparison.Ordinal));

    public static readonly ToldDocument[] Told =
    [
        new("open", typeof(WatchOpenData), """{"fromRevision":6}""", Keys) { HasId = false },
        new("put", typeof(WatchEventData), """{"key":"a","value":"v","createRevision":6,"modRevision":6,"version":1}""", Keys),
        new("delete", typeof(WatchEventData), """{"key":"a","modRevision":6}""", Keys),
        new(
            "changes",
            typeof(WatchChangesData),
            """
            {"revision":7,"events":[{"event":"delete","key":"a","modRevision":7},
            {"event":"put","key":"b","value":"v","createRevision":7,"modRevision":7,"version":1}]}
            """,
            Keys),
        new("compacted", typeof(WatchCompactedData), """{"compactRevision":40}""", Keys) { HasId = false },
        new(
            "leader",
            typeof(ElectionEventData),
            """{"name":"e","leader":null,"revision":6}""",
            api => api.WatchElectionAsync("e", NotForLong)),
        new("lock", typeof(LockAnswer), Lock, api => api.WatchLockAsync("a")),
        new("semaphore", typeof(SemaphoreAnswer), Semaphore, api => api.WatchSemaphoreAsync("s")),
        new("lease", typeof(LeaseDetailAnswer), LeaseDetail, api => api.WatchLeaseAsync("1f")),
        new("ended", typeof(LeaseEndedData), """{"id":"1f","reason":null,"revision":6}""", api => api.WatchLeaseAsync("1f")),
    ];

    /// <summary>
    /// The document without each thing that it has, without any, and with nothing in its place, at whatever depth. None of them is one.
    /// </summary>
    public static IEnumerable<(string What, string Json)> Maimed(string json)
    {
        for (var at = 0; ; at++)
        {
            var (without, empty) = (JsonNode.Parse(json)!, JsonNode.Parse(json)!);
            if (Places(without).ElementAtOrDefault(at) is not { } place)
            {
                yield break;
            }
            var there = Places(empty).ElementAt(at);
            if (place.Holder is JsonObject members)
            {
                members.Remove(place.Name);
                yield return ("without " + place.Path, without.ToJsonString());
            }
            if (there.Clear())
            {
                yield return ($"with {place.Path} null", empty.ToJsonString());
            }
        }
    }

    private static IAsyncEnumerable<WatchMessage> Keys(ConsensusApiClient api) => api.WatchKeysAsync("", NotForLong);

    private static AskedDocument Read<T>(string json, Func<ConsensusApiClient, Task<ApiResult<T>>> ask) => New(json, false, ask);

    private static AskedDocument Write<T>(string json, Func<ConsensusApiClient, Task<ApiResult<T>>> ask) => New(json, true, ask);

    private static AskedDocument New<T>(string json, bool isWrite, Func<ConsensusApiClient, Task<ApiResult<T>>> ask) =>
        new(typeof(T), json, isWrite, async api => (await ask(api)).Problem);

    /// <summary>Members of objects, and items of lists.</summary>
    private static IEnumerable<Place> Places(JsonNode? node, string path = "")
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    if (!IsOptional(members, name))
                    {
                        yield return new Place(members, name, 0, $"{path}.{name}", value is null || name == "lastLoss");
                    }
                    foreach (var place in Places(value, $"{path}.{name}"))
                    {
                        yield return place;
                    }
                }
                break;
            case JsonArray items:
                for (var i = 0; i < items.Count; i++)
                {
                    yield return new Place(items, "", i, $"{path}[{i}]", items[i] is null);
                    foreach (var place in Places(items[i], $"{path}[{i}]"))
                    {
                        yield return place;
                    }
                }
                break;
            default:
                break;
        }
    }

    /// <summary>What is here to be looked into, and is not always sent.</summary>
    private static bool IsOptional(JsonObject holder, string name) => name switch
    {
        "delays" or "session" or "holds" or "problem" => true,
        "value" => holder.ContainsKey("key") && holder.ContainsKey("lease"),
        "sums" or "items" => holder.Parent is JsonArray,
        _ => false,
    };

    /// <param name="MayBeNull">It is always sent, and null where there is none.</param>
    private sealed record Place(JsonNode Holder, string Name, int Index, string Path, bool MayBeNull)
    {
        /// <summary>False when it is one even so.</summary>
        public bool Clear()
        {
            switch (Holder)
            {
                case JsonObject members:
                    members[Name] = null;
                    break;
                case JsonArray items:
                    items[Index] = null;
                    break;
                default:
                    break;
            }
            return !MayBeNull;
        }
    }
}
