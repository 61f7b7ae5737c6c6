using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

internal sealed class LockCommandTests
{
    [Test]
    public async Task Shared_holds_stand_beside_each_other_and_not_beside_an_exclusive_one()
    {
        var first = await Member.RowsAsync("lock", "acquire", "l/shared", "--mode", "shared", "--owner", "a", "--ttl", "5m", "--metadata", """{"why":"read"}""");
        await Member.RowsAsync("lock", "acquire", "l/shared", "--mode", "shared", "--owner", "b", "--ttl", "5m");
        var refusal = await Member.RefusedAsync("lock", "acquire", "l/shared", "--owner", "c");
        var shown = await Member.RowsAsync("lock", "show", "l/shared");
        var listed = await Member.RowsAsync("lock", "list", "--prefix", "l/shared");

        Assert.That(first[0][2], Is.EqualTo("shared"));
        Assert.That(refusal, Does.Contain("held"));
        Assert.That(shown.Select(row => $"{row[1]} {row[2]} {row[3]} {row[7]}"), Is.EqualTo(new[] { """holds a shared {"why":"read"}""", "holds b shared -" }));
        Assert.That(listed[0][1], Is.EqualTo("a and 1 more"));
    }

    [Test]
    public async Task Who_holds_it_already_is_told_so()
    {
        var token = (await Member.RowsAsync("lock", "acquire", "l/own", "--owner", "a", "--ttl", "5m"))[0][3];

        Assert.That(await Member.RefusedAsync("lock", "acquire", "l/own", "--owner", "a"), Does.Contain($"you hold it already, with token {token}"));
        Assert.That(await Member.RefusedAsync("lock", "acquire", "l/own", "--owner", "b"), Does.Not.Contain("you hold it"));
    }

    [Test]
    public async Task A_lock_is_handed_over_to_somebody_who_waits()
    {
        var token = (await Member.RowsAsync("lock", "acquire", "l/pass", "--owner", "a", "--ttl", "5m"))[0][3];
        using var early = new CliProcess(OneMember.Endpoint, "lock", "acquire", "l/pass", "--owner", "early", "--wait", "5m");
        await Eventually.True(async () => (await Member.RowsAsync("lock", "show", "l/pass")).Length == 2, "the first waits");
        using var chosen = new CliProcess(OneMember.Endpoint, "lock", "acquire", "l/pass", "--owner", "chosen", "--wait", "5m", "--ttl", "5m");
        await Eventually.True(async () => (await Member.RowsAsync("lock", "show", "l/pass")).Length == 3, "the second waits");
        var passed = await Member.RowsAsync("lock", "hand-over", "l/pass", token, "chosen");
        var end = await chosen.EndAsync();

        Assert.That(passed[0][1], Is.EqualTo("chosen"));
        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(Member.Rows(end.Output)[0][3], Is.EqualTo(passed[0][2]));
        await Member.RefusedAsync("lock", "hand-over", "l/pass", passed[0][2], "nobody");
        early.Signal(CliProcess.SigInt);
        Assert.That((await early.EndAsync()).ExitCode, Is.EqualTo(130));
    }

    [Test]
    public async Task A_forced_release_breaks_the_hold_and_shows_as_the_last_loss_with_its_delay()
    {
        var token = (await Member.RowsAsync("lock", "acquire", "l/force", "--owner", "a", "--lock-delay", "1h", "--max-hold", "2h", "--ttl", "5m"))[0][3];
        Assert.That((await Member.RowsAsync("lock", "release", "l/force", "--force"))[0][0], Is.EqualTo("l/force"));
        var shown = await Member.RowsAsync("lock", "show", "l/force");
        var refusal = await Member.RefusedAsync("lock", "release", "l/force", token);

        Assert.That(shown.Select(row => row[1]), Is.EqualTo(new[] { "kept back", "lost" }));
        Assert.That(shown[0][7], Is.EqualTo("for its last owner only"));
        Assert.That(shown[1][4], Is.EqualTo(token));
        Assert.That(shown[1][7], Does.StartWith("forced at revision ").And.Contains("ago: it was broken by force by 127.0.0.1 through "));
        Assert.That(refusal, Does.Contain("forced").Or.Contain("broken"));
        await Member.RefusedAsync("lock", "acquire", "l/force", "--owner", "b");
        await Member.RowsAsync("lock", "acquire", "l/force", "--owner", "a");
    }

    [TestCase("y\n", 0)]
    [TestCase("n\n", 1)]
    [TestCase("", 1)]
    public async Task A_person_is_asked_before_a_lock_is_broken(string answer, int code)
    {
        var name = $"l/ask-{code}-{answer.Length}";
        await Member.RowsAsync("lock", "acquire", name, "--ttl", "5m");
        var run = await Ctl.RunAsync(Variables(), answer, terminal: true, "lock", "release", name, "--force");
        Assert.That(run.ExitCode, Is.EqualTo(code), run.Error);
        Assert.That(run.Error, Does.StartWith($"Break every hold of lock '{name}'? "));
        Assert.That((await Member.JsonAsync("lock", "show", name))["holders"]!.AsArray(), Has.Count.EqualTo(code));

        var assured = await Ctl.RunAsync(Variables(), "", terminal: true, "lock", "release", name, "--force", "--yes");
        Assert.That(assured.ExitCode, Is.Zero);
        Assert.That(assured.Error, Is.Empty);
    }

    private static Dictionary<string, string> Variables() => new() { ["CONSENSUS_ENDPOINTS"] = OneMember.Endpoint.ToString() };
}
