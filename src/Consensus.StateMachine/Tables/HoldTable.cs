using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// All holds, by object and token, by lease, by the end of what they may be held for, and by the request that was granted one. Nearly all are sole ones: the only hold of an
/// exclusive lock or of an election. Such a one is kept by its object's record, for it is looked at together with that and never needs a place of its own.
/// </summary>
internal sealed class HoldTable(ObjectTable objects, Actors actors, Shares shares)
{
    private const int OverheadBytes = 160;
    private const int SharedOverheadBytes = 360;
    private const int EndBytes = 45;

    /// <summary>Shared and counted holds.</summary>
    private readonly CowTree<HoldKey, HoldRecord> _primary = new(NewMeasure());

    /// <summary>Of the holds in <see cref="_primary"/>: a sole one is found at its object.</summary>
    private readonly Dictionary<RequestId, HoldKey> _byRequest = [];

    /// <summary>As above: a token that comes alone, to a fence, is known for one that others may hold beside it.</summary>
    private readonly Dictionary<FencingToken, ObjectName> _byToken = [];

    /// <summary>As above, both: whoever asks for something that very many hold is told in O(log n) that it is one of them.</summary>
    private readonly CowTree<OwnerHold, bool> _byOwner = new();
    private readonly CowTree<LeasedHold, bool> _byObjectAndLease = new();

    /// <summary>What requests of sessions waited for: several holds where several locks were asked for at once.</summary>
    private readonly CowTree<NumberedHold, ObjectName> _byNumber = new();
    private readonly CowTree<LeaseHold, ObjectName> _byLease = new();
    private readonly CowTree<Due, ObjectName> _byEnd = new();
    private long _soleCount;

    public long Count => _soleCount + _primary.Count;

    /// <summary>Of shared and counted holds.</summary>
    public TreeSum Sum => _primary.Sum;

    public bool HasDeadlines => _byEnd.Count > 0;

    /// <summary>The first end of a hold that may not be held for longer; <see cref="ClusterTime.Never"/> when there is none.</summary>
    public ClusterTime NextDeadline => _byEnd.TryFirst(out var due, out _) ? due.Deadline : ClusterTime.Never;

    /// <summary>The only hold that its object can have beside none.</summary>
    public static bool IsSole(ObjectName name, HoldRecord hold) => IsSole(name, hold.Terms);

    private static bool IsSole(ObjectName name, HoldTerms terms) => name.Space != HoldSpace.Semaphore && terms.Mode == LockMode.Exclusive;

    public HoldRecord? Find(ObjectName name, FencingToken token) => Find(name, objects[name], token);

    /// <param name="record">The object as it is stored.</param>
    public HoldRecord? Find(ObjectName name, ObjectRecord record, FencingToken token) =>
        record.Sole is { } sole ? (sole.Token == token ? sole : null)
        : record.Holders > 0 && _primary.TryGet(new HoldKey(name, token), out var hold) ? hold
        : null;

    /// <summary>The hold that this very request was granted, while it is held and nobody else was told of it.</summary>
    public HoldRecord? Find(ObjectName name, ObjectRecord record, RequestId request)
    {
        if (record.Sole is { } sole)
        {
            return sole.Request == request && request != RequestId.None ? sole : null;
        }
        return _byRequest.TryGetValue(request, out var key) && key.Object == name ? Find(name, record, key.Token) : null;
    }

    /// <summary>Whether the token is that of a shared or counted hold that stands, and of which object.</summary>
    public bool IsShared(FencingToken token, out ObjectName name) => _byToken.TryGetValue(token, out name);

    /// <summary>The first hold of this owner, or under this lease; none when it has none.</summary>
    public FencingToken OwnOf(ObjectName name, ObjectRecord record, OwnerName owner, LeaseId lease)
    {
        if (record.Sole is { } sole)
        {
            return sole.OwnerName == owner || (!lease.IsNone && sole.Lease == lease) ? sole.Token : FencingToken.None;
        }
        if (record.Holders == 0)
        {
            return FencingToken.None;
        }
        if (_byOwner.TryFirstFrom(new OwnerHold(name, owner, FencingToken.None), out var named, out _) && named.Object == name && named.Owner == owner)
        {
            return named.Token;
        }
        return !lease.IsNone
            && _byObjectAndLease.TryFirstFrom(new LeasedHold(name, lease, FencingToken.None), out var leased, out _)
            && leased.Object == name
            && leased.Lease == lease
            ? leased.Token
            : FencingToken.None;
    }

    /// <summary>What a session's request waited for and has still, in the order of the tokens, which is that of its names.</summary>
    public IReadOnlyList<HoldKey> Of(SessionNumber number) =>
        _byNumber.TryFirstFrom(new NumberedHold(number, FencingToken.None), out var first, out _) && first.Number == number
            ? [.. _byNumber.Peek().From(first).TakeWhile(h => h.Key.Number == number).Select(h => new HoldKey(h.Value, h.Key.Token))]
            : [];

    public HoldRecord? First(ObjectName name, ObjectRecord record) =>
        record.Holders == 0 || record.Sole is not null ? record.Sole
        : _primary.TryFirstFrom(new HoldKey(name, FencingToken.None), out _, out var hold) ? hold
        : null;

    /// <summary>All that hold the object now, in the order of their tokens.</summary>
    public List<HoldRecord> Of(ObjectName name, ObjectRecord record)
    {
        if (record.Sole is { } sole)
        {
            return [sole];
        }
        var holds = new List<HoldRecord>();
        foreach (var (key, hold) in _primary.Peek().From(new HoldKey(name, FencingToken.None)))
        {
            if (key.Object != name)
            {
                break;
            }
            holds.Add(hold);
        }
        return holds;
    }

    /// <summary>All that hang on the lease, in the order of their tokens.</summary>
    public List<HoldKey> Of(LeaseId lease)
    {
        var holds = _byLease.Peek().From(new LeaseHold(lease, FencingToken.None)).TakeWhile(h => h.Key.Lease == lease);
        return [.. holds.Select(static h => new HoldKey(h.Value, h.Key.Token))];
    }

    /// <summary>The first hold on the lease whose token is above this one.</summary>
    public bool TryNextOf(LeaseId lease, FencingToken after, out HoldKey key)
    {
        var from = new LeaseHold(lease, new FencingToken(after.Value + 1));
        var isThere = _byLease.TryFirstFrom(from, out var found, out var name) && found.Lease == lease;
        key = new HoldKey(name, found.Token);
        return isThere;
    }

    /// <summary>The hold that may be held the shortest, if its time is over by now.</summary>
    public bool TryDue(ClusterTime now, out HoldKey key)
    {
        var isDue = _byEnd.TryFirst(out var due, out var name) && due.Deadline <= now;
        key = new HoldKey(name, new FencingToken(due.Id));
        return isDue;
    }

    /// <summary>Adds a hold, which its object's record has or counts already.</summary>
    public void Add(ObjectName name, HoldRecord hold)
    {
        if (IsSole(name, hold))
        {
            _soleCount++;
        }
        else
        {
            var key = new HoldKey(name, hold.Token);
            _primary.Set(key, hold);
            NameRequest(hold, key);
            _byToken[hold.Token] = name;
            _byOwner.Set(new OwnerHold(name, hold.OwnerName, hold.Token), true);
            _byObjectAndLease.Set(new LeasedHold(name, hold.Lease, hold.Token), true);
        }
        shares.Add(hold.Principal, holds: 1);
        _byLease.Set(new LeaseHold(hold.Lease, hold.Token), name);
        if (hold.Mark is { Number: > 0 } mark)
        {
            _byNumber.Set(NumberOf(hold, mark), name);
        }
        if (hold.Until != ClusterTime.Never)
        {
            _byEnd.Set(DueOf(hold), name);
        }
    }

    /// <summary>Removes a hold, which its object's record has and counts no more.</summary>
    public void Remove(ObjectName name, HoldRecord hold)
    {
        if (IsSole(name, hold))
        {
            _soleCount--;
        }
        else
        {
            _primary.Remove(new HoldKey(name, hold.Token));
            _byRequest.Remove(hold.Request);
            _byToken.Remove(hold.Token);
            _byOwner.Remove(new OwnerHold(name, hold.OwnerName, hold.Token));
            _byObjectAndLease.Remove(new LeasedHold(name, hold.Lease, hold.Token));
        }
        shares.Add(hold.Principal, holds: -1);
        _byLease.Remove(new LeaseHold(hold.Lease, hold.Token));
        if (hold.Mark is { Number: > 0 } mark)
        {
            _byNumber.Remove(NumberOf(hold, mark));
        }
        if (hold.Until != ClusterTime.Never)
        {
            _byEnd.Remove(DueOf(hold));
        }
    }

    /// <summary>The same hold with another value or request; its object's record is changed too where it has it.</summary>
    public void Replace(ObjectName name, HoldRecord before, HoldRecord after)
    {
        if (IsSole(name, after))
        {
            objects.Replace(name, objects[name] with { Sole = after });
        }
        else
        {
            var key = new HoldKey(name, after.Token);
            _primary.Set(key, after);
            _byRequest.Remove(before.Request);
            NameRequest(after, key);
        }
    }

    public HoldsView Freeze() => new(_primary.Freeze(), _byLease.Freeze());

    /// <summary>Every hold, whether it has a place of its own or is with its object.</summary>
    public IEnumerable<(HoldKey Key, HoldRecord Hold)> All()
    {
        foreach (var (key, hold) in _primary.Peek().All())
        {
            yield return (key, hold);
        }
        foreach (var (name, record) in objects.All())
        {
            if (record.Sole is { } sole)
            {
                yield return (new HoldKey(name, sole.Token), sole);
            }
        }
    }

    /// <summary>Throws unless the indexes have exactly what the holds say, and count and sums are theirs.</summary>
    public void Verify()
    {
        var all = All().ToList();
        Indexes.Require(_byLease, all.Select(static h => (new LeaseHold(h.Hold.Lease, h.Hold.Token), h.Key.Object)), "the index of holds by lease");
        Indexes.Require(
            _byEnd, all.Where(static h => h.Hold.Until != ClusterTime.Never).Select(static h => (DueOf(h.Hold), h.Key.Object)), "the index of holds by their end");
        var counted = all.Where(static h => !IsSole(h.Key.Object, h.Hold)).ToList();
        Indexes.Require(_byToken, counted.Select(static h => (h.Hold.Token, h.Key.Object)), "the index of holds by token");
        Indexes.Require(
            _byOwner, counted.Select(static h => (new OwnerHold(h.Key.Object, h.Hold.OwnerName, h.Hold.Token), true)),
            "the index of holds by owner");
        Indexes.Require(
            _byObjectAndLease, counted.Select(static h => (new LeasedHold(h.Key.Object, h.Hold.Lease, h.Hold.Token), true)), "the index of holds by object and lease");
        Indexes.Require(
            _byRequest,
            all.Where(static h => !IsSole(h.Key.Object, h.Hold) && h.Hold.Request != RequestId.None).Select(static h => (h.Hold.Request, h.Key)),
            "the index of holds by request");
        var numbered = all.Where(static h => h.Hold.Mark is { Number: > 0 });
        Indexes.Require(
            _byNumber, numbered.Select(static h => (NumberOf(h.Hold, h.Hold.Mark!), h.Key.Object)), "the index of holds by number");
        Invariant.Require(_primary.Peek().All().All(static h => !IsSole(h.Key.Object, h.Value) && h.Key.Token == h.Value.Token), "a sole hold is kept by its object");
        Invariant.Require(Count == all.Count, "the holds are counted");
        Indexes.RequireSums(_primary, NewMeasure(), "the holds");
    }

    private static WrittenForm<HoldKey, HoldRecord> NewMeasure() =>
        new(static (writer, key, hold) => Write(writer, key.Object, hold), static (key, hold) => SizeOf(key.Object, hold));

    public static long SizeOf(ObjectName name, HoldRecord hold) =>
        SizeOf(name, hold.OwnerName, hold.Terms, hold.Until != ClusterTime.Never);

    /// <summary>What a hold takes in memory, about, beside its object and its lease.</summary>
    /// <param name="hasEnd">It has a <c>maxHold</c>.</param>
    public static long SizeOf(ObjectName name, OwnerName owner, HoldTerms terms, bool hasEnd) =>
        OverheadBytes + (2L * (owner.Owner.Length + owner.Principal.Length)) + terms.Bytes + (hasEnd ? EndBytes : 0)
        + (IsSole(name, terms) ? 0 : SharedOverheadBytes + name.Name.Length);

    private void NameRequest(HoldRecord hold, HoldKey key)
    {
        if (hold.Request != RequestId.None)
        {
            _byRequest[hold.Request] = key;
        }
    }

    private static NumberedHold NumberOf(HoldRecord hold, SessionMark mark) => new(new SessionNumber(hold.Lease, mark.Number), hold.Token);

    private static Due DueOf(HoldRecord hold) => new(hold.Until, hold.Token.Value);

    /// <summary>The message <c>Hold</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a hold");
        public static readonly int Owner = Shape.Text(1);
        public static readonly int Token = Shape.Number(2);
        public static readonly int Lease = Shape.Id(3);
        public static readonly int OwnsLease = Shape.Number(4);
        public static readonly int Request = Shape.Message(5);
        public static readonly int WaitedMicros = Shape.Number(6);
        public static readonly int Mode = Shape.Number(7);
        public static readonly int Count = Shape.Number(8);
        public static readonly int Until = Shape.Number(9);
        public static readonly int LockDelayMicros = Shape.Number(10);
        public static readonly int Metadata = Shape.Bytes(11);
        public static readonly int Value = Shape.Bytes(12);
        public static readonly int MaxHoldMicros = Shape.Number(13);
        public static readonly int Number = Shape.Number(14);
        public static readonly int Fingerprint = Shape.Bytes(15);
        public static readonly int Begun = Shape.Number(16);
        public static readonly int LockCount = Shape.Number(17);
        public static readonly int Numbered = Shape.Number(18);
        public static readonly int Untaken = Shape.Number(19);
        public static readonly int Principal = Shape.Text(20);
    }

    /// <summary>The message <c>HoldOf</c>: a hold with the name of its object.</summary>
    private static class SavedOf
    {
        public static readonly MessageShape Shape = new("a hold of an object");
        public static readonly int Space = Shape.Number(1);
        public static readonly int Name = Shape.Bytes(2);
        public static readonly int Hold = Shape.Message(3);
    }

    public static void Write(WireWriter writer, ObjectName name, HoldRecord hold)
    {
        writer.Int64(SavedOf.Space, (int)name.Space);
        writer.Bytes(SavedOf.Name, name.Name.Bytes);
        Write(writer, SavedOf.Hold, hold);
    }

    /// <param name="field">Of the message that it is a part of.</param>
    public static void Write(WireWriter writer, int field, HoldRecord hold)
    {
        var start = writer.BeginMessage(field);
        writer.String(Saved.Owner, hold.Owner);
        writer.Int64(Saved.Token, hold.Token.Value);
        writer.Fixed64(Saved.Lease, (ulong)hold.Lease.Value);
        RequestIdCodec.Write(writer, Saved.Request, hold.Request);
        writer.Int64(Saved.WaitedMicros, hold.WaitedMicros);
        writer.Int64(Saved.Mode, (int)hold.Terms.Mode);
        writer.Int64(Saved.Count, hold.Terms.Count);
        writer.Int64(Saved.Until, hold.Until == ClusterTime.Never ? 0 : hold.Until.Micros);
        writer.Int64(Saved.LockDelayMicros, hold.Terms.LockDelayMicros);
        writer.Bytes(Saved.Metadata, hold.Terms.Metadata.Span);
        writer.Bytes(Saved.Value, hold.Terms.Value.Span);
        writer.Int64(Saved.MaxHoldMicros, hold.Terms.MaxHoldMicros);
        if (hold.Mark is { } mark)
        {
            writer.Int64(Saved.Number, mark.Number);
            writer.Bytes(Saved.Fingerprint, mark.Fingerprint.Span);
            writer.Int64(Saved.Begun, mark.Begun);
            writer.Int64(Saved.LockCount, mark.LockCount);
            writer.Bool(Saved.Numbered, mark.IsNumbered);
            writer.Bool(Saved.Untaken, mark.IsUntaken);
        }
        writer.String(Saved.Principal, hold.Principal);
        writer.EndMessage(start);
    }

    /// <summary>Adds a shared or counted hold as it was written with its object's name.</summary>
    /// <param name="leases">Count it too: a hold without its lease is damage, as is one twice, or beside a sole one. Each throws <see cref="WireFormatException"/>.</param>
    /// <returns>The hold with the name of its object.</returns>
    public (ObjectName Object, HoldRecord Hold) Load(ReadOnlyMemory<byte> item, LeaseTable leases)
    {
        var fields = new Fields(item, SavedOf.Shape);
        var name = new ObjectName(fields.Space(SavedOf.Space), fields.Key(SavedOf.Name));
        return (name, Load(name, fields.Bytes(SavedOf.Hold), leases));
    }

    /// <summary>As above, of a known object.</summary>
    public HoldRecord Load(ObjectName name, ReadOnlyMemory<byte> item, LeaseTable leases)
    {
        var fields = new Fields(item, Saved.Shape);
        var until = fields.Number(Saved.Until);
        var hold = new HoldRecord(
            actors.NameOf(fields.Text(Saved.Principal)),
            fields.Text(Saved.Owner),
            new FencingToken(fields.Number(Saved.Token)),
            fields.Lease(Saved.Lease),
            fields.Request(Saved.Request),
            fields.Number(Saved.WaitedMicros),
            until == 0 ? ClusterTime.Never : new ClusterTime(until),
            HoldTerms.Of(
                fields.Mode(Saved.Mode),
                Math.Max(1, fields.Number(Saved.Count)),
                fields.Number(Saved.LockDelayMicros),
                fields.Number(Saved.MaxHoldMicros),
                fields.Bytes(Saved.Metadata).ToArray(),
                fields.Bytes(Saved.Value).ToArray()))
        {
            Mark = fields.Number(Saved.Begun) is > 0 and var begun
                ? new SessionMark(begun, fields.Number(Saved.Number), fields.Bytes(Saved.Fingerprint).ToArray(), fields.Number(Saved.LockCount))
                { IsNumbered = fields.Flag(Saved.Numbered), IsUntaken = fields.Flag(Saved.Untaken) }
                : null,
        };
        var record = objects[name];
        var isAlone = IsSole(name, hold) || record.Sole is not null;
        if (hold.Mark is { Number: > 0 } mark && Of(NumberOf(hold, mark).Number).Count >= Math.Max(1, mark.LockCount))
        {
            throw new WireFormatException("more holds of one number of a session than it asked for");
        }
        if ((isAlone && record.Holders > 0) || Find(name, record, hold.Token) is not null || !leases.TryGet(hold.Lease, out var lease))
        {
            throw new WireFormatException($"a hold of the {name} beside an exclusive one, twice, or without its lease");
        }
        Add(name, hold);
        leases.Replace(lease with { Holds = lease.Holds + 1, Attachments = lease.Attachments + 1, IsOwn = lease.IsOwn || fields.Flag(Saved.OwnsLease) });
        objects.LoadHold(name, hold);
        return hold;
    }
}
