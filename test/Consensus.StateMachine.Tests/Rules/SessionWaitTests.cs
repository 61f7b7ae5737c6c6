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
}
