using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

internal sealed class TxnCommandTests
{
    private static readonly Dictionary<string, string> Variables = [];

    [OneTimeSetUp]
    public void SetEndpoint() => Variables["CONSENSUS_ENDPOINTS"] = OneMember.Endpoint.ToString();

    [Test]
    public async Task Compares_that_hold_do_the_success_branch()
    {
        await Put("txn-a/1", "one");
        await Put("txn-a/2", "tw\to");
        var run = await Txn(
            """
            {"compare":[{"key":"txn-a/1","target":"value","operand":"one"}],
             "success":[{"put":{"key":"txn-a/3","value":"three"}},{"get":{"prefix":"txn-a/","limit":2}},{"get":{"key":"txn-a/none"}},{"delete":{"key":"txn-a/1"}}]}
            """);

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Error, Is.Empty);
        var rows = Rows(run);
        Assert.That(rows[0], Is.EqualTo(new[] { "BRANCH", "#", "DONE", "KEY", "VALUE", "REVISION", "VERSION", "LEASE" }));
        Assert.That(rows.Skip(1).Select(row => string.Join('|', row.Take(5))), Is.EqualTo(new[]
        {
            "success|1|put|txn-a/3|-", "success|2|get|txn-a/1|one", @"success|2|get|txn-a/2|tw\to", "success|2|get: 1 more|-|-", "success|3|get: no such key|-|-",
            "success|4|deleted 1|-|-",
        }));
    }

    [Test]
    public async Task A_compare_that_does_not_hold_does_the_failure_branch_and_is_exit_1()
    {
        const string Transaction = """
            {"compare":[{"key":"txn-b","target":"exists","operand":true}],"success":[{"put":{"key":"txn-b","value":"1"}}],"failure":[{"get":{"key":"txn-b"}}]}
            """;
        var table = await Txn(Transaction);
        var json = await Txn(Transaction, "-o", "json");

        Assert.That(table.ExitCode, Is.EqualTo(1));
        Assert.That(table.Error, Is.EqualTo("consensusctl: a compare did not hold, so the failure branch was done.\n"));
        Assert.That(Rows(table)[1].Take(3), Is.EqualTo(new[] { "failure", "1", "get: no such key" }));
        Assert.That(json.ExitCode, Is.EqualTo(1));
        Assert.That(JsonNode.Parse(json.Output)!["succeeded"]!.GetValue<bool>(), Is.False);
    }

    [Test]
    public async Task An_empty_branch_says_that_nothing_was_done()
    {
        var run = await Txn("""{"compare":[{"key":"txn-d","target":"exists","operand":true}],"success":[{"get":{"key":"txn-d"}}]}""");
        Assert.That(Rows(run)[1].Take(3), Is.EqualTo(new[] { "failure", "-", "nothing" }));
    }

    [Test]
    public async Task What_is_wrong_with_the_file_is_named_by_its_path_and_is_exit_2()
    {
        var wrong = await Txn("""{"success":[{"put":{"key":5,"value":"1"}}]}""");
        var broken = await Txn("{");
        var missing = await Ctl.RunAsync(OneMember.Endpoint, "txn", "no/such/file");
        var folder = await Ctl.RunAsync(OneMember.Endpoint, "txn", "/");

        Assert.That(wrong.Error, Does.Contain("success[0].put.key"));
        Assert.That(missing.Error, Is.EqualTo("consensusctl: There is no file 'no/such/file'.\n"));
        Assert.That(folder.Error, Does.StartWith("consensusctl: '/' cannot be read: "));
        foreach (var run in new[] { wrong, broken, missing, folder })
        {
            Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
            Assert.That(run.Output, Is.Empty);
            Assert.That(run.Error.TrimEnd('\n'), Does.Not.Contain('\n'));
        }
    }

    [Test]
    public async Task A_file_is_read_as_it_is()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """{"success":[{"put":{"key":"txn-c","value":"ü"}},{"get":{"key":"txn-c"}}]}""");
        var run = await Ctl.RunAsync(OneMember.Endpoint, "txn", file);
        File.Delete(file);

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(Rows(run)[2].Skip(2).Take(3), Is.EqualTo(new[] { "get", "txn-c", "ü" }));
    }

    [Test]
    public async Task What_a_get_saw_at_first_and_a_retry_cannot_be_told_any_more_is_said_to_be_omitted()
    {
        using var server = new FakeServer(_ => new FakeAnswer(
            200, """{"succeeded":true,"revision":7,"results":[{"delete":{"deleted":1}},{"get":{"omitted":true}},{"get":{"items":[],"count":0}}]}"""));
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = server.Endpoint.ToString() };
        var table = await Ctl.RunAsync(variables, "{}", false, ["txn", "-"]);
        var json = await Ctl.RunAsync(variables, "{}", false, ["txn", "-", "-o", "json"]);

        Assert.That(table.ExitCode, Is.Zero, table.Error);
        Assert.That(Rows(table).Skip(1).Select(row => row[2]), Is.EqualTo(new[] { "deleted 1", "get: no longer known", "get: no such key" }));
        Assert.That(JsonNode.Parse(json.Output)!["results"]![1]!["get"]!.ToJsonString(), Is.EqualTo("""{"omitted":true}"""));
    }

    private static Task<CliRun> Txn(string transaction, params string[] more) => Ctl.RunAsync(Variables, transaction, false, ["txn", "-", .. more]);

    private static async Task Put(string key, string value) =>
        Assert.That((await Ctl.RunAsync(OneMember.Endpoint, "kv", "put", key, value)).ExitCode, Is.Zero);

    private static string[][] Rows(CliRun run) => [.. run.Output.TrimEnd('\n').Split('\n').Select(line => line.Split('\t'))];
}
