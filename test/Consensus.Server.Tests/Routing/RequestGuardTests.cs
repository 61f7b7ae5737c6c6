using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Routing;

/// <summary>Who may ask (rule 27), and with which method.</summary>
internal sealed class RequestGuardTests : ContractTest
{
    private RawAnswer GetAs(string host) => RawHttp.Ask(Port, $"GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");

    private static void AssertProblem(RawAnswer answer, ProblemType type)
    {
        Assert.That(answer.Status, Is.EqualTo(type.Status), answer.Body);
        Assert.That(answer.Headers["Content-Type"], Is.EqualTo("application/problem+json"));
        Assert.That(JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!.Type, Is.EqualTo(type.Uri));
    }

    [TestCase("localhost")]
    [TestCase("LOCALHOST:7379")]
    [TestCase("127.0.0.1")]
    [TestCase("127.0.0.1:80")]
    [TestCase("127.9.9.9")]
    [TestCase("[::1]:7379")]
    [TestCase("[2001:db8::7]:7379")]
    [TestCase("consensus.example")]
    [TestCase("Consensus.Example:443")]
    public void A_host_that_is_ours_is_served(string host) => Assert.That(GetAs(host).Status, Is.EqualTo(200));

    [TestCase("evil.example")]
    [TestCase("localhost.evil.example")]
    [TestCase("evil.example:7379")]
    [TestCase("10.0.0.1")]
    [TestCase("[2001:db8::1]")]
    [TestCase("consensus.example.evil")]
    public void Another_host_is_misdirected(string host) => AssertProblem(GetAs(host), ProblemTypes.Misdirected);

    [Test]
    public async Task A_refusal_never_names_an_older_revision_than_the_answer_before_it()
    {
        Node.StatusRevision = new Revision(1);
        using var put = await SendAsync("PUT", "/v1/kv/a", "x");
        var written = put.Headers.GetValues(ApiHeaders.Revision).Single();
        Assert.That(written, Is.EqualTo("2"));
        using var refused = await SendAsync("GET", "/v1/kv/a?unknown=1");
        Assert.That((int)refused.StatusCode, Is.EqualTo(400));
        Assert.That(refused.Headers.GetValues(ApiHeaders.Revision).Single(), Is.EqualTo(written));
    }

    [Test]
    public void An_old_client_without_a_host_is_served()
    {
        Assert.That(RawHttp.Ask(Port, "GET /livez HTTP/1.0\r\n\r\n").Status, Is.EqualTo(200));
    }

    [TestCase("http://evil.example")]
    [TestCase("http://localhost:7379")]
    [TestCase("null")]
    public async Task A_request_of_a_web_page_is_forbidden(string origin)
    {
        await RefusedAsync(ProblemTypes.Forbidden, "PUT", "/v1/kv/a", "x", ("Origin", origin));
        await RefusedAsync(ProblemTypes.Forbidden, "GET", "/v1/kv/a", null, ("Origin", origin));
    }

    [TestCase("POST", "/v1/kv/a", "GET, HEAD, PUT, DELETE, OPTIONS")]
    [TestCase("PATCH", "/v1/kv/a", "GET, HEAD, PUT, DELETE, OPTIONS")]
    [TestCase("POST", "/v1/kv/", "GET, HEAD, PUT, DELETE, OPTIONS")]
    [TestCase("PUT", "/v1/leases", "GET, HEAD, POST, OPTIONS")]
    [TestCase("POST", "/v1/leases/12", "GET, HEAD, DELETE, OPTIONS")]
    [TestCase("GET", "/v1/leases/keepalive", "POST, OPTIONS")]
    [TestCase("GET", "/v1/leases/12/keepalive", "POST, OPTIONS")]
    [TestCase("BREW", "/v1/locks/l", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    [TestCase("BREW", "/v1/semaphores/s", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    [TestCase("BREW", "/v1/elections/e", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    [TestCase("GET", "/v1/multilock", "POST, OPTIONS")]
    [TestCase("GET", "/v1/txn", "POST, OPTIONS")]
    [TestCase("POST", "/v1/fences/f", "GET, HEAD, PUT, DELETE, OPTIONS")]
    [TestCase("DELETE", "/v1/cluster", "GET, HEAD, OPTIONS")]
    [TestCase("GET", "/v1/cluster/leader", "POST, OPTIONS")]
    [TestCase("POST", "/v1/status", "GET, HEAD, OPTIONS")]
    [TestCase("POST", "/livez", "GET, HEAD, OPTIONS")]
    [TestCase("TRACE", "/metrics", "GET, HEAD, OPTIONS")]
    public void Another_method_is_answered_with_those_that_there_are(string method, string target, string allow)
    {
        var answer = RawHttp.Get(Port, target, method);
        AssertProblem(answer, ProblemTypes.MethodNotAllowed);
        Assert.That(answer.Headers["Allow"], Is.EqualTo(allow));
    }

    [TestCase("/v1/kv/a", "GET, HEAD, PUT, DELETE, OPTIONS")]
    [TestCase("/v1/leases/12/keepalive", "POST, OPTIONS")]
    [TestCase("/v1/locks/l?unknown=1", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    [TestCase("/livez", "GET, HEAD, OPTIONS")]
    [TestCase("*", "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS")]
    public void OPTIONS_tells_the_methods_that_there_are(string target, string allow)
    {
        var answer = RawHttp.Get(Port, target, "OPTIONS");
        Assert.That((answer.Status, answer.Headers["Allow"], answer.Headers["Cache-Control"], answer.Body), Is.EqualTo((204, allow, "no-store", "")));
    }

    [Test]
    public async Task OPTIONS_does_not_let_a_web_page_in_nor_find_what_there_is_not()
    {
        await RefusedAsync(ProblemTypes.Forbidden, "OPTIONS", "/v1/kv/a", null, ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "PUT"));
        await RefusedAsync(ProblemTypes.NotFound, "OPTIONS", "/v1/kva");
    }

    [Test]
    public void A_target_that_names_no_resource_is_not_allowed()
    {
        AssertProblem(RawHttp.Ask(Port, "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"), ProblemTypes.MethodNotAllowed);
    }

    [TestCase("/")]
    [TestCase("/v1")]
    [TestCase("/v2/kv/a")]
    [TestCase("/v1/kva")]
    [TestCase("/v1/txns")]
    [TestCase("/v1/txn/")]
    [TestCase("/v1/semaphore/s")]
    [TestCase("/v1/fencesf")]
    [TestCase("/v1/leases/1/2")]
    [TestCase("/v1/leases/1/2/keepalive")]
    [TestCase("/v1/cluster/members/")]
    [TestCase("/v1/snapshots")]
    [TestCase("/livez/")]
    public void A_resource_that_there_is_not_is_not_found(string target) => AssertProblem(RawHttp.Get(Port, target), ProblemTypes.NotFound);

    [TestCase("/livez?x=1", "x")]
    [TestCase("/v1/status?consistency=stale", "consistency")]
    [TestCase("/readyz?verbose=perhaps", "verbose")]
    [TestCase("/v1/cluster?%zz", "query parameter")]
    public void A_query_parameter_that_is_not_taken_is_named(string target, string named)
    {
        var answer = RawHttp.Get(Port, target);
        AssertProblem(answer, ProblemTypes.BadRequest);
        Assert.That(answer.Body, Does.Contain(named));
    }

    [Test]
    public async Task Every_answer_names_the_leader_and_an_unknown_one_is_empty()
    {
        using var known = await SendAsync("GET", "/livez");
        Assert.That(known.Headers.GetValues("Consensus-Leader").Single(), Is.EqualTo("n1"));
        Node.LeaderName = "";
        var unknown = RawHttp.Get(Port, "/livez");
        Assert.That(unknown.Headers["Consensus-Leader"], Is.Empty);
        Assert.That(unknown.Headers["Consensus-Revision"], Is.EqualTo("1"));
    }
}

/// <summary>A server that listens on every address.</summary>
internal sealed class AnyAddressTests : ContractTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1", ListensOnAnyAddress = true, HostNames = ["*"] };

    [Test]
    public void A_star_allows_every_host()
    {
        Assert.That(RawHttp.Ask(Port, "GET /livez HTTP/1.1\r\nHost: anything.example\r\n\r\n").Status, Is.EqualTo(200));
    }
}
