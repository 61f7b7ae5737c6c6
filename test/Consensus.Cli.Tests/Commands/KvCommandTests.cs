using System.Text.Json;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

internal sealed class KvCommandTests
{
    private const string Item = """{"key":"a/b","value":"x\ty\n","createRevision":2,"modRevision":3,"version":2,"lease":"1f"}""";

    [Test]
    public async Task A_piped_table_is_one_line_for_each_row_with_one_tab_between_columns()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a/b");

        Assert.That(run.Output, Is.EqualTo("KEY\tVALUE\tREVISION\tCREATED\tVERSION\tLEASE\na/b\tx\\ty\\n\t3\t2\t2\t1f\n"));
        Assert.That(run.Error, Is.Empty);
    }

    [Test]
    public async Task A_table_on_a_terminal_is_aligned_and_shows_the_same_values()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = server.Endpoint.ToString() };
        var run = await Ctl.RunAsync(variables, "", terminal: true, "kv", "get", "a/b");

        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("a/b").And.Contain("REVISION").And.Not.Contain("\t"));
    }

    [Test]
    public async Task Json_is_the_answer_of_the_API_as_it_came()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a/b", "-o", "json");

        Assert.That(run.Output, Is.EqualTo(Item + "\n"));
    }

    [TestCase("\"value\":\"line\\n\"", "line\n")]
    [TestCase("\"valueBase64\":\"aGk=\"", "hi")]
    public async Task Raw_is_the_value_and_nothing_else(string member, string value)
    {
        using var server = new FakeServer(_ => new FakeAnswer(
            200, $$"""{"key":"a",{{member}},"createRevision":2,"modRevision":3,"version":2,"lease":null}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a", "--raw");

        Assert.That(run.Output, Is.EqualTo(value));
    }

    [Test]
    public async Task A_put_carries_its_value_condition_and_lease()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "put", "a/b", "@v", "--if-revision", "7", "--lease", "1f");

        var request = server.Requests.Single();
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(request.Method, Is.EqualTo("PUT"));
        Assert.That(request.Target, Is.EqualTo("/v1/kv/a/b?lease=1f"));
        Assert.That(request.Text, Is.EqualTo("@v"));
        Assert.That(request.Header("If-Match"), Is.EqualTo("\"7\""));
        Assert.That(request.Header("Idempotency-Key"), Is.Not.Empty);
    }

    [Test]
    public async Task A_dash_puts_what_comes_on_standard_input()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = server.Endpoint.ToString() };
        var run = await Ctl.RunAsync(variables, "two\nlines\n", terminal: false, "kv", "put", "a", "-", "--if-absent");

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(server.Requests.Single().Text, Is.EqualTo("two\nlines\n"));
        Assert.That(server.Requests.Single().Header("If-None-Match"), Is.EqualTo("*"));
    }

    [Test]
    public async Task A_value_that_looks_like_an_option_goes_after_two_dashes()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "put", "a", "--", "--if-absent");

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(server.Requests.Single().Text, Is.EqualTo("--if-absent"));
    }

    [Test]
    public async Task Deleting_a_prefix_says_how_many_went()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"deleted":12,"revision":40}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "delete", "--prefix", "jobs/");

        Assert.That(server.Requests.Single().Target, Is.EqualTo("/v1/kv/?prefix=jobs%2F"));
        Assert.That(run.Output, Is.EqualTo("DELETED\tREVISION\n12\t40\n"));
    }

    [Test]
    public async Task A_list_follows_the_cursor_and_is_one_document()
    {
        using var server = new FakeServer(request => new FakeAnswer(200, request.Target.Contains("cursor=c1", StringComparison.Ordinal)
            ? Page("b", "null")
            : Page("a", "\"c1\"")));
        var json = await Ctl.RunAsync(server.Endpoint, "kv", "list", "-o", "json");
        var table = await Ctl.RunAsync(server.Endpoint, "kv", "list", "--prefix", "x");
        var one = await Ctl.RunAsync(server.Endpoint, "kv", "list", "--limit", "1");

        using var document = JsonDocument.Parse(json.Output);
        Assert.That(
            document.RootElement.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("key").GetString()),
            Is.EqualTo(new[] { "a", "b" }));
        Assert.That(document.RootElement.GetProperty("nextCursor").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(table.Output.Split('\n'), Has.Length.EqualTo(4));
        Assert.That(one.Output.Split('\n'), Has.Length.EqualTo(3));
    }

    private static string Page(string key, string cursor) =>
        $$"""{"items":[{"key":"{{key}}","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}],"count":2,"revision":9,"nextCursor":{{cursor}}}""";
}
