using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.Cli.Tests.Members;

internal sealed class WatchCommandTests
{
    private const string Headings = "REVISION\tEVENT\tKEY\tVALUE\tVERSION\tLEASE\n";

    [Test]
    public async Task Each_change_is_a_line_that_is_written_when_it_comes()
    {
        using var watch = new CliProcess(OneMember.Endpoint, "watch", "watch-a/");
        await Eventually.True(() => watch.OutputSoFar == Headings, "the watch has begun");
        var first = await Put("watch-a/1", "li\nne");
        await Eventually.True(() => watch.OutputSoFar == $"{Headings}{first}\tput\twatch-a/1\tli\\nne\t1\t-\n", "the first change");
        await Put("elsewhere/1", "x");
        Assert.That((await Ctl.RunAsync(OneMember.Endpoint, "kv", "delete", "watch-a/1")).ExitCode, Is.Zero);
        await Eventually.True(() => watch.OutputSoFar.EndsWith("\tdelete\twatch-a/1\t-\t-\t-\n", StringComparison.Ordinal), "the deletion");

        watch.Signal(CliProcess.SigInt);
        var end = await watch.EndAsync();
        Assert.That(end.ExitCode, Is.EqualTo(130));
        Assert.That(end.Error, Is.Empty);
        Assert.That(end.Output.Split('\n'), Has.Length.EqualTo(4));
    }

    [Test]
    public async Task One_key_is_watched_from_a_revision_of_the_past_with_what_was_there_before()
    {
        var first = await Put("watch-b", "1");
        await Put("watch-b/not-this", "x");
        await Put("watch-b", "2");
        using var watch = new CliProcess(OneMember.Endpoint, "kv", "watch", "watch-b", "--from-revision", first, "--prev");
        await Eventually.True(() => watch.OutputSoFar.Split('\n').Length == 4, "the heading and two changes");
        watch.Signal(CliProcess.SigTerm);
        var end = await watch.EndAsync();

        var rows = end.Output.TrimEnd('\n').Split('\n').Select(line => line.Split('\t')).ToArray();
        Assert.That(end.ExitCode, Is.EqualTo(143), end.Error);
        Assert.That(rows[0][^1], Is.EqualTo("PREVIOUS"));
        Assert.That(rows.Skip(1).Select(row => $"{row[2]} {row[3]} {row[^1]}"), Is.EqualTo(new[] { "watch-b 1 -", "watch-b 2 1" }));
    }

    [Test]
    public async Task As_JSON_each_event_is_a_document_on_a_line_and_those_of_one_revision_share_it()
    {
        using var watch = new CliProcess(OneMember.Endpoint, "kv", "watch", "watch-c/", "--prefix", "-o", "json");
        await Eventually.True(() => watch.OutputSoFar.Contains('\n', StringComparison.Ordinal), "the watch has begun");
        await Put("watch-c/1", "a");
        await Put("watch-c/2", "b");
        Assert.That((await Ctl.RunAsync(OneMember.Endpoint, "kv", "delete", "--prefix", "watch-c/")).ExitCode, Is.Zero);
        await Eventually.True(() => watch.OutputSoFar.Split('\n').Length == 6, "open and four events");
        watch.Signal(CliProcess.SigTerm);

        var documents = (await watch.EndAsync()).Output.TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!.AsObject()).ToList();
        Assert.That(documents.Select(document => document["event"]!.GetValue<string>()), Is.EqualTo(new[] { "open", "put", "put", "delete", "delete" }));
        Assert.That(documents[1]["value"]!.GetValue<string>(), Is.EqualTo("a"));
        Assert.That(documents[3]["modRevision"]!.GetValue<long>(), Is.EqualTo(documents[4]["modRevision"]!.GetValue<long>()));
        Assert.That(documents[0]["fromRevision"]!.GetValue<long>(), Is.LessThanOrEqualTo(documents[1]["modRevision"]!.GetValue<long>()));
    }

    [Test]
    public async Task A_reader_that_has_had_enough_ends_the_watch_without_a_word()
    {
        using var watch = new CliProcess(OneMember.Endpoint, "watch", "watch-d/");
        await Eventually.True(() => watch.OutputSoFar == Headings, "the watch has begun");
        watch.CloseOutput();
        var writes = 0;
        await Eventually.True(
            async () =>
            {
                await Put("watch-d/" + writes++, "x");
                return watch.HasEnded;
            },
            "a write finds the reader gone");
        var end = await watch.EndAsync();
        Assert.That(end.ExitCode, Is.EqualTo(141));
        Assert.That(end.Error, Is.Empty);
    }

    [Test]
    public async Task A_revision_of_the_future_is_refused()
    {
        var run = await Ctl.RunAsync(OneMember.Endpoint, "watch", "--from-revision", "900000000");
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Output, Is.Empty);
    }

    [TestCase("table")]
    [TestCase("json")]
    public async Task What_is_compacted_is_said_in_words(string format)
    {
        using var server = new FakeServer(_ => new FakeAnswer(
            410, """{"type":"urn:consensus:problem:compacted","title":"compacted","status":410,"detail":"gone","compactRevision":70}""", "application/problem+json"));
        var run = await Ctl.RunAsync(server.Endpoint, "watch", "a/", "--from-revision", "5", "-o", format);

        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Does.Contain("compacted").And.Contain("the oldest revision that is kept is 70").And.Not.Contain("\n\n"));
        Assert.That(run.Output, Is.EqualTo(format == "json" ? """{"event":"compacted","compactRevision":70}""" + "\n" : ""));
    }

    [Test]
    [NonParallelizable]
    public async Task A_watch_goes_on_at_another_member_without_a_gap_or_a_repetition()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        Uri[] endpoints = [.. Enumerable.Range(0, 3).Select(member => new Uri($"http://127.0.0.1:{cluster.ClientPortOf(member)}"))];
        var follower = (await cluster.LeaderAsync() + 1) % 3;
        using var watch = new CliProcess([endpoints[follower], .. endpoints.Where(endpoint => endpoint != endpoints[follower])], "watch", "w/");
        await Eventually.True(() => watch.OutputSoFar == Headings, "the watch has begun");
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = string.Join(',', endpoints.Where(endpoint => endpoint != endpoints[follower])) };
        for (var i = 0; i < 20; i++)
        {
            if (i == 10)
            {
                cluster.Kill(follower);
            }
            Assert.That((await Ctl.RunAsync(variables, "", false, "kv", "put", $"w/{i}", "x")).ExitCode, Is.Zero);
        }
        await Eventually.True(() => watch.OutputSoFar.Split('\n').Length >= 22, "twenty changes");
        watch.Signal(CliProcess.SigTerm);
        var end = await watch.EndAsync();

        Assert.That(end.Error, Is.Empty);
        Assert.That(end.Output.TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split('\t')[2]), Is.EqualTo(Enumerable.Range(0, 20).Select(i => $"w/{i}")));
    }

    /// <summary>Writes a key; its revision.</summary>
    private static async Task<string> Put(string key, string value)
    {
        var run = await Ctl.RunAsync(OneMember.Endpoint, "kv", "put", key, value);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return run.Output.Split('\n')[1].Split('\t')[1];
    }
}
