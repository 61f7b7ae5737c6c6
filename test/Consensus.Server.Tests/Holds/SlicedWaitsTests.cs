using Consensus.Node.Core.Flow;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine;
using Microsoft.AspNetCore.Http;

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
        _waits = new SlicedWaits(_node, new Replies(_node, new ByteBudget(1_000_000)), _clock);
        var answer = await _node.ExecuteAsync(new CommandEnvelope(Ask(1, 0)), CancellationToken.None);
        _held = ((HoldGranted)answer.Outcome!).Hold;
    }

    private static AcquireCommand Ask(long lease, long wait) => new(Job, "w", 600_000_000, new LeaseId(lease), LeaseId.None, wait);

    private async Task<SlicedWait> ParkAsync(string key = "k", long lease = 2)
    {
        var mark = new RequestMark(System.Text.Encoding.ASCII.GetBytes(key), default, new byte[16]);
        var envelope = new CommandEnvelope(Ask(lease, 600_000_000), mark.Key, mark.Fingerprint);
        var wait = new SlicedWait(_waits, mark);
        wait.Begin(gone => _node.ExecuteAsync(envelope, gone));
        var place = (await wait.AnswerOrPlaceAsync(TimeSpan.Zero, CancellationToken.None)).Place;
        Assert.That(place, Is.Not.Null);
        _waits.Park(wait);
        return wait;
    }

    private ValueTask<CommandAnswer?> AskAgainAsync(SlicedWait wait, Func<CancellationToken, ValueTask<CommandAnswer>> execute) =>
        _waits.AnswerAsync(new DefaultHttpContext(), wait.Mark, TimeSpan.Zero, execute);

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
        await wait.Settled.InTimeAsync();
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
        var answer = (await wait.AnswerOrPlaceAsync(null, CancellationToken.None)).Answer;
        Assert.That(answer.Outcome, Is.InstanceOf<HoldGranted>());
        Assert.That((_node.View.GetObject(Job).HolderCount, _node.Abandoned), Is.EqualTo((1L, Array.Empty<(ObjectName, RequestId)>())));
    }

    [Test]
    public async Task A_wait_that_another_request_took_over_is_not_taken_up()
    {
        var wait = await ParkAsync();
        var other = _node.ExecuteAsync(
            new CommandEnvelope(Ask(3, 600_000_000), wait.Mark.Key, wait.Mark.Fingerprint), CancellationToken.None);
        await wait.Settled.InTimeAsync();
        Assert.That(_waits.TakeUp(wait.Mark), Is.Null, "its request is judged in apply");
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        Assert.That((await other).Outcome, Is.InstanceOf<HoldGranted>());
    }

    [Test]
    public async Task A_grant_for_which_somebody_asks_is_told_as_it_is_now([Values] bool isOver)
    {
        var wait = await ParkAsync();
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        await wait.Settled.InTimeAsync();
        var granted = _node.View.GetObject(Job).Holders.Single();
        if (isOver)
        {
            _node.Propose(new ReleaseHoldCommand(Job, granted.Token, Force: true));
        }
        var again = new CommandEnvelope(Ask(3, 600_000_000), wait.Mark.Key, wait.Mark.Fingerprint);
        var told = await AskAgainAsync(wait, gone => _node.ExecuteAsync(again, gone));
        Assert.That((told?.Outcome as HoldGranted)?.Hold.Token, Is.EqualTo(isOver ? null : granted.Token));
        _clock.Advance(TimeSpan.FromSeconds(10));
        await UntilAsync(() => _node.Abandoned.Count == 1, "its time is over");
        Assert.That(_node.View.GetObject(Job).HolderCount, Is.EqualTo(isOver ? 0 : 1), "who was told of it keeps it");
    }

    [Test]
    public async Task A_no_that_came_between_two_slices_is_told_without_asking_again()
    {
        var wait = await ParkAsync();
        _node.Advance(TimeSpan.FromSeconds(600));
        await wait.Settled.InTimeAsync();
        var told = await AskAgainAsync(wait, _ => throw new InvalidOperationException("it is asked"));
        Assert.That(told?.Outcome, Is.InstanceOf<HoldRefused>());
        Assert.That(_waits.Count, Is.Zero);
    }

    [Test]
    public async Task Of_the_answers_that_nobody_takes_the_oldest_goes_first()
    {
        var first = await ParkAsync("first", 2);
        _node.EndWaits(new WaitCancelled(new Revision(1), CancelReason.Stopping));
        await first.Settled.InTimeAsync();
        for (var i = 0; i < SlicedWaits.MaxAnswered; i++)
        {
            var other = new SlicedWait(_waits, new RequestMark(System.Text.Encoding.ASCII.GetBytes($"k{i}"), default, new byte[16]));
            var answer = new TaskCompletionSource<CommandAnswer>();
            other.Begin(_ => new ValueTask<CommandAnswer>(answer.Task));
            _waits.Park(other);
            answer.SetResult(new CommandAnswer(AnswerKind.Done, new WaitCancelled(new Revision(1), CancelReason.Stopping), NotDoneReason.None, default));
            await other.Settled.InTimeAsync();
        }
        Assert.That((_waits.TakeUp(first.Mark), _waits.Count), Is.EqualTo(((SlicedWait?)null, SlicedWaits.MaxAnswered)));
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
        _node.Propose(new GrantLeaseCommand(new LeaseId(9), 600_000_000) { IsSession = true });
        var envelope = new CommandEnvelope(Ask(0, 600_000_000) with { SharedLease = new LeaseId(9), TtlMicros = 0 }, default, mark.Fingerprint)
        {
            Session = mark.Session,
        };
        var wait = new SlicedWait(_waits, mark);
        wait.Begin(gone => _node.ExecuteAsync(envelope, gone));
        await wait.AnswerOrPlaceAsync(TimeSpan.Zero, CancellationToken.None);
        _waits.Park(wait);
        _node.Propose(new ReleaseHoldCommand(Job, _held.Token, Force: false));
        await wait.Settled.InTimeAsync();
        Assert.That(_node.Abandoned.Count, Is.EqualTo(1));
    }
}
