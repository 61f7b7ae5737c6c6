using System.Net;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Problems;
using Consensus.Api.Transactions;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Transactions;

internal sealed class TxnTests : ContractTest
{
    private Task<TxnAnswer> TxnAsync(string body) => AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", body);

    private async Task PutAsync(string key, string value)
    {
        using var response = await SendAsync("PUT", "/v1/kv/" + key, value);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private Task<KeyAnswer> GetAsync(string key) => AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/" + key);

    [Test]
    public async Task All_operations_of_the_branch_are_done_in_one_revision()
    {
        await PutAsync("old/1", "x");
        await PutAsync("old/2", "y");
        await PutAsync("b", "before");
        var done = await TxnAsync("""
            {"compare":[{"key":"b","target":"value","op":"=","operand":"before"}],
             "success":[{"put":{"key":"a","value":"one"}},{"put":{"key":"b","valueBase64":"/w=="}},{"delete":{"prefix":"old/"}},
                        {"get":{"key":"c"}},{"get":{"prefix":"old/","limit":1}},{"delete":{"key":"c"}}],
             "failure":[{"put":{"key":"never","value":""}}]}
            """);
        Assert.That((done.Succeeded, done.Revision), Is.EqualTo((true, 5L)));
        Assert.That(done.Results.Select(result => result.Put?.Key ?? (result.Delete is null ? "get" : "delete")), Is.EqualTo(new[] { "a", "b", "delete", "get", "get", "delete" }));
        Assert.That(done.Results[0].Put, Is.EqualTo(new KeyAnswer { Key = "a", CreateRevision = 5, ModRevision = 5, Version = 1, Lease = null }));
        Assert.That((done.Results[1].Put?.Version, done.Results[2].Delete?.Deleted, done.Results[5].Delete?.Deleted), Is.EqualTo(((long?)2, (long?)2, (long?)0)));
        Assert.That((await GetAsync("b")).ValueBase64, Is.EqualTo("/w=="));
        using var never = await SendAsync("GET", "/v1/kv/never");
        Assert.That(never.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task The_other_branch_is_done_when_a_compare_does_not_hold()
    {
        await PutAsync("a", "x");
        var done = await TxnAsync("""
            {"compare":[{"key":"a","target":"exists","operand":true},{"key":"b","target":"exists","operand":true}],
             "success":[{"put":{"key":"a","value":"y"}}],"failure":[{"get":{"key":"a"}}]}
            """);
        Assert.That((done.Succeeded, done.Revision), Is.EqualTo((false, 2L)));
        Assert.That((done.Results.Single().Get?.Items?.Single().Value, done.Results.Single().Get?.Count), Is.EqualTo(("x", (long?)1)));
    }

    [TestCase("""{"key":"a","target":"version","op":"=","operand":2}""", true)]
    [TestCase("""{"key":"a","target":"version","operand":"2"}""", true)]
    [TestCase("""{"key":"a","target":"version","op":"!=","operand":2}""", false)]
    [TestCase("""{"key":"a","target":"version","op":">","operand":1}""", true)]
    [TestCase("""{"key":"a","target":"createRevision","op":"<","operand":3}""", true)]
    [TestCase("""{"key":"a","target":"modRevision","op":"=","operand":3}""", true)]
    [TestCase("""{"key":"missing","target":"modRevision","op":"=","operand":0}""", true)]
    [TestCase("""{"keyBase64":"YQ==","target":"value","operand":"y"}""", true)]
    [TestCase("""{"key":"a","target":"value","op":"<","operand":"z"}""", true)]
    [TestCase("""{"key":"a","target":"value","operandBase64":"eQ=="}""", true)]
    [TestCase("""{"key":"missing","target":"value","op":"!=","operand":"y"}""", true)]
    [TestCase("""{"key":"a","target":"lease","operand":null}""", true)]
    [TestCase("""{"key":"a","target":"lease","operand":"1f"}""", false)]
    [TestCase("""{"key":"a","target":"lease","op":"!=","operand":"1f"}""", true)]
    [TestCase("""{"key":"a","target":"exists","operand":false}""", false)]
    [TestCase("""{"key":"missing","target":"exists","op":"!=","operand":true}""", true)]
    public async Task A_compare_holds_or_not(string compare, bool holds)
    {
        await PutAsync("a", "x");
        await PutAsync("a", "y");
        Assert.That((await TxnAsync($$"""{"compare":[{{compare}}]}""")).Succeeded, Is.EqualTo(holds));
    }

    [TestCase("lock", "/v1/locks/w", "\"owner\":\"me\"")]
    [TestCase("election", "/v1/elections/w", "\"candidate\":\"me\"")]
    [TestCase("semaphore", "/v1/semaphores/w", "\"owner\":\"me\",\"permits\":1")]
    public async Task A_write_is_guarded_by_a_hold(string kind, string path, string who)
    {
        using var acquired = await SendAsync("POST", path, "{" + who + ",\"ttl\":\"15s\"}");
        Assert.That(acquired.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var grant = System.Text.Json.JsonDocument.Parse(await acquired.Content.ReadAsStringAsync());
        var token = grant.RootElement.GetProperty("fencingToken").GetInt64();
        var body = $$$"""{"compare":[{"{{{kind}}}":"w","fencingToken":{{{token}}}}],"success":[{"put":{"key":"out","value":"x"}}]}""";
        Assert.That((await TxnAsync(body)).Succeeded, Is.True);
        Assert.That((await TxnAsync($$"""{"compare":[{"{{kind}}":"other","fencingToken":"{{token}}"}]}""")).Succeeded, Is.False);
        Assert.That((await TxnAsync($$"""{"compare":[{"{{kind}}":"w","fencingToken":{{token}},"op":"!="}]}""")).Succeeded, Is.False);
        Node.Advance(TimeSpan.FromSeconds(16));
        Assert.That((await TxnAsync(body)).Succeeded, Is.False);
        Assert.That((await GetAsync("out")).Version, Is.EqualTo(1));
    }

    [Test]
    public async Task A_put_may_be_tied_to_a_lease_that_is_alive()
    {
        var lease = await GrantLeaseAsync();
        await TxnAsync($$$"""{"success":[{"put":{"key":"a","value":"x","lease":"{{{lease.Id}}}"}}]}""");
        Assert.That((await GetAsync("a")).Lease, Is.EqualTo(lease.Id));
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/txn", """{"success":[{"put":{"key":"b","value":""}},{"put":{"key":"c","value":"x","lease":"77"}}]}""");
        using var missing = await SendAsync("GET", "/v1/kv/b");
        Assert.That(missing.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_repeat_under_the_same_key_has_one_effect_and_the_first_answer()
    {
        const string Body = """{"success":[{"put":{"key":"a","value":"x"}},{"get":{"key":"a"}}]}""";
        var first = await AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", Body, ("Idempotency-Key", "k"));
        var again = await AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", Body, ("Idempotency-Key", "k"));
        Assert.That((again.Revision, again.Results[0].Put), Is.EqualTo((first.Revision, first.Results[0].Put)));
        Assert.That((await GetAsync("a")).Version, Is.EqualTo(1));
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "POST", "/v1/txn", """{"success":[]  ,"compare":[{"key":"a","target":"version","operand":1}]}""", ("Idempotency-Key", "k"));
    }

    [Test]
    public async Task A_prefix_that_holds_a_written_key_is_refused()
    {
        await PutAsync("p/1", "x");
        var problem = await ProblemAsync(
            ProblemTypes.BadRequest, "POST", "/v1/txn", """{"success":[{"put":{"key":"p/1","value":"y"}},{"delete":{"prefix":"p/"}}]}""");
        Assert.That(problem.Detail, Does.Contain("p/1"));
        Assert.That((await GetAsync("p/1")).Value, Is.EqualTo("x"));
    }
}
