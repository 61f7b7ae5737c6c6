using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>Giving up against servers that speak the contract, or are silent.</summary>
internal sealed class GiveUpProcessTests
{
    private static Task<FakeAnswer> Silence => new TaskCompletionSource<FakeAnswer>().Task;

    [TestCase("lock run a -- true")]
    [TestCase("lock acquire a")]
    [TestCase("semaphore acquire a --permits 1 --wait 5m")]
    public async Task What_was_asked_of_a_silent_member_is_withdrawn_through_another(string line)
    {
        using var silent = new FakeServer(_ => Silence);
        var locks = new FakeLocks();
        using var other = new FakeServer(locks.Answer);
        using var program = new CliProcess([silent.Endpoint, other.Endpoint], line.Split(' '));
        await Eventually.True(() => silent.Requests.Any(request => request.Method == "POST"), "it is asked for");
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();

        Assert.That((end.ExitCode, end.Error), Is.EqualTo((143, "")));
        Assert.That(locks.Withdrawn, Is.EqualTo(new[] { silent.Requests.First(request => request.Method == "POST").Header("Idempotency-Key") }));
    }

    [TestCase("lock run a -- true", "lock 'a'")]
    [TestCase("lock acquire a", "lock 'a'")]
    public async Task What_cannot_be_withdrawn_is_said_and_the_signal_still_ends_the_program(string line, string what)
    {
        using var silent = new FakeServer(_ => Silence);
        using var program = new CliProcess(silent.Endpoint, line.Split(' '));
        await Eventually.True(() => silent.Requests.Any(request => request.Method == "POST"), "it is asked for");
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(143));
        Assert.That(end.Error, Is.EqualTo($"consensusctl: {what} may have been granted, and then ends with its lease.\n"));
    }
}
