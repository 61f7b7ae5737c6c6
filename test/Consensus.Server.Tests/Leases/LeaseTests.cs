using System.Net;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Leases;

internal sealed class LeaseTests : ContractTest
{
    private Task<LeaseDetailAnswer> ShowAsync(string id) =>
        AnswerAsync(ApiJson.Default.LeaseDetailAnswer, HttpStatusCode.OK, "GET", "/v1/leases/" + id);

    private Task<LeaseAnswer> KeepAliveAsync(string id) =>
        AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.OK, "POST", $"/v1/leases/{id}/keepalive");

    [Test]
    public async Task A_lease_is_granted_with_its_location()
    {
        using var response = await SendAsync("POST", "/v1/leases", """{"ttl":"15s"}""");
        var lease = System.Text.Json.JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.LeaseAnswer)!;
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(response.Headers.Location?.OriginalString, Is.EqualTo("/v1/leases/" + lease.Id));
        Assert.That(lease.Id, Does.Match("^[0-9a-f]{1,16}$"));
        Assert.That((lease.TtlMs, lease.ExpiresInMs), Is.EqualTo((15_000, 15_000)));
    }

    [TestCase("\"1500ms\"", 1_500)]
    [TestCase("\"2m\"", 120_000)]
    [TestCase("\"1h\"", 3_600_000)]
    [TestCase("\"90\"", 90_000)]
    [TestCase("90", 90_000)]
    [TestCase("\"365d\"", 31_536_000_000)]
    public async Task A_ttl_is_a_duration(string ttl, long ttlMs)
    {
        var lease = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", $$"""{"ttl":{{ttl}}}""");
        Assert.That(lease.TtlMs, Is.EqualTo(ttlMs));
    }

    [TestCase("""{"ttl":0}""", "ttl")]
    [TestCase("""{"ttl":"0s"}""", "ttl")]
    [TestCase("""{"ttl":"999ms"}""", "ttl")]
    [TestCase("""{"ttl":"3650d"}""", "ttl")]
    [TestCase("""{"ttl":"87600h"}""", "ttl")]
    [TestCase("""{"ttl":"99999999999999999999d"}""", "ttl")]
    [TestCase("""{"ttl":"999999999999999d"}""", "ttl")]
    [TestCase("""{"ttl":1.5}""", "ttl")]
    [TestCase("""{"ttl":1e3}""", "ttl")]
    [TestCase("""{"ttl":-5}""", "ttl")]
    [TestCase("""{"ttl":"15 s"}""", "ttl")]
    [TestCase("""{"ttl":"s"}""", "ttl")]
    [TestCase("""{"ttl":"15x"}""", "ttl")]
    [TestCase("""{"ttl":true}""", "ttl")]
    [TestCase("""{"ttl":{}}""", "ttl")]
    [TestCase("""{"ttl":null}""", "ttl")]
    [TestCase("""{}""", "ttl")]
    [TestCase("""{"ttl":"15s","ttl":"15s"}""", "twice")]
    [TestCase("""{"ttl":"15s","colour":"red"}""", "colour")]
    [TestCase("""{"TTL":"15s"}""", "TTL")]
    [TestCase("""{"ttl":"15s"}x""", "malformed")]
    [TestCase("""{"ttl":"15s"}{}""", "malformed")]
    [TestCase("""{"ttl":"15s",}""", "malformed")]
    [TestCase("""{"ttl":"15s""", "malformed")]
    [TestCase("""{"ttl":"\ud800"}""", "Unicode")]
    [TestCase("""["15s"]""", "object")]
    [TestCase("""15""", "object")]
    [TestCase("", "empty")]
    [TestCase("ttl=15s", "malformed")]
    [TestCase("""/* a comment */{"ttl":"15s"}""", "malformed")]
    public async Task A_bad_grant_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task A_lease_lives_on_while_it_is_renewed_and_is_gone_once_it_expired()
    {
        var lease = await GrantLeaseAsync();
        Node.Advance(TimeSpan.FromSeconds(10));
        Assert.That((await ShowAsync(lease.Id)).ExpiresInMs, Is.EqualTo(5_000));
        Assert.That(await KeepAliveAsync(lease.Id), Is.EqualTo(new LeaseAnswer(lease.Id, 15_000, 15_000)));
        Node.Advance(TimeSpan.FromSeconds(14));
        Assert.That((await ShowAsync(lease.Id)).ExpiresInMs, Is.EqualTo(1_000));
        Node.Advance(TimeSpan.FromSeconds(2));
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", $"/v1/leases/{lease.Id}/keepalive");
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/leases/" + lease.Id);
        await ProblemAsync(ProblemTypes.NotFound, "DELETE", "/v1/leases/" + lease.Id);
    }

    [Test]
    public async Task A_grant_that_is_asked_for_again_is_told_of_a_lease_that_is_there_whether_a_leader_is_reached_or_not()
    {
        const string Body = """{"ttl":"15s"}""";
        var key = ("Idempotency-Key", "k");
        var lease = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", Body, key);
        Node.Advance(TimeSpan.FromSeconds(10));
        Node.IsCutOff = true;
        var again = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", Body, key);
        Assert.That(again, Is.EqualTo(lease with { ExpiresInMs = 5_000 }));
        Node.ReadFault = new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
        await ProblemAsync(ProblemTypes.OutcomeUnknown, "POST", "/v1/leases", Body, key);
        Node.ReadFault = null;
        using var revoked = await SendAsync("DELETE", "/v1/leases/" + lease.Id);
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/leases", Body, key);
    }

    [Test]
    public async Task Many_leases_are_renewed_in_one_request_each_with_its_result()
    {
        var lasting = await GrantLeaseAsync("60s");
        var ended = await GrantLeaseAsync("1s");
        Node.Advance(TimeSpan.FromSeconds(5));
        var answer = await AnswerAsync(
            ApiJson.Default.LeaseKeepAliveAnswer,
            HttpStatusCode.OK,
            "POST",
            "/v1/leases/keepalive",
            $$"""{"ids":["{{ended.Id}}","{{lasting.Id}}"]}""");
        Assert.That(answer.Items, Is.EqualTo(new[]
        {
            new LeaseRenewalAnswer(ended.Id, false, 0, 0),
            new LeaseRenewalAnswer(lasting.Id, true, 60_000, 60_000),
        }));
    }

    [TestCase("""{"ids":[]}""", "ids")]
    [TestCase("""{}""", "ids")]
    [TestCase("""{"ids":"1"}""", "ids")]
    [TestCase("""{"ids":[1]}""", "ids")]
    [TestCase("""{"ids":["xyz"]}""", "ids")]
    [TestCase("""{"ids":["1",null]}""", "ids")]
    [TestCase("""{"ids":["1"],"ids":["2"]}""", "twice")]
    public async Task A_bad_renewal_of_many_is_refused(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases/keepalive", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task More_leases_than_one_command_may_touch_are_refused()
    {
        var ids = string.Join(',', Enumerable.Range(1, ApiLimits.MaxKeepAliveIds + 1).Select(id => $"\"{id:x}\""));
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases/keepalive", $$"""{"ids":[{{ids}}]}""");
    }

    [Test]
    public async Task A_lease_shows_what_it_carries_and_its_revocation_ends_it_all()
    {
        var lease = await GrantLeaseAsync();
        using var key = await SendAsync("PUT", $"/v1/kv/a?lease={lease.Id}", "x");
        using var binary = await SendAsync("PUT", $"/v1/kv/?keyBase64=_w&lease={lease.Id}", "x");
        using var hold = await SendAsync("POST", "/v1/locks/l", $$"""{"owner":"me","lease":"{{lease.Id}}"}""");
        Assert.That(hold.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var shown = await ShowAsync(lease.Id);
        Assert.That(shown.Keys, Is.EqualTo(new[] { "a" }));
        Assert.That(shown.KeysBase64, Is.EqualTo(new[] { "/w==" }));
        Assert.That(shown.KeyCount, Is.EqualTo(2));
        Assert.That(shown.Locks, Is.EqualTo(new[] { "l" }));
        var revoked = await AnswerAsync(ApiJson.Default.LeaseRevokedAnswer, HttpStatusCode.OK, "DELETE", "/v1/leases/" + lease.Id);
        Assert.That((revoked.KeysDeleted, revoked.LocksFreed), Is.EqualTo((2, 1)));
        Assert.That((await ShowLockAsync("l")).Holders, Is.Empty);
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/a");
    }

    [Test]
    public async Task An_id_that_is_taken_is_drawn_again()
    {
        var first = await GrantLeaseAsync();
        Assert.That(LeaseId.TryParse(first.Id, out var taken), Is.True);
        Node.NextLeaseIds.Enqueue(taken);
        Node.NextLeaseIds.Enqueue(new LeaseId(0xABC));
        Assert.That((await GrantLeaseAsync()).Id, Is.EqualTo("abc"));
        Node.NextLeaseIds.Enqueue(taken);
        Node.NextLeaseIds.Enqueue(new LeaseId(0xABD));
        Assert.That((await AcquireAsync("l")).Lease, Is.EqualTo("abd"));
    }

    [TestCase("GET", "/v1/leases/xyz")]
    [TestCase("GET", "/v1/leases/0")]
    [TestCase("DELETE", "/v1/leases/12345678901234567")]
    [TestCase("POST", "/v1/leases/%20/keepalive")]
    public async Task A_path_that_names_no_lease_is_refused(string method, string target) =>
        await RefusedAsync(ProblemTypes.BadRequest, method, target);

    [Test]
    public async Task Leases_are_listed_page_by_page()
    {
        var granted = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            granted.Add((await GrantLeaseAsync()).Id);
        }
        var listed = new List<string>();
        string? cursor = null;
        do
        {
            var page = await AnswerAsync(
                ApiJson.Default.LeaseListAnswer, HttpStatusCode.OK, "GET", "/v1/leases?limit=2" + (cursor is null ? "" : "&cursor=" + cursor));
            Assert.That(page.Count, Is.EqualTo(5));
            listed.AddRange(page.Items.Select(item => item.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.That(listed, Is.EquivalentTo(granted));
        Assert.That(listed, Is.Unique);
    }
}

/// <summary>The smallest TTL can be configured down to 100 ms.</summary>
internal sealed class SmallTtlTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1", MinTtlMicros = 100_000 };

    [Test]
    public async Task A_configured_smallest_ttl_is_granted_and_a_smaller_one_is_not()
    {
        Assert.That((await GrantLeaseAsync("100ms")).TtlMs, Is.EqualTo(100));
        Assert.That((await AcquireAsync("l", ttl: "100ms")).TtlMs, Is.EqualTo(100));
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases", """{"ttl":"99ms"}""");
    }
}
