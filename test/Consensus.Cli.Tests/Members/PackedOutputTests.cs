using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Api.Packed;
using Consensus.Api.Transactions;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.Members;

/// <summary><c>-o msgpack</c>: what the API answers, byte for byte.</summary>
internal sealed class PackedOutputTests
{
    private static async Task<string> PackedAsync(params string[] arguments)
    {
        var (run, bytes) = await Ctl.RunForBytesAsync(OneMember.Endpoint, "", [.. arguments, "-o", "msgpack"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return Encoding.UTF8.GetString(PackedJson.ToJson(bytes));
    }

    private static async Task<string> JsonAsync(params string[] arguments)
    {
        var run = await Ctl.RunAsync(OneMember.Endpoint, [.. arguments, "-o", "json"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return run.Output.TrimEnd();
    }

    [Test]
    public async Task A_key_is_the_APIs_answer()
    {
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [OneMember.Endpoint] });
        await client.PutKeyAsync("packed/a", new byte[] { 0xFF, 0xFE }, null, default);
        var shown = await PackedAsync("kv", "get", "packed/a");
        Assert.That(shown, Is.EqualTo(await JsonAsync("kv", "get", "packed/a")).And.Contains("\"valueBase64\":\"//4=\""));
        Assert.That(await PackedAsync("kv", "put", "packed/b", "x"), Does.StartWith("{\"key\":\"packed/b\",\"createRevision\":"));
        Assert.That(await PackedAsync("kv", "delete", "packed/b"), Does.StartWith("{\"deleted\":1,"));
    }

    [Test]
    public async Task All_pages_of_a_list_are_one_document()
    {
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [OneMember.Endpoint] });
        for (var i = 0; i < 6; i++)
        {
            var puts = Enumerable.Range(i * 100, 100)
                .Select(number => new TxnPutRequest { Key = $"packed-list/{number:000}", ValueBase64 = "/w==" })
                .Select(put => new TxnOperationRequest { Put = put });
            Assert.That((await client.TxnAsync(new TxnRequest { Success = [.. puts] }, default)).Succeeded, Is.True);
        }
        var packed = JsonNode.Parse(await PackedAsync("kv", "list", "--prefix", "packed-list/"))!;
        var json = JsonNode.Parse(await JsonAsync("kv", "list", "--prefix", "packed-list/"))!;
        Assert.That(packed["items"]!.AsArray(), Has.Count.EqualTo(600));
        Assert.That(JsonNode.DeepEquals(packed, json), Is.True);
        Assert.That(JsonNode.DeepEquals(
            JsonNode.Parse(await PackedAsync("kv", "list", "--prefix", "packed-list/", "--limit", "3"))!["items"],
            JsonNode.Parse(await JsonAsync("kv", "list", "--prefix", "packed-list/", "--limit", "3"))!["items"]), Is.True);
    }

    [Test]
    public async Task A_transaction_is_the_APIs_answer()
    {
        const string Transaction = """{"success":[{"put":{"key":"packed-txn","value":"x"}},{"get":{"key":"packed-txn"}}]}""";
        var (run, bytes) = await Ctl.RunForBytesAsync(OneMember.Endpoint, Transaction, "txn", "-", "-o", "msgpack");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var shown = Encoding.UTF8.GetString(PackedJson.ToJson(bytes));
        Assert.That(shown, Does.StartWith("{\"succeeded\":true,").And.Contains("\"value\":\"x\""));
    }

    [OneTimeSetUp]
    public async Task HoldSomethingOfEachKindAsync()
    {
        var lease = (await Member.RowsAsync("lease", "grant", "--ttl", "10m", "--session")).Single()[0];
        await Member.RowsAsync("kv", "put", "packed-held/key", "x", "--lease", lease);
        var token = (await Member.RowsAsync("lock", "acquire", "packed-held", "--owner", "x", "--ttl", "10m")).Single()[3];
        await Member.RowsAsync("lock", "acquire", "packed-held-2", "--owner", "x", "--lease", lease, "--metadata", "{\"a\":[1,null,1.5]}");
        await Member.RowsAsync("semaphore", "acquire", "packed-held", "--permits", "3", "--count", "2", "--owner", "x", "--ttl", "10m");
        await Member.RowsAsync("fence", "check", "packed-held", token);
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [OneMember.Endpoint] });
        var wish = new CampaignWish("packed-held", "x") { Value = "told", Lease = lease };
        Assert.That((await client.CampaignAsync(wish, default)).Succeeded, Is.True);
        _lease = lease;
    }

    private string _lease = "";

    [TestCase("lock", "show", "packed-held-2")]
    [TestCase("lock", "list", "--prefix", "packed-held")]
    [TestCase("semaphore", "show", "packed-held")]
    [TestCase("semaphore", "list", "--prefix", "packed-held")]
    [TestCase("elect", "show", "packed-held")]
    [TestCase("fence", "show", "packed-held")]
    [TestCase("lease", "show", "LEASE")]
    [TestCase("lease", "list")]
    [TestCase("members", "list")]
    [TestCase("leader")]
    [TestCase("leader", "show")]
    [TestCase("settings", "show")]
    [TestCase("settings", "show", "max-fences")]
    public async Task What_is_shown_says_the_same_in_both_forms(params string[] arguments)
    {
        string[] asked = [.. arguments.Select(word => word == "LEASE" ? _lease : word)];
        var (packed, json) = (JsonNode.Parse(await PackedAsync(asked))!, JsonNode.Parse(await JsonAsync(asked))!);
        // What is left of a lease becomes less, and those of other tests end.
        Forget(packed, _lease);
        Forget(json, _lease);
        Assert.That(packed.ToJsonString(), Is.EqualTo(json.ToJsonString()));
    }

    [Test]
    public async Task What_is_done_is_told_as_the_API_answers_it()
    {
        var lease = JsonNode.Parse(await PackedAsync("lease", "grant", "--ttl", "10m"))!["id"]!.GetValue<string>();
        Assert.That(await PackedAsync("lease", "keepalive", lease), Does.Contain($"\"id\":\"{lease}\""));
        var grant = JsonNode.Parse(await PackedAsync("lock", "acquire", "packed-done", "--owner", "y", "--lease", lease))!;
        var token = grant["fencingToken"]!.GetValue<long>().ToString(CultureInfo.InvariantCulture);
        Assert.That(await PackedAsync("fence", "check", "packed-done", token), Does.Contain("\"highestToken\":" + token));
        // There it has no body: an object without members, as in JSON.
        Assert.That(await PackedAsync("lock", "release", "packed-done", token), Is.EqualTo("{}"));
        Assert.That(
            await PackedAsync("semaphore", "acquire", "packed-done", "--permits", "2", "--owner", "y", "--ttl", "10m"),
            Does.Contain("\"permits\":2"));
        Assert.That(await PackedAsync("semaphore", "resize", "packed-done", "--permits", "4"), Does.Contain("\"permits\":4"));
        Assert.That(await PackedAsync("lease", "revoke", lease), Does.Contain("\"keysDeleted\":0"));
    }

    [Test]
    public async Task A_grant_that_came_in_another_form_is_given_back_and_is_exit_5()
    {
        const string Granted = """
            {"name":"a","owner":"x","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":600000,"expiresInMs":600000,"waitedMs":0,
            "revision":7,"clusterId":"c"}
            """;
        var withdrawn = 0;
        // In front of the members, and of its own mind about forms.
        using var proxy = new FakeServer(request =>
        {
            if (request.Method == "POST" && request.Path == "/v1/locks/a")
            {
                return new FakeAnswer(200, Granted);
            }
            Interlocked.Increment(ref withdrawn);
            return new FakeAnswer(200, """{"outcome":"released","revision":8}""");
        });
        var run = await Ctl.RunAsync(proxy.Endpoint, "lock", "acquire", "a", "--owner", "x", "--ttl", "10m", "-o", "msgpack");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((5, "")));
        Assert.That(run.Error, Is.EqualTo("consensusctl: the answer is not MessagePack, so lock 'a' was given back.\n"));
        Assert.That(withdrawn, Is.EqualTo(1));
    }

    [TestCase("kv", "put", "a", "1")]
    [TestCase("lock", "list")]
    public async Task An_answer_in_another_form_is_exit_5_for_it_may_tell_of_something_done(params string[] arguments)
    {
        using var proxy = new FakeServer(request => new FakeAnswer(200, request.Method == "PUT"
            ? """{"key":"a","createRevision":7,"modRevision":7,"version":1,"lease":null}"""
            : """{"items":[],"nextCursor":null,"revision":7}"""));
        var run = await Ctl.RunAsync(proxy.Endpoint, [.. arguments, "-o", "msgpack"]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((5, "")));
        Assert.That(run.Error, Is.EqualTo("consensusctl: the answer is not MessagePack.\n"));
    }

    [TestCase("status")]
    [TestCase("top", "--interval", "200ms")]
    [TestCase("watch", "a")]
    [TestCase("lock", "watch", "a")]
    [TestCase("lock", "run", "a", "--", "true")]
    [TestCase("elect", "observe", "a")]
    [TestCase("check", "consistency")]
    public async Task What_has_no_such_form_says_so_and_does_nothing(params string[] arguments)
    {
        var at = Math.Max(Array.IndexOf(arguments, "--"), 0);
        string[] asked = at > 0 ? [.. arguments[..at], "-o", "msgpack", .. arguments[at..]] : [.. arguments, "-o", "msgpack"];
        var run = await Ctl.RunAsync(OneMember.Endpoint, asked);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("-o msgpack goes with what the API answers once"));
    }

    [Test]
    public async Task News_of_a_session_that_are_joined_have_no_such_form()
    {
        var run = await Ctl.RunAsync(OneMember.Endpoint, "lease", "keepalive", _lease, "--since", "0", "-o", "msgpack");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("-o msgpack does not go with --since."));
    }

    /// <summary>What two answers to the same question may tell differently.</summary>
    private static void Forget(JsonNode node, string lease)
    {
        switch (node)
        {
            case JsonObject document:
                foreach (var name in document.Select(member => member.Key).Where(IsOfTheMoment).ToList())
                {
                    document.Remove(name);
                }
                document.Select(member => member.Value).OfType<JsonNode>().ToList().ForEach(value => Forget(value, lease));
                break;
            case JsonArray list:
                list.Where(item => IsOfAnother(item, lease)).ToList().ForEach(item => list.Remove(item));
                list.OfType<JsonNode>().ToList().ForEach(item => Forget(item, lease));
                break;
            default:
                break;
        }
    }

    /// <summary>Leases are what is listed with a TTL and an id.</summary>
    private static bool IsOfAnother(JsonNode? item, string lease) =>
        item is JsonObject one && one.ContainsKey("ttlMs") && one["id"] is { } id && id.GetValue<string>() != lease;

    private static bool IsOfTheMoment(string name) => name is "revision" or "matchIndex" || name.EndsWith("Ms", StringComparison.Ordinal);
}
