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

    [TestCase("status")]
    [TestCase("watch", "a")]
    [TestCase("lock", "list")]
    public async Task What_has_no_such_form_says_so_and_does_nothing(params string[] arguments)
    {
        var run = await Ctl.RunAsync(OneMember.Endpoint, [.. arguments, "-o", "msgpack"]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("-o msgpack goes with kv"));
    }
}
