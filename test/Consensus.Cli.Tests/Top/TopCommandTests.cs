using System.Text.Json;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Top;

internal sealed class TopCommandTests
{
    [Test]
    public async Task Where_there_is_no_terminal_it_says_so()
    {
        using var cluster = new FakeMembers();
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "top");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Is.EqualTo("consensusctl: top draws on a terminal, and standard output is none; -o json prints one document.\n"));
    }

    [Test]
    public async Task Json_is_one_document_of_one_interval()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(2);
        cluster.Members[0].AppliedBetweenLooks = 7;
        var clock = new SkippingClock();
        var run = await Ctl.RunAsync(cluster.Endpoint(0), clock, "top", "-o", "json", "--interval", "200ms");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        var root = document.RootElement;
        Assert.That(root.GetProperty("leader").GetString(), Is.EqualTo("n1"));
        Assert.That(clock.Skipped, Is.EqualTo(new[] { TimeSpan.FromMilliseconds(200) }), "it waits once, for as long as it is told to");
        Assert.That(root.GetProperty("intervalMs").GetInt64(), Is.EqualTo(200));
        Assert.That(root.GetProperty("members")[0].GetProperty("entriesPerSecond").GetDouble(), Is.EqualTo(35), "seven in a fifth of a second");
        Assert.That(root.GetProperty("members")[1].GetProperty("entriesPerSecond").GetDouble(), Is.Zero);
        Assert.That(root.GetProperty("members")[2].GetProperty("reachable").GetBoolean(), Is.False);
        Assert.That(root.GetProperty("problems").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task Too_short_an_interval_is_a_usage_error()
    {
        using var cluster = new FakeMembers();
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(0), "top", "--interval", "10ms")).ExitCode, Is.EqualTo(2));
    }
}
