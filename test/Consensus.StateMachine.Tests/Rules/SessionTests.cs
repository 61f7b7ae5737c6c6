using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 21, a session's numbers: each is done once, in any order, and what it was told stays so until it is acknowledged.</summary>
public sealed class SessionTests
{
    private static readonly LeaseId Session = new(50);
    private Machine _machine = null!;

    [SetUp]
    public void Open() => Start(null);

    private void Start(Limits? limits)
    {
        _machine = new Machine(limits);
        Assert.That(_machine.Do(new GrantLeaseCommand(Session, 600 * Second) { IsSession = true }), Is.InstanceOf<LeaseGranted>());
    }

    private Outcome Ask(long number, Command command, long acked = 0, byte fingerprint = 1) =>
        _machine.Do(command, fingerprint: fingerprint, session: new SessionRequest(Session, number, acked));

    private SessionInfo Info => _machine.View.GetSession(Session)!;

    private static PutCommand Put(string key, KeyConditionKind condition = KeyConditionKind.None) =>
        new(Machine.Key(key), new byte[] { 1 }, LeaseId.None, new KeyCondition(condition));

    private static AcquireCommand Hold(string name, long wait = 0) => Lock(name, "me", 0, wait, ttl: 0) with { SharedLease = Session };

    private static SessionRefusal? ReasonOf(Outcome outcome) => (outcome as SessionRefused)?.Reason;

    [Test]
    public void Numbers_come_in_any_order_and_each_is_done_once()
    {
        foreach (var number in (long[])[3, 1, 2])
        {
            Assert.That(((PutDone)Ask(number, Put("k"))).Version, Is.EqualTo(new[] { 0, 2, 3, 1 }[number]));
        }
        foreach (var number in (long[])[1, 2, 3])
        {
            Assert.That(((PutDone)Ask(number, Put("k"))).Version, Is.EqualTo(new[] { 0, 2, 3, 1 }[number]), "as it was told");
        }
        Assert.That(_machine.View.GetKey(Machine.Key("k"))!.Version, Is.EqualTo(3));
        Assert.That(Info, Is.EqualTo(new SessionInfo(Session, 0, 3, 3, 0)));
        _machine.RestoreFromSnapshot();
        Assert.That(((PutDone)Ask(2, Put("k"))).Version, Is.EqualTo(3));
    }

    [Test]
    public void A_no_stays_a_no_until_it_is_acknowledged_however_long_that_takes()
    {
        var held = _machine.Granted(Lock("l", "other", 1, ttl: 3600 * Second));
        Assert.That(Ask(1, Put("k", KeyConditionKind.Exists)), Is.InstanceOf<ConditionFailed>());
        Assert.That(Ask(2, Hold("l")), Is.InstanceOf<HoldRefused>());
        Assert.That(Ask(3, Put("k") with { Lease = new LeaseId(9) }), Is.InstanceOf<LeaseMissing>());
        Assert.That(Ask(4, new ReleaseHoldCommand(Machine.Key("l"), new FencingToken(99), Force: false)), Is.InstanceOf<NotHolder>());
        Assert.That(Ask(5, new FenceCommand(Machine.Key("f"), new FencingToken(99))), Is.InstanceOf<TokenFromFuture>());
        Assert.That(Ask(6, new DeleteCommand(Machine.Key("k"), KeyCondition.None)), Is.InstanceOf<DeleteDone>());
        _machine.Do(Put("k"));
        _machine.Do(Release(held));
        _machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        _machine.Pass(300 * Second);
        _machine.RestoreFromSnapshot();
        Assert.That(Ask(1, Put("k", KeyConditionKind.Exists)), Is.InstanceOf<ConditionFailed>());
        Assert.That(((HoldRefused)Ask(2, Hold("l"))).Holder!.Token, Is.EqualTo(held.Token));
        Assert.That(Ask(3, Put("k") with { Lease = new LeaseId(9) }), Is.InstanceOf<LeaseMissing>());
        Assert.That(Ask(4, new ReleaseHoldCommand(Machine.Key("l"), new FencingToken(99), Force: false)), Is.InstanceOf<NotHolder>());
        Assert.That(Ask(5, new FenceCommand(Machine.Key("f"), new FencingToken(99))), Is.InstanceOf<TokenFromFuture>());
        Assert.That(((DeleteDone)Ask(6, new DeleteCommand(Machine.Key("k"), KeyCondition.None))).Deleted, Is.Zero);
        Assert.That(Ask(7, Put("k", KeyConditionKind.Exists), acked: 6), Is.InstanceOf<PutDone>(), "a number of its own is judged anew");
    }

    [Test]
    public void Acked_only_rises_and_drops_the_answers_up_to_it()
    {
        for (var number = 1; number <= 5; number++)
        {
            Ask(number, Put("k"));
        }
        var before = _machine.State.Counts.StateBytes;
        Ask(6, Put("k"), acked: 3);
        Assert.That(Info, Is.EqualTo(new SessionInfo(Session, 3, 6, 3, 0)));
        Assert.That(_machine.State.Counts.StateBytes, Is.LessThan(before), "what is dropped counts no more");
        Ask(7, Put("k"), acked: 1);
        Assert.That(Info.Acked, Is.EqualTo(3), "an attempt that comes late takes nothing back");
        var version = _machine.View.GetKey(Machine.Key("k"))!.Version;
        foreach (var number in (long[])[1, 3])
        {
            Assert.That(Ask(number, Put("k")), Is.InstanceOf<RetryTooLate>());
        }
        Assert.That(((PutDone)Ask(4, Put("k"))).Version, Is.EqualTo(4));
        Assert.That(_machine.View.GetKey(Machine.Key("k"))!.Version, Is.EqualTo(version), "none of it was done again");
    }

    [Test]
    public void A_number_that_was_never_taken_is_too_late_once_it_is_acknowledged()
    {
        Ask(5, Put("k"), acked: 4);
        Assert.That(Ask(2, Put("x")), Is.InstanceOf<RetryTooLate>());
        Assert.That(_machine.View.GetKey(Machine.Key("x")), Is.Null);
    }

    [Test]
    public void A_number_is_taken_up_to_a_thousand_ahead_of_what_is_acknowledged()
    {
        Assert.That(Ask(1_000, Put("a")), Is.InstanceOf<PutDone>());
        var refused = (SessionRefused)Ask(1_001, Put("b"));
        Assert.That((refused.Reason, refused.Limit), Is.EqualTo((SessionRefusal.TooFarAhead, 1_000L)));
        Assert.That(ReasonOf(Ask(long.MaxValue, Put("b"))), Is.EqualTo(SessionRefusal.TooFarAhead));
        Assert.That(_machine.View.GetKey(Machine.Key("b")), Is.Null);
        Assert.That(Ask(1_001, Put("b"), acked: 1), Is.InstanceOf<PutDone>(), "that refusal is not kept");
        Assert.That(Info, Is.EqualTo(new SessionInfo(Session, 1, 1_001, 2, 0)));
    }

    [Test]
    public void A_request_that_acknowledges_its_own_answer_is_refused_and_acknowledges_nothing()
    {
        Ask(1, Put("k"));
        foreach (var acked in (long[])[2, 3, long.MaxValue])
        {
            Assert.That(ReasonOf(Ask(2, Put("k"), acked)), Is.EqualTo(SessionRefusal.AcknowledgesItself));
        }
        Assert.That(Info, Is.EqualTo(new SessionInfo(Session, 0, 1, 1, 0)));
    }

    [Test]
    public void One_number_is_one_request()
    {
        Ask(1, Put("k"));
        Ask(2, Put("k", KeyConditionKind.Absent));
        Assert.That(Ask(1, Put("x"), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>(), "of an effect");
        Assert.That(Ask(2, Put("x"), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>(), "of a refusal");
        Assert.That(((PutDone)Ask(1, Put("k"))).Version, Is.EqualTo(1), "the first stays");
    }

    [Test]
    public void Only_a_living_session_of_the_same_principal_takes_numbers()
    {
        _machine.Do(new GrantLeaseCommand(new LeaseId(51), 600 * Second));
        foreach (var (lease, principal) in ((long, string)[])[(99, ""), (51, ""), (50, "other")])
        {
            var outcome = _machine.Do(Put("k"), principal: principal, session: new SessionRequest(new LeaseId(lease), 1, 0));
            Assert.That(ReasonOf(outcome), Is.EqualTo(SessionRefusal.Ended), $"{lease} of \"{principal}\"");
        }
        Assert.That(_machine.View.GetKey(Machine.Key("k")), Is.Null);
        Ask(1, Put("k"));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(ReasonOf(Ask(1, Put("k"))), Is.EqualTo(SessionRefusal.Ended), "what came of it is unknown from here on");
        Assert.That(_machine.View.GetKey(Machine.Key("k"))!.Version, Is.EqualTo(1));
    }

    [Test]
    public void A_session_that_ends_takes_its_answers_with_it()
    {
        Ask(1, Put("k"));
        Ask(2, Hold("l"));
        Assert.That((_machine.State.Counts.Sessions, _machine.State.Counts.SessionAnswers), Is.EqualTo((1, 2)));
        var before = _machine.State.Counts.StateBytes;
        _machine.Expire(601 * Second);
        Assert.That((_machine.State.Counts.Sessions, _machine.State.Counts.SessionAnswers), Is.EqualTo((0, 0)));
        Assert.That(_machine.State.Counts.StateBytes, Is.LessThan(before));
        Assert.That(ReasonOf(Ask(2, Hold("l"))), Is.EqualTo(SessionRefusal.Ended));
        Assert.That(_machine.View.GetObject(Machine.Key("l")).Holder, Is.Null);
    }

    [Test]
    public void The_end_of_a_session_under_its_own_number_is_told_and_not_kept()
    {
        Assert.That(Ask(1, new RevokeLeaseCommand(Session)), Is.InstanceOf<LeaseRevoked>());
        Assert.That(ReasonOf(Ask(1, new RevokeLeaseCommand(Session))), Is.EqualTo(SessionRefusal.Ended));
        Assert.That(_machine.State.Counts.SessionAnswers, Is.Zero);
    }

    [Test]
    public void Many_answers_that_end_with_their_sessions_end_a_few_sessions_at_a_time()
    {
        Start(Limits.Default with { MaxObjectsPerStep = 10 });
        _machine.Do(new RevokeLeaseCommand(Session));
        foreach (var session in Enumerable.Range(1, 4).Select(id => new LeaseId(id)))
        {
            _machine.Do(new GrantLeaseCommand(session, Second) { IsSession = true });
            for (var number = 1; number <= 8; number++)
            {
                _machine.Do(Put("k"), session: new SessionRequest(session, number, 0));
            }
        }
        _machine.Expire(2 * Second);
        for (var left = 3; left >= 0; left--)
        {
            Assert.That(_machine.State.Counts.Leases, Is.EqualTo(left), "one step is ten: a lease, its session and eight answers");
            _machine.Do(new ExpireCommand());
        }
        Assert.That((_machine.State.Counts.Leases, _machine.State.Counts.SessionAnswers), Is.EqualTo((0, 0)));
    }

    [Test]
    public void A_hold_that_would_not_end_with_the_session_is_not_given_under_its_number()
    {
        _machine.Do(new GrantLeaseCommand(new LeaseId(51), 600 * Second));
        Assert.That(ReasonOf(Ask(1, Lock("l", "me", 7))), Is.EqualTo(SessionRefusal.OtherLease));
        Assert.That(ReasonOf(Ask(1, Hold("l") with { SharedLease = new LeaseId(51) })), Is.EqualTo(SessionRefusal.OtherLease));
        Assert.That(ReasonOf(Ask(1, Many("me", 7, "l"))), Is.EqualTo(SessionRefusal.OtherLease));
        Assert.That(Ask(1, Hold("l")), Is.InstanceOf<HoldGranted>());
    }

    [Test]
    public void A_lease_id_that_is_taken_is_not_the_numbers_answer()
    {
        _machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        Assert.That(Ask(1, new GrantLeaseCommand(new LeaseId(9), Second)), Is.InstanceOf<LeaseIdTaken>());
        Assert.That(Ask(1, new GrantLeaseCommand(new LeaseId(11), Second)), Is.InstanceOf<LeaseGranted>());
        Assert.That(((LeaseGranted)Ask(1, new GrantLeaseCommand(new LeaseId(12), Second))).Id, Is.EqualTo(new LeaseId(11)));
    }

    [Test]
    public void A_renewal_is_done_at_each_attempt_and_settles_as_done()
    {
        var held = ((HoldGranted)Ask(1, Hold("l"))).Hold;
        foreach (var (number, renewal) in ((long, Command)[])[(2, new RenewLeasesCommand([Session])), (3, Renew(held))])
        {
            Ask(number, renewal);
            _machine.Pass(10 * Second);
            Ask(number, renewal);
            Assert.That(_machine.View.GetLease(Session)!.Deadline, Is.EqualTo(_machine.Now.PlusMicros(600 * Second)));
            Assert.That(Ask(number, Put("k"), fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
            Assert.That(_machine.Do(new SettleCommand(Session, number)), Is.EqualTo(new Settled(_machine.State.Revision, SettleResult.Done, null)));
        }
    }

    [Test]
    public void What_a_transaction_read_is_not_kept()
    {
        var txn = new TxnCommand([], [new TxnPut(Machine.Key("k"), new byte[] { 1 }, LeaseId.None), new TxnGet(Machine.Key("k"), IsPrefix: false, 0)], []);
        Assert.That(((TxnDone)Ask(1, txn)).Results[1], Is.InstanceOf<TxnGetResult>());
        Assert.That(((TxnDone)Ask(1, txn)).Results[1], Is.InstanceOf<TxnGetNotKept>());
        Assert.That(_machine.View.GetKey(Machine.Key("k"))!.Version, Is.EqualTo(1));
    }

    [Test]
    public void Effects_of_every_kind_are_told_again_and_not_done_again()
    {
        _machine.Do(Put("p1"));
        _machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        var first = ((HoldGranted)Ask(1, Hold("l"))).Hold;
        var leader = ((HoldGranted)Ask(2, Election("e", "me", 0, [1]) with { TtlMicros = 0, SharedLease = Session })).Hold;
        _machine.Queued(Lock("l", "you", 70, 60 * Second));
        Command[] commands =
        [
            new DeletePrefixCommand(Machine.Key("p")), new RevokeLeaseCommand(new LeaseId(9)), HandOver(first, "you"), Renew(leader) with { Value = new byte[] { 2 } },
            new FenceCommand(Machine.Key("f"), first.Token), new ResetFenceCommand(Machine.Key("f")), Release(leader), Many("me", 0, "m1", "m2") with { SharedLease = Session, OwnLease = LeaseId.None },
        ];
        var told = commands.Select((command, i) => Ask(3 + i, command)).ToList();
        var revision = _machine.State.Revision;
        for (var i = 0; i < commands.Length; i++)
        {
            var again = Ask(3 + i, commands[i]);
            var isGone = commands[i] is RenewHoldCommand;
            Assert.That(again, Is.InstanceOf(isGone ? typeof(ReplayedHoldGone) : told[i].GetType()), $"{commands[i]}");
        }
        Assert.That(_machine.State.Revision, Is.EqualTo(revision));
    }
}
