using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>The frozen tables of a view.</summary>
internal sealed record ViewTables(
    FrozenTree<Key, KeyRecord> Keys,
    FrozenTree<LeaseId, LeaseRecord> Leases,
    FrozenTree<LeaseItem, bool> LeaseKeys,
    FrozenTree<LeaseItem, bool> LeaseHolds,
    FrozenTree<Key, LockRecord> Locks,
    FrozenTree<WaiterKey, WaiterRecord> Waiters,
    FrozenTree<Identity, KeptOutcome> Kept,
    FrozenTree<MemberId, MemberInfo> Members);

/// <summary>Sequence numbers that a restored state goes on from.</summary>
internal readonly record struct ViewCounters(long NextWaiter, long NextFact, long NextKept);

/// <summary>An immutable view of the state at one applied index. Any thread may read it, for as long as it likes.</summary>
public sealed class StateView
{
    private const int ShownItems = 100;

    internal StateView(
        LogIndex appliedIndex,
        ClusterTime appliedStamp,
        Revision revision,
        StateHash hash,
        StateCounts counts,
        ViewTables tables,
        ViewCounters counters) =>
        (AppliedIndex, AppliedStamp, Revision, Hash, Counts, Tables, Counters) = (appliedIndex, appliedStamp, revision, hash, counts, tables, counters);

    public LogIndex AppliedIndex { get; }

    public ClusterTime AppliedStamp { get; }

    public Revision Revision { get; }

    public StateHash Hash { get; }

    public StateCounts Counts { get; }

    /// <summary>Lowest feature level announced by any member that ever announced itself; 0 when none did.</summary>
    public int FeatureLevel => Tables.Members.All().Select(m => m.Value.FeatureLevel).DefaultIfEmpty(0).Min();

    internal ViewTables Tables { get; }

    internal ViewCounters Counters { get; }

    public KeyRecord? GetKey(Key key) => Tables.Keys.TryGet(key, out var record) ? record : null;

    /// <summary>Keys with the prefix in byte order, from after <paramref name="after"/> (null: from the first).</summary>
    public IEnumerable<KeyItem> ListKeys(Key prefix, Key? after)
    {
        foreach (var (key, record) in Tables.Keys.From(Later(prefix, after)))
        {
            if (!key.StartsWith(prefix))
            {
                yield break;
            }
            if (key != after)
            {
                yield return new KeyItem(key, record);
            }
        }
    }

    /// <summary>How many keys have the prefix (empty: all); O(log n).</summary>
    public long CountKeys(Key prefix)
    {
        var end = AfterPrefix(prefix);
        return (end is { } stop ? Tables.Keys.Rank(stop) : Tables.Keys.Count) - Tables.Keys.Rank(prefix);
    }

    public LeaseInfo? GetLease(LeaseId id) => Tables.Leases.TryGet(id, out var lease)
        ? new LeaseInfo(
            lease.Id, lease.TtlMicros, lease.Deadline, NamesOf(Tables.LeaseKeys, id), lease.Keys, [.. NamesOf(Tables.LeaseHolds, id).Select(ObjectName.Lock)], lease.Holds)
        : null;

    /// <summary>Leases in order of their id, from after <paramref name="after"/>; without their attachments' names.</summary>
    public IEnumerable<LeaseInfo> ListLeases(LeaseId after)
    {
        foreach (var (id, lease) in Tables.Leases.From(after))
        {
            if (id != after)
            {
                yield return new LeaseInfo(id, lease.TtlMicros, lease.Deadline, [], lease.Keys, [], lease.Holds);
            }
        }
    }

    public LockInfo GetLock(Key name) => GetLock(ObjectName.Lock(name));

    public LockInfo GetLock(ObjectName name) => Show(name, Tables.Locks.TryGet(name.Name, out var record) ? record : LockRecord.Free);

    /// <summary>Objects of one name space that are held or waited for, in byte order of their names.</summary>
    public IEnumerable<LockInfo> ListLocks(HoldSpace space, Key prefix, Key? after)
    {
        foreach (var (name, record) in Tables.Locks.From(Later(prefix, after)))
        {
            if (!name.StartsWith(prefix))
            {
                yield break;
            }
            if (record.IsActive && name != after)
            {
                yield return Show(new ObjectName(space, name), record);
            }
        }
    }

    /// <summary>The last revision that is forgotten: the past can be read, and changes followed, from the next one on. 0 when nothing is forgotten.</summary>
    public Revision CompactRevision => Revision.Zero;

    /// <summary>The key as it was right after <paramref name="at"/>, from <see cref="CompactRevision"/> to <see cref="Revision"/>.</summary>
    public KeyRecord? GetKeyAt(Key key, Revision at) => Invariant.Unreachable<KeyRecord?>(at);

    /// <summary>As <see cref="ListKeys"/>, right after <paramref name="at"/>.</summary>
    public IEnumerable<KeyItem> ListKeysAt(Key prefix, Key? after, Revision at) => Invariant.Unreachable<IEnumerable<KeyItem>>(at);

    /// <summary>The history from this revision on, which is after <see cref="CompactRevision"/>, in order.</summary>
    public IEnumerable<Change> ChangesFrom(Revision from) => Invariant.Unreachable<IEnumerable<Change>>(from);

    /// <summary>The resource's high-water mark; null when it has none.</summary>
    public FencingToken? GetFence(Key resource) => Invariant.Unreachable<FencingToken?>(resource);

    public IEnumerable<(Key Resource, FencingToken Highest)> ListFences(Key prefix, Key? after) => Invariant.Unreachable<IEnumerable<(Key, FencingToken)>>(prefix);

    public IEnumerable<MemberInfo> ListMembers() => Tables.Members.All().Select(m => m.Value);

    private static Key Later(Key prefix, Key? after) => after is { } start && start.CompareTo(prefix) > 0 ? start : prefix;

    private LockInfo Show(ObjectName name, LockRecord record)
    {
        Hold? holder = null;
        if (record.Hold is { } hold)
        {
            Tables.Leases.TryGet(hold.Lease, out var lease);
            holder = new Hold(
                name.Name,
                hold.Owner,
                hold.Token,
                hold.Lease,
                lease?.TtlMicros ?? 0,
                new Revision(hold.Token.Value),
                lease?.Deadline ?? ClusterTime.Zero);
        }
        return new LockInfo(name, holder is null ? [] : [holder], holder is null ? 0 : 1, record.Waiters == 0 ? [] : WaitersOf(name.Name), record.Waiters, record.LastLoss);
    }

    private ImmutableArray<WaiterInfo> WaitersOf(Key name)
    {
        var list = ImmutableArray.CreateBuilder<WaiterInfo>();
        foreach (var (key, waiter) in Tables.Waiters.From(new WaiterKey(name, 0)))
        {
            if (key.Name != name || list.Count == ShownItems)
            {
                break;
            }
            list.Add(new WaiterInfo(waiter.Owner, list.Count + 1, waiter.Deadline, waiter.IsDetached));
        }
        return list.ToImmutable();
    }

    private static ImmutableArray<Key> NamesOf(FrozenTree<LeaseItem, bool> tree, LeaseId lease)
    {
        var list = ImmutableArray.CreateBuilder<Key>();
        foreach (var (item, _) in tree.From(new LeaseItem(lease, default)))
        {
            if (item.Lease != lease || list.Count == ShownItems)
            {
                break;
            }
            list.Add(item.Name);
        }
        return list.ToImmutable();
    }

    /// <summary>The smallest key after all that have the prefix; null when there is none.</summary>
    private static Key? AfterPrefix(Key prefix)
    {
        var bytes = prefix.Bytes.ToArray();
        for (var last = bytes.Length - 1; last >= 0; last--)
        {
            if (bytes[last] < byte.MaxValue)
            {
                bytes[last]++;
                return new Key(bytes.AsSpan(0, last + 1));
            }
        }
        return null;
    }
}
