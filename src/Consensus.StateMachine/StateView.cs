using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>The frozen tables of a view.</summary>
internal sealed record ViewTables(
    FrozenTree<Key, KeyRecord> Keys,
    FrozenTree<LeaseId, LeaseRecord> Leases,
    FrozenTree<LeaseItem, bool> LeaseKeys,
    FrozenTree<LeaseHold, bool> LeaseHolds,
    FrozenTree<ObjectName, LockRecord> Locks,
    FrozenTree<HoldKey, HoldRecord> Holds,
    FrozenTree<WaiterKey, WaiterRecord> Waiters,
    FrozenTree<Identity, KeptOutcome> Kept,
    FrozenTree<MemberId, MemberInfo> Members);

/// <summary>Sequence numbers that a restored state goes on from.</summary>
internal readonly record struct ViewCounters(long NextWaiter, long NextFact, long NextKept);

/// <summary>An immutable view of the state at one applied index. Any thread may read it, for as long as it likes.</summary>
public sealed partial class StateView
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
            lease.Id, lease.TtlMicros, lease.Deadline, NamesOf(Tables.LeaseKeys, id), lease.Keys, HeldBy(id), lease.Holds)
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
