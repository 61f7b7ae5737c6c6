using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>What must not stop a program that holds something.</summary>
internal sealed class BackgroundTests
{
    private const int SigTtou = 22;

    [Test]
    public async Task A_terminal_does_not_stop_a_holder_in_the_background_and_its_command_is_as_usual()
    {
        var locks = new FakeLocks();
        using var server = new FakeServer(locks.Answer);
        using var program = new CliProcess(server.Endpoint, "lock", "run", "a", "--", "/bin/sh", "-c", "grep SigIgn /proc/self/status; kill -TTOU $PPID; while :; do sleep 0.01; done");
        await Eventually.True(() => program.OutputSoFar.Contains('\n', StringComparison.Ordinal), "the command runs");
        program.Signal(SigTtou);
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(128 + CliProcess.SigTerm), end.Error);
        var ignored = Convert.ToUInt64(end.Output.Split('\n')[0].Split('\t')[1], 16);
        Assert.That(ignored & (1UL << (SigTtou - 1)), Is.Zero);
        Assert.That(locks.Held, Is.False);
    }
}
