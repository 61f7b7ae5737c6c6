using System.Net;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Http;

/// <summary>What caches and proxies are told: nothing that was true once is told to another reader later (RFC 9111), and no form in place of another.</summary>
internal sealed class CacheTests : ContractTest
{
    private static readonly string[] Reads =
    [
        "/v1/kv/a", "/v1/kv/?prefix=", "/v1/kv/?key=a", "/v1/leases", "/v1/locks/l", "/v1/locks/", "/v1/semaphores/s", "/v1/semaphores/", "/v1/elections/e", "/v1/elections/",
        "/v1/fences/f", "/v1/fences/", "/v1/cluster", "/v1/cluster/members", "/v1/status", "/v1/statehash", "/livez", "/readyz", "/metrics", "/openapi/v1.json",
    ];

    private async Task FillAsync()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "value");
        var token = (await AcquireAsync("l")).FencingToken;
        using var permits = await SendAsync("POST", "/v1/semaphores/s", """{"owner":"me","ttl":15,"permits":2}""");
        using var elected = await SendAsync("POST", "/v1/elections/e", """{"candidate":"me","ttl":15}""");
        using var fence = await SendAsync("PUT", "/v1/fences/f", $$"""{"fencingToken":{{token}}}""");
    }

    private static (int Status, string? Type, string? Tag, string? Cache, string? Vary) FactsOf(HttpResponseMessage response) => (
        (int)response.StatusCode,
        response.Content.Headers.ContentType?.ToString(),
        response.Headers.ETag?.ToString(),
        response.Headers.CacheControl?.ToString(),
        response.Headers.TryGetValues("Vary", out var vary) ? string.Join(", ", vary) : null);

    [Test]
    public async Task Every_read_may_be_kept_only_to_be_asked_for_again_and_under_what_it_depends_on()
    {
        await FillAsync();
        foreach (var target in Reads)
        {
            using var get = await SendAsync("GET", target);
            var facts = FactsOf(get);
            Assert.That((facts.Status, facts.Cache, facts.Vary), Is.EqualTo((200, "no-cache", "Accept, Origin")), target);
        }
        using var known = await SendAsync("GET", "/v1/kv/a", null, ("If-None-Match", "\"2-json\""));
        Assert.That(FactsOf(known), Is.EqualTo((304, (string?)null, "\"2-json\"", "no-cache", "Accept, Origin")));
    }

    [Test]
    public async Task HEAD_says_of_every_read_what_GET_says()
    {
        await FillAsync();
        foreach (var target in Reads.Append("/v1/kv/absent").Append("/v1/kv/a?unknown=1").Append("/v1/snapshot"))
        {
            foreach (var accept in new[] { "*/*", "application/octet-stream", "text/event-stream", "image/png" })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, target);
                request.Headers.TryAddWithoutValidation("Accept", accept);
                using var get = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                using var head = await SendAsync("HEAD", target, null, ("Accept", accept));
                Assert.That(FactsOf(head), Is.EqualTo(FactsOf(get)), $"{target} as {accept}");
            }
        }
    }

    [TestCase("GET", "/v1/kv/absent", 404)]
    [TestCase("GET", "/nothing", 404)]
    [TestCase("GET", "/v1/kv/a?unknown=1", 400)]
    [TestCase("GET", "/v1/leases/keepalive", 405)]
    [TestCase("GET", "/v1/kv/a?revision=1", 410)]
    [TestCase("PUT", "/v1/kv/a", 200)]
    [TestCase("POST", "/v1/leases", 201)]
    [TestCase("DELETE", "/v1/kv/a", 200)]
    [TestCase("DELETE", "/v1/leases/1", 404)]
    public async Task A_refusal_and_the_answer_of_a_write_are_kept_by_no_cache(string method, string target, int status)
    {
        await FillAsync();
        Node.Propose(new CompactCommand(Node.Status.Revision));
        using var response = await SendAsync(method, target, method == "POST" ? """{"ttl":15}""" : null);
        var facts = FactsOf(response);
        Assert.That((facts.Status, facts.Cache, facts.Vary), Is.EqualTo((status, "no-store", (string?)null)));
    }

    [Test]
    public async Task A_member_that_is_not_ready_says_so_to_the_asker_only()
    {
        Node.Ready = false;
        using var response = await SendAsync("GET", "/readyz");
        Assert.That((FactsOf(response).Status, FactsOf(response).Cache), Is.EqualTo((503, "no-store")));
    }

    [Test]
    public void A_request_that_is_not_HTTP_is_refused_to_the_asker_only()
    {
        var answer = RawHttp.Ask(Port, $"GET /v1/kv/{new string('a', 40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That((answer.Status, answer.Headers["Cache-Control"]), Is.EqualTo((413, "no-store")));
    }

    [Test]
    public async Task A_backup_is_kept_by_no_cache()
    {
        using var response = await SendAsync("GET", "/v1/snapshot");
        Assert.That((FactsOf(response).Status, FactsOf(response).Cache), Is.EqualTo((200, "no-store")));
    }

    [Test]
    public async Task A_cache_that_has_one_form_of_a_key_is_not_told_that_it_has_the_other()
    {
        await FillAsync();
        using var json = await SendAsync("GET", "/v1/kv/a", null, ("Accept", "application/json"));
        using var bytes = await SendAsync("GET", "/v1/kv/a", null, ("Accept", "application/octet-stream"));
        Assert.That((json.Headers.ETag?.Tag, bytes.Headers.ETag?.Tag), Is.EqualTo(("\"2-json\"", "\"2\"")));
        foreach (var (form, tag, status) in new[]
        {
            ("application/json", "\"2-json\"", HttpStatusCode.NotModified), ("application/json", "\"2\"", HttpStatusCode.OK),
            ("application/octet-stream", "\"2\"", HttpStatusCode.NotModified), ("application/octet-stream", "\"2-json\"", HttpStatusCode.OK),
        })
        {
            using var again = await SendAsync("GET", "/v1/kv/a", null, ("Accept", form), ("If-None-Match", tag));
            Assert.That(again.StatusCode, Is.EqualTo(status), $"{form} {tag}");
        }
    }

    [Test]
    public async Task The_tag_of_a_put_is_that_of_the_bytes_that_were_put()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "value");
        using var bytes = await SendAsync("GET", "/v1/kv/a", null, ("Accept", "application/octet-stream"));
        Assert.That(put.Headers.ETag, Is.EqualTo(bytes.Headers.ETag).And.Not.Null);
    }

    [Test]
    public async Task A_key_is_shown_in_the_form_that_is_worth_most_to_its_reader()
    {
        await FillAsync();
        foreach (var (accept, type) in new[]
        {
            ("", "application/json"),
            ("*/*", "application/json"),
            ("application/*", "application/json"),
            ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
            ("text/html, *; q=.2, */*; q=.2", "application/json"),
            ("application/octet-stream, */*", "application/octet-stream"),
            ("*/*, application/octet-stream", "application/octet-stream"),
            ("application/octet-stream;q=0.5, application/json", "application/json"),
            ("application/octet-stream;q=0.5, */*;q=0.4", "application/octet-stream"),
            ("application/json;q=0, application/*", "application/octet-stream"),
            ("application/json;q=0.1, */*;q=0.5", "application/octet-stream"),
            ("application/octet-stream;q=0, */*", "application/json"),
            ("APPLICATION/OCTET-STREAM;Q=1.000", "application/octet-stream"),
            ("application/octet-stream;note=\"a,b;q=0\"", "application/octet-stream"),
            ("application/json;charset=utf-8", "application/json"),
            ("text/event-stream;q=0, */*", "application/json"),
            ("text/event-stream;q=0.4, application/json;q=0.5", "application/json"),
            ("text/*, */*;q=0.1", "application/json"),
            ("application/octet-stream;q=much, application/json", "application/json"),
        })
        {
            using var response = await SendAsync("GET", "/v1/kv/a", null, ("Accept", accept));
            Assert.That(((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType), Is.EqualTo((200, type)), accept);
        }
    }

    [TestCase("/v1/kv/a", "text/html")]
    [TestCase("/v1/kv/a", "*/*;q=0")]
    [TestCase("/v1/kv/a", "text/*")]
    [TestCase("/v1/kv/a", "application/json;q=0, application/octet-stream;q=0.0")]
    [TestCase("/v1/kv/?prefix=", "application/octet-stream")]
    [TestCase("/v1/locks/", "application/octet-stream")]
    [TestCase("/v1/leases", "text/event-stream")]
    [TestCase("/metrics", "application/json")]
    [TestCase("/v1/snapshot", "application/json")]
    [TestCase("/openapi/v1.json", "application/json;q=0")]
    public async Task A_read_whose_forms_its_reader_does_not_take_is_not_acceptable(string target, string accept)
    {
        await FillAsync();
        var problem = await RefusedAsync(ProblemTypes.NotAcceptable, "GET", target, null, ("Accept", accept));
        Assert.That(problem.Detail, Does.Match("(application|text)/"), "it says what there is");
    }

    [Test]
    public async Task A_write_and_a_probe_are_answered_whatever_their_sender_accepts()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "value", ("Accept", "text/html"));
        using var live = await SendAsync("GET", "/livez", null, ("Accept", "text/html"));
        using var ready = await SendAsync("GET", "/readyz", null, ("Accept", "text/html"));
        Assert.That((put.StatusCode, live.StatusCode, ready.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK)));
    }
}
