using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

internal sealed class ElectCommandTests
{
    [Test]
    public async Task A_leader_leads_until_it_is_told_to_end_then_resigns_and_the_next_leads()
    {
        using var observer = new CliProcess(OneMember.Endpoint, "elect", "observe", "e/a");
        using var first = new CliProcess(OneMember.Endpoint, "elect", "e/a", "--candidate", "one", "--value", "http://one", "--ttl", "1m");
        await Eventually.True(() => first.OutputSoFar.Contains("one", StringComparison.Ordinal), "the first leads");
        using var second = new CliProcess(OneMember.Endpoint, "elect", "e/a", "--candidate", "two", "--ttl", "1m", "-o", "json");
        await Eventually.True(async () => (await Member.RowsAsync("elect", "show", "e/a")).Length == 2, "the second waits");
        var shown = await Member.RowsAsync("elect", "show", "e/a");
        Assert.That(shown.Select(row => $"{row[1]} {row[2]} {row[3]}"), Is.EqualTo(new[] { "leads one http://one", "waits (1) two -" }));
        Assert.That(second.OutputSoFar, Is.Empty);

        first.Signal(CliProcess.SigInt);
        var ended = await first.EndAsync();
        Assert.That(ended.ExitCode, Is.EqualTo(130), ended.Error);
        Assert.That(ended.Error, Is.Empty);
        await Eventually.True(() => second.OutputSoFar.EndsWith('\n'), "the second leads");
        Assert.That(JsonNode.Parse(second.OutputSoFar)!["leader"]!.GetValue<string>(), Is.EqualTo("two"));
        second.Signal(CliProcess.SigTerm);
        Assert.That((await second.EndAsync()).ExitCode, Is.EqualTo(143));
        await Member.RefusedAsync("elect", "show", "e/a");

        await Eventually.True(() => observer.OutputSoFar.Contains("two", StringComparison.Ordinal) && observer.OutputSoFar.TrimEnd().Split('\n')[^1].Contains("(nobody)", StringComparison.Ordinal), "the observer sees the end");
        observer.Signal(CliProcess.SigInt);
        var seen = await observer.EndAsync();
        Assert.That(seen.ExitCode, Is.EqualTo(130), seen.Error);
        var leaders = Member.Rows(seen.Output).Select(row => row[1]).ToList();
        Assert.That(seen.Output, Does.StartWith("REVISION\tLEADER\tVALUE\tTOKEN\n"));
        Assert.That(leaders.SkipWhile(leader => leader == "(nobody)"), Is.EqualTo(new[] { "one", "two", "(nobody)" }).Or.EqualTo(new[] { "one", "(nobody)", "two", "(nobody)" }));
    }

    [Test]
    public async Task A_command_runs_while_its_candidate_leads_and_leadership_ends_with_it()
    {
        using var program = new CliProcess(
            OneMember.Endpoint, "elect", "e/run", "--candidate", "me", "--", "/bin/sh", "-c", "echo $CONSENSUS_ELECTION $CONSENSUS_FENCING_TOKEN; exit 5");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(5), end.Error);
        Assert.That(end.Output, Does.Match("^e/run [0-9]+\n$"));
        await Member.RefusedAsync("elect", "show", "e/run");
    }

    [Test]
    public async Task A_leader_that_loses_its_leadership_says_so_and_is_exit_124()
    {
        using var program = new CliProcess(OneMember.Endpoint, "elect", "e/lost", "--candidate", "me", "--ttl", "20s");
        await Eventually.True(() => program.OutputSoFar.Split('\n').Length == 3, "it leads, below the heading");
        var lease = Member.Rows(program.OutputSoFar)[0][4];
        await Member.RowsAsync("lease", "revoke", lease);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124));
        Assert.That(end.Error, Does.StartWith("consensusctl: leadership of 'e/lost' could not be kept: "));
    }

    [Test]
    public async Task Somebody_else_who_leads_is_a_no_to_who_does_not_wait()
    {
        using var leader = new CliProcess(OneMember.Endpoint, "elect", "e/busy", "--candidate", "one", "--ttl", "1m");
        await Eventually.True(() => leader.OutputSoFar.EndsWith('\n'), "it leads");
        using var late = new CliProcess(OneMember.Endpoint, "elect", "e/busy", "--candidate", "two", "--wait", "0");
        var end = await late.EndAsync();
        leader.Signal(CliProcess.SigTerm);
        await leader.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(1));
        Assert.That(end.Error, Does.StartWith("consensusctl: leadership of 'e/busy' was not acquired: "));
    }

    [Test]
    public async Task Changes_of_leader_are_documents_on_lines_as_JSON()
    {
        using var leader = new CliProcess(OneMember.Endpoint, "elect", "e/json", "--candidate", "one", "--ttl", "1m");
        await Eventually.True(() => leader.OutputSoFar.EndsWith('\n'), "it leads");
        using var observer = new CliProcess(OneMember.Endpoint, "elect", "observe", "e/json", "-o", "json");
        await Eventually.True(() => observer.OutputSoFar.EndsWith('\n'), "the present leader is told");
        leader.Signal(CliProcess.SigTerm);
        await Eventually.True(() => observer.OutputSoFar.Split('\n').Length == 3, "the end is told");
        observer.Signal(CliProcess.SigTerm);

        var documents = (await observer.EndAsync()).Output.TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!).ToList();
        Assert.That(documents.Select(document => document["event"]!.GetValue<string>()), Is.EqualTo(new[] { "leader", "none" }));
        Assert.That(documents[0]["leader"]!.GetValue<string>(), Is.EqualTo("one"));
    }
}
