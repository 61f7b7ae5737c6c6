using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Holds;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tests.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.Holds;

/// <summary>A wait that is parked is left after its time, whatever became of it.</summary>
internal sealed class SlicedWaitsTests
{
    private static readonly Key Job = Key.FromText("job");

    private InProcessNode _node = null!;
    private ManualClock _clock = null!;
    private SlicedWaits _waits = null!;
    private Hold _held = null!;

    [SetUp]
    public async Task Hold()
    {
        (_node, _clock) = (new InProcessNode(), new ManualClock());
        _waits = new SlicedWaits(_node, _clock);
        var answer = await _node.ExecuteAsync(new CommandEnvelope(Ask(1, 0)), "", CancellationToken.None);
        _held = ((HoldGranted)answer.Outcome!).Hold;
    }

    private static AcquireCommand Ask(long lease, long wait) => new(Job, "w", 600_000_000, new LeaseId(lease), LeaseId.None, wait);

    private async Task<SlicedWait> ParkAsync(string key = "k", long lease = 2)
    {
        var mark = new RequestMark(System.Text.Encoding.ASCII.GetBytes(key), default, new byte[16]);
        var envelope = new CommandEnvelope(Ask(lease, 600_000_000), mark.Key, mark.Fingerprint);
        var wait = new SlicedWait(_waits, mark);
        wait.Begin(gone => _node.ExecuteAsync(envelope, "", gone));
        var (_, place) = await wait.AnswerOrPlaceAsync(TimeSpan.Zero, CancellationToken.None);
        Assert.That(place, Is.Not.Null);
        _waits.Park(wait);
        return wait;
    }

    private Task UntilAsync(Func<bool> condition, string what) => Patience.UntilAsync(condition, what);

    [Test]
    public async Task A_place_for_which_nobody_asks_in_time_is_detached()
    {
        await ParkAsync();
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.That(_waits.Count, Is.EqualTo(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => _node.View.GetObject(Job).Waiters.Single().Detached, "it is detached");
        Assert.That(_waits.Count, Is.Zero);
    }

    [Test]
    public async Task A_grant_for_which_nobody_asks_stands_for_its_time_from_the_grant_on_and_is_given_back_then()
    {
        var wait = await ParkAsync();
        _clock.Advance(TimeSpan.FromSeconds(8));
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        await UntilAsync(() => wait.IsAnswered, "it is granted");
        await wait.Settled;
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.That((_waits.Count, _node.View.GetObject(Job).HolderCount), Is.EqualTo((1, 1L)));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => _node.View.GetObject(Job).HolderCount == 0, "it is given back");
        Assert.That(_waits.Count, Is.Zero);
    }

    [Test]
    public async Task A_wait_that_is_taken_up_in_time_is_neither_left_nor_given_back()
    {
        var wait = await ParkAsync();
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.That(_waits.TakeUp(wait.Mark), Is.SameAs(wait));
        Assert.That(_waits.TakeUp(wait.Mark), Is.Null, "by one request at a time");
        _clock.Advance(TimeSpan.FromMinutes(1));
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        var (answer, _) = await wait.AnswerOrPlaceAsync(null, CancellationToken.None);
        Assert.That(answer.Outcome, Is.InstanceOf<HoldGranted>());
        Assert.That((_node.View.GetObject(Job).HolderCount, _node.Abandoned), Is.EqualTo((1L, Array.Empty<(ObjectName, RequestId)>())));
    }

    [Test]
    public async Task A_wait_that_another_request_took_over_is_not_taken_up()
    {
        var wait = await ParkAsync();
        var other = _node.ExecuteAsync(
            new CommandEnvelope(Ask(3, 600_000_000), wait.Mark.Key, wait.Mark.Fingerprint), "", CancellationToken.None);
        await UntilAsync(() => wait.IsAnswered, "it is told so");
        Assert.That(_waits.TakeUp(wait.Mark), Is.Null, "its request is judged in apply");
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        Assert.That((await other).Outcome, Is.InstanceOf<HoldGranted>());
    }

    [Test]
    public async Task Of_two_waits_under_one_identity_the_later_one_is_kept()
    {
        var early = await ParkAsync();
        var late = await ParkAsync();
        Assert.That(_waits.Count, Is.EqualTo(1));
        Assert.That(_waits.TakeUp(early.Mark), Is.SameAs(late));
    }

    [Test]
    public async Task Another_request_under_the_same_identity_is_told_no_place_while_it_is_not_answered()
    {
        var wait = await ParkAsync();
        var other = new SlicedWait(_waits, wait.Mark with { Fingerprint = new byte[] { 1 } });
        var answer = new TaskCompletionSource<CommandAnswer>();
        other.Begin(_ => new ValueTask<CommandAnswer>(answer.Task));
        var asked = other.AnswerOrPlaceAsync(TimeSpan.Zero, CancellationToken.None);
        answer.SetResult(default);
        Assert.That((await asked).Place, Is.Null);
        Assert.That(_waits.TakeUp(wait.Mark), Is.SameAs(wait));
    }

    [Test]
    public async Task A_grant_of_a_session_that_comes_while_nobody_asks_is_noted_at_once()
    {
        var mark = new RequestMark(default, new SessionRequest(new LeaseId(9), 1, 0), new byte[16]);
        await _node.ExecuteAsync(new CommandEnvelope(new GrantLeaseCommand(new LeaseId(9), 600_000_000) { IsSession = true }), "", CancellationToken.None);
        var envelope = new CommandEnvelope(Ask(0, 600_000_000) with { SharedLease = new LeaseId(9), TtlMicros = 0 }, default, mark.Fingerprint)
        {
            Session = mark.Session,
        };
        var wait = new SlicedWait(_waits, mark);
        wait.Begin(gone => _node.ExecuteAsync(envelope, "", gone));
        await wait.AnswerOrPlaceAsync(TimeSpan.Zero, CancellationToken.None);
        _waits.Park(wait);
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        await UntilAsync(() => wait.IsAnswered, "it is granted");
        await wait.Settled;
        Assert.That(_node.Abandoned.Count, Is.EqualTo(1));
        Assert.That(_waits.TakeUp(mark)?.WasNoted, Is.True, "whoever is told lets the session be heard of first");
    }
}
