using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.Tests.LockRun;

/// <summary>What comes of giving a hold back, by a clock that the test moves.</summary>
internal sealed class HoldReleaseTests
{
    private readonly ManualClock _clock = new() { Now = TimeSpan.FromHours(1) };
    private FakeLocks _locks = new();
    private StringWriter _error = new();

    [SetUp]
    public void Begin() => (_locks, _error) = (new FakeLocks(), new StringWriter());

    [TearDown]
    public void End() => _error.Dispose();

    [Test]
    public async Task A_hold_whose_time_ran_out_as_its_work_ended_was_held_to_the_end_if_the_cluster_says_so()
    {
        using var server = new FakeServer(_locks.Answer);
        using var client = Client(server);
        var hold = await TakeAsync(client);
        _clock.Now = hold.TerminateAt;
        await Eventually.True(() => hold.Handle.LossReason is not null, "the client tells that its time is over");

        Assert.That(new HoldRelease(hold, _error).Release(), Is.True);
        Assert.That((_locks.Releases, _error.ToString()), Is.EqualTo((1, "")));
    }

    [Test]
    public async Task A_hold_that_another_has_was_lost_and_the_cluster_s_word_says_why()
    {
        using var server = new FakeServer(_locks.Answer);
        using var client = Client(server);
        var hold = await TakeAsync(client);
        _locks.GiveTo("someone else");

        Assert.That(new HoldRelease(hold, _error).Release(), Is.False);
        Assert.That(_error.ToString(), Is.EqualTo(
            "consensusctl: lock 'a' was lost before it was released: The hold was broken at revision 9.\n"));
    }

    [Test]
    public async Task A_lease_that_is_longer_than_timers_are_is_released_like_any_other()
    {
        using var server = new FakeServer(_locks.Answer);
        using var client = Client(server);
        var hold = await TakeAsync(client, TimeSpan.FromDays(365));

        Assert.That(new HoldRelease(hold, _error).Release(), Is.True);
        Assert.That((_locks.Releases, _error.ToString()), Is.EqualTo((1, "")));
    }

    [Test]
    public async Task What_nobody_answers_is_perhaps_not_released()
    {
        using var server = new FakeServer(request =>
            request.Method == "DELETE" ? FakeAnswer.Problem(503, "no-leader", "No leader is known.") : _locks.Answer(request));
        using var client = Client(server);
        var hold = await TakeAsync(client);

        Assert.That(new HoldRelease(hold, _error).Release(), Is.True, "nothing says that it was lost");
        Assert.That(_error.ToString(), Is.EqualTo(
            "consensusctl: lock 'a' was perhaps not released, and then ends with its lease: No leader is known.\n"));
    }

    private ConsensusClient Client(FakeServer server) =>
        new(HoldWait.Options(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero }, _clock));

    private static Task<Hold> TakeAsync(ConsensusClient client, TimeSpan? ttl = null)
    {
        var options = new LockOptions { Owner = "me", Ttl = ttl ?? TimeSpan.FromMinutes(1) };
        return new LockTarget("a", options).AcquireAsync(
            client, new HoldSchedule(options.Ttl), new AcquireWatch(), TimeSpan.Zero, CancellationToken.None);
    }
}
