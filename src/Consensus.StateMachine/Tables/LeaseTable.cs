using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>A lease as it is stored. Immutable; a change replaces it.</summary>
/// <param name="Attachments">Keys, holds and waiting places that it carries.</param>
/// <param name="IsOwn">Made for holds: it ends by itself when the last of them goes.</param>
/// <param name="Principal">Whose it is.</param>
internal sealed record LeaseRecord(
    LeaseId Id, long TtlMicros, ClusterTime Deadline, int Keys, int Holds, int Attachments, bool IsOwn, string Principal)
{
    public long Bytes => BytesOf(Principal);

    public bool HasWaiters => Attachments > Keys + Holds;

    /// <summary>
    /// What one takes in memory, about, with its place in two trees. Many share the text of a principal, and need not: each counts it.
    /// </summary>
    public static long BytesOf(string principal) => 140 + (2L * principal.Length);
}

/// <summary>The leases, by id and by deadline. What hangs on one is found in the tables of keys, holds and waiters; here it is only counted.</summary>
internal sealed class LeaseTable(Actors actors, Shares shares)
{
    private readonly CowTree<LeaseId, LeaseRecord> _primary = new(new Measure());
    private readonly CowTree<Due, bool> _byDeadline = new();

    /// <summary>What is remembered of the judging of their holds.</summary>
    public JudgedHolds Judged { get; } = new();

    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    /// <summary><see cref="ClusterTime.Never"/> when there is none.</summary>
    public ClusterTime NextDeadline => _byDeadline.TryFirst(out var due, out _) ? due.Deadline : ClusterTime.Never;

    public bool Contains(LeaseId id) => _primary.Contains(id);

    public bool TryGet(LeaseId id, out LeaseRecord lease) => _primary.TryGet(id, out lease);

    /// <summary>As of now; not to be walked over a write.</summary>
    public IEnumerable<LeaseRecord> Records => _primary.Peek().All().Select(static item => item.Value);

    /// <summary>As of now.</summary>
    public List<LeaseId> All() => [.. _primary.Peek().All().Select(static item => item.Key)];

    /// <summary>The lease whose deadline is first, if that has come by now.</summary>
    public bool TryDue(ClusterTime now, out LeaseRecord lease)
    {
        lease = null!;
        return _byDeadline.TryFirst(out var due, out _) && due.Deadline <= now && _primary.TryGet(new LeaseId(due.Id), out lease);
    }

    /// <summary>Adds a lease that nothing hangs on but so many holds, which are about to.</summary>
    public LeaseRecord Start(LeaseId id, long ttlMicros, ClusterTime deadline, int holds, bool isOwn, string principal)
    {
        var lease = new LeaseRecord(id, ttlMicros, deadline, 0, holds, holds, isOwn, principal);
        Add(lease);
        return lease;
    }

    private void Add(LeaseRecord lease)
    {
        _primary.Set(lease.Id, lease);
        _byDeadline.Set(DueOf(lease), true);
        shares.Add(lease.Principal, leases: 1);
    }

    public void Remove(LeaseRecord lease)
    {
        _primary.Remove(lease.Id);
        _byDeadline.Remove(DueOf(lease));
        shares.Add(lease.Principal, leases: -1);
        Judged.Forget(lease.Id);
    }

    /// <summary>The same lease with another deadline.</summary>
    public LeaseRecord Move(LeaseRecord lease, ClusterTime deadline)
    {
        var moved = lease with { Deadline = deadline };
        _byDeadline.Remove(DueOf(lease));
        _byDeadline.Set(DueOf(moved), true);
        _primary.Set(lease.Id, moved);
        return moved;
    }

    /// <summary>Counts what was attached, or taken off where it is less than 0; gives null for no lease, or one that there is not.</summary>
    public LeaseRecord? Attach(LeaseId id, int keys = 0, int holds = 0, int waiters = 0)
    {
        if (id.IsNone || !_primary.TryGet(id, out var lease))
        {
            return null;
        }
        var attached = lease with { Keys = lease.Keys + keys, Holds = lease.Holds + holds, Attachments = lease.Attachments + keys + holds + waiters };
        _primary.Set(id, attached);
        return attached;
    }

    /// <summary>Stores another record of a lease whose deadline is the same.</summary>
    public void Replace(LeaseRecord lease) => _primary.Set(lease.Id, lease);

    public FrozenTree<LeaseId, LeaseRecord> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the deadlines are those of the leases, and each counts what the other tables say that it carries.</summary>
    public void Verify(KeyTable keys, HoldTable holds, WaiterTable waiters)
    {
        foreach (var (id, lease) in _primary.Peek().All())
        {
            var counted = (lease.Keys, lease.Holds, lease.Attachments - lease.Keys - lease.Holds);
            Invariant.Require(counted == (keys.Of(id).Count, holds.Of(id).Count, waiters.Of(id).Count), $"what hangs on the lease {id} is counted");
        }
        Indexes.Require(_byDeadline, _primary.Peek().All().Select(static item => (DueOf(item.Value), true)), "the index of leases by deadline");
        Invariant.Require(_primary.Peek().All().All(static item => item.Key == item.Value.Id), "a lease stands at its id");
        Invariant.Require(Judged.Leases.All(Contains), "nothing is remembered of a lease that there is not");
        Indexes.RequireSums(_primary, new Measure(), "the leases");
    }

    /// <summary>Of what is written of a lease. Renewals are many: its numbers are hashed as they are.</summary>
    private sealed class Measure : IMeasure<LeaseId, LeaseRecord>
    {
        public long Bytes(LeaseId id, LeaseRecord lease) => lease.Bytes;

        public bool IsLeased(LeaseRecord lease) => false;

        public ulong Digest(LeaseId id, LeaseRecord lease)
        {
            var hash = StateHash.Initial.Add(lease.Id.Value).Add(lease.TtlMicros).Add(lease.Deadline.Micros).Add(lease.IsOwn ? 1 : 0);
            return Actors.AddTo(hash, lease.Principal).Value;
        }
    }

    private static Due DueOf(LeaseRecord lease) => new(lease.Deadline, lease.Id.Value);

    /// <summary>The message <c>Lease</c> of <c>snapshot.proto</c>: what can be counted is not in it.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a lease");
        public static readonly int Id = Shape.Id(1);
        public static readonly int TtlMicros = Shape.Number(2);
        public static readonly int Deadline = Shape.Number(3);
        public static readonly int IsOwn = Shape.Number(4);
        public static readonly int Principal = Shape.Text(5);
    }

    public static void Write(WireWriter writer, LeaseRecord lease)
    {
        writer.Fixed64(Saved.Id, (ulong)lease.Id.Value);
        writer.Int64(Saved.TtlMicros, lease.TtlMicros);
        writer.Int64(Saved.Deadline, lease.Deadline.Micros);
        writer.Bool(Saved.IsOwn, lease.IsOwn);
        writer.String(Saved.Principal, lease.Principal);
    }

    /// <summary>Adds a lease as it was written, with nothing attached yet. Throws <see cref="WireFormatException"/> when it is there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var lease = new LeaseRecord(
            fields.Lease(Saved.Id),
            fields.Number(Saved.TtlMicros),
            fields.Time(Saved.Deadline),
            0,
            0,
            0,
            fields.Flag(Saved.IsOwn),
            actors.NameOf(fields.Text(Saved.Principal)));
        if (_primary.Contains(lease.Id))
        {
            throw new WireFormatException("a lease twice");
        }
        Add(lease);
    }
}
