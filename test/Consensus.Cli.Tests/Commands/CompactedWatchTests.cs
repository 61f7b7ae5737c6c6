using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

/// <summary>A watch whose next events are no longer kept by the time it asks for them.</summary>
internal sealed class CompactedWatchTests
{
    private const string Compacted = "event: compacted\ndata: {\"compactRevision\":90}\n\n";

    private const string Lost = "what came after revision 41 is compacted and cannot be told any more (the oldest revision that is kept is 90)";

    [Test]
    public async Task An_election_is_observed_on_from_the_present_leader()
    {
        var run = await ObserveAsync("table", Leader("one", 41) + Compacted, Leader("two", 95));

        Assert.That(run.Output, Is.EqualTo("REVISION\tLEADER\tVALUE\tTOKEN\n41\tone\t-\t41\n95\ttwo\t-\t95\n"));
        Assert.That(run.Error, Does.StartWith($"consensusctl: {Lost}: it goes on with the present state.\n"));
    }

    [Test]
    public async Task A_leader_who_still_leads_is_told_once()
    {
        var run = await ObserveAsync("json", Leader("one", 41) + Compacted, Leader("one", 41, revision: 99) + Leader("two", 101));

        Assert.That(run.Output.Split('\n').Select(line => line.Split(',')[0]), Is.EqualTo(new[] { """{"event":"leader""", """{"event":"compacted""", """{"event":"leader""", "" }.Select(begin => begin.Length > 0 ? begin + "\"" : "")));
        Assert.That(run.Output, Does.Contain("\"one\"").And.Contain("\"compactRevision\":90").And.Contain("\"two\"").And.Not.Contain("\"revision\":99"));
    }

    [TestCase("table")]
    [TestCase("json")]
    public async Task An_election_whose_present_is_not_told_either_is_not_asked_about_for_ever(string format)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Compacted, "text/event-stream"));
        var run = await Ctl.RunAsync(server.Endpoint, "elect", "observe", "e", "-o", format);

        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error.TrimEnd('\n'), Does.StartWith("consensusctl: what was asked for is compacted").And.Not.Contain('\n'));
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [TestCase("table", "REVISION\tEVENT\tKEY\tVALUE\tVERSION\tLEASE\n41\tput\ta\tv\t1\t-\n")]
    [TestCase("json", null)]
    public async Task Keys_are_to_be_read_anew(string format, string? output)
    {
        const string Change = "event: put\nid: 41\ndata: {\"key\":\"a\",\"value\":\"v\",\"createRevision\":41,\"modRevision\":41,\"version\":1}\n\n";
        using var server = new FakeServer(_ => new FakeAnswer(200, "event: open\nid: 40\ndata: {\"fromRevision\":41}\n\n" + Change + Compacted, "text/event-stream"));
        var run = await Ctl.RunAsync(server.Endpoint, "watch", "-o", format);

        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Is.EqualTo($"consensusctl: {Lost}: read the keys as they are now, and watch again from the revision after that.\n"));
        Assert.That(run.Output, output is null ? Does.EndWith("{\"event\":\"compacted\",\"compactRevision\":90}\n") : Is.EqualTo(output));
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    private static string Leader(string name, long token, long? revision = null) =>
        $"event: leader\nid: {revision ?? token}\ndata: {{\"name\":\"e\",\"leader\":\"{name}\",\"revision\":{revision ?? token},\"value\":\"\",\"fencingToken\":{token},\"lease\":\"1f\"}}\n\n";

    /// <summary>Observes an election over these streams; what is asked after the last one is refused, which ends the program.</summary>
    private static async Task<CliRun> ObserveAsync(string format, params string[] streams)
    {
        var asked = 0;
        using var server = new FakeServer(_ => ++asked <= streams.Length
            ? new FakeAnswer(200, streams[asked - 1], "text/event-stream")
            : FakeAnswer.Problem(400, "bad-request", "that is all"));
        var run = await Ctl.RunAsync(server.Endpoint, "elect", "observe", "e", "-o", format);

        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.EndWith("consensusctl: that is all.\n"));
        return run;
    }
}
