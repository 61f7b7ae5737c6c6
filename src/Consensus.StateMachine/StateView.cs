using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>The frozen tables of a view.</summary>
internal sealed record ViewTables(
    FrozenTree<Key, KeyRecord> Keys,
    FrozenTree<LeaseId, LeaseRecord> Leases,
    FrozenTree<LeaseItem, bool> LeaseKeys,
    FrozenTree<LeaseHold, ObjectName> LeaseHolds,
    FrozenTree<ObjectName, LockRecord> Locks,
    FrozenTree<HoldKey, HoldRecord> Holds,
    FrozenTree<WaiterKey, WaiterRecord> Waiters,
    FrozenTree<Identity, KeptOutcome> Kept,
    FrozenTree<MemberId, MemberInfo> Members)
{
    public required FrozenTree<Key, FencingToken> Fences { get; init; }

    public required FrozenTree<Identity, ForgottenOutcome> Forgotten { get; init; }

    public required FrozenTree<Identity, BriefAnswer> Brief { get; init; }

    public required PastChanges History { get; init; }

    public required Revision CompactRevision { get; init; }
}

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
    public long CountKeys(Key prefix) => CountOf(Tables.Keys, prefix);

    internal static long CountOf(FrozenTree<Key, KeyRecord> keys, Key prefix)
    {
        var end = AfterPrefix(prefix);
        return (end is { } stop ? keys.Rank(stop) : keys.Count) - keys.Rank(prefix);
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
