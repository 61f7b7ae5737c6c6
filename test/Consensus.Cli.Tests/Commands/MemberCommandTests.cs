using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.Commands;

internal sealed class MemberCommandTests
{
    private const string N1 = """{"id":"00a1","name":"n1","role":"leader","self":true,"clientUrl":"http://n1:7379","peerUrl":"n1:7380","matchIndex":70,"healthy":true,"health":"healthy","lastContactMs":null,"roundTripMs":null}""";
    private const string N2 = """{"id":"00a2","name":"n2","role":"follower","self":false,"clientUrl":"http://n2:7379","peerUrl":"n2:7380","matchIndex":69,"healthy":false,"health":"notAcknowledging","lastContactMs":12034,"roundTripMs":0.412}""";
    private const string N4 = """{"id":"00a4","name":"n4","role":"learner","self":false,"clientUrl":"","peerUrl":"n4:7380","matchIndex":null,"healthy":null,"health":"unknown","lastContactMs":null,"roundTripMs":null}""";
    private const string Waiting = """{"id":"00a5","name":"n5","peerUrl":"n5:7380"}""";
    private const string Headings = "MEMBER\tID\tROLE\tHEALTH\tCONTACT\tROUND TRIP\tMATCH\tCLIENT\tPEER\n";

    [Test]
    public async Task Members_are_listed_with_who_waits_to_be_added()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Cluster([N1, N2, N4], Waiting)));
        var table = await Ctl.RunAsync(server.Endpoint, "members", "list");
        var json = await Ctl.RunAsync(server.Endpoint, "members", "list", "-o", "json");

        Assert.That(table, Is.EqualTo(new CliRun(
            0,
            Headings
            + "n1\t00a1\tleader\thealthy\t-\t-\t70\thttp://n1:7379\tn1:7380\n"
            + "n2\t00a2\tfollower\tnot acknowledging\t12s ago\t0.41 ms\t69\thttp://n2:7379\tn2:7380\n"
            + "n4\t00a4\tlearner\tunknown\t-\t-\t-\t-\tn4:7380\n"
            + "n5\t00a5\twaits to be added\t-\t-\t-\t-\t-\tn5:7380\n",
            "")));
        Assert.That(json.Output, Is.EqualTo(Cluster([N1, N2, N4], Waiting) + "\n"));
    }

    [Test]
    public async Task Whoever_lists_no_joiners_is_no_member()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, $$"""{"clusterId":"c","leader":"n1","term":4,"members":[{{N1}}]}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "members", "list");

        Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")));
        Assert.That(run.Error, Does.StartWith(
            $"consensusctl: {server.Endpoint.Authority} does not answer as a Consensus member does: it said 200 (application/json) \""));
        Assert.That(server.Requests, Has.Count.EqualTo(1), "a wrong address does not become a right one");
    }

    [Test]
    public async Task A_member_is_added_as_a_learner_unless_asked_otherwise()
    {
        using var server = new FakeServer(_ => new FakeAnswer(201, N4));
        var learner = await Ctl.RunAsync(server.Endpoint, "members", "add", "n4");
        _ = await Ctl.RunAsync(server.Endpoint, "members", "add", "n4", "--voter");

        Assert.That(learner, Is.EqualTo(new CliRun(0, Headings + "n4\t00a4\tlearner\tunknown\t-\t-\t-\t-\tn4:7380\n", "")));
        Assert.That(
            server.Requests.Where(request => request.Method != "GET").Select(request => $"{request.Method} {request.Target} {request.Text}"),
            Is.EqualTo(new[] { """POST /v1/cluster/members {"name":"n4"}""", """POST /v1/cluster/members {"name":"n4","role":"voter"}""" }));
    }

    [TestCase("silent", 1)]
    [TestCase("unknown", 0)]
    [TestCase("behind", 0)]
    public async Task Adding_the_name_of_a_dead_member_through_one_that_cannot_know_it_is_refused_by_what_the_leader_knows(string health, int code)
    {
        var seen = N2.Replace("notAcknowledging", health, StringComparison.Ordinal);
        using var leader = new FakeServer(_ => new FakeAnswer(200, Cluster([N1, seen])));
        var n1 = N1.Replace("http://n1:7379", leader.Endpoint.ToString(), StringComparison.Ordinal).Replace("\"self\":true", "\"self\":false", StringComparison.Ordinal);
        var unknown = N2.Replace("notAcknowledging", "unknown", StringComparison.Ordinal);
        using var follower = new FakeServer(request => new FakeAnswer(200, request.Method == "POST" ? unknown : Cluster([n1, unknown])));
        var run = await Ctl.RunAsync(follower.Endpoint, "members", "add", "n2");

        Assert.That(run.ExitCode, Is.EqualTo(code), run.Error);
        Assert.That(run.Error, code == 0 ? Is.Empty : Does.StartWith("consensusctl: n2 is a member already").And.Contain("nothing was added").And.Contain("consensusctl members remove n2"));
    }

    [Test]
    public async Task A_process_that_waits_for_the_name_of_a_member_is_listed_as_that()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Cluster([N1, N2], Waiting.Replace("n5", "n2", StringComparison.Ordinal))));
        Assert.That((await Ctl.RunAsync(server.Endpoint, "members", "list")).Output, Does.EndWith("n2\t00a5\twaits for its name\t-\t-\t-\t-\t-\tn2:7380\n"));
    }

    [Test]
    public async Task A_learner_is_promoted_alone_or_in_a_voters_place()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, N4.Replace("learner", "follower", StringComparison.Ordinal)));
        var run = await Ctl.RunAsync(server.Endpoint, "members", "promote", "n4");
        _ = await Ctl.RunAsync(server.Endpoint, "members", "promote", "00a4", "--replaces", "n2");

        Assert.That(run, Is.EqualTo(new CliRun(0, Headings + "n4\t00a4\tfollower\tunknown\t-\t-\t-\t-\tn4:7380\n", "")));
        Assert.That(
            server.Requests.Select(request => $"{request.Method} {request.Target} {request.Text}"),
            Is.EqualTo(new[]
            {
                """PATCH /v1/cluster/members/n4 {"role":"voter"}""",
                """PATCH /v1/cluster/members/00a4 {"role":"voter","replaces":"n2"}""",
            }));
    }

    [TestCase(404, "not-found", 1)]
    [TestCase(412, "precondition-failed", 1)]
    [TestCase(400, "bad-request", 2)]
    [TestCase(503, "no-leader", 3)]
    [TestCase(504, "outcome-unknown", 4)]
    public async Task A_refusal_has_its_exit_code_and_the_servers_own_sentence(int status, string slug, int code)
    {
        using var server = new FakeServer(request => request.Method == "GET"
            ? new FakeAnswer(200, Cluster([N1, N2]))
            : FakeAnswer.Problem(status, slug, "the learner n4 is 12 entries behind"));
        foreach (var line in new[] { "members add n4", "members promote n4", "members remove n4", "leader transfer n2", "leader transfer" })
        {
            var run = await Ctl.RunAsync(server.Endpoint, [.. line.Split(' '), "--timeout", "0"]);
            Assert.That((run.ExitCode, run.Output), Is.EqualTo((code, "")), line);
            Assert.That(run.Error, Does.StartWith("consensusctl: ").And.EndsWith("the learner n4 is 12 entries behind.\n"), line);
        }
    }

    [Test]
    public async Task A_member_is_removed_by_the_id_that_its_name_stands_for()
    {
        using var server = new FakeServer(request => new FakeAnswer(
            200, request.Method == "GET" ? Cluster([N1, N2]) : """{"id":"00a2","name":"n2"}"""));
        var byName = await Ctl.RunAsync(server.Endpoint, "members", "remove", "n2");
        var byId = await Ctl.RunAsync(server.Endpoint, "members", "remove", "00a2");

        Assert.That(byName, Is.EqualTo(new CliRun(0, "REMOVED\tID\nn2\t00a2\n", "")));
        Assert.That(byId, Is.EqualTo(byName));
        Assert.That(Removals(server), Is.EqualTo(new[] { "/v1/cluster/members/00a2", "/v1/cluster/members/00a2" }));
    }

    [Test]
    public async Task A_removal_whose_answer_was_lost_is_found_done()
    {
        var removed = false;
        using var server = new FakeServer(request =>
        {
            if (request.Method == "GET")
            {
                return new FakeAnswer(200, removed ? Cluster([N1]) : Cluster([N1, N2]));
            }
            var answer = removed ? new FakeAnswer(200, """{"id":"00a2","name":null}""") : FakeAnswer.Abort;
            removed = true;
            return answer;
        });
        var run = await Ctl.RunAsync(server.Endpoint, "members", "remove", "n2");

        Assert.That(run, Is.EqualTo(new CliRun(0, "REMOVED\tID\nn2\t00a2\n", "")));
    }

    [Test]
    public async Task A_name_that_has_passed_to_another_member_removes_the_one_that_bears_it_now()
    {
        var lags = true;
        using var server = new FakeServer(request =>
        {
            if (request.Method == "GET")
            {
                return new FakeAnswer(200, Cluster([N1, lags ? N2 : N2.Replace("00a2", "00b2", StringComparison.Ordinal)]));
            }
            lags = false;
            return new FakeAnswer(200, request.Target.EndsWith("00a2", StringComparison.Ordinal) ? """{"id":"00a2","name":null}""" : """{"id":"00b2","name":"n2"}""");
        });
        var run = await Ctl.RunAsync(server.Endpoint, "members", "remove", "n2");

        Assert.That(run, Is.EqualTo(new CliRun(0, "REMOVED\tID\nn2\t00b2\n", "")));
        Assert.That(Removals(server), Is.EqualTo(new[] { "/v1/cluster/members/00a2", "/v1/cluster/members/00b2" }));
    }

    [TestCase("leader")]
    [TestCase("leader show")]
    public async Task The_leader_is_shown_with_its_address(string line)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Cluster([N1, N2])));
        var run = await Ctl.RunAsync(server.Endpoint, line.Split(' '));

        Assert.That(run, Is.EqualTo(new CliRun(0, "LEADER\tTERM\tCLIENT\tCLUSTER\nn1\t4\thttp://n1:7379\tc\n", "")));
    }

    [Test]
    public async Task No_leader_is_exit_3()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, $$"""{"clusterId":"c","leader":null,"term":4,"members":[{{N1}}],"joining":[]}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "leader");

        Assert.That(run, Is.EqualTo(new CliRun(3, "", "consensusctl: no leader is known.\n")));
    }

    [Test]
    public async Task Leadership_is_handed_to_a_name_or_to_whoever_is_furthest()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"leader":"n2","term":5}"""));
        var named = await Ctl.RunAsync(server.Endpoint, "leader", "transfer", "n2");
        var any = await Ctl.RunAsync(server.Endpoint, "leader", "transfer", "-o", "json");

        Assert.That(named, Is.EqualTo(new CliRun(0, "LEADER\tTERM\nn2\t5\n", "")));
        Assert.That(JsonDocument.Parse(any.Output).RootElement.GetProperty("term").GetInt64(), Is.EqualTo(5));
        Assert.That(
            server.Requests.Select(request => $"{request.Method} {request.Target} {request.Text}"),
            Is.EqualTo(new[] { """POST /v1/cluster/leader {"to":"n2"}""", "POST /v1/cluster/leader {}" }));
    }

    [TestCase("n2", 2)]
    [TestCase(null, 1)]
    public async Task Only_a_hand_over_with_a_name_is_sent_again_when_its_outcome_is_unknown(string? to, int sends)
    {
        var first = true;
        using var server = new FakeServer(_ =>
        {
            var answer = first ? FakeAnswer.Abort : new FakeAnswer(200, """{"leader":"n2","term":5}""");
            first = false;
            return answer;
        });
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [server.Endpoint] });
        var result = await client.TransferLeadershipAsync(to, default);

        Assert.That(result.Succeeded, Is.EqualTo(to is not null));
        Assert.That(server.Requests, Has.Count.EqualTo(sends));
    }

    [Test]
    public async Task Not_found_after_a_send_of_unknown_outcome_leaves_it_unknown()
    {
        var first = true;
        using var server = new FakeServer(_ =>
        {
            var answer = first ? FakeAnswer.Abort : FakeAnswer.Problem(404, "not-found", "no process named n4 asked n1 to join");
            first = false;
            return answer;
        });
        var run = await Ctl.RunAsync(server.Endpoint, "members", "add", "n4");

        Assert.That(run.ExitCode, Is.EqualTo(4), run.Error);
    }

    private static string Cluster(IEnumerable<string> members, params string[] joining) =>
        $$"""{"clusterId":"c","leader":"n1","term":4,"members":[{{string.Join(',', members)}}],"joining":[{{string.Join(',', joining)}}]}""";

    private static IEnumerable<string> Removals(FakeServer server) =>
        server.Requests.Where(request => request.Method == "DELETE").Select(request => request.Target);
}
