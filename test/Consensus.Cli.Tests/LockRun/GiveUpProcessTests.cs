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

    [TestCase("lock run a --timeout 6s -- true")]
    [TestCase("semaphore run a --permits 1 --timeout 6s -- true")]
    [TestCase("elect a --candidate x --timeout 6s")]
    public async Task A_cluster_without_a_leader_is_told_and_is_exit_3_though_no_end_of_the_wait_was_given(string line)
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(503, "no-leader", "No leader is known."));
        using var program = new CliProcess(server.Endpoint, line.Split(' '));
        var end = await program.EndAsync();

        var sentences = end.Error.TrimEnd('\n').Split('\n');
        Assert.That(end.ExitCode, Is.EqualTo(3), end.Error);
        Assert.That(sentences, Has.Length.EqualTo(2));
        Assert.That(sentences[0], Does.StartWith("consensusctl: still waiting for ").And.EndsWith("'a': No leader is known."));
        Assert.That(sentences[1], Does.EndWith("'a' was not acquired: No leader is known."));
        // The deadline may cut the last attempt short, which is doubt. The attempts before it were answered with "not done". Where an answer takes its time the member is asked how it is.
        var writes = server.Requests.Where(request => request.Path != "/v1/status");
        Assert.That(writes.SkipWhile(request => request.Method == "POST").All(request => request.Method == "DELETE"), "nothing was done, so nothing is to be withdrawn");
    }

    [Test]
    public async Task Who_waits_in_line_for_a_while_is_told_too()
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(503, "no-leader", "No leader is known."));
        using var program = new CliProcess(server.Endpoint, "lock", "acquire", "a", "--wait", "4s", "--timeout", "3s");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(3), end.Error);
        Assert.That(end.Error, Is.EqualTo("consensusctl: still waiting for lock 'a': No leader is known.\nconsensusctl: No leader is known.\n"));
    }

    [Test]
    public async Task A_member_that_answers_nothing_is_told_while_it_is_waited_for()
    {
        using var silent = new FakeServer(_ => Silence);
        using var program = new CliProcess(silent.Endpoint, "lock", "run", "a", "--timeout", "5s", "--", "true");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(4), end.Error);
        Assert.That(end.Error, Does.Match("^consensusctl: still waiting for lock 'a': .* did not answer within 2 s.\n"));
        Assert.That(end.Error, Does.EndWith("It may have been granted, and then ends with its lease.\n"));
    }

    [Test]
    public async Task A_short_timeout_ends_the_wait_for_a_member_that_answers_nothing()
    {
        using var silent = new FakeServer(_ => Silence);
        using var program = new CliProcess(silent.Endpoint, "lock", "run", "a", "--timeout", "1s", "--", "true");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(4), end.Error);
        Assert.That(end.Error, Does.EndWith("It may have been granted, and then ends with its lease.\n"));
        Assert.That(end.Error, Does.Match("(^|\n)consensusctl: lock 'a' was not acquired: .* did not answer within (0.5|1) s. "));
    }

    [Test]
    public async Task A_lock_that_is_waited_for_while_there_is_a_leader_is_waited_for_in_silence()
    {
        var members = new FakeMembers.Member();
        var released = new TaskCompletionSource();
        var locks = new FakeLocks();
        using var server = new FakeServer(async request =>
        {
            if (request.Path == "/v1/status")
            {
                return new FakeAnswer(200, members.Status("n1"));
            }
            await released.Task;
            return locks.Answer(request);
        });
        // Long enough for an answer of a member on a busy machine, and over before it is asked for the second time.
        using var program = new CliProcess(server.Endpoint, "lock", "run", "a", "--timeout", "4s", "--", "true");
        await Eventually.True(() => server.Requests.Count(request => request.Path == "/v1/status") >= 2, "the member is asked how it is");
        released.SetResult();
        var end = await program.EndAsync();

        Assert.That((end.ExitCode, end.Error), Is.EqualTo((0, "")));
    }
}
