using System.Diagnostics;
using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>
/// What all clients of one round asked and were answered, what watches were told, and the checkers' judgement of it. One clock for all: the clients run in this process, and the
/// members' clocks are this machine's. Any thread.
/// </summary>
internal sealed class Record
{
    private static readonly SimulatedClock TrueClock = new(0);

    /// <summary>Members forget no history that is younger.</summary>
    private const long HistoryKeptMicros = 5 * 60 * 1_000_000L;

    private readonly Lock _gate = new();
    private readonly ClockBounds _bounds = new();
    private readonly LeasePromise _plainLocks;
    private readonly LeasePromise _leases;
    private readonly RetryOnce _retries = new();
    private readonly List<WatchSession> _sessions = [];

    /// <summary>What clients of sessions were told, in that order.</summary>
    private readonly List<Action<SessionAnswers, SessionLives>> _told = [];

    /// <summary>Sessions that were told to have ended, and when.</summary>
    private readonly List<(LeaseId Session, long At)> _sessionsEnded = [];
    private readonly Chronicle _chronicle = new();
    private readonly Func<long> _now;
    private long _revision;
    private long _outside = 1_000_000_000;

    /// <param name="began">The newest revision when the round began.</param>
    /// <param name="now">For histories that were made before; microseconds.</param>
    public Record(Revision began, Func<long>? now = null)
    {
        Began = began;
        var started = Stopwatch.GetTimestamp();
        _now = now ?? (() => (long)Stopwatch.GetElapsedTime(started).TotalMicroseconds);
        (_plainLocks, _leases) = (new LeasePromise(_bounds), new LeasePromise(_bounds));
        _revision = began.Value;
    }

    /// <summary>Microseconds since the round began.</summary>
    public long Now => _now();

    public Revision Began { get; }

    /// <summary>To be used in <see cref="Invoke"/> and <see cref="Learn"/> alone.</summary>
    public History History { get; } = new();

    /// <summary>Of an operation that is made outside <see cref="Invoke"/>: above all others, and nobody else's.</summary>
    public long NextNumber => Interlocked.Increment(ref _outside);

    /// <summary>As of now: a watch that opens anew may still ask.</summary>
    public IReadOnlyList<Operation> Operations
    {
        get
        {
            lock (_gate)
            {
                return [.. History.Operations];
            }
        }
    }

    public int Undecided { get; private set; }

    /// <summary>
    /// What was judged of sessions: numbers that came to something, those of them that were settled before, news, and pairs in line.
    /// </summary>
    public (long Numbers, long Fenced, long News, long Turns) SessionsJudged { get; private set; }

    public long LeasesJudged => _plainLocks.Judged + _leases.Judged;

    public IReadOnlyList<WatchSession> Sessions => _sessions;

    /// <summary>The newest revision that anybody was answered from.</summary>
    public Revision Newest => new(Interlocked.Read(ref _revision));

    /// <param name="make">The next operation: <see cref="History"/> has its number.</param>
    public Operation Invoke(Func<Operation> make)
    {
        lock (_gate)
        {
            var operation = make();
            operation.InvokedAt = Now;
            operation.InvokedClock = operation.InvokedAt;
            History.Invoked(operation);
            return operation;
        }
    }

    public void Return(Operation operation, OperationStatus status, Outcome? outcome, ReadResult? seen)
    {
        lock (_gate)
        {
            operation.Status = status;
            operation.Outcome = outcome;
            operation.Seen = seen;
            operation.ReturnedAt = status == OperationStatus.Done ? Now : long.MaxValue;
            Note(Math.Max(seen?.ViewRevision ?? 0, outcome?.Revision.Value ?? 0));
        }
    }

    /// <summary>One more attempt of an operation that was over was answered.</summary>
    public void ToldAgain(Operation operation, Outcome outcome)
    {
        lock (_gate)
        {
            operation.ToldAgain.Add(outcome);
            Note(outcome.Revision.Value);
        }
    }

    /// <summary>A client sends a request that acknowledges so much.</summary>
    public void Acknowledged(LeaseId session, long acked)
    {
        lock (_gate)
        {
            _told.Add((answers, _) => answers.Acknowledged(session, acked));
        }
    }

    /// <summary>What an attempt under a number of a session was told, or its settlement, be the operation over or not.</summary>
    /// <param name="sentAt">When that was sent.</param>
    public void ToldOfNumber(Operation operation, Outcome outcome, long sentAt)
    {
        lock (_gate)
        {
            var (session, number) = (operation.Session.Session, operation.Session.Number);
            _told.Add((answers, _) => answers.Told(session, number, outcome));
            Note(outcome.Revision.Value);
            // What a wait came to is told to whoever asks for it next, and says nothing of its session since.
            if (operation.WaitMicros == 0 || outcome is Settled || IsEnd(outcome, session))
            {
                Lives(session, !IsEnd(outcome, session), sentAt);
            }
            if (!IsEnd(outcome, session) && outcome is not Settled)
            {
                operation.ToldAgain.Add(outcome);
            }
        }
    }

    /// <summary>It tells that the session has ended: before it arrived, or while it stood in line.</summary>
    public static bool IsEnd(Outcome outcome, LeaseId session) =>
        outcome is SessionRefused { Reason: SessionRefusal.Ended } || (outcome is LeaseMissing missing && missing.Id == session);

    /// <summary>A session was told to live, or to have ended.</summary>
    /// <param name="sentAt">When that was asked.</param>
    public void Lives(LeaseId session, bool isAlive, long sentAt)
    {
        lock (_gate)
        {
            var now = Now;
            _told.Add((_, lives) => lives.Told(session, isAlive, sentAt, now));
            if (!isAlive)
            {
                _sessionsEnded.Add((session, now));
            }
        }
    }

    /// <summary>What a client makes of an answer.</summary>
    public void Learn(Action learn)
    {
        lock (_gate)
        {
            learn();
        }
    }

    /// <summary>A watch was opened; the session is its client's until the judgement.</summary>
    public void Opened(WatchSession session)
    {
        lock (_gate)
        {
            _sessions.Add(session);
        }
    }

    /// <summary>A watch that misses nothing was told this.</summary>
    public void Told(Revision revision, IReadOnlyList<Change> changes)
    {
        lock (_gate)
        {
            _chronicle.Told(revision, changes, Now);
            Note(revision.Value);
        }
    }

    /// <summary>Once nobody asks any more, and every watch was told everything. Throws what a broken promise throws.</summary>
    public void Check()
    {
        var operations = History.Operations;
        foreach (var operation in operations)
        {
            CheckOne(operation);
        }
        RevisionsIncrease.Check(operations);
        TokensIncrease.Check(operations);
        FinalAnswers.CheckToldAgain(operations);
        new OneHolder(_bounds).Check(operations, _ => TrueClock);
        new HoldersFit(_bounds).Check(operations, _ => TrueClock, HoldersFit.BrokenByForce(operations));
        GuardedWrites.Check(operations);
        HoldsByRevision.Check(operations);
        CheckSessions(operations);
        var leaseOf = Promise(operations);
        // Of several signs of its end the earliest tells most.
        var ended = new Dictionary<LeaseId, long>();
        void Ended(LeaseId lease, long at) => ended[lease] = Math.Min(at, ended.GetValueOrDefault(lease, long.MaxValue));
        _chronicle.Check(operations, Ended);
        Withdrawals.CheckAnswers(operations, _chronicle.WithEffect(operations));
        NoteEnds(operations, leaseOf, Ended);
        foreach (var (session, at) in _sessionsEnded.Where(ended => !IsRevoked(operations, ended.Session, ended.At)))
        {
            Ended(session, at);
        }
        foreach (var (lease, at) in ended)
        {
            _leases.SeenExpired(lease.Value, at);
        }
        CheckWatches();
        Undecided = ObjectHistories.Check(operations, _plainLocks.PromisedUntil) + Fences.Check(operations);
    }

    private void Note(long revision) => _revision = Math.Max(_revision, revision);

    private void CheckSessions(IReadOnlyList<Operation> operations)
    {
        var (answers, lives) = (new SessionAnswers(), new SessionLives());
        _told.ForEach(told => told(answers, lives));
        SessionAnswers.CheckSeen(operations);
        SessionsJudged = (answers.Count, answers.Fenced, NewsByAnswers.Check(operations), TurnsByAnswers.Check(operations));
    }

    private void CheckOne(Operation operation)
    {
        if (operation.Status != OperationStatus.Done)
        {
            return;
        }
        _retries.Answered(operation);
        foreach (var again in operation.ToldAgain)
        {
            _retries.Effect(operation.Owner, again);
        }
        if (!operation.IsPlain)
        {
            return;
        }
        _plainLocks.Acknowledged(operation, TrueClock);
        if (operation.Outcome is NotHolder { Loss: { Reason: LossReason.Expired } loss })
        {
            _plainLocks.SeenExpired(loss.Token.Value, operation.ReturnedAt);
        }
    }

    /// <summary>What was promised of leases of every kind.</summary>
    /// <returns>By token: the lease that a hold hangs on.</returns>
    private Dictionary<long, LeaseId> Promise(IReadOnlyList<Operation> operations)
    {
        var leases = new Dictionary<long, LeaseId>();
        foreach (var operation in operations.Where(o => o.Status == OperationStatus.Done))
        {
            foreach (var (lease, micros) in operation.Promises)
            {
                _leases.Promised(lease.Value, operation, micros, TrueClock);
            }
            foreach (var hold in operation.Holds)
            {
                leases[hold.Token.Value] = hold.Lease;
            }
        }
        return leases;
    }

    /// <summary>Leases that answers say have ended by themselves.</summary>
    private static void NoteEnds(IReadOnlyList<Operation> operations, Dictionary<long, LeaseId> leaseOf, Action<LeaseId, long> ended)
    {
        foreach (var operation in operations.Where(o => o is { Status: OperationStatus.Done, IsPlain: false }))
        {
            if (operation.Outcome is NotHolder { Loss: { Reason: LossReason.Expired } loss } && leaseOf.TryGetValue(loss.Token.Value, out var lease))
            {
                ended(lease, operation.ReturnedAt);
            }
            foreach (var renewal in operation.Outcome is LeasesRenewed renewed ? renewed.Renewals.Where(r => !r.Alive) : [])
            {
                if (!IsRevoked(operations, renewal.Id, operation.ReturnedAt))
                {
                    ended(renewal.Id, operation.ReturnedAt);
                }
            }
        }
    }

    /// <summary>It may have been revoked by then.</summary>
    private static bool IsRevoked(IReadOnlyList<Operation> operations, LeaseId lease, long at) =>
        operations.Any(o => o.Command is RevokeLeaseCommand revoke && revoke.Id == lease && o.Status != OperationStatus.NotDone
            && o.InvokedAt <= at);

    private void CheckWatches()
    {
        var order = new WatchOrder();
        order.Applied(_chronicle.Changes, _chronicle.Last, Now < HistoryKeptMicros ? Began : Newest);
        foreach (var session in _sessions)
        {
            session.Check(order, _chronicle);
        }
        Violation.Unless(_sessions.Count == 0 || _chronicle.Changes.Any(), WatchOrder.Name, () => $"{_sessions.Count} watches were opened, and nothing was told of");
    }
}
