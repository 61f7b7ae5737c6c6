using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>A wait for a hold against a server that speaks the contract.</summary>
internal sealed class HoldWaitTests
{
    private static readonly FakeAnswer Held = FakeAnswer.Problem(409, "lock-held", "The lock is held by worker-7.");
    private static readonly FakeAnswer NoLeader = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(504, "outcome-unknown", "It may still be granted.");

    private FakeLocks _locks = new();
    private List<string?> _keys = [];
    private StringWriter _error = new();

    [SetUp]
    public void Begin() => (_locks, _keys, _error) = (new FakeLocks(), [], new StringWriter());

    [TearDown]
    public void End() => _error.Dispose();

    [Test]
    public async Task A_cluster_that_is_away_is_waited_for_once_it_was_seen()
    {
        var hold = await WaitAsync(null, Held, NoLeader, NoLeader);

        Assert.That(hold.FencingToken, Is.EqualTo(41));
        Assert.That(_keys.Distinct().Count(), Is.EqualTo(4), "after a definite answer it is another request");
    }

    [Test]
    public async Task A_cluster_that_was_never_seen_is_not_waited_for_though_there_is_time()
    {
        using var server = new FakeServer(_locks.Answer);
        server.Stop();
        using var deadline = Patience.Begin();
        var end = await EndAsync(WaitAsync(server, TimeSpan.FromHours(1), TimeSpan.Zero, deadline.Token));

        Assert.That(end.ExitCode, Is.EqualTo(3));
        Assert.That(end.Message, Does.StartWith("was not acquired: ").And.Contain("accepts no connection"));
    }

    [Test]
    public async Task An_unknown_outcome_is_asked_for_again_under_its_own_identity()
    {
        var hold = await WaitAsync(TimeSpan.FromHours(1), Unknown, Unknown);

        Assert.That(hold.FencingToken, Is.EqualTo(41));
        Assert.That(_keys, Has.Count.EqualTo(3));
        Assert.That(_keys.Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task When_the_time_is_over_what_may_have_been_granted_is_withdrawn_and_the_rest_is_known()
    {
        var end = await EndAsync(WaitAsync(TimeSpan.Zero, Unknown));

        Assert.That((end.ExitCode, end.Message), Is.EqualTo((3, "was not acquired: It may still be granted.")));
        Assert.That(_locks.Withdrawn, Is.EqualTo(new[] { _keys.Single() }));
    }

    [Test]
    public async Task What_an_unknown_outcome_was_refused_with_later_is_the_word_once_it_is_withdrawn()
    {
        var end = await EndAsync(WaitAsync(TimeSpan.Zero, TimeSpan.FromMinutes(1), Unknown, Held));

        Assert.That((end.ExitCode, end.Message), Is.EqualTo((1, "was not acquired: The lock is held by worker-7.")));
        Assert.That(_locks.Withdrawn, Is.EqualTo(new[] { _keys[0] }));
    }

    [Test]
    public async Task What_cannot_be_withdrawn_may_have_been_granted_and_that_is_said()
    {
        _locks.OnWithdraw = () => NoLeader;
        var end = await EndAsync(WaitAsync(TimeSpan.Zero, Unknown));

        Assert.That((end.ExitCode, end.Message), Is.EqualTo(
            (4, "was not acquired: It may still be granted. It may have been granted, and then ends with its lease.")));
    }

    [Test]
    public async Task A_grant_that_has_nothing_certain_left_of_its_longest_time_is_given_back_and_that_is_said()
    {
        var hold = await WaitAsync(null, Late);

        Assert.That(hold.FencingToken, Is.EqualTo(42), "it is asked for anew");
        Assert.That(_locks.Releases, Is.EqualTo(1));
        Assert.That(_error.ToString(), Is.EqualTo(
            "consensusctl: lock 'a' was granted, but no time is sure to be left of its --max-hold: it is given back.\n"));
    }

    [Test]
    public async Task A_grant_that_comes_too_late_when_the_time_is_over_is_said_to()
    {
        var end = await EndAsync(WaitAsync(TimeSpan.Zero, Late));

        Assert.That((end.ExitCode, end.Message), Is.EqualTo((3, "was granted, but the answer came too late to use it.")));
        Assert.That(_locks.Held, Is.False);
    }

    /// <summary>Stands for a grant of long ago.</summary>
    private static FakeAnswer Late => new(200);

    private Task<Hold> WaitAsync(TimeSpan? wait, params FakeAnswer[] answers) => WaitAsync(wait, TimeSpan.Zero, answers);

    /// <param name="answers">To the first requests; then it is granted.</param>
    private async Task<Hold> WaitAsync(TimeSpan? wait, TimeSpan retryFor, params FakeAnswer[] answers)
    {
        var next = 0;
        _locks.OnAcquire = request =>
        {
            _keys.Add(request.Header("Idempotency-Key"));
            var answer = next < answers.Length ? answers[next++] : null;
            return answer == Late ? Backdated(_locks.Acquire(request)) : answer;
        };
        using var server = new FakeServer(_locks.Answer);
        return await WaitAsync(server, wait, retryFor, CancellationToken.None);
    }

    private async Task<Hold> WaitAsync(FakeServer server, TimeSpan? wait, TimeSpan retryFor, CancellationToken cancellationToken)
    {
        var options = new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = retryFor, RetryUnreachableFor = retryFor };
        using var client = new ConsensusClient(HoldWait.Options(options, BootTimeProvider.Instance));
        var hold = new LockOptions { Owner = "me", Ttl = TimeSpan.FromMinutes(1), MaxHold = TimeSpan.FromSeconds(30) };
        var waiting = new HoldWait(new LockTarget("a", hold), client, BootTimeProvider.Instance, _error, options, wait);
        return await waiting.AcquireAsync(new HoldSchedule(hold.Ttl, null, hold.MaxHold), cancellationToken);
    }

    private static async Task<HoldNotGrantedException> EndAsync(Task<Hold> wait) =>
        (await Assert.ThrowsAsync<HoldNotGrantedException>(() => wait))!;

    private static FakeAnswer Backdated(FakeAnswer grant) =>
        grant with { Body = grant.Body.Replace("\"waitedMs\":0", "\"waitedMs\":-100000", StringComparison.Ordinal) };
}
