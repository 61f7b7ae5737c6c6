using Consensus.Api.Locks;
using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>Real process groups against a clock that the test moves, so that order is tested and not speed.</summary>
internal sealed class LockSupervisorTests
{
    private const string Forever = "while :; do sleep 0.01; done";

    /// <summary>Ignored before anything else is started: what a shell ignores its children ignore from their first instruction on.</summary>
    private const string IgnoreTerm = "trap '' TERM; ";

    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("consensus-cli-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public async Task A_command_that_ignores_SIGTERM_is_killed_at_the_kill_time_and_not_before()
    {
        using var world = new World(_directory);
        var run = world.Supervise(IgnoreTerm + Forever + " & echo $! > grandchild; " + Forever);
        await world.FileAppears("grandchild");

        world.Clock.Now = world.Hold.TerminateAt - TimeSpan.FromMilliseconds(1);
        Assert.That(world.Group.Living(), Has.Count.GreaterThanOrEqualTo(2), "no signal before its time");

        world.Clock.Now = world.Hold.KillAt;
        var end = await run;

        Assert.That(end.End, Is.EqualTo(SupervisionEnd.LockNotKept));
        Assert.That(end.Exit, Is.EqualTo(new ChildExit(9, BySignal: true)));
        Assert.That(world.Group.Living(), Is.Empty);
    }

    [Test]
    public async Task SIGTERM_comes_first_and_lets_a_command_clean_up()
    {
        using var world = new World(_directory);
        var run = world.Supervise("trap 'echo cleaned > cleaned; exit 7' TERM; echo > ready; while :; do sleep 0.01; done");
        await world.FileAppears("ready");

        // The clock stands at the time for SIGTERM: the time for SIGKILL never comes.
        world.Clock.Now = world.Hold.TerminateAt;
        var end = await run;

        Assert.That(end.End, Is.EqualTo(SupervisionEnd.LockNotKept));
        Assert.That(end.Exit, Is.EqualTo(new ChildExit(7, BySignal: false)));
        Assert.That(File.Exists(Path.Combine(_directory, "cleaned")));
    }

    [Test]
    public async Task A_stopped_command_is_ended_too()
    {
        using var world = new World(_directory);
        var run = world.Supervise("echo > ready; while :; do sleep 0.01; done");
        await world.FileAppears("ready");
        world.Group.Signal(19);

        world.Clock.Now = world.Hold.TerminateAt;
        var end = await run;

        Assert.That(end.End, Is.EqualTo(SupervisionEnd.LockNotKept));
        Assert.That(world.Group.Living(), Is.Empty);
    }

    [Test]
    public async Task Processes_that_outlive_the_command_are_ended_with_it()
    {
        using var world = new World(_directory);
        var run = world.Supervise("(while :; do sleep 0.01; done) & echo $! > grandchild; exit 3");
        var end = await run;

        Assert.That(end, Is.EqualTo(new Supervision(SupervisionEnd.CommandEnded, new ChildExit(3, BySignal: false), "")));
        Assert.That(CliProcess.IsAlive(int.Parse(await File.ReadAllTextAsync(Path.Combine(_directory, "grandchild")))), Is.False);
    }

    [Test]
    public async Task A_clock_that_jumped_past_the_deadline_kills_at_once()
    {
        using var world = new World(_directory);
        var run = world.Supervise(IgnoreTerm + Forever + " & echo > ready; " + Forever);
        await world.FileAppears("ready");

        world.Clock.Now = world.Hold.KillAt + world.Hold.Schedule.Margin + TimeSpan.FromHours(8);
        var end = await run;

        Assert.That(end.End, Is.EqualTo(SupervisionEnd.LockNotKept));
        Assert.That(world.Group.Living(), Is.Empty);
    }

    [Test]
    public async Task A_hold_that_is_broken_while_the_rest_of_the_group_is_being_ended_leaves_it_half_a_second()
    {
        using var world = new World(_directory);
        // The command ends by itself, once what it leaves behind is ready to outlive the SIGTERM that follows.
        var run = world.Supervise("(trap 'echo > told' TERM; echo > ready; " + Forever + ") & while ! [ -e ready ]; do sleep 0.01; done; exit 3");
        await world.FileAppears("told");
        Assert.That(world.Group.Living(), Is.Not.Empty);

        world.Break();
        var moved = false;
        await Eventually.True(
            () =>
            {
                // Less than its grace in all, and enough for what is left of it now.
                world.Clock.Now += moved ? TimeSpan.Zero : TimeSpan.FromMilliseconds(20);
                moved = world.Clock.Now >= world.Began + TimeSpan.FromSeconds(4);
                return run.IsCompleted;
            },
            "the end");

        Assert.That((await run).End, Is.EqualTo(SupervisionEnd.CommandEnded));
        Assert.That(world.Group.Living(), Is.Empty);
    }

    [Test]
    public async Task The_guard_s_time_moves_with_a_renewal_and_not_with_the_next_look()
    {
        using var world = new World(_directory);
        using var guard = GroupGuard.Start();
        var run = world.Supervise("echo > ready; while ! [ -e go ]; do sleep 0.01; done", guard);
        await world.FileAppears("ready");

        await Eventually.True(() => world.IsRenewalTold, "whoever watches over the command is told of each renewal");
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");
        Assert.That((await run).End, Is.EqualTo(SupervisionEnd.CommandEnded));
    }

    [Test]
    public async Task The_guard_leaves_a_group_alone_that_it_was_dismissed_from()
    {
        using var world = new World(_directory);
        var run = world.Supervise("while ! [ -e go ]; do sleep 0.01; done; exit 5");

        using (var guard = GroupGuard.Start())
        {
            guard.Watch(world.Group.Id, BootTimeProvider.Instance.SinceStart() + TimeSpan.FromHours(1));
        }
        await File.WriteAllTextAsync(Path.Combine(_directory, "go"), "");

        Assert.That((await run).Exit, Is.EqualTo(new ChildExit(5, BySignal: false)));
    }

    [Test]
    public async Task The_guard_kills_the_whole_group_at_its_time_whatever_this_process_does()
    {
        using var world = new World(_directory);
        using var guard = GroupGuard.Start();
        var run = world.Supervise(IgnoreTerm + Forever + " & echo > ready; " + Forever, guard);
        await world.FileAppears("ready");
        guard.Watch(world.Group.Id, BootTimeProvider.Instance.SinceStart() + TimeSpan.FromHours(1));
        guard.MoveTo(BootTimeProvider.Instance.SinceStart());
        await Eventually.True(() => run.IsCompleted, "the end");
        var end = await run;

        Assert.That(end.Exit, Is.EqualTo(new ChildExit(9, BySignal: true)));
        Assert.That(world.Group.Living(), Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_command_that_the_guard_killed_at_its_time_is_told_as_a_hold_that_could_not_be_kept(bool isRenewedAfter)
    {
        using var world = new World(_directory);
        using var guard = GroupGuard.Start();
        var run = world.Supervise("echo > ready; while :; do sleep 0.01; done", guard);
        await world.FileAppears("ready");
        // As after a SIGSTOP: the time came and went, and only then does a renewal get its answer.
        guard.Watch(world.Group.Id, BootTimeProvider.Instance.SinceStart());
        if (isRenewedAfter)
        {
            guard.MoveTo(BootTimeProvider.Instance.SinceStart() + TimeSpan.FromHours(1));
            world.Group.Signal(9);
        }
        await Eventually.True(() => run.IsCompleted, "the end");
        var end = await run;

        Assert.That(end.End, Is.EqualTo(SupervisionEnd.LockNotKept));
        Assert.That(end.Reason, Is.EqualTo("No renewal was answered in time."));
    }

    [Test]
    public async Task A_command_killed_by_others_is_not_told_as_that()
    {
        using var world = new World(_directory);
        using var guard = GroupGuard.Start();
        var run = world.Supervise("echo > ready; while :; do sleep 0.01; done", guard);
        await world.FileAppears("ready");
        guard.Watch(world.Group.Id, BootTimeProvider.Instance.SinceStart() + TimeSpan.FromHours(1));
        world.Group.Signal(9);

        Assert.That(await run, Is.EqualTo(new Supervision(SupervisionEnd.CommandEnded, new ChildExit(9, BySignal: true), "")));
    }

    [Test]
    public async Task A_guard_that_is_dismissed_leaves_no_process_behind()
    {
        using var world = new World(_directory);
        var before = OwnSessions();
        var guard = GroupGuard.Start();
        guard.Watch(int.MaxValue, BootTimeProvider.Instance.SinceStart() + TimeSpan.FromHours(1));
        var sessions = OwnSessions().Except(before).ToList();
        Assert.That(sessions, Has.Count.EqualTo(1));
        await Eventually.True(() => new ProcessGroup(sessions[0]).Living().Count > 1, "the guard waits for the time too");
        guard.Dispose();

        await Eventually.True(() => new ProcessGroup(sessions[0]).Living().Count == 0, "all of it has ended");
    }

    /// <summary>Groups whose leader is a child of this process.</summary>
    private static List<int> OwnSessions() =>
        [.. ProcessEntry.All().Where(process => process.Parent == Environment.ProcessId && process.Pid == process.Group && !process.HasEnded).Select(process => process.Pid)];

    /// <summary>A command under supervision, with a hold that is never renewed and a clock that stands still.</summary>
    private sealed class World : IDisposable
    {
        private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(10);

        private readonly string _directory;
        private readonly HoldKeeper _keeper;
        private readonly KeptHold _kept;
        private ProcessGroup? _group;

        public World(string directory)
        {
            _directory = directory;
            _keeper = new HoldKeeper(Clock);
            var schedule = new HoldSchedule(Ttl);
            Began = Clock.Now;
            _kept = new KeptHold(
                new LeaseSchedule(Ttl, schedule.Notice), _keeper.Now, TimeSpan.Zero, _keeper.ToUtc,
                static (_, _) => new HoldRenewal(HoldRenewalOutcome.Unanswered, ""));
            var ttlMs = (long)Ttl.TotalMilliseconds;
            var grant = new LockGrantAnswer("a", "me", "exclusive", 1, "1f", ttlMs, 0, ttlMs, "c1");
            var handle = new LockHandle(null!, _keeper, grant, _kept);
            Hold = new Hold(new LockTarget("a", new LockOptions { Ttl = Ttl }), handle, handle.FencingToken, schedule);
        }

        public ManualClock Clock { get; } = new() { Now = TimeSpan.FromDays(1) };

        public Hold Hold { get; }

        public TimeSpan Began { get; }

        public bool IsRenewalTold => _kept.Renewed is not null;

        /// <summary>The cluster tells that somebody else may have it.</summary>
        public void Break() => _keeper.EndByCluster(_kept, "The hold was broken at revision 9.");

        public ProcessGroup Group => _group ?? throw new InvalidOperationException("nothing runs");

        public Task<Supervision> Supervise(string script, GroupGuard? guard = null)
        {
            var child = ChildProcess.StartInOwnGroup(
                ["/bin/sh", "-c", $"cd '{_directory}'; {script}"], new Dictionary<string, string>());
            _group = new ProcessGroup(child.Pid);
            var supervisor = new LockSupervisor(Clock, Hold, child, _group, new ForegroundTerminal(), guard, Hold.KillAt);
            return Task.Factory.StartNew(
                supervisor.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        public Task FileAppears(string name) => Eventually.True(() => File.Exists(Path.Combine(_directory, name)), name);

        public void Dispose()
        {
            _group?.Signal(9);
            Hold.Handle.Abandon();
            _keeper.Dispose();
        }
    }
}
