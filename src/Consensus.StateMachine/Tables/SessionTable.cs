using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>A session: what a lease has beside it when its client numbers its requests.</summary>
/// <param name="Principal">Whose it is: nobody else's requests are judged by it.</param>
/// <param name="Acked">It only rises: no answer up to this number is kept, and none of them is taken any more.</param>
/// <param name="Highest">The highest number that was taken.</param>
/// <param name="Answers">That are kept.</param>
/// <param name="AnswerBytes">What they take in memory, as counted for their bound.</param>
internal sealed record SessionRecord(LeaseId Id, string Principal, long Acked, long Highest, int Answers, long AnswerBytes)
{
    public long Bytes => BytesOf(Principal);

    /// <summary>What a session takes in memory without its answers, about.</summary>
    public static long BytesOf(string principal) => 256 + (2L * principal.Length);
}

/// <summary>What a number of a session came to: what it did, or the answer that changed nothing. Exactly one of the two is there.</summary>
internal sealed record SessionAnswer(KeptOutcome? Done, BriefAnswer? Nothing)
{
    public ReadOnlyMemory<byte> Fingerprint => Done?.Fingerprint ?? Nothing!.Fingerprint;

    /// <summary>It was fenced before anything came of it.</summary>
    public bool IsFenced => Nothing is { Kind: BriefKind.Withdrawn };

    public long Bytes => 64 + (Done?.Bytes ?? Nothing!.Bytes);
}

internal readonly record struct SessionsView(FrozenTree<LeaseId, SessionRecord> Sessions, FrozenTree<SessionNumber, SessionAnswer> Answers);

/// <summary>
/// The sessions, by their lease, and what is kept of their numbers: every outcome, until it is acknowledged (rule 21). A wait is not here: the place, and then the hold, carries its
/// number.
/// </summary>
internal sealed class SessionTable
{
    private readonly CowTree<LeaseId, SessionRecord> _sessions = new(NewSessionMeasure());
    private readonly CowTree<SessionNumber, SessionAnswer> _primary = new(NewMeasure());

    public int Count => _sessions.Count;

    public int AnswerCount => _primary.Count;

    /// <summary>What of it counts towards the state's byte quota.</summary>
    public long Bytes => _sessions.Sum.Bytes + _primary.Sum.Bytes;

    public TreeSum SessionSum => _sessions.Sum;

    /// <summary>Of the answers.</summary>
    public TreeSum Sum => _primary.Sum;

    public bool TryGet(LeaseId id, out SessionRecord session) => _sessions.TryGet(id, out session);

    public bool TryGet(SessionNumber number, out SessionAnswer answer) => _primary.TryGet(number, out answer);

    public bool Contains(SessionNumber number) => _primary.Contains(number);

    public void Start(LeaseId id, string principal) => _sessions.Set(id, new SessionRecord(id, principal, 0, 0, 0, 0));

    /// <summary>Stores another record of a session whose answers are the same.</summary>
    public void Replace(SessionRecord session) => _sessions.Set(session.Id, session);

    /// <summary>Keeps what came of a number of which nothing is kept.</summary>
    public void Add(SessionRecord session, long number, SessionAnswer answer)
    {
        _primary.Set(new SessionNumber(session.Id, number), answer);
        _sessions.Set(session.Id, session with { Answers = session.Answers + 1, AnswerBytes = session.AnswerBytes + answer.Bytes });
    }

    /// <summary>Raises what is acknowledged, and drops the answers up to it.</summary>
    /// <returns>The session as it is now.</returns>
    public SessionRecord Acknowledge(SessionRecord session, long acked)
    {
        var (answers, bytes) = (session.Answers, session.AnswerBytes);
        while (answers > 0 && _primary.TryFirstFrom(new SessionNumber(session.Id, 0), out var number, out var answer) && IsUpTo(number, session.Id, acked))
        {
            _primary.Remove(number);
            answers--;
            bytes -= answer.Bytes;
        }
        var after = session with { Acked = acked, Answers = answers, AnswerBytes = bytes };
        _sessions.Set(session.Id, after);
        return after;
    }

    /// <summary>Drops the session of a lease that ends, if it is one, with all its answers.</summary>
    /// <returns>How many records it were.</returns>
    public int Remove(LeaseId id)
    {
        if (!_sessions.TryGet(id, out var session))
        {
            return 0;
        }
        Acknowledge(session, long.MaxValue);
        _sessions.Remove(id);
        return 1 + session.Answers;
    }

    /// <summary>How many records go with a lease; 0 when it is no session's.</summary>
    public int RecordsOf(LeaseId id) => _sessions.TryGet(id, out var session) ? 1 + session.Answers : 0;

    public SessionsView Freeze() => new(_sessions.Freeze(), _primary.Freeze());

    /// <summary>Throws unless every session has its lease and counts its answers, every answer its session, and none is acknowledged or too far ahead.</summary>
    public void Verify(LeaseTable leases, Limits limits)
    {
        var answersOf = _primary.Peek().All().ToLookup(static item => item.Key.Session);
        foreach (var (id, session) in _sessions.Peek().All())
        {
            Invariant.Require(id == session.Id && leases.Contains(id), $"the session {id} has its lease");
            var counted = (answersOf[id].Count(), answersOf[id].Sum(static item => item.Value.Bytes));
            Invariant.Require(counted == (session.Answers, session.AnswerBytes), $"the answers of the session {id} are counted");
            foreach (var (number, answer) in answersOf[id])
            {
                Invariant.Require((answer.Done is null) != (answer.Nothing is null), "a number had an effect or had none");
                Invariant.Require(number.Number > session.Acked && number.Number - session.Acked <= limits.MaxSessionNumbers, "what is kept is not acknowledged, nor too far ahead");
            }
        }
        Invariant.Require(answersOf.All(item => _sessions.Contains(item.Key)), "an answer has its session");
        Indexes.RequireSums(_sessions, NewSessionMeasure(), "the sessions");
        Indexes.RequireSums(_primary, NewMeasure(), "the answers of sessions");
    }

    private static bool IsUpTo(SessionNumber number, LeaseId session, long acked) => number.Session == session && number.Number <= acked;

    private static WrittenForm<LeaseId, SessionRecord> NewSessionMeasure() =>
        new(static (writer, _, session) => Write(writer, session), static (_, session) => session.Bytes);

    private static WrittenForm<SessionNumber, SessionAnswer> NewMeasure() => new(Write, static (_, answer) => answer.Bytes);

    /// <summary>The message <c>Session</c> of <c>snapshot.proto</c>: what can be counted is not in it.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a session");
        public static readonly int Id = Shape.Id(1);
        public static readonly int Principal = Shape.Text(2);
        public static readonly int Acked = Shape.Number(3);
        public static readonly int Highest = Shape.Number(4);
    }

    /// <summary>The message <c>SessionAnswer</c>.</summary>
    private static class SavedAnswer
    {
        public static readonly MessageShape Shape = new("an answer of a session");
        public static readonly int Session = Shape.Id(1);
        public static readonly int Number = Shape.Number(2);
        public static readonly int Done = Shape.Message(3);
        public static readonly int Nothing = Shape.Message(4);
    }

    public static void Write(WireWriter writer, SessionRecord session)
    {
        writer.Fixed64(Saved.Id, (ulong)session.Id.Value);
        writer.String(Saved.Principal, session.Principal);
        writer.Int64(Saved.Acked, session.Acked);
        writer.Int64(Saved.Highest, session.Highest);
    }

    public static void Write(WireWriter writer, SessionNumber number, SessionAnswer answer)
    {
        writer.Fixed64(SavedAnswer.Session, (ulong)number.Session.Value);
        writer.Int64(SavedAnswer.Number, number.Number);
        var start = writer.BeginMessage(answer.Done is null ? SavedAnswer.Nothing : SavedAnswer.Done);
        if (answer.Done is { } done)
        {
            KeptAnswers.Write(writer, Identity.Of(number), done);
        }
        else
        {
            answer.Nothing!.Write(writer, Identity.Of(number));
        }
        writer.EndMessage(start);
    }

    /// <summary>Adds a session as it was written, with no answers yet. Throws <see cref="WireFormatException"/> when it is there already, or has no lease.</summary>
    public void Load(ReadOnlyMemory<byte> item, LeaseTable leases)
    {
        var fields = new Fields(item, Saved.Shape);
        var session = new SessionRecord(fields.Lease(Saved.Id), fields.Text(Saved.Principal), fields.Number(Saved.Acked), fields.Number(Saved.Highest), 0, 0);
        if (_sessions.Contains(session.Id) || !leases.Contains(session.Id))
        {
            throw new WireFormatException("a session twice, or without its lease");
        }
        Replace(session);
    }

    /// <summary>Adds an answer as it was written. Throws <see cref="WireFormatException"/> when it is damaged, there already, or of no session.</summary>
    public void LoadAnswer(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedAnswer.Shape);
        var number = new SessionNumber(fields.Lease(SavedAnswer.Session), fields.Number(SavedAnswer.Number));
        if (!TryGet(number.Session, out var session) || Contains(number) || fields.Has(SavedAnswer.Done) == fields.Has(SavedAnswer.Nothing))
        {
            throw new WireFormatException("an answer of no session, twice, or that both changed something and did not");
        }
        Add(session, number.Number, new SessionAnswer(
            fields.Has(SavedAnswer.Done) ? KeptAnswers.Read(fields.Bytes(SavedAnswer.Done)).Kept : null,
            fields.Has(SavedAnswer.Nothing) ? BriefAnswer.Read(fields.Bytes(SavedAnswer.Nothing)).Answer : null));
    }
}
