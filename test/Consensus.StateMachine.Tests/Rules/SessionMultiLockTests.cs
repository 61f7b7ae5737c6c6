using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Several locks that a request of a session waits for: the places, and then the holds, carry its number (rules 18, 21).</summary>
public sealed class SessionMultiLockTests
{
    private static readonly LeaseId Session = new(50);
    private Machine _machine = null!;
    private Hold _held = null!;

    [SetUp]
    public void Open()
    {
        _machine = new Machine();
        _machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
        _held = _machine.Granted(Lock("x", "you", 1, ttl: 3600 * Second));
    }

    private static AcquireManyCommand Wanted(params string[] names) =>
        WaitMany("me", 0, names) with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = Session };

    private Outcome Ask(long number, Command command, long acked = 0, byte fingerprint = 1) =>
        _machine.Do(command, fingerprint: fingerprint, session: new SessionRequest(Session, number, acked));

    private RequestId Wait()
    {
        Assert.That(Ask(1, Wanted("y", "x")), Is.InstanceOf<HoldQueued>());
        return _machine.Last;
    }

    private Outcome Settle() => ((Settled)_machine.Do(new SettleCommand(Session, 1))).First!;

    [Test]
    public void Their_places_outlive_connections_and_the_acknowledged_number_finds_the_places_and_then_the_holds()
    {
        var first = Wait();
        _machine.Do(new DetachRequestsCommand([first]));
        _machine.Do(CancelWaitCommand.Of(_held.Object, first, CancelReason.Disconnected));
        Ask(2, new PutCommand(Machine.Key("k"), default, LeaseId.None, KeyCondition.None), acked: 1);
        _machine.RestoreFromSnapshot();
        Assert.That(Ask(1, Wanted("x", "y")), Is.InstanceOf<IdempotencyMismatch>(), "in another order");
        var second = Wait();
        _machine.Do(Release(_held));
        var granted = _machine.GrantsOf(second)!;
        _machine.RestoreFromSnapshot();
        Assert.That(
            ((ManyGranted)Ask(1, Wanted("y", "x"))).Holds, Is.EqualTo(granted).Using<Hold,
            Hold>((a, b) => a.Token == b.Token && a.Name == b.Name));
        Assert.That(Ask(1, Wanted("y", "x"), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
        Assert.That(((ManyGranted)Settle()).Holds.Select(h => h.Token), Is.EqualTo(granted.Select(h => h.Token)));

        _machine.Do(Release(granted[0]));
        _machine.RestoreFromSnapshot();
        Assert.That(((ReplayedHoldGone)Ask(1, Wanted("y", "x"))).Left.Single().Token, Is.EqualTo(granted[1].Token), "what is left is told");
        Assert.That(((ReplayedHoldGone)Settle()).Left.Single().Token, Is.EqualTo(granted[1].Token));
        _machine.Do(Release(granted[1]));
        Assert.That(Ask(1, Wanted("y", "x")), Is.InstanceOf<RetryTooLate>());
    }

    [Test]
    public void Settling_gives_up_every_place_and_fences_the_number()
    {
        Wait();
        var behind = _machine.Queued(Lock("y", "b", 2, 60 * Second));
        Assert.That(((Settled)_machine.Do(new SettleCommand(Session, 1))).Result, Is.EqualTo(SettleResult.NotDone));
        Assert.That(_machine.GrantOf(behind), Is.Not.Null);
        Assert.That(_machine.View.GetObject(_held.Object).WaiterCount, Is.Zero);
        Assert.That(Ask(1, Wanted("y", "x")), Is.InstanceOf<RequestWithdrawn>());
    }

    [Test]
    public void A_wait_that_is_over_is_answered_for_good_and_told_of_each_place()
    {
        var waiting = Wait();
        var since = _machine.View.GetSession(Session)!.Version;
        _machine.Expire(60 * Second);
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<HoldRefused>());
        Assert.That(Ask(1, Wanted("y", "x")), Is.InstanceOf<HoldRefused>());
        var ended = _machine.View.GetSessionNews(Session, since, since, Room)!.Ended;
        Assert.That(
            ended.Select(e => (e.Part.Object.Name.ToString(), e.Part.Number, e.Reason)),
            Is.EqualTo([("y", 1, SessionEnd.WaitOver), ("x", 1, SessionEnd.WaitOver)]));
    }

    private static NewsRoom Room { get; } = new(100, static _ => 1);

    [Test]
    public void The_news_tell_of_each_place_and_then_of_each_hold()
    {
        Wait();
        var news = _machine.View.GetSessionNews(Session, 0, 0, Room)!;
        Assert.That(
            news.Began,
            Is.EqualTo(new[] { "y", "x" }.Select(name => new SessionPart(ObjectName.Lock(Machine.Key(name)), FencingToken.None, 1))));
        _machine.Do(Release(_held));
        var began = _machine.View.GetSessionNews(Session, news.Version, news.Version, Room)!.Began;
        Assert.That(
            began.Select(p => (p.Object.Name.ToString(), p.Token != FencingToken.None, p.Number)),
            Is.EqualTo([("y", true, 1), ("x", true, 1)]));
    }

    [Test]
    public void The_end_of_the_session_ends_its_places()
    {
        var waiting = Wait();
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.OutcomesOf(waiting).Skip(1).Single(), Is.InstanceOf<LeaseMissing>());
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void What_nobody_was_told_of_stands_whole_and_ends_with_the_session_without_a_loss(bool isGrantedFirst)
    {
        var waiting = Wait();
        if (isGrantedFirst)
        {
            _machine.Do(Release(_held));
        }
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key("y")), waiting, CancelReason.Disconnected));
        _machine.RestoreFromSnapshot();
        if (!isGrantedFirst)
        {
            _machine.Do(Release(_held));
        }
        Assert.That(_machine.View.Counts.HoldsInUse, Is.EqualTo(2), "the session has them");
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(new[] { "x", "y" }.Select(name => _machine.View.GetObject(Machine.Key(name)).LastLoss), Has.All.Null);
    }
}
