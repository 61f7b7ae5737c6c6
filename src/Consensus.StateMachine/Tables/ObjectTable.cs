using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>A lock, semaphore or election that is in use, or of which something is remembered; its waiting places, shared and counted holds are in tables of their own.</summary>
/// <param name="Sole">The holder of a lock that is held exclusively, or of an election.</param>
/// <param name="Mode">Of the present holders; exclusive without any.</param>
/// <param name="Permits">A semaphore's limit while anybody holds or waits, or permits are kept back; else 0.</param>
/// <param name="PermitsUsed">The holders' counts together.</param>
/// <param name="Attached">Those of <paramref name="Waiters"/> that are not detached.</param>
/// <param name="Released">Newest released tokens, oldest first; those before them are in <see cref="ReleasedTable"/>.</param>
/// <param name="Losses">The newest losses, oldest first.</param>
/// <param name="Delays">What is kept back for those who lost holds, in the order of the losses; some may be over.</param>
/// <param name="IsUnsettled">Whether waiters can be granted is left over for a later entry, because one may not touch more (rule 9).</param>
/// <param name="FactSequence">Its place among the remembered ones while it is not in use; else 0.</param>
internal sealed record ObjectRecord(
    HoldRecord? Sole,
    LockMode Mode,
    long Holders,
    long Permits,
    long PermitsUsed,
    long Waiters,
    long Attached,
    ImmutableArray<FencingToken> Released,
    ImmutableArray<HoldLoss> Losses,
    ImmutableArray<HoldDelay> Delays,
    bool IsUnsettled,
    long FactSequence)
{
    public static readonly ObjectRecord Free = new(null, LockMode.Exclusive, 0, 0, 0, 0, 0, [], [], [], false, 0);

    /// <summary>Held, waited for, or kept for one who lost it.</summary>
    public bool IsActive => Holders > 0 || Waiters > 0 || !Delays.IsEmpty;

    public HoldLoss? LastLoss => Losses is [.., var last] ? last : null;

    /// <summary>Why the hold of this token was lost; null when that is not known.</summary>
    public HoldLoss? LossOf(FencingToken token)
    {
        foreach (var loss in Losses)
        {
            if (loss.Token == token)
            {
                return loss;
            }
        }
        return null;
    }

    /// <summary>With one more hold.</summary>
    public ObjectRecord With(HoldRecord hold, bool isSole) => this with
    {
        Sole = isSole ? hold : null,
        Mode = hold.Terms.Mode,
        Holders = Holders + 1,
        PermitsUsed = PermitsUsed + hold.Terms.Count,
    };

    public ObjectRecord Without(HoldRecord hold, ImmutableArray<FencingToken> released, ImmutableArray<HoldLoss> losses) => this with
    {
        Released = released,
        Losses = losses,
        Sole = null,
        Mode = Holders == 1 ? LockMode.Exclusive : Mode,
        Holders = Holders - 1,
        PermitsUsed = PermitsUsed - hold.Terms.Count,
    };

    public ObjectRecord Without(WaiterRecord waiter) =>
        this with { Waiters = Waiters - 1, Attached = Attached - (waiter.IsDetached ? 0 : 1) };
}

/// <summary>
/// Locks, semaphores and elections, with what is counted of their holds and waiters, by name; by the first end of what is kept back; those that are left unsettled; and those that nobody
/// uses, by age, of which the newest so many are remembered (rule 24).
/// </summary>
internal sealed class ObjectTable(Limits limits)
{
    private const int OverheadBytes = 185;
    private const int ArrayBytes = 24;
    private const int TokenBytes = 8;
    private const int LossBytes = 136;
    private const int DelayBytes = 64;
    private const int DueBytes = 60;
    private const int UnusedBytes = 60;

    private readonly CowTree<ObjectName, ObjectRecord> _primary = new(NewMeasure());
    private readonly CowTree<Due, ObjectName> _byDelay = new();
    private readonly CowTree<ObjectName, bool> _unsettled = new();
    private readonly CowTree<long, ObjectName> _unused = new();

    /// <summary>With the sole holds.</summary>
    public TreeSum Sum => _primary.Sum;

    /// <summary>Objects that are held, waited for, or kept for those who lost them.</summary>
    public long ActiveCount { get; private set; }

    /// <summary>The number of the next that nobody uses any more.</summary>
    public long NextFact { get; set; } = 1;

    public bool HasDeadlines => _byDelay.Count > 0;

    /// <summary>The first end of a lock delay; <see cref="ClusterTime.Never"/> when there is none.</summary>
    public ClusterTime NextDeadline => _byDelay.TryFirst(out var due, out _) ? due.Deadline : ClusterTime.Never;

    public bool HasUnsettled => _unsettled.Count > 0;

    /// <summary>An unknown object is a free one.</summary>
    public ObjectRecord this[ObjectName name] => _primary.TryGet(name, out var record) ? record : ObjectRecord.Free;

    /// <summary>The object whose lock delay ends first, if it ends by now.</summary>
    public bool TryDue(ClusterTime now, out ObjectName name) => _byDelay.TryFirst(out var due, out name) && due.Deadline <= now;

    public bool TryFirstUnsettled(out ObjectName name) => _unsettled.TryFirst(out name, out _);

    /// <summary>As of now; not to be walked over a write.</summary>
    public IEnumerable<(ObjectName Name, ObjectRecord Record)> All() => _primary.Peek().All();

    /// <summary>As of now.</summary>
    public List<ObjectName> AllUnsettled() => [.. _unsettled.Peek().All().Select(static item => item.Key)];

    /// <summary>Stores an object's new state. One that nobody uses any more is remembered, or goes when there is nothing to remember.</summary>
    /// <param name="before">As it is stored.</param>
    /// <returns>The released tokens of the object that is forgotten for it, if one is.</returns>
    public (ObjectName Name, ImmutableArray<FencingToken> Released)? Store(ObjectName name, ObjectRecord before, ObjectRecord after)
    {
        if (before.IsActive != after.IsActive)
        {
            ActiveCount += after.IsActive ? 1 : -1;
        }
        if (before.Delays != after.Delays)
        {
            MoveDelay(name, HoldDelays.First(before.Delays), HoldDelays.First(after.Delays));
        }
        if (after.Permits != 0 && after.Holders + after.Waiters == 0 && after.Delays.IsEmpty)
        {
            after = after with { Permits = 0 };
        }
        if (after.IsActive && after.FactSequence != 0)
        {
            _unused.Remove(after.FactSequence);
            after = after with { FactSequence = 0 };
        }
        else if (!after.IsActive && after.FactSequence == 0)
        {
            if (after.Released.IsEmpty && after.Losses.IsEmpty)
            {
                _primary.Remove(name);
                return null;
            }
            after = after with { FactSequence = NextFact++ };
            _unused.Set(after.FactSequence, name);
        }
        _primary.Set(name, after);
        if (_unused.Count <= limits.MaxUnheldFacts || !_unused.TryFirst(out var oldest, out var forgotten))
        {
            return null;
        }
        var released = this[forgotten].Released;
        _unused.Remove(oldest);
        _primary.Remove(forgotten);
        return (forgotten, released);
    }

    /// <summary>Another record of an object that is in use as before: with its hold replaced.</summary>
    public void Replace(ObjectName name, ObjectRecord record) => _primary.Set(name, record);

    public void SetUnsettled(ObjectName name, ObjectRecord record, bool isUnsettled)
    {
        if (record.IsUnsettled != isUnsettled)
        {
            _primary.Set(name, record with { IsUnsettled = isUnsettled });
        }
        if (isUnsettled)
        {
            _unsettled.Set(name, true);
        }
        else if (_unsettled.Count > 0)
        {
            _unsettled.Remove(name);
        }
    }

    public FrozenTree<ObjectName, ObjectRecord> Freeze() => _primary.Freeze();

    private void MoveDelay(ObjectName name, HoldDelay? before, HoldDelay? after)
    {
        if (before is not null)
        {
            _byDelay.Remove(DueOf(before));
        }
        if (after is not null)
        {
            _byDelay.Set(DueOf(after), name);
        }
    }

    private static WrittenForm<ObjectName, ObjectRecord> NewMeasure() => new(Write, SizeOf);

    /// <summary>What an object takes in memory, about, with its sole hold and all that is remembered of it.</summary>
    private static long SizeOf(ObjectName name, ObjectRecord record)
    {
        var size = (long)OverheadBytes + name.Name.Length;
        if (record.Sole is { } sole)
        {
            size += HoldTable.SizeOf(name, sole);
        }
        if (!record.Released.IsEmpty)
        {
            size += ArrayBytes + (TokenBytes * record.Released.Length);
        }
        if (!record.Losses.IsEmpty)
        {
            size += ArrayBytes + (LossBytes * record.Losses.Length);
            foreach (var loss in record.Losses)
            {
                size += 2L * (loss.Owner.Length + loss.By.Length + loss.Principal.Length);
            }
        }
        if (!record.Delays.IsEmpty)
        {
            size += ArrayBytes + DueBytes + (DelayBytes * record.Delays.Length);
            foreach (var delay in record.Delays)
            {
                size += 2L * (delay.Owner.Length + delay.Principal.Length);
            }
        }
        return record.FactSequence == 0 ? size : size + UnusedBytes;
    }

    /// <summary>By how much the state grows when something is stored of an object of which nothing is.</summary>
    /// <param name="record">As it is stored.</param>
    public static long GrowthOf(ObjectName name, ObjectRecord record) => ReferenceEquals(record, ObjectRecord.Free) ? SizeOf(name, record) : 0;

    private static Due DueOf(HoldDelay delay) => new(delay.Until, delay.Token.Value);

    /// <summary>Throws unless the indexes have exactly what the objects say, and the counts of each are those of its holds and waiters.</summary>
    public void Verify(HoldTable holds, WaiterTable waiters)
    {
        var all = All().ToList();
        Indexes.Require(
            _byDelay, all.Where(static o => !o.Record.Delays.IsEmpty).Select(static o => (DueOf(HoldDelays.First(o.Record.Delays)!), o.Name)), "the index of lock delays");
        Invariant.Require(all.TrueForAll(o => o.Record.Delays.Length <= limits.MaxDelaysPerLock), "an object tells so many lost holds apart");
        Indexes.Require(_unsettled, all.Where(static o => o.Record.IsUnsettled).Select(static o => (o.Name, true)), "the index of unsettled objects");
        Indexes.Require(_unused, all.Where(static o => !o.Record.IsActive).Select(static o => (o.Record.FactSequence, o.Name)), "the index of unused objects");
        Invariant.Require(all.TrueForAll(o => o.Record.FactSequence < NextFact && o.Record.IsActive == (o.Record.FactSequence == 0)), "an object in use is no fact");
        Invariant.Require(ActiveCount == all.Count(static o => o.Record.IsActive), "the active objects are counted");
        var holdsOf = holds.All().ToLookup(static h => h.Key.Object, static h => h.Hold);
        var waitersOf = waiters.All().ToLookup(static w => w.Object);
        foreach (var (name, record) in all)
        {
            Invariant.Require(record.Holders == holdsOf[name].LongCount(), $"the holders of the {name} are counted");
            Invariant.Require(record.PermitsUsed == holdsOf[name].Sum(static h => h.Terms.Count), $"the permits of the {name} are counted");
            Invariant.Require(record.Waiters == waitersOf[name].LongCount(), $"the waiters of the {name} are counted");
            Invariant.Require(record.Attached == waitersOf[name].LongCount(static w => !w.IsDetached), $"the attached waiters of the {name} are counted");
        }
        Invariant.Require(
            holdsOf.Select(static g => g.Key).Concat(waitersOf.Select(static g => g.Key)).All(_primary.Contains), "what is held or waited for is an object");
        Indexes.RequireSums(_primary, NewMeasure(), "the objects");
    }

    /// <summary>The message <c>Object</c> of <c>snapshot.proto</c>. What can be counted from the holds and waiting places is not in it.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a lock");
        public static readonly int Name = Shape.Bytes(1);
        public static readonly int Sole = Shape.Message(2);
        public static readonly int Released = Shape.Numbers(3);
        public static readonly int Losses = Shape.Message(4);
        public static readonly int FactSequence = Shape.Number(5);
        public static readonly int Space = Shape.Number(6);
        public static readonly int Permits = Shape.Number(7);
        public static readonly int Delays = Shape.Message(8);
        public static readonly int IsUnsettled = Shape.Number(9);
    }

    public static void Write(WireWriter writer, ObjectName name, ObjectRecord record)
    {
        writer.Bytes(Saved.Name, name.Name.Bytes);
        if (record.Sole is { } hold)
        {
            HoldTable.Write(writer, Saved.Sole, hold);
        }
        foreach (var token in record.Released)
        {
            writer.Int64(Saved.Released, token.Value);
        }
        if (!record.Losses.IsEmpty)
        {
            HoldLosses.Write(writer, Saved.Losses, record.Losses);
        }
        writer.Int64(Saved.FactSequence, record.FactSequence);
        writer.Int64(Saved.Space, (int)name.Space);
        writer.Int64(Saved.Permits, record.Permits);
        if (!record.Delays.IsEmpty)
        {
            HoldDelays.Write(writer, Saved.Delays, record.Delays);
        }
        writer.Bool(Saved.IsUnsettled, record.IsUnsettled);
    }

    /// <summary>
    /// Adds an object as it was written, without holds and waiters: what it is to know of them is counted as they are loaded. Throws <see cref="WireFormatException"/> when it is
    /// damaged, or there already.
    /// </summary>
    /// <param name="sole">Its sole hold as it was written, if it has one.</param>
    public ObjectName Load(ReadOnlyMemory<byte> item, out ReadOnlyMemory<byte>? sole)
    {
        var fields = new Fields(item, Saved.Shape);
        var name = new ObjectName(fields.Space(Saved.Space), fields.Key(Saved.Name));
        if (_primary.Contains(name))
        {
            throw new WireFormatException($"the {name} twice, or after its holds");
        }
        var record = ObjectRecord.Free with
        {
            Released = fields.Tokens(),
            Losses = fields.Has(Saved.Losses) ? HoldLosses.Read(fields.Bytes(Saved.Losses)) : [],
            FactSequence = fields.Number(Saved.FactSequence),
            Permits = fields.Number(Saved.Permits),
            Delays = fields.Has(Saved.Delays) ? HoldDelays.Read(fields.Bytes(Saved.Delays)) : [],
            IsUnsettled = fields.Flag(Saved.IsUnsettled),
        };
        _primary.Set(name, record);
        MoveDelay(name, null, HoldDelays.First(record.Delays));
        ActiveCount += record.IsActive ? 1 : 0;
        if (record.FactSequence != 0)
        {
            _unused.Set(record.FactSequence, name);
        }
        if (record.IsUnsettled)
        {
            _unsettled.Set(name, true);
        }
        sole = fields.Has(Saved.Sole) ? fields.Bytes(Saved.Sole) : default(ReadOnlyMemory<byte>?);
        return name;
    }

    /// <summary>Counts a hold that was loaded.</summary>
    public void LoadHold(ObjectName name, HoldRecord hold)
    {
        var record = this[name];
        ActiveCount += record.IsActive ? 0 : 1;
        _primary.Set(name, record.With(hold, HoldTable.IsSole(name, hold)));
    }

    public void LoadWaiter(WaiterRecord waiter)
    {
        var record = this[waiter.Object];
        ActiveCount += record.IsActive ? 0 : 1;
        _primary.Set(waiter.Object, record with { Waiters = record.Waiters + 1, Attached = record.Attached + (waiter.IsDetached ? 0 : 1) });
    }
}
