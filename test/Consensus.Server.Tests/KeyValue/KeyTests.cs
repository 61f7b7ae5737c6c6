using System.Net;
using System.Text;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.KeyValue;

internal sealed class KeyTests : ContractTest
{
    private Task<KeyAnswer> PutAsync(string target, string value, params (string, string)[] headers) =>
        AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", target, value, headers);

    private Task<KeyAnswer> GetAsync(string target) => AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", target);

    [Test]
    public async Task A_put_answers_with_the_revision_it_made()
    {
        var first = await PutAsync("/v1/kv/reports/nightly", "one");
        var second = await PutAsync("/v1/kv/reports/nightly", "two");
        Assert.That(first, Is.EqualTo(new KeyAnswer { Key = "reports/nightly", CreateRevision = 2, ModRevision = 2, Version = 1, Lease = null }));
        Assert.That(second, Is.EqualTo(new KeyAnswer { Key = "reports/nightly", CreateRevision = 2, ModRevision = 3, Version = 2, Lease = null }));
    }

    [Test]
    public async Task A_get_shows_the_value_its_entity_tag_and_the_revision_it_was_read_at()
    {
        await PutAsync("/v1/kv/a", "grün \"quoted\" </script>");
        await PutAsync("/v1/kv/b", "later");
        using var response = await SendAsync("GET", "/v1/kv/a");
        Assert.That(response.Headers.ETag?.Tag, Is.EqualTo("\"2-json\""));
        Assert.That(response.Headers.GetValues("Consensus-Revision").Single(), Is.EqualTo("3"));
        Assert.That(response.Headers.GetValues("Consensus-Leader").Single(), Is.EqualTo("n1"));
        Assert.That((await GetAsync("/v1/kv/a")).Value, Is.EqualTo("grün \"quoted\" </script>"));
    }

    [Test]
    public async Task A_value_that_is_not_UTF8_comes_in_base64_and_as_raw_bytes_when_asked()
    {
        byte[] value = [0, 0xFF, 0x80, 10];
        using var put = await Client.PutAsync("/v1/kv/binary", new ByteArrayContent(value));
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var shown = await GetAsync("/v1/kv/binary");
        Assert.That(shown.Value, Is.Null);
        Assert.That(Convert.FromBase64String(shown.ValueBase64!), Is.EqualTo(value));
        using var raw = await SendAsync("GET", "/v1/kv/binary", null, ("Accept", "application/octet-stream"));
        Assert.That(await raw.Content.ReadAsByteArrayAsync(), Is.EqualTo(value));
        Assert.That(raw.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/octet-stream"));
        Assert.That(raw.Headers.ETag?.Tag, Is.EqualTo("\"2\""));
    }

    [Test]
    public async Task An_empty_value_is_a_value()
    {
        await PutAsync("/v1/kv/empty", "");
        Assert.That((await GetAsync("/v1/kv/empty")).Value, Is.Empty);
    }

    [Test]
    public async Task A_body_is_taken_whatever_its_content_type_says()
    {
        using var form = new StringContent("a=1&b=2", Encoding.UTF8, "application/x-www-form-urlencoded");
        using var put = await Client.PutAsync("/v1/kv/form", form);
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/v1/kv/form")).Value, Is.EqualTo("a=1&b=2"));
    }

    [Test]
    public async Task A_chunked_body_is_taken()
    {
        var answer = RawHttp.Ask(
            Port, "PUT /v1/kv/chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That((await GetAsync("/v1/kv/chunked")).Value, Is.EqualTo("abcde"));
    }

    [Test]
    public async Task HEAD_answers_as_GET_without_the_body()
    {
        await PutAsync("/v1/kv/a", "value");
        using var get = await SendAsync("GET", "/v1/kv/a");
        var head = RawHttp.Get(Port, "/v1/kv/a", "HEAD");
        Assert.That(head.Status, Is.EqualTo(200));
        Assert.That(head.Headers["ETag"], Is.EqualTo("\"2-json\""));
        Assert.That(head.Headers["Content-Length"], Is.EqualTo((await get.Content.ReadAsByteArrayAsync()).Length.ToString()));
    }

    [Test]
    public async Task A_reader_that_has_the_present_record_is_told_so()
    {
        await PutAsync("/v1/kv/a", "value");
        using var known = await SendAsync("GET", "/v1/kv/a", null, ("If-None-Match", "\"2-json\""));
        Assert.That(known.StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
        Assert.That(await known.Content.ReadAsByteArrayAsync(), Is.Empty);
        using var changed = await SendAsync("GET", "/v1/kv/a", null, ("If-None-Match", "\"1-json\""));
        Assert.That(changed.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("W/\"2-json\"", 304)]
    [TestCase("\"7-json\", W/\"2-json\"", 304)]
    [TestCase("*", 304)]
    [TestCase("W/\"3-json\"", 200)]
    public async Task A_tag_that_a_proxy_weakened_is_known_too(string tags, int status)
    {
        await PutAsync("/v1/kv/a", "value");
        using var answer = await SendAsync("GET", "/v1/kv/a", null, ("If-None-Match", tags));
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task A_read_of_a_record_that_is_not_the_wanted_one_is_refused_with_the_present_revision()
    {
        await PutAsync("/v1/kv/a", "one");
        await PutAsync("/v1/kv/a", "two");
        using var response = await SendAsync("GET", "/v1/kv/a", null, ("If-Match", "\"2\""));
        Assert.That(response.Headers.ETag?.Tag, Is.EqualTo("\"3-json\""));
        Assert.That((await ReadProblemAsync(response, ProblemTypes.PreconditionFailed)).Revision, Is.EqualTo(3));
        await ProblemAsync(ProblemTypes.PreconditionFailed, "GET", "/v1/kv/a", null, ("If-Match", "W/\"3\""));
        foreach (var tags in new[] { "\"3\"", "\"3-json\"", "\"2\", \"3\"", "*" })
        {
            using var wanted = await SendAsync("GET", "/v1/kv/a", null, ("If-Match", tags));
            Assert.That(wanted.StatusCode, Is.EqualTo(HttpStatusCode.OK), tags);
        }
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/kv/absent", null, ("If-Match", "*"));
    }

    [Test]
    public async Task A_key_that_does_not_exist_is_not_found()
    {
        var problem = await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/nothing/here");
        Assert.That(problem.Detail, Does.Contain("nothing/here"));
    }

    [Test]
    public async Task If_match_writes_only_over_the_revision_it_names()
    {
        await PutAsync("/v1/kv/a", "one");
        await PutAsync("/v1/kv/other", "x");
        var problem = await ProblemAsync(ProblemTypes.PreconditionFailed, "PUT", "/v1/kv/a", "two", ("If-Match", "\"3\""));
        Assert.That(problem.Revision, Is.EqualTo(2), "the key's present modRevision");
        var answer = await PutAsync("/v1/kv/a", "two", ("If-Match", "\"2\""));
        Assert.That(answer.ModRevision, Is.EqualTo(4));
        await ProblemAsync(ProblemTypes.PreconditionFailed, "PUT", "/v1/kv/a", "three", ("If-Match", "\"2-json\""));
        Assert.That((await PutAsync("/v1/kv/a", "three", ("If-Match", "\"4-json\""))).ModRevision, Is.EqualTo(5), "the tag of the JSON names the record too");
        Assert.That((await PutAsync("/v1/kv/a", "four", ("If-Match", "\"5\", \"5-json\""))).ModRevision, Is.EqualTo(6), "and so do both of them");
        await ProblemAsync(ProblemTypes.PreconditionFailed, "PUT", "/v1/kv/absent", "x", ("If-Match", "*"));
        await PutAsync("/v1/kv/a", "three", ("If-Match", "*"));
    }

    [Test]
    public async Task If_none_match_writes_only_where_nothing_is()
    {
        await PutAsync("/v1/kv/a", "one", ("If-None-Match", "*"));
        using var response = await SendAsync("PUT", "/v1/kv/a", "two", ("If-None-Match", "*"));
        var problem = await ReadProblemAsync(response, ProblemTypes.PreconditionFailed);
        Assert.That(problem.Revision, Is.EqualTo(2));
        Assert.That(response.Headers.ETag?.Tag, Is.EqualTo("\"2\""));
        var absent = await ProblemAsync(ProblemTypes.PreconditionFailed, "DELETE", "/v1/kv/absent", null, ("If-Match", "\"1\""));
        Assert.That(absent.Revision, Is.Zero);
    }

    [TestCase("PUT", "If-Match", "2")]
    [TestCase("PUT", "If-Match", "W/\"2\"")]
    [TestCase("PUT", "If-Match", "\"2\", \"3\"")]
    [TestCase("PUT", "If-Match", "\"-2\"")]
    [TestCase("PUT", "If-None-Match", "\"2\"")]
    [TestCase("DELETE", "If-None-Match", "*")]
    [TestCase("DELETE", "If-Match", "\"x\"")]
    public async Task A_condition_that_cannot_be_is_refused(string method, string header, string value)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, method, "/v1/kv/a", method == "PUT" ? "x" : null, (header, value));
        Assert.That(problem.Detail, Does.Contain(header));
    }

    [Test]
    public async Task Both_conditions_at_once_are_refused()
    {
        await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a", "x", ("If-Match", "\"2\""), ("If-None-Match", "*"));
    }

    [Test]
    public async Task A_delete_says_how_many_keys_it_deleted()
    {
        await PutAsync("/v1/kv/a", "x");
        var type = ApiJson.Default.KeysDeletedAnswer;
        Assert.That(await AnswerAsync(type, HttpStatusCode.OK, "DELETE", "/v1/kv/a"), Is.EqualTo(new KeysDeletedAnswer(1, 3)));
        Assert.That(await AnswerAsync(type, HttpStatusCode.OK, "DELETE", "/v1/kv/a"), Is.EqualTo(new KeysDeletedAnswer(0, 3)));
    }

    [Test]
    public async Task A_prefix_is_deleted_in_one_revision()
    {
        await PutAsync("/v1/kv/a/1", "x");
        await PutAsync("/v1/kv/a/2", "x");
        await PutAsync("/v1/kv/b", "x");
        var type = ApiJson.Default.KeysDeletedAnswer;
        Assert.That(await AnswerAsync(type, HttpStatusCode.OK, "DELETE", "/v1/kv/?prefix=a/"), Is.EqualTo(new KeysDeletedAnswer(2, 5)));
        Assert.That(await AnswerAsync(type, HttpStatusCode.OK, "DELETE", "/v1/kv/?prefix="), Is.EqualTo(new KeysDeletedAnswer(1, 6)));
    }

    [TestCase("/v1/kv/", null, "prefix")]
    [TestCase("/v1/kv/?prefix=a&key=b", null, "together")]
    [TestCase("/v1/kv/a?prefix=a", null, "together")]
    [TestCase("/v1/kv/?prefix=a", "If-Match", "If-Match")]
    public async Task A_delete_that_does_not_say_clearly_what_is_refused(string target, string? header, string named)
    {
        (string, string)[] headers = header is null ? [] : [(header, "\"2\"")];
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "DELETE", target, null, headers);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task A_key_of_a_lease_goes_with_it()
    {
        var lease = await GrantLeaseAsync();
        var put = await PutAsync($"/v1/kv/a?lease={lease.Id}", "x");
        Assert.That(put.Lease, Is.EqualTo(lease.Id));
        Assert.That((await GetAsync("/v1/kv/a")).Lease, Is.EqualTo(lease.Id));
        Node.Advance(TimeSpan.FromSeconds(16));
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/a");
        var problem = await ProblemAsync(ProblemTypes.LeaseExpired, "PUT", $"/v1/kv/a?lease={lease.Id}", "x");
        Assert.That(problem.Detail, Does.Contain(lease.Id));
    }

    [TestCase("lease=xyz", "lease")]
    [TestCase("lease=", "lease")]
    [TestCase("lease=0", "lease")]
    [TestCase("lease=8000000000000000", "lease")]
    [TestCase("lease=1&lease=2", "twice")]
    [TestCase("colour=red", "colour")]
    [TestCase("minRevision=3", "minRevision")]
    [TestCase("prefix=a", "prefix")]
    [TestCase("valueBase64=%21", "valueBase64")]
    public async Task A_write_with_a_bad_query_is_refused(string query, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a?" + query);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task A_value_can_be_given_in_the_query()
    {
        await PutAsync("/v1/kv/?key=a&value=b%20c", "");
        Assert.That((await GetAsync("/v1/kv/a")).Value, Is.EqualTo("b c"));
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a?valueBase64=_w");
        Assert.That((await GetAsync("/v1/kv/a")).ValueBase64, Is.EqualTo("/w=="));
        await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a?value=b", "c");
    }

    [Test]
    public async Task Reads_wait_for_the_revision_they_ask_for()
    {
        await PutAsync("/v1/kv/a", "x");
        await GetAsync("/v1/kv/a?minRevision=2");
        await RefusedAsync(ProblemTypes.NotReady, "GET", "/v1/kv/a?minRevision=3");
        await GetAsync("/v1/kv/a?consistency=stale");
        await GetAsync("/v1/kv/a?consistency=linearizable");
    }

    [TestCase("consistency=eventual", "consistency")]
    [TestCase("minRevision=-1", "minRevision")]
    [TestCase("minRevision=99999999999999999999", "minRevision")]
    [TestCase("revision=0", "revision")]
    [TestCase("revision=3", "present revision")]
    [TestCase("revision=-1", "revision")]
    [TestCase("fromRevision=1", "fromRevision")]
    [TestCase("prev=true", "prev")]
    [TestCase("limit=3", "limit")]
    public async Task A_read_with_a_bad_query_is_refused(string query, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/a?" + query);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task A_full_store_says_so_and_still_deletes()
    {
        await PutAsync("/v1/kv/a", "x");
        Node.CommandFault = new CommandAnswer(
            AnswerKind.Done, new QuotaExceeded(new Revision(2), 1000), NotDoneReason.None, default);
        await RefusedAsync(ProblemTypes.QuotaExceeded, "PUT", "/v1/kv/b", "x");
        Node.CommandFault = null;
        await AnswerAsync(ApiJson.Default.KeysDeletedAnswer, HttpStatusCode.OK, "DELETE", "/v1/kv/a");
    }
}
