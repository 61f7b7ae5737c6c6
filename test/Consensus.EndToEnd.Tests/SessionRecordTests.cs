using System.Text;
using Consensus.Chaos.Clients;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.EndToEnd.Tests;

/// <summary>What process chaos records of clients with sessions, told by hand: as it should be, and with one mistake each.</summary>
public sealed class SessionRecordTests
{
    private const long Second = 1_000_000;
    private static readonly LeaseId Session = new(900);
    private static readonly LeaseId Other = new(901);
    private static readonly ObjectName Lock = ObjectName.Lock(Key.FromText("r1-h0"));
    private static readonly ObjectName SecondLock = ObjectName.Lock(Key.FromText("r1-h1"));

    private long _now;
    private long _number;
    private long _version;
    private Record _record = null!;
    private string _mistake = "";

    [Test]
    public void A_history_as_it_should_be_is_believed()
    {
        var record = Tell("");
        Assert.DoesNotThrow(record.Check);
        Assert.That(record.SessionsJudged, Is.EqualTo((11L, 2L, 7L, 1L)));
    }

    [TestCase("a number is refused at two revisions", SessionAnswers.Name)]
    [TestCase("a number that was refused is done when it comes late", FinalAnswers.Name)]
    [TestCase("a number is too late that nobody acknowledged", SessionAnswers.Name)]
    [TestCase("what is settled as done is done elsewhere", SessionAnswers.Name)]
    [TestCase("what was settled as not done is done when it comes late", SessionAnswers.Name)]
    [TestCase("what was settled as not done had written", Chronicle.Name)]
    [TestCase("what was settled as not done is seen to hold", HoldsByRevision.Name)]
    [TestCase("what was settled as not done is seen to wait", SessionAnswers.Name)]
    [TestCase("one who asked later is granted before a place", TurnsByAnswers.Name)]
    [TestCase("news leave out a hold", NewsByAnswers.Name)]
    [TestCase("news leave out a place", NewsByAnswers.Name)]
    [TestCase("news leave out an end", NewsByAnswers.Name)]
    [TestCase("news tell of an end that nobody asked for", NewsByAnswers.Name)]
    [TestCase("news tell of a bound that there is not", NewsByAnswers.Name)]
    [TestCase("news tell of another session's hold", NewsByAnswers.Name)]
    [TestCase("news tell of a place that was settled", NewsByAnswers.Name)]
    [TestCase("news tell of a number that was not asked", NewsByAnswers.Name)]
    [TestCase("news go back", NewsByAnswers.Name)]
    [TestCase("news tell of a hold that was released", HoldsByRevision.Name)]
    [TestCase("a hold stands that news told to have ended", HoldsByRevision.Name)]
    [TestCase("a session lives again", SessionLives.Name)]
    [TestCase("a number is taken of a session that has ended", SessionLives.Name)]
    [TestCase("a wait is settled of a session that has ended", SessionLives.Name)]
    [TestCase("a session ends early", LeasePromise.Name)]
    public void A_mistake_in_a_recorded_history_is_seen(string mistake, string checker)
    {
        var record = Tell(mistake);
        Assert.That(Assert.Throws<SimulationFailureException>(record.Check)!.Checker, Is.EqualTo(checker));
    }

    [Test]
    public void What_a_forced_release_lets_in_need_not_be_told_to_have_ended()
    {
        (_now, _number, _version, _mistake) = (0, 0, 0, "");
        _record = new Record(new Revision(1), () => _now);
        Open(Session);
        var before = News(Session, 0, 1, [], []);
        var several = Ask(Of(
            OperationKind.AcquireMany,
            "",
            new AcquireManyCommand([Lock.Name, SecondLock.Name], $"c1-{_number + 1}", 0, LeaseId.None, Session) { WaitMicros = Second },
            new SessionRequest(Session, 1, 0)));
        var forced = Ask(Of(
            OperationKind.ReleaseHold, Lock.Name.ToString(), new ReleaseHoldCommand(Lock.Name, default, Force: true) { Space = Lock.Space }, default, Lock));
        Answer(forced, new HoldReleased(new Revision(3)));
        Answer(several, new ManyGranted(new Revision(3), [HoldOf(several, Lock, 2), HoldOf(several, SecondLock, 3)]));
        News(Session, before, 3, [], [Part(Lock, 2), Part(SecondLock, 3)]);
        Assert.DoesNotThrow(_record.Check);
    }

    private Record Tell(string mistake)
    {
        (_mistake, _now, _number, _version) = (mistake, 0, 0, 0);
        _record = new Record(new Revision(1), () => _now);
        Open(Session);
        Open(Other);
        TellKeys();
        TellPlaces();
        TellEnds();
        TellSettlements();
        TellLives();
        return _record;
    }

    private bool Wrong(string mistake) => _mistake == mistake;

    private void TellKeys()
    {
        var put = Ask(Write("r1-z0", Session, 1));
        Answer(put, Put(2));
        Say(2, put);
        var refused = Ask(Write("r1-z0", Session, 2));
        Answer(refused, new ConditionFailed(new Revision(2), new Revision(2)));
        Late(refused, Wrong("a number that was refused is done when it comes late")
            ? Put(3)
            : new ConditionFailed(new Revision(Wrong("a number is refused at two revisions") ? 3 : 2), new Revision(2)));
        if (!Wrong("a number is too late that nobody acknowledged"))
        {
            _record.Acknowledged(Session, 1);
        }
        Late(put, new RetryTooLate(new Revision(2)));
    }

    /// <summary>Two wait behind one, and one of them asked under a session and was told of its place before the other asked.</summary>
    private void TellPlaces()
    {
        var first = Ask(Acquire(Lock, Session, 3));
        Answer(first, Granted(first, Lock, 3));
        News(Session, 0, 3, [], Wrong("news leave out a hold") ? [] : [Part(Lock, 3)]);
        var placed = Ask(Acquire(Lock, Other, 1));
        _now += 10;
        placed.QueuedAt = _now;
        News(Other, 0, 3, [], Wrong("news leave out a place") ? [] : [Part(Lock, 0, 1)]);
        var later = Ask(Acquire(Lock, LeaseId.None, 0));
        var released = Ask(Release(Lock, 3, Session, 4));
        Answer(released, new HoldReleased(new Revision(5)));
        var isPassed = Wrong("one who asked later is granted before a place");
        GrantAndRelease(isPassed ? later : placed, 5);
        GrantAndRelease(isPassed ? placed : later, 7);
        if (Wrong("news tell of a hold that was released"))
        {
            News(Session, 0, 8, [], [Part(Lock, 3)]);
        }
    }

    private void TellEnds()
    {
        var held = Ask(Acquire(SecondLock, Session, 5));
        Answer(held, Granted(held, SecondLock, 9));
        var before = News(Session, 0, 9, [], [Part(SecondLock, Wrong("news tell of another session's hold") ? 5 : 9)]);
        if (!Wrong("news tell of an end that nobody asked for"))
        {
            Answer(Ask(new Operation
            {
                Number = _record.NextNumber,
                Client = 7,
                Kind = OperationKind.ReleaseHold,
                Object = SecondLock.Name.ToString(),
                Name = SecondLock,
                Command = new ReleaseHoldCommand(SecondLock.Name, default, Force: true) { Space = SecondLock.Space },
                HasIdentity = true,
            }), new HoldReleased(new Revision(10)));
        }
        var reason = Wrong("news tell of a bound that there is not") ? SessionEnd.HeldTooLong : SessionEnd.Forced;
        News(Session, before, 10, Wrong("news leave out an end") ? [] : [(Part(SecondLock, 9), reason)], []);
        if (Wrong("a hold stands that news told to have ended"))
        {
            Look(SecondLock, 10, [HoldOf(held, SecondLock, 9)], []);
        }
    }

    private void TellSettlements()
    {
        var done = Ask(Write("r1-z1", Session, 6));
        Settle(done, new Settled(new Revision(12), SettleResult.Done, Put(11)));
        Answer(done, Put(Wrong("what is settled as done is done elsewhere") ? 12 : 11));
        Say(done.Outcome!.Revision.Value, done);
        var never = Ask(Write("r1-z2", Session, 7));
        Settle(never, new Settled(new Revision(13), SettleResult.NotDone, null));
        _record.Return(never, OperationStatus.NotDone, null, null);
        Late(never, Wrong("what was settled as not done is done when it comes late") ? Put(14) : new RequestWithdrawn(new Revision(13)));
        if (Wrong("what was settled as not done had written"))
        {
            Say(14, never);
        }
        var waits = Ask(Acquire(Lock, Session, 8));
        _now += 10;
        waits.QueuedAt = _now;
        var before = News(Session, 0, 13, [], [Part(Lock, 0, Wrong("news tell of a number that was not asked") ? 80 : 8)]);
        Settle(waits, new Settled(new Revision(13), SettleResult.NotDone, null));
        _record.Return(waits, OperationStatus.NotDone, null, null);
        Look(
            Lock,
            15,
            Wrong("what was settled as not done is seen to hold") ? [HoldOf(waits, Lock, 14)] : [],
            Wrong("what was settled as not done is seen to wait") ? [waits.Owner] : []);
        _version -= Wrong("news go back") ? 2 : 0;
        News(
            Session,
            before,
            15,
            [(Part(Lock, 0, 8), SessionEnd.GivenUp)],
            Wrong("news tell of a place that was settled") ? [Part(Lock, 0, 8)] : []);
    }

    private void TellLives()
    {
        var known = _now;
        News(Session, 0, 15, [], []);
        var over = Ask(Acquire(SecondLock, Session, 10));
        _now += Wrong("a session ends early") ? Second : 10 * Second;
        var put = Ask(Write("r1-z0", Session, 9));
        _record.ToldOfNumber(put, new SessionRefused(new Revision(15), Session, SessionRefusal.Ended, 0), _now);
        _record.Return(put, OperationStatus.NotDone, null, null);
        _now += 10;
        // What was sent before that was known may have been answered before it was so.
        _record.Lives(Session, isAlive: true, known);
        // A wait was over while the session lived, and nobody had asked since.
        Late(over, new HoldRefused(new Revision(15), null, 0, Second));
        _record.Return(over, OperationStatus.Done, new HoldRefused(new Revision(15), null, 0, Second), null);
        if (Wrong("a session lives again"))
        {
            _record.Lives(Session, isAlive: true, _now);
        }
        if (Wrong("a number is taken of a session that has ended"))
        {
            _record.ToldOfNumber(put, new ConditionFailed(new Revision(16), new Revision(2)), _now);
        }
        if (Wrong("a wait is settled of a session that has ended"))
        {
            Settle(over, new Settled(new Revision(16), SettleResult.Refused, null));
        }
    }

    private void Open(LeaseId session) =>
        Answer(Ask(Of(OperationKind.GrantLease, "", new GrantLeaseCommand(LeaseId.None, 10 * Second) { IsSession = true }, default)),
            new LeaseGranted(new Revision(1), session, 10 * Second));

    private void GrantAndRelease(Operation acquire, long token)
    {
        Answer(acquire, Granted(acquire, Lock, token));
        Answer(Ask(Release(Lock, token, acquire.Session.Session, acquire.Session.Number + 1)), new HoldReleased(new Revision(token + 1)));
    }

    /// <returns>The version that was told.</returns>
    private long News(LeaseId session, long since, long revision, (SessionPart Part, SessionEnd Reason)[] ended, SessionPart[] began)
    {
        var renewal = Ask(new Operation
        {
            Number = _record.NextNumber,
            Client = 6,
            Kind = OperationKind.RenewLeases,
            Object = "",
            Command = new RenewLeasesCommand([session]),
            NewsSince = since,
        });
        _now += 10;
        _version++;
        var renewed = new LeasesRenewed(new Revision(revision), [new LeaseRenewal(session, 10 * Second, default)]);
        var news = new SessionNews(_version, false, [.. ended], [.. began], null, ClusterTime.Never);
        _record.Return(renewal, OperationStatus.Done, renewed, new ReadResult(revision) { News = news });
        return _version;
    }

    private void Settle(Operation operation, Settled settled)
    {
        var sent = _now;
        Answer(Ask(new Operation
        {
            Number = _record.NextNumber,
            Client = 5,
            Kind = OperationKind.Settle,
            Object = operation.Owner,
            Command = new SettleCommand(operation.Session.Session, operation.Session.Number),
            Settles = operation,
        }), settled);
        _record.ToldOfNumber(operation, settled, sent);
    }

    private void Look(ObjectName name, long revision, Hold[] holders, string[] waiters)
    {
        var read = Ask(new Operation
        {
            Number = _record.NextNumber,
            Client = 4,
            Kind = OperationKind.ReadHold,
            Object = name.Name.ToString(),
            Name = name,
        });
        _now += 10;
        _record.Return(read, OperationStatus.Done, null, new ReadResult(revision) { Holders = holders, Waiters = waiters });
    }

    private void Say(long revision, Operation put)
    {
        _now += 10;
        var record = new KeyRecord(Encoding.UTF8.GetBytes(put.Value), new Revision(revision), new Revision(revision), 1, LeaseId.None);
        _record.Told(new Revision(revision), [new KeyChange(new Revision(revision), put.Key, null, record)]);
    }

    private Operation Ask(Operation operation)
    {
        _now += 10;
        operation.Attempts = 1;
        return _record.Invoke(() => operation);
    }

    private void Answer(Operation operation, Outcome outcome)
    {
        _now += 10;
        if (!operation.Session.IsNone)
        {
            _record.ToldOfNumber(operation, outcome, operation.InvokedAt);
        }
        _record.Return(operation, OperationStatus.Done, outcome, null);
    }

    private void Late(Operation operation, Outcome outcome)
    {
        _now += 10;
        _record.ToldOfNumber(operation, outcome, _now);
    }

    private Operation Write(string name, LeaseId session, long seq)
    {
        var number = ++_number;
        return new Operation
        {
            Number = number,
            Client = 1,
            Kind = OperationKind.Put,
            Object = name,
            Value = $"c1-{number}",
            Condition = new KeyCondition(KeyConditionKind.Absent),
            Session = new SessionRequest(session, seq, 0),
            HasIdentity = true,
        };
    }

    private Operation Acquire(ObjectName name, LeaseId session, long seq) => Of(
        OperationKind.AcquireHold,
        name.Name.ToString(),
        new AcquireCommand(name.Name, $"c1-{_number + 1}", TtlOf(session), LeaseId.None, session, Second) { Space = name.Space },
        session.IsNone ? default : new SessionRequest(session, seq, 0),
        name);

    private Operation Release(ObjectName name, long token, LeaseId session, long seq) => Of(
        OperationKind.ReleaseHold,
        name.Name.ToString(),
        new ReleaseHoldCommand(name.Name, new FencingToken(token), Force: false) { Space = name.Space },
        session.IsNone ? default : new SessionRequest(session, seq, 0),
        name,
        token);

    private Operation Of(
        OperationKind kind, string of, Command command, SessionRequest session, ObjectName name = default, long token = 0) => new()
        {
            Number = ++_number,
            Client = 1,
            Kind = kind,
            Object = of,
            Name = name,
            Command = command,
            Token = token,
            WaitMicros = command is AcquireCommand waits ? waits.WaitMicros : 0,
            Session = session,
            HasIdentity = true,
        };

    private static HoldGranted Granted(Operation asked, ObjectName name, long token) =>
        new(new Revision(token), HoldOf(asked, name, token), 0);

    private static Hold HoldOf(Operation asked, ObjectName name, long token) =>
        new(name.Name, asked.Owner, new FencingToken(token), LeaseOf(asked, token), Second, new Revision(token), default) { Space = name.Space };

    /// <summary>Of its own where it has no session.</summary>
    private static LeaseId LeaseOf(Operation asked, long token) => asked.Session.IsNone ? new LeaseId(2_000 + token) : asked.Session.Session;

    private static long TtlOf(LeaseId session) => session.IsNone ? Second : 0;

    private static SessionPart Part(ObjectName name, long token, long number = 0) => new(name, new FencingToken(token), number);

    private static PutDone Put(long revision) =>
        new(new Revision(revision), Key.FromText("r1-z"), new Revision(revision), new Revision(revision), 1, LeaseId.None);
}
