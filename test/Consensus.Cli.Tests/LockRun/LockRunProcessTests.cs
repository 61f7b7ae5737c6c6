using System.Globalization;
using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.LockRun;

/// <summary><c>consensusctl lock run</c> as a real process against a server that speaks the contract.</summary>
internal sealed class LockRunProcessTests
{
    private const string Forever = "while :; do sleep 0.01; done";

    /// <summary>Ignored before anything else is started: what a shell ignores its children ignore from their first instruction on.</summary>
    private const string TwoThatIgnoreTerm = $"trap '' TERM; ({Forever}) & echo $! > grandchild.new; mv grandchild.new grandchild; {Forever}";

    private string _directory = "";
    private FakeLocks _locks = new();
    private FakeServer? _server;

    private FakeServer Server => _server ?? throw new InvalidOperationException("not set up");

    [SetUp]
    public void Start()
    {
        _directory = Directory.CreateTempSubdirectory("consensus-cli-").FullName;
        _locks = new FakeLocks();
        _server = new FakeServer(_locks.Answer);
    }

    [TearDown]
    public void Stop()
    {
        _server?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Test]
    public async Task A_command_runs_under_the_lock_and_its_exit_code_comes_back()
    {
        using var program = Run("1m", "echo $CONSENSUS_LOCK $CONSENSUS_FENCING_TOKEN; exit 9");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(9), end.Error);
        Assert.That(end.Output, Is.EqualTo("a/b 41\n"));
        Assert.That(end.Error, Is.Empty);
        Assert.That(_locks.Held, Is.False);
        Assert.That(_locks.Releases, Is.EqualTo(1));
    }

    [Test]
    public async Task The_lock_is_renewed_while_the_command_runs()
    {
        using var program = Run("20s", "while ! [ -e go ]; do sleep 0.01; done");
        await Eventually.True(() => _locks.Renewals >= 2, "two renewals");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(_locks.Held, Is.False);
    }

    [Test]
    public async Task Renewals_that_fail_for_a_while_do_not_end_the_command()
    {
        var failures = 0;
        FakeAnswer?[] failing =
        [
            FakeAnswer.Problem(503, "no-leader", "No leader."), FakeAnswer.Problem(504, "outcome-unknown", "Unknown."), FakeAnswer.Abort,
            new FakeAnswer(500, "oops", "text/plain"), new FakeAnswer(410, "<html>gone", "text/html"), new FakeAnswer(404),
        ];
        _locks.OnRenew = () => failures < failing.Length ? failing[failures++] : null;
        using var program = Run("30s", "while ! [ -e go ]; do sleep 0.01; done");
        await Eventually.True(() => _locks.Renewals >= 1, "a renewal after the failed ones");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(failures, Is.EqualTo(failing.Length));
    }

    [Test]
    public async Task A_renewal_goes_to_another_member_when_the_first_is_gone()
    {
        using var second = new FakeServer(_locks.Answer);
        using var program = new CliProcess(
            [Server.Endpoint, second.Endpoint],
            "lock", "run", "a/b", "--ttl", "20s", "--", "/bin/sh", "-c", $"cd '{_directory}'; while ! [ -e go ]; do sleep 0.01; done");
        await Eventually.True(() => _locks.Held, "the grant");
        Server.Stop();
        var before = _locks.Renewals;
        await Eventually.True(() => _locks.Renewals > before, "renewals through the second member");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(_locks.Held, Is.False);
    }

    [Test]
    public async Task A_lost_lock_ends_the_whole_group_though_it_ignores_SIGTERM()
    {
        using var program = Run("20s", TwoThatIgnoreTerm);
        var grandchild = await ReadPid("grandchild");
        _locks.GiveTo("someone else");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124));
        Assert.That(end.Error, Does.Contain("'a/b' could not be kept").And.Contain("broken at revision 9"));
        Assert.That(CliProcess.IsAlive(grandchild), Is.False);
        Assert.That(_locks.Owner, Is.EqualTo("someone else"), "the next holder's lock is left alone");
    }

    [Test]
    public async Task A_lock_that_cannot_be_renewed_ends_the_command()
    {
        _locks.OnRenew = () => FakeAnswer.Problem(503, "no-leader", "There is no leader.");
        // Long enough that the command is started before its lock is too old for that, on a machine that stands still for a while.
        using var program = Run("10s", TwoThatIgnoreTerm);
        var grandchild = await ReadPid("grandchild");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124));
        // On a machine so busy that not even the refusals came in time, that is what it says.
        Assert.That(end.Error, Does.Contain("There is no leader.").Or.Contain("No renewal was answered in time."));
        Assert.That(CliProcess.IsAlive(grandchild), Is.False);
        Assert.That(_locks.Held, Is.False, "what may still be held is given back");
    }

    [Test]
    public async Task A_lock_found_lost_at_the_release_is_told()
    {
        using var program = Run("10m", "echo > ready; while ! [ -e go ]; do sleep 0.01; done");
        await Eventually.True(() => File.Exists(Path.Combine(_directory, "ready")), "the command");
        _locks.GiveTo("someone else");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124));
        Assert.That(end.Error, Does.Contain("was lost before it was released"));
    }

    [TestCase("lock run a -- true")]
    [TestCase("semaphore run a --permits 1 -- true")]
    [TestCase("elect a --candidate x -- true")]
    public void A_signal_while_the_program_starts_is_not_lost(string line)
    {
        using var told = new CancellationTokenSource();
        told.Cancel();
        var environment = new CliEnvironment(
            Stream.Null, Stream.Null, TextWriter.Null, TextWriter.Null, false, name => name == "CONSENSUS_ENDPOINTS" ? Server.Endpoint.ToString() : null);

        Assert.That(async () => await new CliApp(environment).RunAsync(line.Split(' '), told.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Server.Requests, Is.Empty, "nothing was asked for");
    }

    [Test]
    public async Task A_signal_of_the_start_that_is_told_only_when_the_wait_has_begun_is_not_lost()
    {
        var asked = new TaskCompletionSource();
        using var server = new FakeServer(async request =>
        {
            if (request.Method == "POST")
            {
                asked.SetResult();
                await Task.Delay(Timeout.Infinite);
            }
            return _locks.Answer(request);
        });
        using var told = new CancellationTokenSource();
        var environment = new CliEnvironment(
            Stream.Null, Stream.Null, TextWriter.Null, TextWriter.Null, false, name => name == "CONSENSUS_ENDPOINTS" ? server.Endpoint.ToString() : null);
        var run = new CliApp(environment).RunAsync(["lock", "run", "a", "--", "true"], told.Token);
        await asked.Task;
        await told.CancelAsync();
        await Eventually.True(() => run.IsCompleted, "the end");

        Assert.That(await run, Is.EqualTo(128 + CliProcess.SigTerm));
        Assert.That(_locks.Withdrawn, Has.Count.EqualTo(1));
    }

    [TestCase(CliProcess.SigInt, "INT")]
    [TestCase(CliProcess.SigTerm, "TERM")]
    [TestCase(CliProcess.SigUsr1, "USR1")]
    public async Task A_signal_reaches_the_command_and_its_answer_decides(int signal, string name)
    {
        using var program = Run("1m", $"trap 'echo got; exit 33' {name}; echo > ready; while :; do sleep 0.01; done");
        await Eventually.True(() => File.Exists(Path.Combine(_directory, "ready")), "the command");
        program.Signal(signal);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(33), end.Error);
        Assert.That(end.Output, Is.EqualTo("got\n"));
        Assert.That(_locks.Held, Is.False);
    }

    [Test]
    public async Task A_command_ended_by_a_signal_gives_128_and_its_number()
    {
        using var program = Run("1m", "kill -KILL $$");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(137), end.Error);
        Assert.That(_locks.Held, Is.False);
    }

    [Test]
    public async Task A_killed_keeper_takes_the_command_with_it()
    {
        using var program = Run("20s", TwoThatIgnoreTerm);
        var grandchild = await ReadPid("grandchild");
        try
        {
            await Eventually.True(() => _locks.Renewals > 0, "a renewal: from before the first on its guard knows of the command");
            program.Signal(CliProcess.SigKill);

            await Eventually.True(() => !CliProcess.IsAlive(grandchild), "the end of the group");
        }
        finally
        {
            CliProcess.KillGroupOf(grandchild);
        }
    }

    [Test]
    public async Task A_stopped_keeper_does_not_let_the_command_outlive_its_time()
    {
        using var program = Run("8s", TwoThatIgnoreTerm);
        var grandchild = await ReadPid("grandchild");
        await Eventually.True(() => _locks.Renewals > 0, "a renewal: from before the first on its guard knows of the command");
        program.Signal(CliProcess.SigStop);
        await Eventually.True(() => !CliProcess.IsAlive(grandchild), "the end of the group");
        Assert.That(ProcessEntry.All().Single(process => process.Pid == program.Id).State, Is.EqualTo('T'), "it is stopped still");
        program.Signal(CliProcess.SigCont);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124), end.Error);
        Assert.That(end.Error, Does.Contain("'a/b' could not be kept"));
    }

    [Test]
    public async Task Each_renewal_gives_the_command_more_time()
    {
        using var program = Run("9s", "while ! [ -e go ]; do sleep 0.01; done");
        await Eventually.True(() => _locks.Renewals >= 3, "a renewal beyond the first deadline");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
    }

    [Test]
    public async Task A_signal_while_waiting_gives_up_the_wait()
    {
        using var waiting = new ManualResetEventSlim();
        using var server = new FakeServer(async _ =>
        {
            waiting.Set();
            await Task.Delay(Timeout.Infinite);
            return FakeAnswer.Abort;
        });
        using var program = new CliProcess(server.Endpoint, "lock", "run", "a/b", "--", "true");
        Assert.That(waiting.Wait(Patience.Limit), "the acquire arrives");
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(128 + CliProcess.SigTerm), end.Error);
    }

    [Test]
    public async Task A_held_lock_is_a_no_when_nobody_waits()
    {
        _locks.GiveTo("worker-7");
        using var program = new CliProcess(Server.Endpoint, "lock", "run", "a/b", "--wait", "0", "--", "touch", Path.Combine(_directory, "ran"));
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(1));
        Assert.That(end.Error, Does.Contain("held by worker-7"));
        Assert.That(File.Exists(Path.Combine(_directory, "ran")), Is.False);
    }

    [Test]
    public async Task Words_of_the_server_cannot_reach_into_the_terminal()
    {
        _locks.GiveTo("evil\\u001b[2J\\nconsensusctl: all is well");
        using var program = new CliProcess(Server.Endpoint, "lock", "run", "a/b", "--wait", "0", "--", "true");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(1));
        Assert.That(end.Error, Does.Contain(@"evil\u001b[2J\nconsensusctl").And.Not.Contain("\u001b"));
    }

    [Test]
    public async Task A_grant_heard_of_too_late_is_renewed_before_the_command_starts()
    {
        // The first answer says that the lease has run since long before: as a replayed answer of a retry would.
        _locks.OnAcquire = request =>
        {
            var answer = _locks.Acquire(request);
            return answer with { Body = answer.Body.Replace("\"waitedMs\":0", "\"waitedMs\":-100000", StringComparison.Ordinal) };
        };
        using var program = Run("1m", "exit 0");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(_locks.Renewals, Is.GreaterThanOrEqualTo(1));
    }

    [TestCase("/does/not/exist", 127)]
    [TestCase("/etc/passwd", 126)]
    public async Task A_command_that_cannot_start_releases_the_lock(string command, int code)
    {
        using var program = new CliProcess(Server.Endpoint, "lock", "run", "a/b", "--", command);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(code));
        Assert.That(end.Error, Does.Contain(command).And.Not.Contain("   at "));
        Assert.That(_locks.Held, Is.False);
        Assert.That(_locks.Releases, Is.EqualTo(1));
    }

    private CliProcess Run(string ttl, string script) =>
        new(Server.Endpoint, "lock", "run", "a/b", "--ttl", ttl, "--", "/bin/sh", "-c", $"cd '{_directory}'; {script}");

    private async Task<int> ReadPid(string name)
    {
        var path = Path.Combine(_directory, name);
        await Eventually.True(() => File.Exists(path), name);
        return int.Parse(await File.ReadAllTextAsync(path), CultureInfo.InvariantCulture);
    }
}
