using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Cluster;

internal sealed class ClusterTests : ContractTest
{
    [Test]
    public async Task The_cluster_is_shown_with_its_members()
    {
        var cluster = await AnswerAsync(ApiJson.Default.ClusterAnswer, HttpStatusCode.OK, "GET", "/v1/cluster");
        Assert.That((cluster.ClusterId, cluster.Leader, cluster.Term), Is.EqualTo(("00000000000000c1", "n1", 3L)));
        Assert.That(
            cluster.Members.Select(m => (m.Name, m.Role, m.Self, m.PeerUrl)),
            Is.EqualTo(new[]
            {
                ("n1", "leader", true, "127.0.0.1:7380"),
                ("n2", "follower", false, "127.0.0.1:7480"),
                ("n3", "learner", false, "127.0.0.1:7580"),
            }));
        Assert.That(cluster.Members[2].MatchIndex, Is.Null);
    }

    [Test]
    public async Task How_each_member_does_is_shown_and_what_is_not_known_is_said_to_be_unknown()
    {
        var cluster = await AnswerAsync(ApiJson.Default.ClusterAnswer, HttpStatusCode.OK, "GET", "/v1/cluster");
        Assert.That(
            cluster.Members.Select(m => (m.Healthy, m.Health, m.LastContactMs, m.RoundTripMs)),
            Is.EqualTo(new (bool?, string?, long?, double?)[]
            {
                (true, "healthy", null, null),
                (false, "silent", 12_500, 0.412),
                (null, "unknown", null, null),
            }));
        using var response = await SendAsync("GET", "/metrics");
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        Assert.That(lines, Does.Contain("consensus_member_healthy{member=\"n2\"} 0"));
        Assert.That(lines, Does.Contain("consensus_member_last_contact_seconds{member=\"n2\"} 12.5"));
        Assert.That(lines, Does.Contain("consensus_member_round_trip_seconds{member=\"n2\"} 0.000412"));
        Assert.That(lines, Has.None.Contains("{member=\"n3\"}"), "nothing is claimed of whom it does not know");
    }

    [Test]
    public async Task The_cluster_and_the_status_are_shown_without_a_leader()
    {
        Node.LeaderName = "";
        Assert.That((await AnswerAsync(ApiJson.Default.ClusterAnswer, HttpStatusCode.OK, "GET", "/v1/cluster")).Leader, Is.Null);
        var status = await AnswerAsync(ApiJson.Default.StatusAnswer, HttpStatusCode.OK, "GET", "/v1/status");
        Assert.That((status.Leader, status.Role), Is.EqualTo(((string?)null, "follower")));
    }

    [Test]
    public async Task The_status_counts_what_is_there()
    {
        await AcquireAsync("l");
        using var put = await SendAsync("PUT", "/v1/kv/a", "x");
        var status = await AnswerAsync(ApiJson.Default.StatusAnswer, HttpStatusCode.OK, "GET", "/v1/status");
        Assert.That((status.Name, status.Version, status.Role, status.Leader), Is.EqualTo(("n1", "1.2.3", "leader", "n1")));
        Assert.That((status.Keys, status.Leases, status.Locks, status.Waiters, status.Revision), Is.EqualTo((1, 1, 1, 0, 3)));
        Assert.That(status.Alarms, Is.EqualTo(new[] { "the disk is nearly full" }));
        Assert.That(status.Insecure, Is.False);
    }

    [Test]
    public async Task Leadership_is_handed_to_a_voter_by_name()
    {
        await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpStatusCode.OK, "POST", "/v1/cluster/leader", """{"to":"n2"}""");
        await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpStatusCode.OK, "POST", "/v1/cluster/leader", "{}");
        await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpStatusCode.OK, "POST", "/v1/cluster/leader");
        Assert.That(Node.Transfers, Is.EqualTo(new[] { new MemberId(0x52), MemberId.None, MemberId.None }));
    }

    [Test]
    public async Task A_transfer_that_cannot_be_is_refused_and_one_that_is_not_over_is_unknown()
    {
        await RefusedAsync(ProblemTypes.NotFound, "POST", "/v1/cluster/leader", """{"to":"n9"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/cluster/leader", """{"to":"n3"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/cluster/leader", """{"leader":"n2"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/cluster/leader", """{"to":2}""");
        Assert.That(Node.Transfers, Is.Empty);
        Node.TransferAnswer = new TransferAnswer(AnswerKind.NotDone, "n2 is not reachable", NotDoneReason.None);
        var refused = await RefusedAsync(ProblemTypes.PreconditionFailed, "POST", "/v1/cluster/leader", """{"to":"n2"}""");
        Assert.That(refused.Detail, Is.EqualTo("n2 is not reachable"));
        Node.TransferAnswer = new TransferAnswer(AnswerKind.NotDone, "", NotDoneReason.NoLeader);
        await RefusedAsync(ProblemTypes.NoLeader, "POST", "/v1/cluster/leader", """{"to":"n2"}""");
        Node.TransferAnswer = new TransferAnswer(AnswerKind.Unknown, "", NotDoneReason.None);
        await RefusedAsync(ProblemTypes.OutcomeUnknown, "POST", "/v1/cluster/leader", """{"to":"n2"}""");
    }

    [Test]
    public async Task Liveness_needs_nothing_and_readiness_needs_a_leader_and_a_member_that_has_caught_up()
    {
        await AnswerAsync(ApiJson.Default.ReadyAnswer, HttpStatusCode.OK, "GET", "/readyz");
        var verbose = await AnswerAsync(ApiJson.Default.ReadyAnswer, HttpStatusCode.OK, "GET", "/readyz?verbose");
        Assert.That(verbose.Checks!.Values, Is.All.True);
        Node.Ready = false;
        Assert.That((await RefusedAsync(ProblemTypes.NotReady, "GET", "/readyz")).Checks, Is.Null);
        var lagging = await RefusedAsync(ProblemTypes.NotReady, "GET", "/readyz?verbose");
        Assert.That((lagging.Checks!["leader"], lagging.Checks["caughtUp"]), Is.EqualTo((true, false)));
        Node.LeaderName = "";
        Assert.That((await RefusedAsync(ProblemTypes.NotReady, "GET", "/readyz")).Detail, Does.Contain("leader"));
        await AnswerAsync(ApiJson.Default.LiveAnswer, HttpStatusCode.OK, "GET", "/livez");
    }

    [Test]
    public async Task A_loop_that_stands_still_is_not_ready_after_an_election_timeout_and_not_alive_after_half_a_minute()
    {
        Node.LoopIdleMicros = 1_000_000;
        await AnswerAsync(ApiJson.Default.ReadyAnswer, HttpStatusCode.OK, "GET", "/readyz");
        Node.LoopIdleMicros = 1_500_000;
        var stalled = await RefusedAsync(ProblemTypes.NotReady, "GET", "/readyz?verbose");
        Assert.That((stalled.Checks!["loopTurns"], stalled.Checks["caughtUp"]), Is.EqualTo((false, true)));
        Assert.That(stalled.Detail, Does.Contain("has not turned for 1500 ms"));
        await AnswerAsync(ApiJson.Default.LiveAnswer, HttpStatusCode.OK, "GET", "/livez");
        Node.LoopIdleMicros = 30_000_000;
        Assert.That((await RefusedAsync(ProblemTypes.NotReady, "GET", "/livez")).Detail, Does.Contain("has not turned for 30000 ms"));
    }

    [Test]
    public async Task Readiness_fails_while_the_server_stops()
    {
        Lifecycle.BeginStopping();
        Assert.That((await RefusedAsync(ProblemTypes.NotReady, "GET", "/readyz")).Detail, Does.Contain("stopping"));
        await AnswerAsync(ApiJson.Default.LiveAnswer, HttpStatusCode.OK, "GET", "/livez");
    }

    [Test]
    public async Task Metrics_are_in_the_text_format_of_prometheus()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "x");
        using var missing = await SendAsync("GET", "/v1/kv/none");
        using var response = await SendAsync("GET", "/metrics");
        Assert.That(response.Content.Headers.ContentType?.ToString(), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Does.Contain("consensus_keys 1"));
        Assert.That(lines, Does.Contain("consensus_is_leader 1"));
        Assert.That(lines, Does.Contain("consensus_http_requests_total{route=\"/v1/kv/{key}\",class=\"2xx\"} 1"));
        Assert.That(lines, Does.Contain("consensus_http_requests_total{route=\"/v1/kv/{key}\",class=\"4xx\"} 1"));
        Assert.That(lines, Is.All.Matches("^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\\{[^}]*(\\{[a-z]+\\})?[^}]*\\})? [-+0-9.E]+)$"));
        Assert.That(lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal)), Is.Unique);
    }
}
