using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>No unknown is final: what came of a number is told, or nothing ever comes of it.</summary>
public sealed class SettleTests
{
    private static readonly LeaseId Session = new(50);
    private Machine _machine = null!;

    [SetUp]
    public void Open()
    {
        _machine = new Machine();
        _machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
    }

    private Outcome Ask(long number, Command command, long acked = 0) => _machine.Do(command, session: new SessionRequest(Session, number, acked));

    private Settled Settle(long number) => (Settled)_machine.Do(new SettleCommand(Session, number));

    private static AcquireCommand Hold(string name, long wait = 0) => Lock(name, "me", 0, wait, ttl: 0) with { SharedLease = Session };

    private static PutCommand Put(string key, KeyConditionKind condition = KeyConditionKind.None) =>
        new(Machine.Key(key), new byte[] { 1 }, LeaseId.None, new KeyCondition(condition));

    private void AssertNotDone(long number)
    {
        var settled = Settle(number);
        Assert.That((settled.Result, settled.First), Is.EqualTo((SettleResult.NotDone, (Outcome?)null)));
    }

    [Test]
    public void A_number_that_has_not_arrived_is_fenced_for_ever()
    {
        AssertNotDone(3);
        _machine.RestoreFromSnapshot();
        Assert.That(Ask(3, Put("k")), Is.InstanceOf<RequestWithdrawn>());
        AssertNotDone(3);
        _machine.Pass(1800 * Second);
        Assert.That(Ask(3, Put("k")), Is.InstanceOf<RequestWithdrawn>());
        Ask(4, Put("x"), acked: 3);
        Assert.That(Ask(3, Put("k")), Is.InstanceOf<RetryTooLate>());
        Assert.That(_machine.View.GetKey(Machine.Key("k")), Is.Null);
    }

    [Test]
    public void What_was_done_or_refused_is_told_as_it_was()
    {
        Ask(1, Put("k"));
        Ask(2, Put("k", KeyConditionKind.Absent));
        Ask(3, new DeleteCommand(Machine.Key("none"), KeyCondition.None));
        _machine.Do(Put("k"));
        var done = Settle(1);
        Assert.That((done.Result, ((PutDone)done.First!).Version), Is.EqualTo((SettleResult.Done, 1L)));
        Assert.That((Settle(2).Result, Settle(2).First), Is.EqualTo((SettleResult.Refused, (Outcome)new ConditionFailed(new Revision(2), new Revision(2)))));
        Assert.That((Settle(3).Result, Settle(3).First), Is.EqualTo((SettleResult.Done, (Outcome)new DeleteDone(new Revision(2), 0))));
        Assert.That(((PutDone)Ask(1, Put("k"))).Version, Is.EqualTo(1), "settled or not, it is told again");
    }

    [Test]
    public void A_place_in_line_is_given_up_whether_its_number_is_acknowledged_or_not([Values] bool isAcknowledged)
    {
        var held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        Assert.That(Ask(1, Hold("l", 60 * Second)), Is.InstanceOf<HoldQueued>());
        var waiting = _machine.Last;
        if (isAcknowledged)
        {
            Ask(2, Put("k"), acked: 1);
        }
        AssertNotDone(1);
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<RequestWithdrawn>());
        _machine.Do(Release(held));
        Assert.That(_machine.View.GetObject(Machine.Key("l")).Holder, Is.Null);
        Assert.That(Ask(1, Hold("l", 60 * Second)), Is.InstanceOf(isAcknowledged ? typeof(RetryTooLate) : typeof(RequestWithdrawn)));
    }

    [Test]
    public void Those_behind_a_place_that_is_given_up_come_next()
    {
        _machine.Granted(Shared("l", "you", 1));
        Ask(1, Hold("l", 60 * Second));
        var behind = _machine.Queued(Shared("l", "they", 2, 60 * Second));
        AssertNotDone(1);
        Assert.That(_machine.GrantOf(behind), Is.Not.Null);
    }

    [Test]
    public void A_hold_is_told_as_it_is_now_and_stays_also_when_its_number_is_acknowledged()
    {
        var held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        Ask(1, Hold("l", 60 * Second));
        Ask(2, Put("k"), acked: 1);
        _machine.Do(Release(held));
        Assert.That((Settle(1).Result, ((HoldGranted)Settle(1).First!).Hold.Owner), Is.EqualTo((SettleResult.Done, "me")));
        var at = ((HoldGranted)Ask(3, Hold("m"))).Hold;
        Assert.That(((HoldGranted)Settle(3).First!).Hold.Token, Is.EqualTo(at.Token));
        _machine.Do(Release(at));
        Assert.That((Settle(3).Result, Settle(3).First), Is.EqualTo((SettleResult.Done, (Outcome)new ReplayedHoldGone(_machine.State.Revision, null))));
    }

    [Test]
    public void Of_several_holds_those_that_stand_are_told_when_others_are_gone()
    {
        var granted = (ManyGranted)Ask(1, Many("me", 0, "x", "y", "z") with { SharedLease = Session, OwnLease = LeaseId.None });
        _machine.Do(Release(granted.Holds[1], force: true));
        _machine.RestoreFromSnapshot();
        var gone = (ReplayedHoldGone)Settle(1).First!;
        Assert.That(gone.Left.Select(h => h.Token), Is.EqualTo(new[] { granted.Holds[0].Token, granted.Holds[2].Token }));
        Assert.That(gone.Loss!.Reason, Is.EqualTo(LossReason.Forced));
        _machine.Do(Release(granted.Holds[0]));
        _machine.Do(Release(granted.Holds[2]));
        Assert.That(((ReplayedHoldGone)Settle(1).First!).Left, Is.Empty);
    }

    [Test]
    public void A_refusal_is_told_with_what_was_asked()
    {
        var held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        foreach (var (number, command) in new (long, Command)[]
        {
            (1, new ReleaseHoldCommand(held.Name, new FencingToken(1), Force: false)),
            (2, new RenewHoldCommand(held.Name, new FencingToken(1))),
            (3, new HandOverCommand(held.Name, new FencingToken(1), "they")),
            (4, new RevokeLeaseCommand(new LeaseId(99))),
        })
        {
            var told = Ask(number, command);
            Assert.That(told, command is RevokeLeaseCommand ? Has.Property("WasToEnd").True : Has.Property("Asked").EqualTo(new FencingToken(1)));
            _machine.RestoreFromSnapshot();
            var settled = Settle(number);
            Assert.That((settled.Result, Of(settled.First!)), Is.EqualTo((SettleResult.Refused, Of(told))));
        }

        static object Of(Outcome outcome) => outcome is NotHolder not ? (not.Asked, not.IsRenewal, not.Current?.Token) : outcome;
    }

    [Test]
    public void What_is_acknowledged_too_far_ahead_or_of_no_session_is_not_settled()
    {
        Ask(2, Put("k"), acked: 1);
        Assert.That(_machine.Do(new SettleCommand(Session, 1)), Is.InstanceOf<RetryTooLate>());
        AssertNotDone(1_001);
        Assert.That(_machine.Do(new SettleCommand(Session, 1_002)), Is.EqualTo(new SessionRefused(_machine.State.Revision, Session, SessionRefusal.TooFarAhead, 1_000)));
        Assert.That(_machine.Do(new SettleCommand(new LeaseId(99), 1)), Is.EqualTo(new SessionRefused(_machine.State.Revision, new LeaseId(99), SessionRefusal.Ended, 0)));
        Assert.That(_machine.Do(new SettleCommand(Session, 1), principal: "other"), Is.InstanceOf<SessionRefused>());
    }
}
