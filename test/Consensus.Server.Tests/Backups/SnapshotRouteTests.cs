using System.Net;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Server.Tests.Support;
using Consensus.Storage.Backups;

namespace Consensus.Server.Tests.Backups;

/// <summary>GET of /v1/snapshot and of /v1/statehash.</summary>
internal sealed class SnapshotRouteTests : ContractTest
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"consensus-{Guid.NewGuid():N}.snapshot");

    [TearDown]
    public void RemoveFile() => File.Delete(_file);

    private async Task FillAsync(int keys, int bytes = 10)
    {
        for (var i = 0; i < keys; i++)
        {
            using var put = await SendAsync("PUT", $"/v1/kv/k{i:00000}", new string('v', bytes));
            Assert.That(put.IsSuccessStatusCode);
        }
    }

    private async Task<BackupSummary> SaveAsync(HttpResponseMessage response)
    {
        await using (var file = File.Create(_file))
        {
            await response.Content.CopyToAsync(file);
        }
        return BackupFile.Inspect(_file);
    }

    [Test]
    public async Task The_stream_is_a_whole_backup_of_the_state_that_its_headers_name()
    {
        await FillAsync(300, bytes: 20_000);
        using var response = await SendAsync("GET", "/v1/snapshot");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/octet-stream"));
        var summary = await SaveAsync(response);
        Assert.That((summary.Keys, summary.SizeBytes), Is.EqualTo((300L, new FileInfo(_file).Length)));
        Assert.That(response.Headers.GetValues(ApiHeaders.Revision).Single(), Is.EqualTo($"{summary.Revision}"));
        Assert.That((summary.ClusterId, summary.Index), Is.EqualTo((Node.Status.Cluster.ToString(), Node.Status.AppliedIndex.Value)));
        Assert.That(summary.StateHash, Is.EqualTo(Node.Status.Hash.ToString()));
        Assert.That(response.Content.Headers.ContentDisposition!.FileName!.Trim('"'), Is.EqualTo($"consensus-{summary.ClusterId}-{summary.Index}.snapshot"));
    }

    [Test]
    public async Task Writes_go_on_while_a_client_takes_its_time_and_the_backup_knows_nothing_of_them()
    {
        await FillAsync(200, bytes: 50_000);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/snapshot");
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await FillAsync(20, bytes: 5);
        using var one = await SendAsync("PUT", "/v1/kv/later", "1");
        Assert.That(one.IsSuccessStatusCode);
        var summary = await SaveAsync(response);
        Assert.That((summary.Keys, summary.Revision), Is.EqualTo((200L, Node.Status.Revision.Value - 21)));
    }

    [Test]
    public async Task A_client_that_goes_away_makes_room_for_the_next_and_a_third_at_a_time_is_429()
    {
        await FillAsync(300, bytes: 50_000);
        var slow = new List<HttpResponseMessage>();
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/snapshot");
            slow.Add(await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        }
        using (var third = await SendAsync("GET", "/v1/snapshot"))
        {
            Assert.That((third.StatusCode, third.Headers.RetryAfter), Is.EqualTo((HttpStatusCode.TooManyRequests, (object?)null)), "nobody knows when one of them ends");
        }
        slow.ForEach(response => response.Dispose());
        using var limit = Patience.Begin();
        for (var isServed = false; !isServed;)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "there is room again in time");
            using var next = await SendAsync("GET", "/v1/snapshot");
            isServed = next.StatusCode == HttpStatusCode.OK;
        }
    }

    [Test]
    public async Task Without_a_leader_only_a_stale_one_is_given()
    {
        await FillAsync(1);
        Node.ReadFault = new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NoLeader);
        await ProblemAsync(ProblemTypes.NoLeader, "GET", "/v1/snapshot");
        Node.ReadFault = null;
        using var stale = await SendAsync("GET", "/v1/snapshot?consistency=stale");
        Assert.That((await SaveAsync(stale)).Keys, Is.EqualTo(1));
        await ProblemAsync(ProblemTypes.BadRequest, "GET", "/v1/snapshot?consistency=maybe");
    }

    [Test]
    public async Task Head_tells_without_sending()
    {
        using var response = await SendAsync("HEAD", "/v1/snapshot");
        Assert.That((response.StatusCode, (await response.Content.ReadAsByteArrayAsync()).Length), Is.EqualTo((HttpStatusCode.OK, 0)));
    }

    [Test]
    public async Task The_hash_at_an_index_is_told_or_why_not()
    {
        await FillAsync(3);
        var index = Node.Status.AppliedIndex.Value;
        var answer = await AnswerAsync(ApiJson.Default.StateHashAnswer, HttpStatusCode.OK, "GET", $"/v1/statehash?index={index}");
        Assert.That(answer, Is.EqualTo(new StateHashAnswer("n1", index, Node.Status.Hash.ToString(), index, index)));
        Assert.That(await AnswerAsync(ApiJson.Default.StateHashAnswer, HttpStatusCode.OK, "GET", "/v1/statehash"), Is.EqualTo(answer));
        await ProblemAsync(ProblemTypes.Compacted, "GET", $"/v1/statehash?index={index - 1}");
        await ProblemAsync(ProblemTypes.NotReady, "GET", $"/v1/statehash?index={index + 1}");
        await ProblemAsync(ProblemTypes.BadRequest, "GET", "/v1/statehash?index=x");
    }
}
