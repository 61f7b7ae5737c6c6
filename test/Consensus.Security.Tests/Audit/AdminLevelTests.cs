using System.Net;
using Consensus.Api.Problems;
using Consensus.Security.Certificates;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Audit;
using Consensus.Server.Routing;
using Consensus.StateMachine.Policies;
using Microsoft.AspNetCore.Http;

namespace Consensus.Security.Tests.Audit;

/// <summary>What is recorded unless more is asked for: who was refused, and what administrators do.</summary>
internal sealed class AdminLevelTests : AuditedTest
{
    private const string Role = """{"rules":[{"verbs":["read"],"spaces":["keys"],"name":"k"}]}""";

    private async Task AssertNothingIsDoneAsync(string method, string target, string? body = null)
    {
        var (revision, policy, changes) = (Node.View.Revision, Node.Policy.Revision, Node.Changes.Count + Node.Transfers.Count);
        var told = await AskAsync(Admin, method, target, body);
        Assert.That((told.Status, told.Type), Is.EqualTo((503, ProblemTypes.NotReady.Uri)), $"{method} {target}: {told.Body}");
        Assert.That(
            told.Json.GetProperty("detail").GetString(),
            Is.EqualTo("the audit log cannot be written: No space left; nothing was done"));
        Assert.That(
            (Node.View.Revision, Node.Policy.Revision, Node.Changes.Count + Node.Transfers.Count),
            Is.EqualTo((revision, policy, changes)));
    }

    [Test]
    public async Task What_an_administrator_does_is_recorded_before_it_is_done_and_after()
    {
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/r", Role, ("Idempotency-Key", "canary-key"));
        var records = Records(2);
        var (intent, end) = (records[0], records[1]);
        Assert.That(
            records.Select(record => Line(record, "event", "principal", "method", "route", "space", "name", "decision", "status", "rule")),
            Is.EqualTo(new[]
            {
                "policy admin PUT /v1/auth/roles/{role} cluster r intent - admin",
                "policy admin PUT /v1/auth/roles/{role} cluster r allowed 200 admin",
            }));
        Assert.That(Text(end, "intent"), Is.EqualTo(Text(intent, "seq")));
        Assert.That(Text(end, "credential"), Is.EqualTo("c:" + FingerprintOf(Admin)));
        Assert.That(Text(end, "remote"), Does.StartWith("127.0.0.1:"));
        Assert.That(end.GetProperty("durationMs").GetDecimal(), Is.Zero, "the clock stands still");
        Assert.That(end.GetProperty("revision").GetInt64(), Is.EqualTo(Node.View.Revision.Value));
        Assert.That(Text(end, "key"), Has.Length.EqualTo(8).And.EqualTo(Text(intent, "key")));
    }

    [Test]
    public async Task Each_act_of_an_administrator_has_its_event()
    {
        const string Hold = """{"owner":"o","ttl":"60s"}""";
        await DoneAsync(Admin, "POST", "/v1/locks/l", Hold);
        await DoneAsync(Admin, "POST", "/v1/semaphores/s", """{"owner":"o","ttl":"60s","permits":2}""");
        (string Method, string Target, string? Body, string Event)[] acts =
        [
            ("DELETE", "/v1/locks/l?force=true", null, "force"),
            ("PATCH", "/v1/semaphores/s", """{"permits":3}""", "force"),
            ("DELETE", "/v1/fences/f", null, "force"),
            ("PUT", "/v1/settings/quota-bytes", """{"value":8589934592}""", "policy"),
            ("DELETE", "/v1/settings/quota-bytes", null, "policy"),
            ("PUT", "/v1/auth/principals/svc", """{"roles":["reader"]}""", "policy"),
            ("PUT", "/v1/auth/revocations/" + new string('a', 64), "{}", "policy"),
            ("GET", "/v1/snapshot", null, "snapshot"),
            ("POST", "/v1/cluster/leader", "{}", "member"),
            ("DELETE", "/v1/cluster/members/n2", null, "member"),
        ];
        var count = 0;
        foreach (var (method, target, body, of) in acts)
        {
            await DoneAsync(Admin, method, target, body);
            count += 2;
            Assert.That(
                Records(count)[(count - 2)..].Select(record => Line(record, "event", "decision")),
                Is.EqualTo(new[] { $"{of} intent", $"{of} allowed" }),
                $"{method} {target}");
        }
        Assert.That(Line(Records()[3], "space", "verb", "name"), Is.EqualTo("semaphores break s"));
    }

    [Test]
    public async Task What_others_do_with_their_own_leaves_nothing()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/k", Secret);
        await DoneAsync(Admin, "GET", "/v1/kv/k");
        var lockId = (await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"o","ttl":"60s"}"""))
            .Json.GetProperty("fencingToken").GetInt64();
        await DoneAsync(Admin, "DELETE", $"/v1/locks/l?fencingToken={lockId}&force=false");
        await DoneAsync(Admin, "GET", "/v1/status");
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/r", Role);
        Assert.That(Records(2).Select(record => Text(record, "event")), Is.All.EqualTo("policy"));
    }

    [Test]
    public void Other_certificates_are_an_event()
    {
        Trail.Reloaded(Watcher.Current);
        Assert.That(Line(Records(1)[0], "event", "detail"), Does.Match("^tls-reload generation 1, until [0-9]{4}-[0-9]{2}-[0-9]{2}$"));
    }

    [Test]
    public async Task What_is_refused_says_what_was_missing()
    {
        await AllowAsync("svc", Prefix(Verbs.Read, Spaces.Keys, "a/"));
        await ForbiddenAsync("svc", "GET", "/v1/kv/b");
        await ForbiddenAsync("svc", "POST", "/v1/txn", """{"success":[{"put":{"key":"a/x","value":"c4n4ry-v4lue"}}]}""");
        await ForbiddenAsync("svc", "GET", "/v1/kv?prefix=");
        await ForbiddenAsync("svc", "PUT", "/v1/auth/roles/r", Role);
        await ForbiddenAsync("svc", "DELETE", "/v1/cluster/members/n2");
        await ForbiddenAsync("svc", "GET", "/v1/snapshot");
        Assert.That(
            Records(6).Select(record => Line(record, "event", "principal", "method", "space", "verb", "name", "prefix", "decision",
                "status", "detail", "rule")),
            Is.EqualTo(new[]
            {
                "denied svc GET keys read b - denied 403 not-allowed svc",
                "denied svc POST keys write a/x - denied 403 not-allowed svc",
                "denied svc GET keys read - True denied 403 not-allowed svc",
                "denied svc PUT cluster - r - denied 403 not-allowed svc",
                "denied svc DELETE cluster - n2 - denied 403 not-allowed svc",
                "denied svc GET cluster - - - denied 403 not-allowed svc",
            }));
    }

    [Test]
    public async Task Who_is_refused_without_an_end_is_counted()
    {
        const int More = 50;
        for (var i = 0; i < AuditTrail.WholeDenials + More; i++)
        {
            await ForbiddenAsync("nobody", "GET", $"/v1/kv/{i}");
        }
        Records(AuditTrail.WholeDenials);
        Trail.Tell(atOnce: false);
        Trail.Log.Add(new(Consensus.Security.Audit.AuditEvent.Request, DateTimeOffset.UnixEpoch));
        Records(AuditTrail.WholeDenials + 1);
        Clock.Advance(TimeSpan.FromSeconds(1));
        Trail.Tell(atOnce: false);
        Assert.That(Line(Records(AuditTrail.WholeDenials + 2)[^1], "event", "principal", "count"), Is.EqualTo($"denied nobody {More}"));
    }

    [Test]
    public void Where_nobody_is_asked_who_he_is_refusals_are_counted_by_the_address_and_name_no_principal()
    {
        var asked = new AskedRequest();
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Parse("10.0.0.9");
        for (var i = 0; i < AuditTrail.WholeDenials + 3; i++)
        {
            Trail.Ended(http, asked, StatusCodes.Status403Forbidden);
        }
        Records(AuditTrail.WholeDenials);
        Trail.Tell(atOnce: true);
        Assert.That(
            Line(Records(AuditTrail.WholeDenials + 1)[^1], "event", "principal", "remote", "count"), Is.EqualTo("denied - 10.0.0.9 3"));
    }

    [Test]
    public void Who_is_not_known_is_counted_by_the_address()
    {
        for (var i = 0; i < 3; i++)
        {
            using var connection = TlsHttp.Open(Port, null);
            Assert.That(connection.Ask("GET", "/v1/kv/k").Status, Is.EqualTo(401));
        }
        using var foreign = new TestCertificates(domain: "c-other");
        AssertHandshakeFails(foreign.WithUris(new CertificateName("c-other", CertificateRole.Client, "x").Uri), "of another CA");
        Records(1);
        Patience.Until(() => Trail.Log.Written == 2, "the first is written");
        Clock.Advance(TimeSpan.FromSeconds(10));
        Trail.Tell(atOnce: false);
        Assert.That(
            Records(2).Select(record => Line(record, "event", "remote", "decision", "count", "principal")),
            Is.EqualTo(new[] { "authenticated-failed 127.0.0.1 denied 1 -", "authenticated-failed 127.0.0.1 denied 3 -" }));
    }

    [Test]
    public async Task Row_45_While_the_disk_is_full_administrators_do_nothing_and_the_others_go_on()
    {
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"o","ttl":"60s"}""");
        Patience.Until(() => Trail.Log.Written == 1, "its start is written");
        File.Fault = "No space left";
        (string Method, string Target, string? Body)[] acts =
        [
            ("PUT", "/v1/auth/roles/r", Role),
            ("DELETE", "/v1/locks/l?force=true", null),
            ("DELETE", "/v1/fences/f", null),
            ("PUT", "/v1/settings/quota-bytes", """{"value":8589934592}"""),
            ("GET", "/v1/snapshot", null),
            ("POST", "/v1/cluster/leader", "{}"),
            ("DELETE", "/v1/cluster/members/n2", null),
            ("POST", "/v1/cluster/members", """{"name":"n9"}"""),
        ];
        foreach (var (method, target, body) in acts)
        {
            await AssertNothingIsDoneAsync(method, target, body);
        }
        await DoneAsync(Admin, "PUT", "/v1/kv/k", "v");
        await ForbiddenAsync("nobody", "GET", "/v1/kv/k");
        var status = (await DoneAsync(Admin, "GET", "/v1/status")).Json;
        Assert.That(
            status.GetProperty("alarms").EnumerateArray().Select(alarm => alarm.GetString()),
            Has.One.StartsWith("the audit log cannot be written: No space left; "));
        Assert.That(status.GetProperty("auditDropped").GetInt64(), Is.GreaterThanOrEqualTo(acts.Length));
        var metrics = (await DoneAsync(Admin, "GET", "/metrics")).Body;
        Assert.That(
            metrics,
            Does.Contain("consensus_audit_failing 1\n").And.Contain("consensus_audit_dropped_total ").And.Contain("consensus_audit_records_total 1\n"));
        File.Fault = null;
        Clock.Advance(AuditLog.LookEvery);
        Patience.Until(() => Trail.Log.Trouble is null, "it is tried again");
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/r", Role);
        Assert.That(
            Records(3).Select(record => Line(record, "event", "decision")),
            Is.EqualTo(new[] { "dropped -", "policy intent", "policy allowed" }));
    }

    [Test]
    public async Task Parts_of_one_request_that_are_done_at_a_time_are_intended_once()
    {
        var request = new AuditedRequest(
            Trail, new(Consensus.Security.Audit.AuditEvent.Policy, DateTimeOffset.UnixEpoch), isRecorded: true, isIntended: true);
        await Task.WhenAll(Enumerable.Range(0, 13).Select(_ => request.IntendAsync().AsTask()));
        Assert.That(request.Asked.IntentSequence, Is.EqualTo(2));
        Records(1);
    }

    [Test]
    public async Task Row_23_No_secret_and_no_value_is_in_it()
    {
        await DoneAsync(Admin, "PUT", $"/v1/auth/revocations/{new string('b', 64)}", """{"note":"c4n4ry-v4lue"}""",
            ("Idempotency-Key", Secret));
        await ForbiddenAsync("nobody", "PUT", $"/v1/kv/k?value={Secret}");
        await ForbiddenAsync("nobody", "PUT", "/v1/kv/k", Secret, ("X-Token", Secret));
        var told = await AskAsync("nobody", "GET", "/v1/kv/k", null, ("Authorization", "Bearer " + Secret));
        Assert.That(told.Status, Is.EqualTo(401));
        var token = "cns1_" + new string('Z', 60);
        Assert.That((await AskAsync("admin", "DELETE", $"/v1/auth/tokens/{token}")).Status, Is.EqualTo(400));
        Records(6);
        Assert.That(LogText, Does.Not.Contain(Secret).And.Not.Contain("ZZ"));
    }

    [Test]
    public async Task Row_47_A_name_with_whatever_in_it_is_one_line()
    {
        await ForbiddenAsync("nobody", "GET", "/v1/kv/a%0A%22%7D%1B%5B2J%E2%80%AE");
        await ForbiddenAsync("nobody", "GET", "/v1/kv?keyBase64=/w==");
        await ForbiddenAsync("nobody", "GET", $"/v1/kv/{new string('x', 500)}");
        var names = Records(3).Select(record => Text(record, "name")).ToList();
        Assert.That(names[0], Is.EqualTo("a\n\"}\u001b[2J\u202e"));
        Assert.That(names[1], Does.StartWith("\ufffd…sha256:"));
        Assert.That(names[2], Does.StartWith(new string('x', 128) + "…sha256:"));
        Assert.That(LogText.Any(character => character is not '\n' and (< ' ' or > '~')), Is.False);
    }

    [Test]
    public void Every_endpoint_says_how_it_is_recorded()
    {
        var routes = Enum.GetValues<ApiRoute>().Except([ApiRoute.None, ApiRoute.Live, ApiRoute.Ready]);
        foreach (var route in routes)
        {
            Assert.That(AuditedKind.Of(route, "GET"), Is.Not.Null, $"{route}");
        }
        Assert.That(AuditedKind.Of(ApiRoute.Live, "GET") ?? AuditedKind.Of(ApiRoute.Ready, "GET"), Is.Null);
        foreach (var route in new[] { ApiRoute.AuthRole, ApiRoute.AuthPrincipal, ApiRoute.AuthRevocation, ApiRoute.Setting,
            ApiRoute.ClusterMember })
        {
            Assert.That(AuditedKind.Of(route, "DELETE")!.Level, Is.EqualTo(AuditLevel.Admin), $"{route}");
        }
        Assert.That(AuditedKind.Of(ApiRoute.AuthEnable, "POST")!.Level, Is.EqualTo(AuditLevel.Admin));
    }
}

/// <summary>All that is asked for is recorded, and nothing is done without.</summary>
internal sealed class RequiredTests : AuditedTest
{
    protected override string Levels => "all,locks=denied";

    protected override bool IsRequired => true;

    [Test]
    public async Task Whatever_is_recorded_is_so_before_it_is_done()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/k", Secret);
        await DoneAsync(Admin, "GET", "/v1/kv/k");
        await DoneAsync(Admin, "GET", "/v1/cluster");
        await DoneAsync(Admin, "POST", "/v1/leases", """{"ttl":"60s"}""");
        await DoneAsync(Admin, "POST", "/v1/multilock", """{"names":["x","y"],"owner":"o","ttl":"60s"}""");
        await DoneAsync(Admin, "POST", "/v1/elections/e", """{"candidate":"o","ttl":"60s"}""");
        Assert.That(
            Records(10).Select(record => Line(record, "event", "method", "space", "verb", "name", "decision", "status")),
            Is.EqualTo(new[]
            {
                "request PUT keys write k intent -", "request PUT keys write k allowed 200",
                "request GET keys read k intent -", "request GET keys read k allowed 200",
                "request GET cluster - - intent -", "request GET cluster - - allowed 200",
                "request POST leases - - intent -", "request POST leases - - allowed 201",
                "request POST elections hold e intent -", "request POST elections hold e allowed 200",
            }));
        Assert.That(LogText, Does.Not.Contain(Secret));
    }

    [Test]
    public async Task Nothing_is_done_while_it_cannot_be_recorded_but_what_is_not()
    {
        File.Fault = "No space left";
        var revision = Node.View.Revision;
        foreach (var (method, target, body) in new[]
        {
            ("PUT", "/v1/kv/k", "v"), ("GET", "/v1/kv/k", null), ("GET", "/v1/cluster", null), ("POST", "/v1/leases", """{"ttl":"60s"}"""),
            ("POST", "/v1/elections/e?poll=1s", """{"candidate":"o","ttl":"60s","wait":"5s"}"""),
        })
        {
            var told = await AskAsync(Admin, method, target, body, ("Idempotency-Key", method + target));
            Assert.That((told.Status, told.Body), Is.EqualTo((503, told.Body)), $"{method} {target}");
            Assert.That(told.Body, Does.Contain("the audit log cannot be written: No space left; nothing was done"));
        }
        Assert.That(Node.View.Revision, Is.EqualTo(revision));
        Assert.That((await AskAsync(Admin, "GET", "/livez")).Status, Is.EqualTo(200));
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"o","ttl":"60s"}""");
    }
}

/// <summary>What may change something is recorded when it is over.</summary>
internal sealed class WriteLevelTests : AuditedTest
{
    protected override string Levels => "denied,keys=write";

    [Test]
    public async Task Spaces_have_levels_of_their_own()
    {
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/r", """{"rules":[]}""");
        await DoneAsync(Admin, "GET", "/v1/kv?prefix=");
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"o","ttl":"60s"}""");
        await DoneAsync(Admin, "DELETE", "/v1/locks/l?force=true");
        Assert.That((await AskAsync(Admin, "PUT", "/v1/kv/k", "v", ("If-Match", "\"9\""))).Status, Is.EqualTo(412));
        await DoneAsync(Admin, "DELETE", "/v1/kv?prefix=k");
        Assert.That(
            Records(2).Select(record => Line(record, "event", "method", "space", "verb", "name", "prefix", "decision", "status")),
            Is.EqualTo(new[] { "request PUT keys write k - allowed 412", "request DELETE keys write k True allowed 200" }));
    }
}
