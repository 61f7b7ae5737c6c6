using System.Diagnostics;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>The program as the first process of a container: what nobody is the parent of falls to it.</summary>
internal sealed class FirstProcessTests
{
    private const string Container = "exec unshare --user --map-root-user --pid --fork --kill-child --mount-proc";

    [OneTimeSetUp]
    public void SkipWhereThereAreNoContainers()
    {
        using var probe = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Container + " true"]) { RedirectStandardError = true })!;
        var failure = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        if (probe.ExitCode != 0)
        {
            Assert.Ignore("no process may have a namespace of its own here: " + failure);
        }
    }

    [Test]
    public async Task Orphans_that_end_do_not_stay_zombies_and_the_commands_own_end_is_told()
    {
        var locks = new FakeLocks();
        using var server = new FakeServer(locks.Answer);
        // The subshell ends at once, so that what it has started is nobody's: some end before it does, some after.
        const string Script = """
            echo first $PPID
            for pause in 0 0.05 0 0.05; do
                orphan=$(sleep $pause >/dev/null & echo $!)
                while [ -e /proc/$orphan ]; do sleep 0.01; done
                echo reaped
            done
            exit 33
            """;
        using var program = CliProcess.InShell(server.Endpoint, Container + " \"$@\"", "lock", "run", "a", "--ttl", "1m", "--", "/bin/sh", "-c", Script);
        var end = await program.EndAsync();

        Assert.That(end.Output, Is.EqualTo("first 1\nreaped\nreaped\nreaped\nreaped\n"), end.Error);
        Assert.That(end.ExitCode, Is.EqualTo(33), end.Error);
        Assert.That(locks.Held, Is.False);
    }

    [Test]
    public async Task What_the_command_leaves_in_its_group_is_ended_and_the_lock_given_back()
    {
        var locks = new FakeLocks();
        using var server = new FakeServer(locks.Answer);
        using var program = CliProcess.InShell(
            server.Endpoint, Container + " \"$@\"", "lock", "run", "a", "--ttl", "1m", "--", "/bin/sh", "-c", "(while :; do sleep 0.01; done) & (exit 0) & exit 4");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(4), end.Error);
        Assert.That(locks.Held, Is.False);
    }
}
