using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Comparison;

/// <summary>All that is replicated, table by table: views whose tables are equal have the same digest, and others have not.</summary>
public static class ComparedTables
{
    /// <summary>In the order of <see cref="StateTables.Digest"/>, the numbers that are in no table first.</summary>
    public static IReadOnlyList<ComparedTable> Of(StateView view)
    {
        var tables = view.Tables;
        return
        [
            new TreeComparison<Key, long>("counters", CountersOf(view), Places.Keys, ItemTexts.OfCounter),
            new TreeComparison<long, Outage>("outages", OutagesOf(view), Places.Numbers, ItemTexts.Of),
            new TreeComparison<Key, KeyRecord>("keys", tables.Keys.ByKey, Places.Keys, ItemTexts.Of),
            new TreeComparison<LeaseId, LeaseRecord>("leases", tables.Leases, Places.Leases, ItemTexts.Of),
            new TreeComparison<ObjectName, ObjectRecord>("objects", tables.Objects, Places.Objects, ItemTexts.Of),
            new TreeComparison<HoldKey, HoldRecord>("holds", tables.Holds.Shared, Places.Holds, ItemTexts.Of),
            new TreeComparison<ReleasedRun, ImmutableArray<FencingToken>>("released", tables.Released, Places.ReleasedRuns, ItemTexts.Of),
            new TreeComparison<WaiterKey, WaiterRecord>("waiters", tables.Waiters.Places, Places.Waiters, ItemTexts.Of),
            new TreeComparison<Identity, KeptOutcome>("kept", tables.Answers.Kept, Places.Identities, ItemTexts.Of),
            new TreeComparison<Identity, ForgottenOutcome>("forgotten", tables.Answers.Forgotten, Places.Identities, ItemTexts.Of),
            new TreeComparison<Identity, BriefAnswer>("brief", tables.Answers.Brief, Places.Identities, ItemTexts.Of),
            new TreeComparison<LeaseId, SessionRecord>("sessions", tables.Sessions.Sessions, Places.Leases, ItemTexts.Of),
            new TreeComparison<SessionNumber, NumberAnswer>("numbers", tables.Sessions.Answers, Places.SessionNumbers, ItemTexts.Of),
            new TreeComparison<SessionVersion, SessionEnded>("ended", tables.Sessions.Ended, Places.SessionVersions, ItemTexts.Of),
            new TreeComparison<Key, FencingToken>("fences", tables.Fences, Places.Keys, ItemTexts.OfFence),
            new TreeComparison<MemberId, MemberInfo>("members", tables.Members, Places.Members, ItemTexts.Of),
            new TreeComparison<ProcessId, long>("detaching", tables.Detaching, Places.Processes, ItemTexts.Of),
            new TreeComparison<long, long>("settings", tables.Settings, Places.Numbers, ItemTexts.OfSetting),
            new TreeComparison<Key, RoleInfo>("roles", tables.Policies.Roles, Places.Keys, PolicyTexts.Of),
            new TreeComparison<Key, PrincipalInfo>("principals", tables.Policies.Principals, Places.Keys, PolicyTexts.Of),
            new TreeComparison<Key, RevocationInfo>("revocations", tables.Policies.Revocations, Places.Keys, PolicyTexts.Of),
            new TreeComparison<Key, TokenInfo>("tokens", tables.Policies.Tokens, Places.Keys, PolicyTexts.Of),
            new TreeComparison<WaiterKey, bool>("sweep", tables.Policies.Sweep, Places.Waiters, PolicyTexts.OfSweep),
            new HistoryComparison("history", tables.History),
        ];
    }

    private static FrozenTree<Key, long> CountersOf(StateView view)
    {
        var counters = new CowTree<Key, long>(new Measure());
        counters.Set(Key.FromText("revision"), view.Revision.Value);
        counters.Set(Key.FromText("next waiter"), view.Counters.NextWaiter);
        counters.Set(Key.FromText("next remembered object"), view.Counters.NextFact);
        counters.Set(Key.FromText("next answer"), view.Counters.NextKept);
        counters.Set(Key.FromText("compacted revision"), view.Tables.CompactRevision.Value);
        counters.Set(Key.FromText("policy revision"), view.Counters.Policy.Revision);
        counters.Set(Key.FromText("policy in force"), view.Counters.Policy.IsEnabled ? 1 : 0);
        return counters.Freeze();
    }

    private static FrozenTree<long, Outage> OutagesOf(StateView view)
    {
        var outages = new CowTree<long, Outage>(new OutageMeasure());
        foreach (var outage in view.Counters.Outages)
        {
            outages.Set(outages.Count, outage);
        }
        return outages.Freeze();
    }

    private sealed class Measure : IMeasure<Key, long>
    {
        public long Bytes(Key key, long value) => 0;

        public bool IsLeased(long value) => false;

        public ulong Digest(Key key, long value) => StateHash.Initial.Add(key.Bytes).Add(value).Value;
    }

    private sealed class OutageMeasure : IMeasure<long, Outage>
    {
        public long Bytes(long number, Outage outage) => 0;

        public bool IsLeased(Outage outage) => false;

        public ulong Digest(long number, Outage outage) => Outages.DigestOf(number, outage);
    }
}
