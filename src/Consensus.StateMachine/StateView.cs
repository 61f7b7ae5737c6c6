using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>An immutable view of the state at one applied index. Any thread may read it, for as long as it likes.</summary>
public sealed partial class StateView
{
    private const int ShownItems = 100;

    internal StateView(
        LogIndex appliedIndex,
        ClusterTime appliedStamp,
        Revision revision,
        StateHash applied,
        StateHash digest,
        StateCounts counts,
        ViewTables tables,
        ViewCounters counters) =>
        (AppliedIndex, AppliedStamp, Revision, Applied, Digest, Counts, Tables, Counters) =
        (appliedIndex, appliedStamp, revision, applied, digest, counts, tables, counters);

    public LogIndex AppliedIndex { get; }

    public ClusterTime AppliedStamp { get; }

    public Revision Revision { get; }

    /// <summary>As <see cref="ReplicatedState.Hash"/> was.</summary>
    public StateHash Hash => ReplicatedState.HashOf(Applied, Digest);

    public StateCounts Counts { get; }

    /// <summary>The bounds in force, with what is set of them.</summary>
    public Limits Limits => Tables.Limits;

    /// <summary>Lowest feature level announced by any member that ever announced itself; 0 when none did.</summary>
    public int FeatureLevel => Tables.Members.All().Select(m => m.Value.FeatureLevel).DefaultIfEmpty(0).Min();

    /// <summary>Of the entries that were applied, and of their outcomes.</summary>
    internal StateHash Applied { get; }

    /// <summary>Of all that the tables hold.</summary>
    internal StateHash Digest { get; }

    internal ViewTables Tables { get; }

    /// <summary>Who may do what, as it is in this view; asked by <see cref="PolicyReads"/>.</summary>
    public Policy Policy => Tables.Policies.Compiled;

    internal ViewCounters Counters { get; }

    public KeyRecord? GetKey(Key key) => Tables.Keys.ByKey.TryGet(key, out var record) ? record : null;

    /// <summary>Keys with the prefix in byte order, from after <paramref name="after"/> (null: from the first).</summary>
    public IEnumerable<KeyItem> ListKeys(Key prefix, Key? after)
    {
        foreach (var (key, record) in Tables.Keys.ByKey.From(Later(prefix, after)))
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
    public long CountKeys(Key prefix) => KeysView.CountOf(Tables.Keys.ByKey, prefix);

    public LeaseInfo? GetLease(LeaseId id) => Tables.Leases.TryGet(id, out var lease)
        ? new LeaseInfo(
            lease.Id, lease.TtlMicros, lease.Deadline, Tables.Keys.Of(id, ShownItems), lease.Keys, HeldBy(id), lease.Holds)
        {
            Principal = lease.Principal,
        }
        : null;

    /// <summary>
    /// Equal in views in which <see cref="GetLease"/> shows the same keys and holds; null when there is no such lease.
    /// </summary>
    public object? MarkOf(LeaseId id)
    {
        if (GetLease(id) is not { } lease)
        {
            return null;
        }
        var shown = StateHash.Initial.Add(lease.KeyCount).Add(lease.HoldCount);
        foreach (var key in lease.Keys)
        {
            shown = shown.Add(key.Length).Add(key.Bytes);
        }
        foreach (var name in lease.Holds)
        {
            shown = shown.Add((long)name.Space).Add(name.Name.Length).Add(name.Name.Bytes);
        }
        return shown;
    }

    /// <summary>Why a lease ended, which this view does not have any more; null when this process does not know.</summary>
    /// <param name="aliveAt">The stamp of a view that had it.</param>
    public LossReason? ReasonOfEnd(LeaseId id, ClusterTime aliveAt) =>
        aliveAt < Tables.ExpiredKnownFrom ? null
        : Tables.Expired.TryGet(id, out _) ? LossReason.Expired
        : LossReason.Revoked;

    /// <summary>Null for a lease that is no session's, and for none.</summary>
    public SessionInfo? GetSession(LeaseId id) => Tables.Sessions.Sessions.TryGet(id, out var session)
        ? new SessionInfo(id, session.Acked, session.Highest, session.Answers, session.Version)
        : null;

    /// <summary>Leases in order of their id, from after <paramref name="after"/>; without their attachments' names.</summary>
    public IEnumerable<LeaseInfo> ListLeases(LeaseId after)
    {
        foreach (var (id, lease) in Tables.Leases.From(after))
        {
            if (id != after)
            {
                yield return new LeaseInfo(id, lease.TtlMicros, lease.Deadline, [], lease.Keys, [], lease.Holds)
                {
                    Principal = lease.Principal,
                };
            }
        }
    }

    public IEnumerable<MemberInfo> ListMembers() => Tables.Members.All().Select(m => m.Value);

    private static Key Later(Key prefix, Key? after) => after is { } start && start.CompareTo(prefix) > 0 ? start : prefix;
}
