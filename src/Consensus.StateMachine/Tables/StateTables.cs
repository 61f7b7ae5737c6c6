using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>The frozen tables of a view.</summary>
internal sealed record ViewTables(
    KeysView Keys,
    FrozenTree<LeaseId, LeaseRecord> Leases,
    FrozenTree<ObjectName, ObjectRecord> Objects,
    HoldsView Holds,
    FrozenTree<ReleasedRun, ImmutableArray<FencingToken>> Released,
    WaitersView Waiters,
    AnswersView Answers,
    SessionsView Sessions,
    FrozenTree<Key, FencingToken> Fences,
    FrozenTree<MemberId, MemberInfo> Members,
    FrozenTree<ProcessId, long> Detaching,
    FrozenTree<long, long> Settings,
    PolicyView Policies,
    PastChanges History,
    Revision CompactRevision,
    Limits Limits,
    FrozenTree<LeaseId, ClusterTime> Expired,
    ClusterTime ExpiredKnownFrom) : IOwners
{
    public string? OwnerOf(LeaseId lease) => Leases.TryGet(lease, out var record) ? record.Principal : null;

    public string? OwnerOf(ObjectName name, FencingToken token) =>
        !Objects.TryGet(name, out var record) ? null
        : record.Sole is { } sole ? (sole.Token == token ? sole.Principal : null)
        : Holds.Shared.TryGet(new HoldKey(name, token), out var hold) ? hold.Principal
        : null;
}

/// <summary>What is in no table: sequence numbers that a restored state goes on from, and the times without a leader.</summary>
internal readonly record struct ViewCounters(
    long NextWaiter, long NextFact, long NextKept, ImmutableArray<Outage> Outages, PolicyCounters Policy);

/// <summary>
/// The replicated state without its rules: the tables and the revision. Each table has one tree that is its content (<c>_primary</c>), the indexes over it, its bytes, what of
/// it goes into a view (<c>Freeze</c>), how a record of it is written and loaded, and whether all that agrees (<c>Verify</c>).
/// </summary>
internal sealed class StateTables
{
    /// <summary>Odd, so that no part is lost.</summary>
    private const ulong Factor = 0x9E3779B97F4A7C15UL;

    public StateTables(Limits limits)
    {
        Settings = new SettingTable(limits);
        Objects = new ObjectTable(limits);
        Leases = new LeaseTable(Actors, Shares);
        Holds = new HoldTable(Objects, Actors, Shares);
        Waiters = new WaiterTable(Actors, Shares);
        Released = new ReleasedTable(limits);
        Answers = new AnswerTable(limits, Shares);
        Sessions = new SessionTable(limits);
    }

    /// <summary>As they are in force.</summary>
    public Limits Limits => Settings.Limits;

    public Revision Revision { get; set; } = Revision.Initial;

    public Actors Actors { get; } = new();

    /// <summary>Of the leases, holds, waiters and kept outcomes.</summary>
    public Shares Shares { get; } = new();

    public KeyTable Keys { get; } = new();

    public LeaseTable Leases { get; }

    public ObjectTable Objects { get; }

    public HoldTable Holds { get; }

    public ReleasedTable Released { get; }

    public WaiterTable Waiters { get; }

    public AnswerTable Answers { get; }

    public SessionTable Sessions { get; }

    public FenceTable Fences { get; } = new();

    public MemberTable Members { get; } = new();

    public DetachingTable Detaching { get; } = new();

    public SettingTable Settings { get; }

    public PolicyTable Policies { get; } = new();

    public HistoryTable History { get; } = new();

    public ExpiredLeases Expired { get; } = new();

    public Outages Outages { get; } = new();

    /// <summary>What all takes in memory, about, and so counts towards the quota: everything but the history, which has a bound of its own.</summary>
    public long Bytes =>
        Keys.Sum.Bytes + Leases.Sum.Bytes + Objects.Sum.Bytes + Holds.Sum.Bytes + Released.Sum.Bytes + Waiters.Sum.Bytes + Answers.Bytes
        + Fences.Sum.Bytes + Members.Sum.Bytes + Detaching.Sum.Bytes + Settings.Sum.Bytes + Sessions.Bytes + Policies.Bytes;

    /// <summary>
    /// Of all that is replicated: members whose tables are equal have the same, however they came by them, and others do not. A change of the history counts by what it is and not
    /// by the value that it replaced, which the keys had.
    /// </summary>
    public StateHash Digest
    {
        get
        {
            // After each entry: a sum in which every part has a factor of its own, for a hash of one part after the other takes several times as long.
            var sum = (ulong)Revision.Value;
            sum = (sum * Factor) + (ulong)Waiters.NextSequence;
            sum = (sum * Factor) + (ulong)Objects.NextFact;
            sum = (sum * Factor) + (ulong)Answers.NextSequence;
            sum = (sum * Factor) + (ulong)History.CompactRevision.Value;
            sum = (sum * Factor) + (ulong)Policies.Revision;
            sum = (sum * Factor) + (Policies.IsEnabled ? 1UL : 0);
            sum = (sum * Factor) + Outages.Digest;
            sum = (sum * Factor) + Keys.Sum.Digest;
            sum = (sum * Factor) + Leases.Sum.Digest;
            sum = (sum * Factor) + Objects.Sum.Digest;
            sum = (sum * Factor) + Holds.Sum.Digest;
            sum = (sum * Factor) + Released.Sum.Digest;
            sum = (sum * Factor) + Waiters.Sum.Digest;
            sum = (sum * Factor) + Answers.Kept.Sum.Digest;
            sum = (sum * Factor) + Answers.Forgotten.Sum.Digest;
            sum = (sum * Factor) + Answers.Brief.Sum.Digest;
            sum = (sum * Factor) + Sessions.SessionSum.Digest;
            sum = (sum * Factor) + Sessions.Sum.Digest;
            sum = (sum * Factor) + Sessions.EndedSum.Digest;
            sum = (sum * Factor) + Fences.Sum.Digest;
            sum = (sum * Factor) + Members.Sum.Digest;
            sum = (sum * Factor) + Detaching.Sum.Digest;
            sum = (sum * Factor) + Settings.Sum.Digest;
            sum = (sum * Factor) + Policies.RoleSum.Digest;
            sum = (sum * Factor) + Policies.PrincipalSum.Digest;
            sum = (sum * Factor) + Policies.RevocationSum.Digest;
            sum = (sum * Factor) + Policies.TokenSum.Digest;
            sum = (sum * Factor) + Policies.SweepSum.Digest;
            sum = (sum * Factor) + History.Digest;
            return StateHash.Initial.Add((long)sum);
        }
    }

    public StateCounts Counts => new(Keys.Count, Leases.Count, Holds.Count, Waiters.Count, Answers.Kept.Count, Bytes)
    {
        Sessions = Sessions.Count,
        SessionAnswers = Sessions.AnswerCount,
        SessionEnds = Sessions.EndedCount,
        Fences = Fences.Count,
        ForgottenKeys = Answers.Forgotten.Count,
        BriefAnswers = Answers.Brief.Count,
        Changes = History.Count,
        HistoryBytes = History.Bytes,
        Roles = Policies.RoleCount,
        Principals = Policies.PrincipalCount,
        Revocations = Policies.RevocationCount,
        Tokens = Policies.TokenCount,
        QuotaBytes = Limits.MaxStateBytes,
    };

    public ViewCounters Counters
    {
        get => new(Waiters.NextSequence, Objects.NextFact, Answers.NextSequence, Outages.All, Policies.Counters);
        set => (Waiters.NextSequence, Objects.NextFact, Answers.NextSequence, Outages.All, Policies.Counters) =
            (value.NextWaiter, value.NextFact, value.NextKept, value.Outages, value.Policy);
    }

    /// <summary>What would add so many bytes is refused where the quota does not allow it; what adds nothing never is (rule 24).</summary>
    public QuotaExceeded? RefuseGrowth(long bytes) => bytes > 0 && Bytes + bytes > Limits.MaxStateBytes ? new QuotaExceeded(Revision, Limits.MaxStateBytes) : null;

    public Revision Bump()
    {
        Revision = Revision.Next;
        return Revision;
    }

    public ViewTables Freeze() => new(
        Keys.Freeze(),
        Leases.Freeze(),
        Objects.Freeze(),
        Holds.Freeze(),
        Released.Freeze(),
        Waiters.Freeze(),
        Answers.Freeze(),
        Sessions.Freeze(),
        Fences.Freeze(),
        Members.Freeze(),
        Detaching.Freeze(),
        Settings.Freeze(),
        Policies.Freeze(),
        History.Freeze(),
        History.CompactRevision,
        Limits,
        Expired.Freeze(),
        Expired.KnownFrom);

    /// <summary>Throws <see cref="InvariantViolationException"/> unless every table agrees with its indexes, and with what others count of it.</summary>
    public void Verify()
    {
        Keys.Verify();
        Leases.Verify(Keys, Holds, Waiters);
        Objects.Verify(Holds, Waiters);
        Holds.Verify();
        Released.Verify();
        Waiters.Verify();
        Answers.Verify();
        Sessions.Verify(Leases, Holds, Waiters);
        Fences.Verify();
        Members.Verify();
        Detaching.Verify();
        Settings.Verify();
        Policies.Verify();
        History.Verify();
        Shares.Verify(Leases, Holds, Waiters, Answers.Kept);
    }
}
