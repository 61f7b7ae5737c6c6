using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Server.Tests.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Consensus.Server.Tests.Cluster;

/// <summary>Membership and leadership over HTTP, on members with a real disk and real links: what an operator asks, of whichever member.</summary>
[NonParallelizable]
internal sealed class ClusterRouteTests
{
    private const string Members = "/v1/cluster/members";
    private const string Leader = "/v1/cluster/leader";

    private readonly List<WebApplication> _servers = [];
    private LocalCluster _cluster = null!;
    private HttpClient _client = null!;

    [TearDown]
    public async Task StopAsync()
    {
        _client.Dispose();
        foreach (var server in _servers)
        {
            await server.StopAsync();
            await server.DisposeAsync();
        }
        _servers.Clear();
        await _cluster.DisposeAsync();
    }

    [Test]
    public async Task A_second_member_is_added_promoted_made_leader_and_removed()
    {
        await StartAsync(1, joining: 1);
        await RefusedAsync(ProblemTypes.PreconditionFailed, "the only voter", HttpMethod.Post, 0, Leader);
        await RefusedAsync(ProblemTypes.PreconditionFailed, "the only voter", HttpMethod.Delete, 0, Members + "/n1");
        Assert.That((await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpMethod.Post, 0, Leader, """{"to":"n1"}""")).Leader, Is.EqualTo("n1"));
        await RefusedAsync(ProblemTypes.NotFound, "consensusd --name n2 ", HttpMethod.Post, 0, Members, """{"name":"n2"}""");

        await _cluster.StartMemberAsync(1);
        await ServeAsync(1);
        await LocalCluster.EventuallyAsync(() => _cluster.Hosts[0]!.Node.Joiners.Count == 1, "n2 is listed as waiting");
        Assert.That((await ShowAsync(0)).Joining.Single().Name, Is.EqualTo("n2"));
        using (var added = await SendAsync(HttpMethod.Post, 0, Members, """{"name":"n2"}"""))
        {
            Assert.That(added.StatusCode, Is.EqualTo(HttpStatusCode.Created), await added.Content.ReadAsStringAsync());
            var member = await ReadAsync(ApiJson.Default.MemberAnswer, added);
            Assert.That((member.Name, member.Role, member.Self), Is.EqualTo(("n2", "learner", false)));
            Assert.That(added.Headers.Location?.ToString(), Is.EqualTo($"{Members}/{member.Id}"));
        }
        Assert.That((await AnswerAsync(ApiJson.Default.MemberAnswer, HttpMethod.Post, 0, Members, """{"name":"n2"}""")).Role, Is.EqualTo("learner"));
        await LocalCluster.EventuallyAsync(() => _cluster.Hosts[1]!.Node.Status.Ready, "the learner is ready");
        await RefusedAsync(ProblemTypes.BadRequest, "a learner", HttpMethod.Post, 1, Leader, """{"to":"n2"}""");

        var promoted = await AnswerAsync(ApiJson.Default.MemberAnswer, HttpMethod.Patch, 1, Members + "/n2", """{"role":"voter"}""");
        Assert.That(promoted.Role, Is.EqualTo("follower"));
        Assert.That((await ShowAsync(0)).Members.Select(m => (m.Name, m.Role)), Is.EquivalentTo(new[] { ("n1", "leader"), ("n2", "follower") }));

        // Each time the member that does not lead is asked.
        Assert.That((await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpMethod.Post, 1, Leader, """{"to":"n2"}""")).Leader, Is.EqualTo("n2"));
        Assert.That((await AnswerAsync(ApiJson.Default.LeaderTransferAnswer, HttpMethod.Post, 0, Leader, "{}")).Leader, Is.EqualTo("n1"));

        var removed = await AnswerAsync(ApiJson.Default.MemberRemovedAnswer, HttpMethod.Delete, 1, Members + "/n2");
        Assert.That(removed, Is.EqualTo(new MemberRemovedAnswer(promoted.Id, "n2")));
        await RefusedAsync(ProblemTypes.NotFound, "\"n2\"", HttpMethod.Delete, 0, Members + "/n2");
        Assert.That(
            await AnswerAsync(ApiJson.Default.MemberRemovedAnswer, HttpMethod.Delete, 0, $"{Members}/{promoted.Id}"),
            Is.EqualTo(new MemberRemovedAnswer(promoted.Id, null)));
        Assert.That((await ShowAsync(0)).Members.Select(m => m.Name), Is.EqualTo(new[] { "n1" }));
    }

    [Test]
    public async Task What_would_lose_quorum_is_refused_and_a_dead_member_can_be_removed()
    {
        await StartAsync(3);
        var dead = (_cluster.LeaderIndex() + 1) % 3;
        await _cluster.StopMemberAsync(dead);
        var leader = _cluster.LeaderIndex();
        var other = 3 - dead - leader;
        await LocalCluster.EventuallyAsync(() => IsDown(leader, dead), "the leader sees that it is gone");

        // The leader counts who answered within an election timeout.
        await LocalCluster.EventuallyAsync(
            async () => (await ProblemOfAsync(HttpMethod.Delete, leader, $"{Members}/n{other + 1}")).Detail.Contains($"not: n{dead + 1}", StringComparison.Ordinal),
            "the removal of a member that is needed is refused");
        await RefusedAsync(ProblemTypes.PreconditionFailed, "not reachable", HttpMethod.Post, other, Leader, $$"""{"to":"n{{dead + 1}}"}""");
        Assert.That((await ShowAsync(other)).Members, Has.Count.EqualTo(3));

        await AnswerAsync(ApiJson.Default.MemberRemovedAnswer, HttpMethod.Delete, other, $"{Members}/n{dead + 1}");
        Assert.That((await ShowAsync(other)).Members.Select(m => m.Name), Is.EquivalentTo(new[] { $"n{leader + 1}", $"n{other + 1}" }));
    }

    private bool IsDown(int seenBy, int member) =>
        _cluster.Hosts[seenBy]!.Node.Status.Members.Any(m => m.Name == $"n{member + 1}" && m.Health == MemberHealth.Silent);

    private async Task StartAsync(int size, int joining = 0)
    {
        _client = new HttpClient { Timeout = Patience.Limit };
        _cluster = await LocalCluster.StartAsync(size, joining: joining);
        for (var i = 0; i < size; i++)
        {
            await ServeAsync(i);
        }
    }

    private async Task ServeAsync(int index)
    {
        var server = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0));
        server.MapConsensusApi(
            _cluster.Hosts[index]!.Node, new ServerInfo { Version = "test", HostNames = ["127.0.0.1"] }, new ServerLifecycle(TimeProvider.System));
        await server.StartAsync();
        _servers.Add(server);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, int member, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, _servers[member].Urls.Single() + path)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body ?? "")),
        };
        return await _client.SendAsync(request);
    }

    private async Task<T> AnswerAsync<T>(JsonTypeInfo<T> type, HttpMethod method, int member, string path, string? body = null)
    {
        using var response = await SendAsync(method, member, path, body);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"{method} {path} {body}: {await response.Content.ReadAsStringAsync()}");
        return await ReadAsync(type, response);
    }

    private Task<ClusterAnswer> ShowAsync(int member) => AnswerAsync(ApiJson.Default.ClusterAnswer, HttpMethod.Get, member, "/v1/cluster");

    private async Task RefusedAsync(ProblemType type, string because, HttpMethod method, int member, string path, string? body = null)
    {
        var problem = await ProblemOfAsync(method, member, path, body);
        Assert.That((problem.Type, problem.Status), Is.EqualTo((type.Uri, type.Status)), problem.Detail);
        Assert.That(problem.Detail, Does.Contain(because));
    }

    private async Task<ProblemAnswer> ProblemOfAsync(HttpMethod method, int member, string path, string? body = null)
    {
        using var response = await SendAsync(method, member, path, body);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(ProblemType.ContentType), await response.Content.ReadAsStringAsync());
        return await ReadAsync(ApiJson.Default.ProblemAnswer, response);
    }

    private static async Task<T> ReadAsync<T>(JsonTypeInfo<T> type, HttpResponseMessage response) =>
        JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), type)!;
}
