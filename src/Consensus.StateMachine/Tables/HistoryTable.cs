using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>What changed since <see cref="CompactRevision"/>, in order. It shares keys and values with the present state.</summary>
internal sealed class HistoryTable
{
    private readonly ChangeLog _primary = new();
    private Revision _last;

    /// <summary>Changes as a snapshot holds them, in their order: without what the keys became. Empty but during a restore.</summary>
    private List<Recorded> _loaded = [];

    /// <summary>The last revision that is forgotten; 0 when nothing is.</summary>
    public Revision CompactRevision { get; private set; }

    public int Count => _primary.Count;

    /// <summary>What it takes in memory, as counted for its bound.</summary>
    public long Bytes => _primary.Bytes;

    /// <summary>The sum of the changes' hashes.</summary>
    public ulong Digest => _primary.Digest;

    public void Add(Change change, ClusterTime stamp)
    {
        Invariant.Require(change.Revision >= _last && change.Revision > CompactRevision, "history is written in order");
        _last = change.Revision;
        _primary.Append(new Recorded(change, stamp));
    }

    /// <summary>From the oldest on, as of now.</summary>
    public IEnumerable<Recorded> All() => _primary.Freeze().From(Revision.Zero);

    /// <summary>Forgets the oldest so many, which are those up to this revision.</summary>
    public void Forget(int count, Revision upTo)
    {
        _primary.RemoveFirst(count);
        CompactRevision = upTo;
    }

    public PastChanges Freeze() => _primary.Freeze();

    /// <summary>Throws unless the changes stand in order, after what is forgotten, and the bytes are theirs.</summary>
    public void Verify()
    {
        var (count, bytes, digest, before) = (0, 0L, 0UL, CompactRevision.Next);
        foreach (var recorded in All())
        {
            Invariant.Require(recorded.Change.Revision >= before && recorded.Change.Revision <= _last, "history stands in order");
            (count, bytes, digest, before) = (count + 1, bytes + recorded.Bytes, digest + recorded.Digest, recorded.Change.Revision);
        }
        Invariant.Require((count, bytes, digest) == (Count, Bytes, Digest), "the changes are counted");
    }

    /// <summary>The message <c>Change</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a change");
        public static readonly int Revision = Shape.Number(1);
        public static readonly int Stamp = Shape.Number(2);
        public static readonly int Name = Shape.Bytes(3);
        public static readonly int Before = Shape.Message(4);
        public static readonly int Election = Shape.Message(5);
    }

    private static class SavedElection
    {
        public static readonly MessageShape Shape = new("an election");
        public static readonly int Leader = Shape.Message(1);
    }

    private static class SavedLeader
    {
        public static readonly MessageShape Shape = new("a leader");
        public static readonly int Owner = Shape.Text(1);
        public static readonly int Token = Shape.Number(2);
        public static readonly int Lease = Shape.Id(3);
        public static readonly int TtlMicros = Shape.Number(4);
        public static readonly int AcquiredRevision = Shape.Number(5);
        public static readonly int Deadline = Shape.Number(6);
        public static readonly int HoldUntil = Shape.Number(7);
        public static readonly int LockDelayMicros = Shape.Number(8);
        public static readonly int Metadata = Shape.Bytes(9);
        public static readonly int Value = Shape.Bytes(10);
    }

    /// <summary>
    /// What a key became is not written: it is what the next change of the key replaced, or else the key as it stands. So every value is written once, and a restored history
    /// shares its values with the keys as the original did.
    /// </summary>
    public static void Write(WireWriter writer, Recorded recorded)
    {
        writer.Int64(Saved.Revision, recorded.Change.Revision.Value);
        writer.Int64(Saved.Stamp, recorded.Stamp.Micros);
        int start;
        switch (recorded.Change)
        {
            case KeyChange change:
                writer.Bytes(Saved.Name, change.Key.Bytes);
                if (change.Before is { } before)
                {
                    start = writer.BeginMessage(Saved.Before);
                    KeyRecordCodec.Write(writer, default, before);
                    writer.EndMessage(start);
                }
                break;
            case ElectionChange change:
                writer.Bytes(Saved.Name, change.Name.Bytes);
                start = writer.BeginMessage(Saved.Election);
                if (change.Leader is { } leader)
                {
                    WriteLeader(writer, leader);
                }
                writer.EndMessage(start);
                break;
            default:
                Invariant.Unreachable<int>(recorded.Change);
                break;
        }
    }

    private static void WriteLeader(WireWriter writer, Hold leader)
    {
        var start = writer.BeginMessage(SavedElection.Leader);
        writer.String(SavedLeader.Owner, leader.Owner);
        writer.Int64(SavedLeader.Token, leader.Token.Value);
        writer.Fixed64(SavedLeader.Lease, (ulong)leader.Lease.Value);
        writer.Int64(SavedLeader.TtlMicros, leader.TtlMicros);
        writer.Int64(SavedLeader.AcquiredRevision, leader.AcquiredRevision.Value);
        writer.Int64(SavedLeader.Deadline, leader.Deadline.Micros);
        writer.Int64(SavedLeader.HoldUntil, leader.HoldUntil.Micros);
        writer.Int64(SavedLeader.LockDelayMicros, leader.LockDelayMicros);
        writer.Bytes(SavedLeader.Metadata, leader.Metadata.Span);
        writer.Bytes(SavedLeader.Value, leader.Value.Span);
        writer.EndMessage(start);
    }

    /// <summary>A restored history goes on from here, before any of it is loaded.</summary>
    public void BeginLoad(Revision compactRevision) => CompactRevision = compactRevision;

    /// <summary>How many changes are loaded, and wait for <see cref="EndLoad"/>.</summary>
    public int LoadedCount => _loaded.Count;

    /// <summary>Takes a change as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or not after the one before it.</summary>
    /// <param name="revision">Of the state, of which no change is newer; as is none than <paramref name="stamp"/>.</param>
    public void Load(ReadOnlyMemory<byte> item, Revision revision, ClusterTime stamp)
    {
        var fields = new Fields(item, Saved.Shape);
        var (at, when) = (new Revision(fields.Number(Saved.Revision)), fields.Time(Saved.Stamp));
        var isAfterTheLast = _loaded is not [.., var last] || (at >= last.Change.Revision && when >= last.Stamp);
        if (!isAfterTheLast || at <= CompactRevision || at > revision || when > stamp)
        {
            throw new WireFormatException("a history that is not in order");
        }
        var name = fields.Key(Saved.Name);
        Change change = fields.Has(Saved.Election)
            ? new ElectionChange(at, name, ReadLeader(name, new Fields(fields.Bytes(Saved.Election), SavedElection.Shape)))
            : new KeyChange(at, name, fields.Has(Saved.Before) ? KeyRecordCodec.Read(fields.Bytes(Saved.Before)).Record : null, null);
        _loaded.Add(new Recorded(change, when));
    }

    private static Hold? ReadLeader(Key name, in Fields election)
    {
        if (!election.Has(SavedElection.Leader))
        {
            return null;
        }
        var fields = new Fields(election.Bytes(SavedElection.Leader), SavedLeader.Shape);
        return new Hold(
            name,
            fields.Text(SavedLeader.Owner),
            new FencingToken(fields.Number(SavedLeader.Token)),
            fields.Lease(SavedLeader.Lease),
            fields.Number(SavedLeader.TtlMicros),
            new Revision(fields.Number(SavedLeader.AcquiredRevision)),
            fields.Time(SavedLeader.Deadline))
        {
            Space = HoldSpace.Election,
            HoldUntil = fields.Time(SavedLeader.HoldUntil),
            LockDelayMicros = fields.Number(SavedLeader.LockDelayMicros),
            Metadata = fields.Bytes(SavedLeader.Metadata).ToArray(),
            Value = fields.Bytes(SavedLeader.Value).ToArray(),
        };
    }

    /// <summary>
    /// Makes the history of what was loaded, once the keys are: from the newest change to the oldest, so that what a key became is known, which is what its next change found, or
    /// the key as it stands. Throws <see cref="WireFormatException"/> when the changes do not lead to the present keys.
    /// </summary>
    public void EndLoad(KeyTable keys)
    {
        var later = new Dictionary<Key, KeyChange>();
        for (var i = _loaded.Count - 1; i >= 0; i--)
        {
            if (_loaded[i].Change is KeyChange change)
            {
                var whole = Complete(change, later, keys);
                later[whole.Key] = whole;
                _loaded[i] = _loaded[i] with { Change = whole };
            }
        }
        foreach (var recorded in _loaded)
        {
            _primary.Append(recorded);
            _last = recorded.Change.Revision;
        }
        _loaded = [];
    }

    private static KeyChange Complete(KeyChange change, Dictionary<Key, KeyChange> later, KeyTable keys)
    {
        var key = change.Key;
        KeyRecord? after = null;
        var isOnce = true;
        if (later.TryGetValue(key, out var next))
        {
            (key, after, isOnce) = (next.Key, next.Before, next.Revision != change.Revision);
        }
        else if (keys.TryGet(key, out var stored, out var present))
        {
            (key, after) = (stored, present);
        }
        var fits = after is null ? change.Before is not null : after.ModRevision == change.Revision;
        return fits && isOnce
            ? new KeyChange(change.Revision, key, change.Before, after)
            : throw new WireFormatException("a history that does not lead to the present keys");
    }
}
