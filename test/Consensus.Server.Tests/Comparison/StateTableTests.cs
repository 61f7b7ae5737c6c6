using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Server.Comparison;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Comparison;

/// <summary>GET and POST of /v1/statehash/tables.</summary>
internal sealed class StateTableTests : ContractTest
{
    private const string Path = "/v1/statehash/tables";

    private async Task FillAsync(int keys, int nameBytes = 5)
    {
        for (var i = 0; i < keys; i++)
        {
            using var put = await SendAsync("PUT", "/v1/kv/" + $"{i}".PadLeft(nameBytes, '0'), "SECRET");
            Assert.That(put.IsSuccessStatusCode);
        }
    }

    private async Task<StateTablesAnswer> TablesAsync()
    {
        var index = Node.Status.AppliedIndex.Value;
        return await AnswerAsync(ApiJson.Default.StateTablesAnswer, HttpStatusCode.OK, "GET", $"{Path}?index={index}");
    }

    private async Task<IReadOnlyList<TableRangeAnswer>> AskAsync(StateTablesAnswer of, string ranges, string table = "keys")
    {
        var answer = await AnswerAsync(
            ApiJson.Default.TableRangesAnswer, HttpStatusCode.OK, "POST", Path, $$"""{"index":{{of.Index}},"table":"{{table}}","ranges":[{{ranges}}]}""");
        Assert.That((answer.Name, answer.Index, answer.Table), Is.EqualTo(("n1", of.Index, table)));
        return answer.Ranges;
    }

    private static string Place(string key) => Convert.ToBase64String(Encoding.UTF8.GetBytes(key));

    [Test]
    public async Task Every_table_has_its_count_and_the_tables_of_an_equal_state_have_equal_digests()
    {
        await FillAsync(3);
        var before = await TablesAsync();
        Assert.That(
            before.Tables.Select(table => table.Table),
            Is.EqualTo(new[]
            {
                "counters", "outages", "keys", "leases", "objects", "holds", "released", "waiters", "kept", "forgotten", "brief", "sessions", "numbers", "ended", "fences", "members",
                "detaching", "settings", "roles", "principals", "revocations", "tokens", "sweep", "history",
            }));
        Assert.That(before.Tables.Single(table => table.Table == "keys").Count, Is.EqualTo(3));
        await AcquireAsync("l");
        var after = await TablesAsync();
        Assert.That(
            after.Tables.Zip(before.Tables).Where(pair => pair.First != pair.Second).Select(pair => pair.First.Table),
            Is.EqualTo(new[] { "counters", "leases", "objects" }));
    }

    [Test]
    public async Task Every_table_is_named_by_the_page_and_the_document_of_the_API()
    {
        var page = await File.ReadAllTextAsync(System.IO.Path.Combine(Root(), "docs/http-api.md"));
        using var response = await SendAsync("GET", "/openapi/v1.json");
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var described = document.RootElement.GetProperty("components").GetProperty("schemas").GetProperty("StateTable").GetProperty("properties").GetProperty("table")
            .GetProperty("description").GetString()!;
        foreach (var table in (await TablesAsync()).Tables)
        {
            Assert.That(page, Does.Contain($"`{table.Table}`"), "docs/http-api.md");
            Assert.That(described.Split(',', ';').Select(name => name.Trim()), Does.Contain(table.Table), "OpenAPI");
        }
    }

    private static string Root([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", "..", ".."));

    [Test]
    public async Task A_state_is_asked_about_while_later_writes_change_the_present_one()
    {
        await FillAsync(100);
        var tables = await TablesAsync();
        using (var delete = await SendAsync("DELETE", "/v1/kv/?prefix=0"))
        {
            Assert.That(delete.IsSuccessStatusCode);
        }
        var cut = (await AskAsync(tables, """{"parts":4}"""))[0];
        Assert.That(cut.Cuts, Is.EqualTo(new[] { Place("00025"), Place("00050"), Place("00075") }));
        Assert.That(cut.Sums!.Select(sum => sum.Count), Is.EqualTo(new[] { 25, 25, 25, 25 }));
        var same = await AskAsync(tables, $$"""{"cuts":["{{cut.Cuts![0]}}"],"to":"{{cut.Cuts[1]}}"},{"from":"{{cut.Cuts[1]}}","cuts":["{{cut.Cuts[2]}}"]}""");
        Assert.That(same.SelectMany(range => range.Sums!), Is.EqualTo(cut.Sums));
        Assert.That(same.Select(range => range.Cuts), Is.All.Null);
    }

    [Test]
    public async Task Records_are_listed_in_words_and_without_what_somebody_stored()
    {
        await FillAsync(100);
        var tables = await TablesAsync();
        var listed = (await AskAsync(tables, $$"""{"from":"{{Place("00098")}}","items":64},{"to":"{{Place("00003")}}","items":2}"""));
        Assert.That(listed[0].Items!.Select(item => (item.Place, item.Name)), Is.EqualTo(new[] { (Place("00098"), "key \"00098\""), (Place("00099"), "key \"00099\"") }));
        Assert.That(listed[0].Items![1].Content, Is.EqualTo("revision 101, version 1, created at revision 101, 6 bytes"));
        Assert.That((listed[0].More, listed[1].More, listed[1].Items!.Count), Is.EqualTo(((bool?)null, (bool?)true, 2)));
        using var whole = await SendAsync("POST", Path, $$"""{"index":{{tables.Index}},"table":"history","ranges":[{"items":64}]}""");
        Assert.That(await whole.Content.ReadAsStringAsync(), Does.Contain("00001").And.Not.Contain("SECRET"));
    }

    [Test]
    public async Task An_answer_ends_once_it_has_256_KiB_of_places_and_a_range_is_answered_at_least()
    {
        await FillAsync(600, nameBytes: 1_000);
        var tables = await TablesAsync();
        var one = """{"parts":32}""";
        var cut = await AskAsync(tables, string.Join(',', Enumerable.Repeat(one, ApiLimits.MaxTableRanges)));
        Assert.That(cut, Has.Count.InRange(2, ApiLimits.MaxTableRanges - 1));
        Assert.That(cut.SelectMany(range => range.Cuts!).Sum(place => place.Length), Is.InRange(ApiLimits.MaxTableAnswerBytes, 2 * ApiLimits.MaxTableAnswerBytes));
        var all = """{"items":64}""";
        var listed = await AskAsync(tables, string.Join(',', Enumerable.Repeat(all, ApiLimits.MaxTableRanges)));
        Assert.That(listed, Has.Count.InRange(1, 3));
        Assert.That(listed.Select(range => range.More), Is.All.True);
    }

    [Test]
    public async Task Of_an_index_that_is_not_there_there_are_no_tables()
    {
        await FillAsync(3);
        var index = Node.Status.AppliedIndex.Value;
        await ProblemAsync(ProblemTypes.Compacted, "GET", $"{Path}?index={index - 1}");
        await ProblemAsync(ProblemTypes.NotReady, "GET", $"{Path}?index={index + 1}");
        await ProblemAsync(ProblemTypes.BadRequest, "GET", $"{Path}?index=x");
        await ProblemAsync(ProblemTypes.BadRequest, "GET", Path);
        await ProblemAsync(ProblemTypes.Compacted, "POST", Path, $$"""{"index":{{index}},"table":"keys","ranges":[{"items":1}]}""");
    }

    [TestCase("""{"table":"keys","ranges":[{"items":1}]}""")]
    [TestCase("""{"index":I,"ranges":[{"items":1}]}""")]
    [TestCase("""{"index":I,"table":"keys"}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[null]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"items":1,"parts":2}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"items":65}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"items":0}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"parts":33}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"cuts":[null]}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"cuts":["?"]}]}""")]
    [TestCase("""{"index":I,"table":"leases","ranges":[{"from":"YQ==","items":1}]}""")]
    [TestCase("""{"index":I,"table":"objects","ranges":[{"cuts":[""]}]}""")]
    [TestCase("""{"index":I,"table":"nothing","ranges":[{"items":1}]}""")]
    [TestCase("""{"index":I,"table":"keys","ranges":[{"items":1}],"more":1}""")]
    public async Task A_question_that_is_not_understood_is_refused(string body)
    {
        var index = (await TablesAsync()).Index;
        await RefusedAsync(ProblemTypes.BadRequest, "POST", Path, body.Replace("I", $"{index}", StringComparison.Ordinal));
    }

    [Test]
    public async Task Too_many_ranges_and_cuts_are_refused()
    {
        var index = (await TablesAsync()).Index;
        string Question(string ranges) => $$"""{"index":{{index}},"table":"keys","ranges":[{{ranges}}]}""";
        string Ranges(int count) => Question(string.Join(',', Enumerable.Repeat("""{"items":1}""", count)));
        string Cuts(int count) => Question($$"""{"cuts":[{{string.Join(',', Enumerable.Repeat("\"YQ==\"", count))}}]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "POST", Path, Ranges(ApiLimits.MaxTableRanges + 1));
        await RefusedAsync(ProblemTypes.BadRequest, "POST", Path, Cuts(ApiLimits.MaxTableParts));
        foreach (var fits in (string[])[Ranges(ApiLimits.MaxTableRanges), Cuts(ApiLimits.MaxTableParts - 1)])
        {
            await AnswerAsync(ApiJson.Default.TableRangesAnswer, HttpStatusCode.OK, "POST", Path, fits);
        }
    }

    [Test]
    public async Task A_fifth_state_is_429_while_four_are_asked_about()
    {
        for (var i = 0; i < ComparedViews.Capacity; i++)
        {
            await FillAsync(1);
            await AskAsync(await TablesAsync(), """{"items":1}""");
        }
        await FillAsync(1);
        var problem = await ProblemAsync(ProblemTypes.TooManyRequests, "GET", $"{Path}?index={Node.Status.AppliedIndex.Value}");
        Assert.That(problem.Detail, Does.Contain("4 states"));
    }
}
