using System.Globalization;
using Consensus.Api.Problems;
using Consensus.Node.Core.Flow;
using Consensus.Node.Ports;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server;
using Consensus.Server.Auth;
using Consensus.Server.Comparison;
using Consensus.Server.Connections;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Metrics;
using Consensus.Server.Routing;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tokens;
using Consensus.Server.Watches;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Security.Tests.Access;

/// <summary>Row 1: the whole table of endpoints, asked by nobody and by somebody without rights.</summary>
internal sealed class DoorTests : AccessTest
{
    /// <summary>What is right of each request but for who asks.</summary>
    private static readonly Dictionary<(ApiRoute Route, string Method), string> Bodies = new()
    {
        [(ApiRoute.Leases, "POST")] = """{"ttl":"60s"}""",
        [(ApiRoute.LeasesKeepAlive, "POST")] = """{"ids":["1"]}""",
        [(ApiRoute.LeaseSettle, "POST")] = """{"seq":1}""",
        [(ApiRoute.Lock, "POST")] = """{"owner":"o","ttl":"60s"}""",
        [(ApiRoute.Lock, "PUT")] = """{"fencingToken":1}""",
        [(ApiRoute.Lock, "PATCH")] = """{"fencingToken":1,"handOverTo":"p"}""",
        [(ApiRoute.Semaphore, "POST")] = """{"owner":"o","ttl":"60s","permits":2}""",
        [(ApiRoute.Semaphore, "PUT")] = """{"fencingToken":1}""",
        [(ApiRoute.Semaphore, "PATCH")] = """{"permits":3}""",
        [(ApiRoute.Election, "POST")] = """{"candidate":"o","ttl":"60s"}""",
        [(ApiRoute.Election, "PUT")] = """{"fencingToken":1}""",
        [(ApiRoute.Election, "PATCH")] = """{"fencingToken":1,"handOverTo":"p"}""",
        [(ApiRoute.MultiLock, "POST")] = """{"owner":"o","ttl":"60s","names":["a","b"]}""",
        [(ApiRoute.Fence, "PUT")] = """{"fencingToken":1}""",
        [(ApiRoute.Setting, "PUT")] = """{"value":100000}""",
        [(ApiRoute.Txn, "POST")] = """{"success":[{"put":{"key":"a","value":"1"}}]}""",
        [(ApiRoute.AuthRole, "PUT")] = """{"rules":[]}""",
        [(ApiRoute.AuthPrincipal, "PUT")] = """{"roles":[]}""",
        [(ApiRoute.AuthTokens, "POST")] = """{"principal":"p"}""",
        [(ApiRoute.AuthToken, "PUT")] = $$"""{"hash":"{{new string('a', 64)}}","principal":"p"}""",
        [(ApiRoute.AuthCheck, "POST")] = """{"principal":"p","verb":"read","space":"keys","name":"a"}""",
        [(ApiRoute.ClusterMembers, "POST")] = """{"name":"n4"}""",
        [(ApiRoute.ClusterMember, "PATCH")] = """{"role":"voter"}""",
        [(ApiRoute.ClusterLeader, "POST")] = "{}",
        [(ApiRoute.StateTables, "POST")] = """{"index":1,"table":"keys","ranges":[{}]}""",
    };

    private static readonly Dictionary<ApiRoute, ApiRoute> OneOf = new()
    {
        [ApiRoute.Locks] = ApiRoute.Lock,
        [ApiRoute.Semaphores] = ApiRoute.Semaphore,
        [ApiRoute.Elections] = ApiRoute.Election,
        [ApiRoute.Fences] = ApiRoute.Fence,
    };

    private static string TargetOf(Endpoint endpoint)
    {
        var target = ApiRouter.Template(endpoint.Route)
            .Replace("{id}", endpoint.Route == ApiRoute.ClusterMember ? "n2" : "1", StringComparison.Ordinal)
            .Replace("{setting}", "max-leases", StringComparison.Ordinal)
            .Replace("{fingerprint}", new string('a', 64), StringComparison.Ordinal)
            .Replace("{token}", new string('a', 11), StringComparison.Ordinal);
        var open = target.IndexOf('{', StringComparison.Ordinal);
        target = open < 0 ? target : target[..open] + "a";
        var query = endpoint switch
        {
            { Route: ApiRoute.Keys, Method: "PUT" } => "key=a&value=1",
            { Route: ApiRoute.Keys, Method: "DELETE" } => "prefix=a",
            { Route: ApiRoute.Key, Method: "PUT" } => "value=1",
            { Method: "DELETE", Route: ApiRoute.Lock or ApiRoute.Semaphore or ApiRoute.Election } => "fencingToken=1",
            { Method: "DELETE", Route: ApiRoute.Locks or ApiRoute.Semaphores or ApiRoute.Elections } => "key=a&fencingToken=1",
            { Method: not "GET", Route: ApiRoute.Requests } => "key=a",
            { Method: not "GET" } when OneOf.ContainsKey(endpoint.Route) => "key=a",
            { Route: ApiRoute.StateTables, Method: "GET" } => "index=1",
            _ => "",
        };
        return query.Length == 0 ? target : $"{target}?{query}";
    }

    private static string? BodyOf(Endpoint endpoint) =>
        Bodies.GetValueOrDefault((OneOf.GetValueOrDefault(endpoint.Route, endpoint.Route), endpoint.Method));

    private IReadOnlyList<Endpoint> Table()
    {
        using var views = new PinnedViews(TimeProvider.System);
        using var compared = new ComparedViews(TimeProvider.System);
        var info = new ServerInfo { Version = "1" };
        using var watches = new WatchHub(Node, TimeProvider.System, 1, 1024, NullLogger.Instance);
        var unsent = new ByteBudget(1);
        var replies = new Replies(Node, unsent);
        var bodies = new UnfinishedBodies(1, TimeSpan.FromSeconds(1), TimeProvider.System);
        var held = new HeldByServer(Node, bodies, new StreamMemory(1, replies, TimeProvider.System), unsent, watches);
        var gate = new AccessGate(Node, isOpenToOthers: false, awaitsForming: false);
        return ConsensusServer.CreateEndpoints(
            Node,
            replies,
            gate,
            info,
            new ServerLifecycle(TimeProvider.System),
            views,
            compared,
            watches,
            bodies,
            held,
            new RequestCounters(),
            new TokenJudge(TimeProvider.System, TimeProvider.System),
            NullLogger.Instance).All;
    }

    [Test]
    public void Row_1_Without_a_credential_everything_but_the_probes_is_401_and_tells_nothing_else()
    {
        foreach (var endpoint in Table())
        {
            var body = BodyOf(endpoint) ?? "";
            using var connection = TlsHttp.Open(Port, null);
            var length = $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}";
            connection.Send(TlsHttp.Request(endpoint.Method, TargetOf(endpoint), length) + body);
            var answer = connection.Receive();
            if (endpoint.Needs.By == JudgedBy.Nothing)
            {
                Assert.That(answer.Status, Is.EqualTo(200), TargetOf(endpoint));
                Assert.That(endpoint.Route, Is.EqualTo(ApiRoute.Live).Or.EqualTo(ApiRoute.Ready));
            }
            else
            {
                AssertUnknown(answer, "a client certificate is needed here");
            }
        }
    }

    [Test]
    public async Task Row_1_Somebody_without_rights_is_403_at_every_endpoint_that_needs_one_and_nothing_is_done()
    {
        foreach (var endpoint in Table())
        {
            var (target, body) = (TargetOf(endpoint), BodyOf(endpoint));
            if (endpoint.Needs.By is JudgedBy.Nothing or JudgedBy.Credential)
            {
                await DoneAsync("nobody", endpoint.Method, target, body);
                continue;
            }
            var commands = Node.AppliedCommands;
            await ForbiddenAsync("nobody", endpoint.Method, target, body);
            Assert.That(Node.AppliedCommands, Is.EqualTo(commands), $"{endpoint.Method} {target} was logged");
        }
        Assert.That(Node.Changes, Is.Empty);
        Assert.That(Node.Transfers, Is.Empty);
    }

    [Test]
    public async Task The_administrator_is_forbidden_nothing()
    {
        foreach (var endpoint in Table())
        {
            var told = await AskAsync(Admin, endpoint.Method, TargetOf(endpoint), BodyOf(endpoint));
            Assert.That(told.Status, Is.Not.EqualTo(403).And.Not.EqualTo(401), $"{endpoint.Method} {TargetOf(endpoint)}: {told.Body}");
        }
    }

    [Test]
    public async Task A_disabled_principal_may_nothing_whatever_its_roles_not_even_what_everybody_may()
    {
        await DoAsync(new PutPrincipalCommand("billing", [BuiltInRoles.Admin], IsDisabled: true));
        await ForbiddenAsync("billing", "GET", "/v1/kv/a");
        await ForbiddenAsync("billing", "PUT", "/v1/kv/a", "1");
        await ForbiddenAsync("billing", "GET", "/v1/cluster");
        await ForbiddenAsync("billing", "GET", "/v1/auth");
        Assert.That((await AskAsync("billing", "GET", "/livez")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task What_hangs_on_readiness_is_told_to_who_may_see_the_status()
    {
        await DoneAsync("nobody", "GET", "/readyz");
        await ForbiddenAsync("nobody", "GET", "/readyz?verbose=true");
        await BindAsync("watcher", BuiltInRoles.Monitor);
        await DoneAsync("watcher", "GET", "/readyz?verbose=true");
    }

    [Test]
    public async Task Row_20_An_operator_reads_no_key_takes_no_snapshot_and_edits_no_policy()
    {
        await BindAsync("ops", BuiltInRoles.Operator);
        await ForbiddenAsync("ops", "GET", "/v1/kv/a");
        await ForbiddenAsync("ops", "GET", "/v1/kv/?prefix=");
        await ForbiddenAsync("ops", "GET", "/v1/snapshot");
        await ForbiddenAsync("ops", "PUT", "/v1/auth/principals/ops", """{"roles":["admin"]}""");
        await ForbiddenAsync("ops", "PUT", "/v1/settings/max-leases", """{"value":100000}""");
        await DoneAsync("ops", "POST", "/v1/cluster/leader", "{}");
        await DoneAsync("ops", "GET", "/v1/status");
        await DoneAsync("ops", "GET", "/v1/locks/l");
        await DoneAsync("ops", "GET", "/v1/leases");
    }

    [Test]
    public async Task Row_21_A_monitor_and_a_reader_are_told_nothing_of_who_may_do_what()
    {
        await BindAsync("watcher", BuiltInRoles.Monitor);
        await BindAsync("auditor", BuiltInRoles.Reader);
        foreach (var who in (string[])["watcher", "auditor"])
        {
            await ForbiddenAsync(who, "GET", "/v1/auth/roles");
            await ForbiddenAsync(who, "GET", "/v1/auth/principals");
            await ForbiddenAsync(who, "GET", "/v1/auth/revocations");
            await ForbiddenAsync(who, "GET", "/v1/auth/roles/admin");
            await DoneAsync(who, "GET", "/metrics");
        }
        await ForbiddenAsync("watcher", "GET", "/v1/kv/a");
        Assert.That((await AskAsync("auditor", "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Row_22_A_snapshot_needs_the_right_to_it()
    {
        await BindAsync("auditor", BuiltInRoles.Reader);
        await ForbiddenAsync("auditor", "GET", "/v1/snapshot?consistency=stale");
        await BindAsync("nightly", BuiltInRoles.Backup);
        await DoneAsync("nightly", "GET", "/v1/snapshot");
        await ForbiddenAsync("nightly", "GET", "/v1/kv/a");
    }

    [Test]
    public async Task What_is_done_to_the_cluster_is_judged_by_what_the_cluster_knows_now()
    {
        await BindAsync("ops", BuiltInRoles.Operator);
        Node.PolicyBehind = Node.Policy;
        await BindAsync("ops");
        await ForbiddenAsync("ops", "POST", "/v1/cluster/leader", "{}");
        Assert.That(Node.Transfers, Is.Empty);
    }

    [TestCase("POST", "/v1/cluster/members", "{\"name\":\"n4\"}", BuiltInRoles.Operator)]
    [TestCase("PATCH", "/v1/cluster/members/n3", "{\"role\":\"voter\"}", BuiltInRoles.Operator)]
    [TestCase("DELETE", "/v1/cluster/members/n2", null, BuiltInRoles.Operator)]
    [TestCase("POST", "/v1/cluster/leader", "{}", BuiltInRoles.Operator)]
    [TestCase("POST", "/v1/cluster/leader", "{\"to\":\"n2\"}", BuiltInRoles.Operator)]
    [TestCase("POST", "/v1/statehash/tables", "{\"index\":1,\"table\":\"keys\",\"ranges\":[{\"items\":1}]}", BuiltInRoles.Admin)]
    public async Task What_is_done_to_the_cluster_is_judged_again_when_the_request_has_come_whole(
        string method, string target, string? body, string role)
    {
        await BindAsync("ops", role);
        Node.Waiting.Add(new JoiningMember(new Primitives.MemberId(0x54), "n4", "127.0.0.1:7680"));
        // Between the judgement at the door and the next, for which a body may let it wait for seconds.
        Node.BeforeRead = () => Node.BeforeRead = () => _ = BindAsync("ops");
        var told = await AskAsync("ops", method, target, body);
        Assert.That((told.Status, told.Type), Is.EqualTo((403, ProblemTypes.Forbidden.Uri)), told.Body);
        Assert.That((Node.Changes.Count, Node.Transfers.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_member_that_others_reach_without_TLS_serves_nobody_also_before_it_knows_that_rights_are_judged()
    {
        await BindAsync(Actor.Anonymous, BuiltInRoles.Admin);
        Node.PolicyBehind = new InProcessNode().Policy;
        var gate = new AccessGate(Node, isOpenToOthers: true, awaitsForming: false);
        var needs = Needs.OfCluster(SystemRights.Operate);
        Assert.That((gate.Refusal(needs, Actor.Nobody), gate.Asks(needs)), Is.EqualTo(((Problem?)null, true)));
        Assert.That((await gate.RefusalAsync(needs, Actor.Nobody, default))?.Type, Is.EqualTo(ProblemTypes.NotReady));
        Assert.That(gate.Refusal(Node.View, Actor.Nobody)?.Type, Is.EqualTo(ProblemTypes.NotReady));
    }

    [Test]
    public async Task Who_may_take_no_snapshot_takes_no_place_of_those_who_may()
    {
        await BindAsync("nightly", BuiltInRoles.Backup);
        Node.HoldsReads = true;
        var denied = Enumerable.Range(0, 3).Select(_ => AskAsync("nobody", "GET", "/v1/snapshot")).ToList();
        await Patience.UntilAsync(() => Node.ReadsHeld == denied.Count, "they are judged");
        Node.HoldsReads = false;
        Assert.That((await AskAsync("nightly", "GET", "/v1/snapshot")).Status, Is.EqualTo(200));
        As("nobody").CancelPendingRequests();
        foreach (var one in denied)
        {
            Assert.That(async () => await one, Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [Test]
    public void A_member_that_others_reach_without_TLS_serves_nobody_of_a_cluster_that_judges_rights()
    {
        var gate = new AccessGate(Node, isOpenToOthers: true, awaitsForming: false);
        var refusal = gate.Refusal(Needs.OfView, Actor.Nobody);
        Assert.That(
            (refusal?.Type, refusal?.Detail),
            Is.EqualTo(
                (ProblemTypes.NotReady, "this cluster demands authentication, and n1 was started with --insecure; nothing was done")));
        Assert.That(gate.Refusal(Needs.Nothing, Actor.Nobody), Is.Null);
    }
}
