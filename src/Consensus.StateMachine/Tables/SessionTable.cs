using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// The sessions, by their lease, and what is kept of their numbers: every outcome, until it is acknowledged (rule 21). A wait is not here: the place, and then the hold, carries its
/// number.
/// </summary>
internal sealed class SessionTable(Limits limits)
{
    /// <summary>What a hold or a place takes in memory because it is under a session, about.</summary>
    private const int PartBytes = 200;

    private readonly CowTree<LeaseId, SessionRecord> _sessions = new(NewSessionMeasure());
    private readonly CowTree<SessionNumber, NumberAnswer> _primary = new(NewMeasure());
    private readonly CowTree<SessionVersion, SessionEnded> _ended = new(NewEndedMeasure());

    /// <summary>The holds and places that there are, by the version with which each began.</summary>
    private readonly CowTree<SessionVersion, SessionPart> _parts = new(new PartMeasure());
    private readonly CowTree<SessionDue, bool> _dues = new();

    public int Count => _sessions.Count;

    public int AnswerCount => _primary.Count;

    /// <summary>What all of it takes in memory, about: also what holds and places under sessions take beside their own.</summary>
    public long Bytes => _sessions.Sum.Bytes + _primary.Sum.Bytes + _ended.Sum.Bytes + _parts.Sum.Bytes;

    /// <summary>Of what ended.</summary>
    public TreeSum EndedSum => _ended.Sum;

    public int EndedCount => _ended.Count;

    public TreeSum SessionSum => _sessions.Sum;

    /// <summary>Of the answers.</summary>
    public TreeSum Sum => _primary.Sum;

    /// <summary>See <see cref="SessionRecord"/>; 0 when the lease is no session's.</summary>
    public long ClaimedOf(LeaseId lease) => _sessions.Count > 0 && _sessions.TryGet(lease, out var session) ? session.Claimed : 0;

    public bool TryGet(LeaseId id, out SessionRecord session) => _sessions.TryGet(id, out session);

    /// <summary>By how much more the state grows with a hold or a place on this lease when that is a session.</summary>
    public long GrowthOf(LeaseId lease) => !lease.IsNone && _sessions.Contains(lease) ? PartBytes : 0;

    public bool TryGet(SessionNumber number, out NumberAnswer answer) => _primary.TryGet(number, out answer);

    public bool Contains(SessionNumber number) => _primary.Contains(number);

    public void Start(LeaseId id, string principal) => _sessions.Set(id, new SessionRecord(id, principal, 0, 0, 0, 0, 0, 0, 0, 0));

    /// <summary>Stores another record of a session whose answers are the same.</summary>
    public void Replace(SessionRecord session) => _sessions.Set(session.Id, session);

    /// <summary>Keeps what came of a number of which nothing is kept.</summary>
    public void Add(SessionRecord session, long number, NumberAnswer answer)
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

    /// <summary>A hold or a place begins on this lease.</summary>
    /// <returns>The session's version from now on, which is the part's; 0 when the lease is no session.</returns>
    public long Rise(LeaseId lease)
    {
        if (lease.IsNone || !_sessions.TryGet(lease, out var session))
        {
            return 0;
        }
        _sessions.Set(lease, session with { Version = session.Version + 1 });
        return session.Version + 1;
    }

    /// <summary>A request of the session came: its client lives, and hears what there is under it, if it asks.</summary>
    /// <returns>The session as it is now.</returns>
    public SessionRecord Hear(SessionRecord session)
    {
        if (session.Claimed == session.Version)
        {
            return session;
        }
        var heard = session with { Claimed = session.Version };
        Replace(heard);
        return heard;
    }

    /// <summary>As above, of the session that the lease is, if it is one.</summary>
    public void Hear(LeaseId lease)
    {
        if (_sessions.Count > 0 && _sessions.TryGet(lease, out var session))
        {
            Hear(session);
        }
    }

    public void Add(ObjectName name, HoldRecord hold)
    {
        if (hold.Mark is not { } mark)
        {
            return;
        }
        _parts.Set(new SessionVersion(hold.Lease, mark.Begun), PartOf(name, hold, mark));
        if (hold.Until != ClusterTime.Never)
        {
            _dues.Set(new SessionDue(hold.Lease, hold.Until, hold.Token), true);
        }
    }

    public void Add(WaiterRecord waiter)
    {
        if (waiter.Begun != 0)
        {
            _parts.Set(new SessionVersion(waiter.SharedLease, waiter.Begun), PartOf(waiter));
        }
    }

    /// <summary>A hold is no more. Its session rises, if that has not ended.</summary>
    /// <param name="reason">Null when whoever asked for its end is told of it, and nobody else need be.</param>
    public void Remove(ObjectName name, HoldRecord hold, SessionEnd? reason)
    {
        if (hold.Mark is not { } mark)
        {
            return;
        }
        _parts.Remove(new SessionVersion(hold.Lease, mark.Begun));
        if (hold.Until != ClusterTime.Never)
        {
            _dues.Remove(new SessionDue(hold.Lease, hold.Until, hold.Token));
        }
        End(hold.Lease, PartOf(name, hold, mark), reason);
    }

    /// <summary>A place is no more, and no hold came of it.</summary>
    public void Remove(WaiterRecord waiter, SessionEnd reason)
    {
        if (waiter.Begun != 0)
        {
            Forget(waiter);
            End(waiter.SharedLease, PartOf(waiter), reason);
        }
    }

    /// <summary>A place is about to become a hold.</summary>
    public void Forget(WaiterRecord waiter)
    {
        if (waiter.Begun != 0)
        {
            _parts.Remove(new SessionVersion(waiter.SharedLease, waiter.Begun));
        }
    }

    private void End(LeaseId lease, SessionPart part, SessionEnd? reason)
    {
        if (!_sessions.TryGet(lease, out var session))
        {
            return;
        }
        session = session with { Version = session.Version + 1 };
        if (reason is { } why)
        {
            _ended.Set(new SessionVersion(lease, session.Version), new SessionEnded(part, why));
            session = session with { Ends = session.Ends + 1 };
            if (session.Ends > limits.MaxSessionEnds && _ended.TryFirstFrom(new SessionVersion(lease, 0), out var oldest, out _))
            {
                _ended.Remove(oldest);
                session = session with { Ends = session.Ends - 1, Forgotten = oldest.Version };
            }
        }
        _sessions.Set(lease, session);
    }

    private static SessionPart PartOf(ObjectName name, HoldRecord hold, SessionMark mark) => new(name, hold.Token, mark.Number);

    private static SessionPart PartOf(WaiterRecord waiter) => new(waiter.Object, FencingToken.None, waiter.Identity.Number.Number);

    /// <summary>Drops the session of a lease that ends, if it is one, with all its answers and what ended under it; its holds and places are about to end.</summary>
    /// <returns>How many records it were.</returns>
    public int Remove(LeaseId id)
    {
        if (!_sessions.TryGet(id, out var session))
        {
            return 0;
        }
        Acknowledge(session, long.MaxValue);
        while (_ended.TryFirstFrom(new SessionVersion(id, 0), out var ended, out _) && ended.Session == id)
        {
            _ended.Remove(ended);
        }
        _sessions.Remove(id);
        return 1 + session.Answers + session.Ends;
    }

    /// <summary>How many records go with a lease; 0 when it is no session's.</summary>
    public int RecordsOf(LeaseId id) => _sessions.TryGet(id, out var session) ? 1 + session.Answers + session.Ends : 0;

    public SessionsView Freeze() => new(_sessions.Freeze(), _primary.Freeze(), _ended.Freeze(), _parts.Freeze(), _dues.Freeze());

    /// <summary>Throws unless every session has its lease and counts its answers, every answer its session, and none is acknowledged or too far ahead.</summary>
    public void Verify(LeaseTable leases, HoldTable holds, WaiterTable waiters)
    {
        VerifyNews(holds, waiters);
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

    /// <summary>Throws unless what there is and what ended under sessions is what the holds and places say, each with a version that its session had.</summary>
    private void VerifyNews(HoldTable holds, WaiterTable waiters)
    {
        var marked = holds.All().Where(static h => h.Hold.Mark is not null).ToList();
        var placed = waiters.All().Where(static w => w.Begun != 0).ToList();
        Invariant.Require(
            holds.All().All(h => (h.Hold.Mark is not null) == _sessions.Contains(h.Hold.Lease)) && waiters.All().All(w => (w.Begun != 0) == _sessions.Contains(w.SharedLease)),
            "a hold or place under a session knows its version, and no other has one");
        Indexes.Require(
            _parts,
            marked.Select(static h => (new SessionVersion(h.Hold.Lease, h.Hold.Mark!.Begun), PartOf(h.Key.Object, h.Hold, h.Hold.Mark!)))
                .Concat(placed.Select(static w => (new SessionVersion(w.SharedLease, w.Begun), PartOf(w)))),
            "the index of what there is under sessions");
        Indexes.Require(
            _dues,
            marked.Where(static h => h.Hold.Until != ClusterTime.Never).Select(static h => (new SessionDue(h.Hold.Lease, h.Hold.Until, h.Hold.Token), true)),
            "the index of what may not be held for ever under sessions");
        var endsOf = _ended.Peek().All().ToLookup(static item => item.Key.Session);
        foreach (var (id, session) in _sessions.Peek().All())
        {
            Invariant.Require(endsOf[id].Count() == session.Ends && session.Ends <= limits.MaxSessionEnds, $"what ended under the session {id} is counted");
            Invariant.Require(endsOf[id].All(e => e.Key.Version > session.Forgotten && e.Key.Version <= session.Version), "what ended has a version of its session");
        }
        Invariant.Require(endsOf.All(item => _sessions.Contains(item.Key)), "what ended has its session");
        Invariant.Require(
            _parts.Peek().All().All(item => _sessions.TryGet(item.Key.Session, out var session) && item.Key.Version <= session.Version), "what began has a version of its session");
        Indexes.RequireSums(_ended, NewEndedMeasure(), "what ended under sessions");
    }

    private static bool IsUpTo(SessionNumber number, LeaseId session, long acked) => number.Session == session && number.Number <= acked;

    private static WrittenForm<LeaseId, SessionRecord> NewSessionMeasure() =>
        new(static (writer, _, session) => Write(writer, session), static (_, session) => session.Bytes);

    private static WrittenForm<SessionVersion, SessionEnded> NewEndedMeasure() => new(Write, static (_, ended) => ended.Bytes);

    private static WrittenForm<SessionNumber, NumberAnswer> NewMeasure() => new(Write, static (_, answer) => answer.Bytes);

    /// <summary>Of an index: what it says is replicated with the holds and places.</summary>
    private sealed class PartMeasure : IMeasure<SessionVersion, SessionPart>
    {
        public long Bytes(SessionVersion version, SessionPart part) => PartBytes;

        public bool IsLeased(SessionPart part) => false;

        public ulong Digest(SessionVersion version, SessionPart part) => 0;
    }

    /// <summary>The message <c>Session</c> of <c>snapshot.proto</c>: what can be counted is not in it.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a session");
        public static readonly int Id = Shape.Id(1);
        public static readonly int Principal = Shape.Text(2);
        public static readonly int Acked = Shape.Number(3);
        public static readonly int Highest = Shape.Number(4);
        public static readonly int Version = Shape.Number(5);
        public static readonly int Forgotten = Shape.Number(6);
        public static readonly int Claimed = Shape.Number(7);
    }

    /// <summary>The message <c>SessionEnded</c>.</summary>
    private static class SavedEnded
    {
        public static readonly MessageShape Shape = new("what ended under a session");
        public static readonly int Session = Shape.Id(1);
        public static readonly int Version = Shape.Number(2);
        public static readonly int Space = Shape.Number(3);
        public static readonly int Name = Shape.Bytes(4);
        public static readonly int Token = Shape.Number(5);
        public static readonly int Number = Shape.Number(6);
        public static readonly int Reason = Shape.Number(7);
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
        writer.Int64(Saved.Version, session.Version);
        writer.Int64(Saved.Forgotten, session.Forgotten);
        writer.Int64(Saved.Claimed, session.Claimed);
    }

    public static void Write(WireWriter writer, SessionVersion version, SessionEnded ended)
    {
        writer.Fixed64(SavedEnded.Session, (ulong)version.Session.Value);
        writer.Int64(SavedEnded.Version, version.Version);
        writer.Int64(SavedEnded.Space, (int)ended.Part.Object.Space);
        writer.Bytes(SavedEnded.Name, ended.Part.Object.Name.Bytes);
        writer.Int64(SavedEnded.Token, ended.Part.Token.Value);
        writer.Int64(SavedEnded.Number, ended.Part.Number);
        writer.Int64(SavedEnded.Reason, (int)ended.Reason);
    }

    public static void Write(WireWriter writer, SessionNumber number, NumberAnswer answer)
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
            BriefAnswerCodec.Write(writer, Identity.Of(number), answer.Nothing!);
        }
        writer.EndMessage(start);
    }

    /// <summary>Adds a session as it was written, with no answers yet. Throws <see cref="WireFormatException"/> when it is there already, or has no lease.</summary>
    public void Load(ReadOnlyMemory<byte> item, LeaseTable leases)
    {
        var fields = new Fields(item, Saved.Shape);
        var session = new SessionRecord(
            fields.Lease(Saved.Id),
            fields.Text(Saved.Principal),
            fields.Number(Saved.Acked),
            fields.Number(Saved.Highest),
            fields.Number(Saved.Version),
            fields.Number(Saved.Forgotten),
            fields.Number(Saved.Claimed),
            0,
            0,
            0);
        if (_sessions.Contains(session.Id) || !leases.Contains(session.Id))
        {
            throw new WireFormatException("a session twice, or without its lease");
        }
        Replace(session);
    }

    /// <summary>Adds what ended as it was written. Throws <see cref="WireFormatException"/> when it is damaged, there already, or of no session.</summary>
    public void LoadEnded(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedEnded.Shape);
        var version = new SessionVersion(fields.Lease(SavedEnded.Session), fields.Number(SavedEnded.Version));
        var reason = (SessionEnd)fields.Number(SavedEnded.Reason);
        if (!TryGet(version.Session, out var session) || _ended.Contains(version) || !Enum.IsDefined(reason))
        {
            throw new WireFormatException("what ended under no session, twice, or for an unknown reason");
        }
        var name = new ObjectName(fields.Space(SavedEnded.Space), fields.Key(SavedEnded.Name));
        _ended.Set(version, new SessionEnded(new SessionPart(name, new FencingToken(fields.Number(SavedEnded.Token)), fields.Number(SavedEnded.Number)), reason));
        Replace(session with { Ends = session.Ends + 1 });
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
        Add(session, number.Number, new NumberAnswer(
            fields.Has(SavedAnswer.Done) ? KeptAnswers.Read(fields.Bytes(SavedAnswer.Done)).Kept : null,
            fields.Has(SavedAnswer.Nothing) ? BriefAnswerCodec.Read(fields.Bytes(SavedAnswer.Nothing)).Answer : null));
    }
}
