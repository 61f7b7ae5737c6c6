using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

internal sealed class MaxHoldTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("consensus-cli-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [TestCase("lock run m/lock")]
    [TestCase("semaphore run m/semaphore --permits 1")]
    [TestCase("elect m/election --candidate me")]
    public async Task A_command_is_dead_before_the_end_of_its_hold_lets_another_in(string line)
    {
        // The TTL says nothing here: only the end that no renewal moves. A killed process that is not yet reaped still has a number, but does nothing.
        const string Overlaps = "read pid < pid; if grep -qs '^State:.[^ZX]' /proc/$pid/status; then echo overlap; else echo alone; fi";
        using var first = Run(line, "--ttl 1m --max-hold 12s", "trap '' TERM; echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.01; done");
        await Eventually.True(() => File.Exists(Path.Combine(_directory, "pid")), "the first runs");
        using var second = Run(line, "--ttl 1m", Overlaps);
        var (one, other) = (await first.EndAsync(), await second.EndAsync());

        Assert.That(other.Output, Is.EqualTo("alone\n"), other.Error);
        Assert.That(one.ExitCode, Is.EqualTo(124), one.Error);
        Assert.That(one.Error, Does.Contain("could not be kept, so '/bin/sh' was ended: its --max-hold of 12s is over."));
    }

    [Test]
    public async Task A_leader_without_a_command_says_that_its_time_is_over()
    {
        using var program = new CliProcess(OneMember.Endpoint, "elect", "m/alone", "--candidate", "me", "--ttl", "1m", "--max-hold", "12s");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124), end.Error);
        Assert.That(end.Error, Is.EqualTo("consensusctl: leadership of 'm/alone' could not be kept: its --max-hold of 12s is over.\n"));
        await Member.RefusedAsync("elect", "show", "m/alone");
    }

    private CliProcess Run(string line, string options, string script) =>
        new(OneMember.Endpoint, [.. line.Split(' '), .. options.Split(' '), "--", "/bin/sh", "-c", $"cd '{_directory}'; {script}"]);
}
