using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

internal sealed class LeaseAndLockCommandTests
{
    private const string Lease = """{"id":"1f","ttlMs":15000,"expiresInMs":14500}""";

    private const string Grant =
        """{"name":"a","owner":"me","mode":"exclusive","fencingToken":41,"lease":"1f","ttlMs":15000,"waitedMs":70000,"expiresInMs":15000,"clusterId":"c"}""";

    [Test]
    public async Task A_lease_is_granted_kept_alive_shown_and_revoked()
    {
        using var server = new FakeServer(request => new FakeAnswer(200, request.Method switch
        {
            "DELETE" => """{"id":"1f","keysDeleted":2,"locksFreed":1,"revision":9}""",
            "GET" => """
                {"id":"1f","ttlMs":15000,"expiresInMs":100,"keys":["k1","k2"],"keyCount":3,"locks":["l"],"semaphores":[],"elections":[],
                "lockCount":1}
                """,
            _ => Lease,
        }));
        var grant = await Ctl.RunAsync(server.Endpoint, "lease", "grant", "--ttl", "90s");
        var keepAlive = await Ctl.RunAsync(server.Endpoint, "lease", "keepalive", "1f");
        var show = await Ctl.RunAsync(server.Endpoint, "lease", "show", "1f");
        var revoke = await Ctl.RunAsync(server.Endpoint, "lease", "revoke", "1f");

        Assert.That(
            server.Requests.Select(request => $"{request.Method} {request.Target}"),
            Is.EqualTo(new[] { "POST /v1/leases", "POST /v1/leases/1f/keepalive", "GET /v1/leases/1f", "DELETE /v1/leases/1f" }));
        Assert.That(JsonNode.Parse(server.Requests.First().Text)!["ttl"]!.GetValue<string>(), Is.EqualTo("90s"));
        Assert.That(grant.Output, Is.EqualTo("LEASE\tTTL\tEXPIRES IN\n1f\t15s\t14.5s\n"));
        Assert.That(keepAlive.Output, Is.EqualTo(grant.Output));
        Assert.That(show.Output, Is.EqualTo(
            "LEASE\tTTL\tEXPIRES IN\tSESSION\tKEYS\tHOLDS\n1f\t15s\t100ms\t-\tk1, k2 and 1 more\tlock l\n"));
        Assert.That(revoke.Output, Is.EqualTo("LEASE\tKEYS DELETED\tLOCKS FREED\tREVISION\n1f\t2\t1\t9\n"));
    }

    [Test]
    public async Task A_lease_is_shown_with_holds_of_all_kinds_and_with_what_makes_it_a_session()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """
            {"id":"1f","ttlMs":15000,"expiresInMs":100,"keys":[],"keyCount":0,
            "locks":["l"],"semaphores":["s"],"elections":["e"],"lockCount":5,
            "session":{"seq":12,"acked":10,"answers":2,"version":7}}
            """));
        var show = await Ctl.RunAsync(server.Endpoint, "lease", "show", "1f");

        Assert.That(show.Output.Split('\n')[1], Is.EqualTo(
            "1f\t15s\t100ms\tversion 7, numbers to 12, acknowledged to 10, answers kept: 2\t-\t"
            + "lock l, semaphore s, election e and 2 more"));
    }

    [Test]
    public async Task News_of_a_session_are_told_over_all_pages()
    {
        const string First = """
            {"version":9,"mustList":false,
            "ended":[
            {"kind":"lock","name":"l","reason":"forced","fencingToken":41,"seq":3},{"kind":"lock","name":"p","reason":"given-up","seq":4}],
            "began":[{"kind":"semaphore","name":"s","fencingToken":42,"seq":5}],"next":8,"maxHoldLeftMs":60000}
            """;
        const string Second = """{"version":9,"mustList":false,"ended":[],"began":[{"kind":"election","name":"e","seq":6}]}""";
        string Page(string news) => $$"""{"id":"1f","ttlMs":15000,"expiresInMs":14500,"news":{{news}}}""";
        using var server = new FakeServer(request =>
            new FakeAnswer(200, Page(request.Text.Contains("after", StringComparison.Ordinal) ? Second : First)));
        var table = await Ctl.RunAsync(server.Endpoint, "lease", "keepalive", "1f", "--since", "5");
        var json = await Ctl.RunAsync(server.Endpoint, "lease", "keepalive", "1f", "--since", "5", "-o", "json");

        Assert.That(server.Requests.Take(2).Select(request => request.Text),
            Is.EqualTo(new[] { """{"since":5}""", """{"since":5,"after":8}""" }));
        Assert.That(table.Output, Is.EqualTo(
            "LEASE\tTTL\tEXPIRES IN\tVERSION\tMAX HOLD ENDS IN\n1f\t15s\t14.5s\t9\t1m00s\n"
            + "STATE\tKIND\tNAME\tTOKEN\tSEQ\tREASON\n"
            + "ended\tlock\tl\t41\t3\tforced\nended\tlock\tp\t-\t4\tgiven-up\n"
            + "holds\tsemaphore\ts\t42\t5\t-\nwaits\telection\te\t-\t6\t-\n"));
        var news = JsonNode.Parse(json.Output)!["news"]!;
        Assert.That(news["began"]!.AsArray().Select(item => item!["name"]!.GetValue<string>()), Is.EqualTo(new[] { "s", "e" }));
        Assert.That(news["next"], Is.Null, "there are no more");
    }

    [Test]
    public async Task News_that_are_not_all_that_happened_say_so()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200,
            """{"id":"1f","ttlMs":15000,"expiresInMs":14500,"news":{"version":900,"mustList":true,"ended":[],"began":[]}}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "lease", "keepalive", "1f", "--since", "5");

        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output.Split('\n')[1], Is.EqualTo("1f\t15s\t14.5s\t900\t-"));
        Assert.That(run.Error, Does.Contain("--since 0 lists all that it has"));
    }

    [TestCase(
        """{"seq":3,"result":"done","revision":41,"holds":[{"kind":"lock","name":"l","fencingToken":41}]}""",
        "3\tdone\t41\tlock l (41)\t-\t-")]
    [TestCase("""{"seq":4,"result":"not-done","revision":50}""", "4\tnot-done\t50\t-\t-\t-")]
    [TestCase(
        """
        {"seq":5,"result":"refused","revision":44,
        "problem":{"type":"urn:consensus:problem:lock-held","title":"t","status":409,"detail":"It is held."}}
        """,
        "5\trefused\t44\t-\t-\tIt is held.")]
    public async Task What_came_of_a_number_of_a_session_is_shown(string answer, string row)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, answer));
        var run = await Ctl.RunAsync(server.Endpoint, "lease", "settle", "1f", row.Split('\t')[0]);

        Assert.That(run.Output, Is.EqualTo($"SEQ\tRESULT\tREVISION\tHOLDS\tLEASE\tNOTE\n{row}\n"), run.Error);
        Assert.That(server.Requests.Select(request => $"{request.Method} {request.Target} {request.Text}"),
            Is.EqualTo(new[] { $$"""POST /v1/leases/1f/settle {"seq":{{row.Split('\t')[0]}}}""" }));
    }

    [Test]
    public async Task Leases_are_listed_over_all_pages()
    {
        using var server = new FakeServer(request => new FakeAnswer(
            200,
            request.Target.Contains("cursor", StringComparison.Ordinal)
                ? """{"items":[{"id":"2","ttlMs":1,"expiresInMs":1,"keyCount":0,"lockCount":0}],"count":2,"revision":5,"nextCursor":null}"""
                : """{"items":[{"id":"1","ttlMs":1,"expiresInMs":1,"keyCount":0,"lockCount":0}],"count":2,"revision":5,"nextCursor":"n"}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "lease", "list");

        Assert.That(run.Output.TrimEnd().Split('\n').Skip(1).Select(line => line.Split('\t')[0]), Is.EqualTo(new[] { "1", "2" }));
    }

    private static readonly TestCaseData[] Losses =
    [
        Loss("""{"reason":"expired","renewedMsBefore":15020,"ttlMs":15000}""", "expired at revision 9, 3.2s ago: no renewal came for 15s, of a TTL of 15s"),
        Loss(
            """{"reason":"expired","renewedMsBefore":15020,"ttlMs":15000,"leaderlessMs":4100}""",
            "expired at revision 9, 3.2s ago: no renewal came for 15s, of a TTL of 15s; for 4.1s on top of that the cluster had no leader"),
        Loss(
            """{"reason":"revoked","renewedMsBefore":20,"ttlMs":15000,"by":"10.0.0.7 through n1"}""",
            "revoked at revision 9, 3.2s ago: its lease was revoked by 10.0.0.7 through n1"),
        Loss(
            """{"reason":"forced","renewedMsBefore":20,"ttlMs":15000,"by":"10.0.0.7 through n1"}""",
            "forced at revision 9, 3.2s ago: it was broken by force by 10.0.0.7 through n1"),
        Loss(
            """{"reason":"held-too-long","renewedMsBefore":1500,"ttlMs":15000,"maxHoldMs":7200000}""",
            "held-too-long at revision 9, 3.2s ago: its maxHold of 2h00m was over, though it was renewed 1.5s before"),
    ];

    private static TestCaseData Loss(string numbers, string note) => new TestCaseData(numbers, note).SetArgDisplayNames(note);

    [TestCaseSource(nameof(Losses))]
    public async Task A_lost_hold_is_shown_with_the_cause_of_its_loss_in_a_sentence(string numbers, string note)
    {
        var loss = $$"""{"owner":"me","fencingToken":7,"revision":9,"lostMsAgo":3200,{{numbers.Trim('{', '}')}}}""";
        using var server = new FakeServer(request => new FakeAnswer(200, request.Path.Split('/')[2] switch
        {
            "locks" => $$"""{"name":"a","holders":[],"holderCount":0,"waiters":[],"waiterCount":0,"lastLoss":{{loss}}}""",
            "semaphores" => $$"""{"name":"a","permits":null,"permitsUsed":0,"holders":[],"holderCount":0,"waiters":[],"waiterCount":0,"lastLoss":{{loss}}}""",
            _ => $$"""{"name":"a","leader":null,"candidates":[],"candidateCount":0,"lastLoss":{{loss}}}""",
        }));
        foreach (var show in (string[][])[["lock", "show", "a"], ["semaphore", "show", "a"], ["elect", "show", "a"]])
        {
            var run = await Ctl.RunAsync(server.Endpoint, show);
            Assert.That(run.Output.TrimEnd().Split('\n')[^1], Is.EqualTo($"a\tlost\tme\t-\t7\t-\t-\t{note}"), run.Error);
        }
    }

    [Test]
    public async Task An_acquire_says_owner_ttl_and_wait_and_shows_the_token()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Grant));
        var run = await Ctl.RunAsync(server.Endpoint, "lock", "acquire", "a", "--owner", "me", "--ttl", "15", "--wait", "2m");

        var body = JsonNode.Parse(server.Requests.Single().Text)!.AsObject();
        Assert.That(run.Output, Is.EqualTo("NAME\tOWNER\tMODE\tTOKEN\tLEASE\tTTL\tWAITED\na\tme\texclusive\t41\t1f\t15s\t1m10s\n"));
        Assert.That(body.ToJsonString(), Is.EqualTo("""{"owner":"me","ttl":"15s","wait":"2m"}"""));
    }

    [Test]
    public async Task An_acquire_under_a_lease_gives_no_ttl_of_its_own()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Grant));
        _ = await Ctl.RunAsync(server.Endpoint, "lock", "acquire", "a", "--owner", "me", "--lease", "1f");

        Assert.That(server.Requests.Single().Text, Is.EqualTo("""{"owner":"me","lease":"1f"}"""));
    }

    [Test]
    public async Task Two_processes_have_two_default_owners()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Grant));
        _ = await Ctl.RunAsync(server.Endpoint, "lock", "acquire", "a");
        _ = await Ctl.RunAsync(server.Endpoint, "lock", "acquire", "a");

        Assert.That(server.Requests.Select(request => JsonNode.Parse(request.Text)!["owner"]!.GetValue<string>()), Is.Unique);
    }

    [Test]
    public async Task A_release_without_a_body_is_an_empty_document()
    {
        using var server = new FakeServer(_ => new FakeAnswer(204));
        var json = await Ctl.RunAsync(server.Endpoint, "lock", "release", "a", "41", "-o", "json");
        var table = await Ctl.RunAsync(server.Endpoint, "lock", "release", "a", "41");

        Assert.That(json, Is.EqualTo(new CliRun(0, "{}\n", "")));
        Assert.That(table, Is.EqualTo(new CliRun(0, "RELEASED\na\n", "")));
        Assert.That(server.Requests.First().Target, Is.EqualTo("/v1/locks/a?fencingToken=41"));
    }

    [Test]
    public async Task A_lock_shows_its_holder_and_its_queue()
    {
        const string Held = """
            {"name":"a","holders":[{"owner":"x","mode":"exclusive","fencingToken":41,"lease":"1f","ttlMs":15000,"acquiredRevision":41,"expiresInMs":900}],"holderCount":1,"waiters":[{"owner":"y","position":1,"mode":"exclusive"}],"waiterCount":1,"lastLoss":null}
            """;
        using var server = new FakeServer(request => new FakeAnswer(
            200, request.Path == "/v1/locks/" ? $$"""{"items":[{{Held}}],"revision":50,"nextCursor":null}""" : Held));
        var show = await Ctl.RunAsync(server.Endpoint, "lock", "show", "a");
        var list = await Ctl.RunAsync(server.Endpoint, "lock", "list");

        Assert.That(show.Output, Is.EqualTo(
            "NAME\tSTATE\tOWNER\tMODE\tTOKEN\tLEASE\tEXPIRES IN\tNOTE\na\tholds\tx\texclusive\t41\t1f\t900ms\t-\na\twaits (1)\ty\texclusive\t-\t-\t-\t-\n"));
        Assert.That(list.Output, Is.EqualTo("NAME\tOWNER\tTOKEN\tEXPIRES IN\tWAITERS\na\tx\t41\t900ms\t1\n"));
    }

    [Test]
    public async Task A_free_lock_is_shown_as_free()
    {
        using var server = new FakeServer(_ => new FakeAnswer(
            200, """{"name":"a","holders":[],"holderCount":0,"waiters":[],"waiterCount":0,"lastLoss":null}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "lock", "show", "a");

        Assert.That(run.Output, Does.EndWith("a\tfree\t-\t-\t-\t-\t-\t-\n"));
    }
}
