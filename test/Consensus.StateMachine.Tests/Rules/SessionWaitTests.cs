using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A wait is not in a session's table: the place, and then the hold, carries its number. Whether anybody is connected is nothing to either (rules 18, 21).</summary>
public sealed class SessionWaitTests
{
    private static readonly LeaseId Session = new(50);
    private Machine _machine = null!;
    private Hold _held = null!;

    [SetUp]
    public void Open()
    {
        _machine = new Machine();
        _machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
        _held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
    }

    private Outcome Ask(long number, Command command, long acked = 0, byte fingerprint = 1, long member = 1, long boot = 1) =>
        _machine.Do(command, fingerprint: fingerprint, member: member, boot: boot, session: new SessionRequest(Session, number, acked));

    private static AcquireCommand Hold(string name, long wait) => Lock(name, "me", 0, wait, ttl: 0) with { SharedLease = Session };

    private static PutCommand Put(string key) => new(Machine.Key(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private RequestId Wait(long number = 1, long wait = 60 * Second, long member = 1, long boot = 1)
    {
        Assert.That(Ask(number, Hold("l", wait), member: member, boot: boot), Is.InstanceOf<HoldQueued>());
        return Machine.Request(_machine.Last.Sequence, member, boot);
    }

    private Hold? Holder => _machine.View.GetObject(Machine.Key("l")).Holder;

    [Test]
    public void What_is_acknowledged_passes_a_wait_and_the_same_number_finds_its_place_and_then_its_hold()
    {
        var first = Wait();
        Ask(2, Put("k"), acked: 1);
        Assert.That(_machine.State.Counts.SessionAnswers, Is.EqualTo(1), "the place has no answer");
        var second = Wait();
        Assert.That(_machine.OutcomesOf(first).Last(), Is.InstanceOf<WaitTakenOver>());
        Assert.That(_machine.State.Counts.Waiters, Is.EqualTo(1));
        _machine.RestoreFromSnapshot();
        Assert.That(Ask(1, Hold("m", 60 * Second)), Is.InstanceOf<IdempotencyMismatch>(), "of another object");
        Assert.That(Ask(1, Hold("l", 60 * Second), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());

        _machine.Do(Release(_held));
        var granted = _machine.GrantOf(second)!;
        Assert.That(_machine.State.Counts.SessionAnswers, Is.EqualTo(1), "its number is acknowledged");
        _machine.RestoreFromSnapshot();
        Assert.That(((HoldGranted)Ask(1, Hold("l", 60 * Second))).Hold.Token, Is.EqualTo(granted.Token));
        Assert.That(Ask(1, Hold("l", 60 * Second), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());

        _machine.Do(Release(granted));
        Assert.That(Ask(1, Hold("l", 60 * Second)), Is.InstanceOf<RetryTooLate>());
        Assert.That(Holder, Is.Null);
    }

    [Test]
    public void A_grant_after_a_wait_is_kept_beyond_its_hold_until_it_is_acknowledged()
    {
        var waiting = Wait();
        _machine.Do(Release(_held));
        var granted = _machine.GrantOf(waiting)!;
        Assert.That(((HoldGranted)Ask(1, Hold("l", 60 * Second))).Hold.Token, Is.EqualTo(granted.Token));
        _machine.Do(Release(granted));
        Assert.That(Ask(1, Hold("l", 60 * Second)), Is.InstanceOf<ReplayedHoldGone>());
        Assert.That(Holder, Is.Null, "it is not granted a second time");
    }

    [Test]
    public void A_wait_that_ended_stays_ended()
    {
        Wait(wait: 10 * Second);
        _machine.Expire(11 * Second);
        _machine.Do(Release(_held));
        _machine.RestoreFromSnapshot();
        var held = (HoldRefused)Ask(1, Hold("l", 10 * Second));
        Assert.That(held.WaitedMicros, Is.EqualTo(11 * Second));
        Assert.That(Holder, Is.Null);
    }

    [Test]
    public void A_connection_that_breaks_and_a_member_that_is_lost_change_nothing()
    {
        var waiting = Wait(member: 2, boot: 7);
        _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected));
        _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Stopping));
        _machine.Do(new DetachWaitersCommand(new MemberId(2), 7));
        _machine.Do(new DetachRequestsCommand([waiting]));
        _machine.Pass(30 * Second);
        _machine.Do(new ExpireCommand());
        _machine.Do(Release(_held));
        Assert.That(Holder?.Owner, Is.EqualTo("me"), "it is granted in turn, later than a detached place is kept");
        _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected));
        Assert.That(Holder?.Owner, Is.EqualTo("me"), "nobody took the answer, and the session has the hold");
    }

    [Test]
    public void What_was_granted_at_once_is_not_given_back_when_nobody_took_the_answer()
    {
        Ask(1, Hold("free", 0));
        _machine.Do(new CancelWaitCommand(Machine.Key("free"), _machine.Last, CancelReason.Disconnected));
        Assert.That(_machine.View.GetObject(Machine.Key("free")).Holder?.Owner, Is.EqualTo("me"));
        Assert.That(Ask(2, Shared("s", "me", 0) with { TtlMicros = 0, SharedLease = Session }), Is.InstanceOf<HoldGranted>());
        _machine.Do(new CancelWaitCommand(Machine.Key("s"), _machine.Last, CancelReason.Disconnected));
        Assert.That(_machine.View.GetObject(Machine.Key("s")).Holder?.Owner, Is.EqualTo("me"));
    }

    [Test]
    public void The_end_of_the_session_ends_its_places()
    {
        var waiting = Wait();
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<LeaseMissing>());
        Assert.That((_machine.State.Counts.Waiters, _machine.State.Counts.SessionAnswers), Is.EqualTo((0, 0)));
    }

    /// <summary>What makes it known that nobody takes the answer, before the grant or after it.</summary>
    private static readonly string[] Ways = ["its connection broke", "its member was lost", "its member stopped", "the answer to the grant was not taken"];

    private void GrantToNobody(string way)
    {
        var waiting = RequestOf(Ask(1, Hold("l", 60 * Second) with { LockDelayMicros = 60 * Second }, member: 2, boot: 7));
        if (way != Ways[3])
        {
            _machine.Do(way == Ways[0] ? new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected)
                : way == Ways[1] ? new DetachWaitersCommand(new MemberId(2), 7)
                : new DetachRequestsCommand([waiting]));
            _machine.RestoreFromSnapshot();
        }
        _machine.Do(Release(_held));
        if (way == Ways[3])
        {
            _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected));
        }
        Assert.That(Holder?.Owner, Is.EqualTo("me"));
        _machine.RestoreFromSnapshot();
    }

    private RequestId RequestOf(Outcome queued)
    {
        Assert.That(queued, Is.InstanceOf<HoldQueued>());
        return Machine.Request(_machine.Last.Sequence, 2, 7);
    }

    [TestCaseSource(nameof(Ways))]
    public void A_hold_that_was_never_claimed_ends_without_a_loss_and_without_a_delay(string way)
    {
        GrantToNobody(way);
        var next = _machine.Queued(Lock("l", "next", 70, 600 * Second));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.GrantOf(next)?.Owner, Is.EqualTo("next"), "at once");
        Assert.That(_machine.View.GetObject(Machine.Key("l")).LastLoss, Is.Null);
    }

    [Test]
    public void A_hold_whose_session_was_heard_of_since_is_lost_like_any_other(
        [ValueSource(nameof(Ways))] string way, [Values("a write", "a repeat", "a renewal", "a settlement")] string request)
    {
        GrantToNobody(way);
        if (request is "a renewal" or "a settlement")
        {
            _machine.Do(request == "a renewal" ? new RenewLeasesCommand([Session]) : new SettleCommand(Session, 1));
        }
        else
        {
            Ask(
                request == "a write" ? 2 : 1,
                request == "a write" ? Put("k") : Hold("l", 60 * Second) with { LockDelayMicros = 60 * Second });
        }
        _machine.RestoreFromSnapshot();
        var next = _machine.Queued(Lock("l", "next", 70, 600 * Second));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.GrantOf(next), Is.Null, "its lock delay is kept");
        Assert.That(_machine.View.GetObject(Machine.Key("l")).LastLoss?.Owner, Is.EqualTo("me"));
    }

    [Test]
    public void A_hold_that_was_granted_to_a_connected_wait_is_taken_for_claimed()
    {
        Ask(1, Hold("l", 60 * Second) with { LockDelayMicros = 60 * Second });
        _machine.Do(Release(_held));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.View.GetObject(Machine.Key("l")).LastLoss?.Owner, Is.EqualTo("me"));
    }

    [Test]
    public void A_place_that_is_asked_for_again_is_attended_again()
    {
        var waiting = Wait();
        _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected));
        Wait();
        _machine.Do(Release(_held));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.View.GetObject(Machine.Key("l")).LastLoss?.Owner, Is.EqualTo("me"));
    }

    [Test]
    public void A_hold_that_was_never_claimed_and_is_broken_by_force_or_held_too_long_is_no_loss_either([Values] bool isForced)
    {
        var waiting = RequestOf(
            Ask(1, Hold("l", 60 * Second) with { LockDelayMicros = 60 * Second, MaxHoldMicros = 5 * Second }, member: 2, boot: 7));
        _machine.Do(new CancelWaitCommand(Machine.Key("l"), waiting, CancelReason.Disconnected));
        _machine.Do(Release(_held));
        if (isForced)
        {
            _machine.Do(new ReleaseHoldCommand(Machine.Key("l"), FencingToken.None, Force: true));
        }
        else
        {
            _machine.Expire(5 * Second);
        }
        Assert.That(Holder, Is.Null);
        var shown = _machine.View.GetObject(Machine.Key("l"));
        Assert.That((shown.LastLoss, shown.Delays.Length), Is.EqualTo(((HoldLoss?)null, 0)));
        Assert.That(_machine.View.GetSession(Session)!.Version, Is.GreaterThan(2), "its session is told of the end");
    }
}
