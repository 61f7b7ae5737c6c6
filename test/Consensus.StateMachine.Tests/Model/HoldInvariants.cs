using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>One applied command with the states around it.</summary>
internal sealed record HoldStep(StateView Before, StateView After, Command Command, Outcome Outcome, IReadOnlyList<Resolution> Resolutions, ClusterTime Now)
{
    public IReadOnlyList<HoldKey> NewHolds { get; } = [.. Missing(After, Before)];

    public IReadOnlyList<HoldKey> EndedHolds { get; } = [.. Missing(Before, After)];

    /// <summary>Whether kept by its object or in the table.</summary>
    public static IEnumerable<(HoldKey Key, HoldRecord Value)> HoldsOf(StateView view) => view.Tables.Holds.Shared.All().Concat(
        view.Tables.Objects.All().Where(l => l.Value.Sole is not null).Select(l => (new HoldKey(l.Key, l.Value.Sole!.Token), l.Value.Sole)));

    public static HoldRecord? Find(StateView view, HoldKey key)
    {
        view.Tables.Objects.TryGet(key.Object, out var record);
        return view.Tables.Holds.Shared.TryGet(key, out var hold) ? hold : record?.Sole is { } sole && sole.Token == key.Token ? sole : null;
    }

    private static IEnumerable<HoldKey> Missing(StateView here, StateView there) =>
        HoldsOf(here).Select(h => h.Key).Where(key => Find(there, key) is null);
}

/// <summary>What is promised of locks, semaphores and elections, checked over all tables, each rule as it is said and not as it is implemented.</summary>
internal static class HoldInvariants
{
    public static void Check(HoldStep step, ClusterTime nextDeadline)
    {
        foreach (var (name, record) in step.After.Tables.Objects.All())
        {
            CheckObject(step.After, name, record);
        }
        foreach (var key in step.NewHolds)
        {
            CheckGrant(step, key);
        }
        foreach (var resolution in step.Resolutions)
        {
            CheckAnswer(step, resolution);
        }
        CheckRevisions(step);
        if (step.Command is ExpireCommand && nextDeadline > step.Now)
        {
            CheckSettled(step);
        }
    }

    /// <summary>Never exclusive beside another hold, never more permits than there are; and what is counted is what there is.</summary>
    private static void CheckObject(StateView view, ObjectName name, ObjectRecord record)
    {
        var holds = HoldStep.HoldsOf(view).Where(h => h.Key.Object == name).Select(h => h.Value).ToList();
        var waiters = WaitersOf(view, name).ToList();
        if (holds.Exists(h => h.Terms.Mode == LockMode.Exclusive) && name.Space != HoldSpace.Semaphore)
        {
            Assert.That(holds, Has.Count.EqualTo(1), $"an exclusive hold of the {name} is alone");
        }
        var delays = record.Delays.Where(d => d.Until > view.AppliedStamp).ToList();
        if (name.Space == HoldSpace.Semaphore && holds.Count + delays.Count > 0)
        {
            Assert.That(holds.Sum(h => h.Terms.Count) + delays.Sum(d => d.Count), Is.LessThanOrEqualTo(record.Permits), $"permits of the {name}");
        }
        if (holds.Count + waiters.Count + record.Delays.Length == 0 || name.Space != HoldSpace.Semaphore)
        {
            Assert.That(record.Permits, Is.Zero);
        }
        Assert.That(
            (record.Holders, record.PermitsUsed, record.Waiters, record.Attached),
            Is.EqualTo(((long)holds.Count, holds.Sum(h => h.Terms.Count), (long)waiters.Count, (long)waiters.Count(w => !w.IsDetached))));
        Assert.That(record.Mode, Is.EqualTo(holds.Count == 0 ? LockMode.Exclusive : holds[0].Terms.Mode));
        Assert.That(record.Sole is not null, Is.EqualTo(holds.Count > 0 && name.Space != HoldSpace.Semaphore && record.Mode == LockMode.Exclusive));
        Assert.That(record.IsActive, Is.EqualTo(record.FactSequence == 0));
    }

    /// <summary>First come, first served: whoever is granted leaves nobody behind who was before it and could have been granted.</summary>
    private static void CheckGrant(HoldStep step, HoldKey key)
    {
        var name = key.Object;
        var hold = HoldStep.Find(step.After, key)!;
        if (hold.Lease.Value < DrawnCommands.FirstOwnLease)
        {
            Assert.That(step.After.GetLease(hold.Lease)!.Deadline, Is.GreaterThan(step.Now).Or.EqualTo(step.Before.GetLease(hold.Lease)!.Deadline));
        }
        CheckDelays(step, key, hold);
        var isLost = WaitersOf(step.Before, name).Any(w => w.Request == hold.Request && IsLost(step.Before, w));
        Assert.That(isLost, Is.False, $"{hold.Owner} is about to be detached");
        if (step.Command is HandOverCommand || OwnersOfDelays(step, name).Contains(hold.Owner))
        {
            return;
        }
        var place = WaitersOf(step.Before, name).FirstOrDefault(w => w.Request == hold.Request || IsOfNumber(w, hold) || IsTakenOver(step, w))?.Sequence ?? long.MaxValue;
        foreach (var waiter in WaitersOf(step.After, name).Where(w => w.Sequence < place))
        {
            Assert.That(MayBeGranted(step, waiter), Is.False, $"{waiter.Owner} at {waiter.Sequence} was passed by {hold.Owner} at {place}: {step.Command}");
        }
    }

    /// <summary>A session's hold has no request that could give it back, but the number of its place.</summary>
    private static bool IsOfNumber(WaiterRecord waiter, HoldRecord hold) =>
        waiter.Identity.IsSession && waiter.Identity.Number == new SessionNumber(hold.Lease, hold.Mark?.Number ?? 0);

    /// <summary>A retry is granted at the place of the request that it took over.</summary>
    private static bool IsTakenOver(HoldStep step, WaiterRecord waiter) =>
        step.Command is AcquireCommand or AcquireManyCommand
        && step.Outcome is HoldGranted or ManyGranted
        && !WaitersOf(step.After, waiter.Object).Any(w => w.Sequence == waiter.Sequence)
        && !step.Resolutions.Any(r => r.Request == waiter.Request && r.Outcome is HoldGranted or ManyGranted);

    /// <summary>
    /// Of locks and elections: nothing is granted that what another lost before this step keeps from it, unless its owner took that back in this very step, or an operator ended
    /// it. That permits stay taken is seen by their sum.
    /// </summary>
    private static void CheckDelays(HoldStep step, HoldKey key, HoldRecord hold)
    {
        if (key.Object.Space == HoldSpace.Semaphore || step.Command is ReleaseHoldCommand { Force: true } || !step.Before.Tables.Objects.TryGet(key.Object, out var before))
        {
            return;
        }
        foreach (var delay in before.Delays)
        {
            var isInTheWay = delay.Until > step.Now && delay.Owner != hold.Owner && (delay.Mode == LockMode.Exclusive || hold.Terms.Mode == LockMode.Exclusive);
            var isTakenBack = step.NewHolds.Any(k => k.Object == key.Object && k.Token.CompareTo(key.Token) < 0 && HoldStep.Find(step.After, k)!.Owner == delay.Owner);
            Assert.That(!isInTheWay || isTakenBack, $"the {key.Object} was kept by {delay}, and {hold.Owner} was granted it: {step.Command}");
        }
    }

    /// <summary>The owners for whom something of the object was kept at some time during the step: they may come back past those who wait.</summary>
    private static HashSet<string> OwnersOfDelays(HoldStep step, ObjectName name)
    {
        var owners = new HashSet<string>();
        if (step.Before.Tables.Objects.TryGet(name, out var before))
        {
            owners.UnionWith(before.Delays.Where(delay => delay.Until > step.Now).Select(delay => delay.Owner));
        }
        foreach (var ended in step.EndedHolds.Where(k => k.Object == name))
        {
            var hold = HoldStep.Find(step.Before, ended)!;
            if (hold.Terms.LockDelayMicros > 0 && (step.Command is RevokeLeaseCommand or ExpireCommand or ReleaseHoldCommand { Force: true } || IsLossOfWithdrawal(step, ended)))
            {
                owners.Add(hold.Owner);
            }
        }
        return owners;
    }

    /// <summary>A withdrawal releases what was granted, and revokes a lease: only what went with the lease is lost.</summary>
    private static bool IsLossOfWithdrawal(HoldStep step, HoldKey ended) =>
        step.Command is WithdrawCommand && step.After.Tables.Objects.TryGet(ended.Object, out var record) && record.Losses.Any(l => l.Token == ended.Token);

    private static void CheckAnswer(HoldStep step, Resolution resolution)
    {
        switch (resolution.Outcome)
        {
            case HoldGranted granted:
                Assert.That(HoldStep.Find(step.After, new HoldKey(granted.Hold.Object, granted.Hold.Token)) is not null, "a grant is held");
                break;
            case HoldRefused { DelayedUntil: { } until } held:
                // One that is told again may have passed meanwhile.
                Assert.That((held.DelayLeftMicros, held.Waiters >= 0), Is.EqualTo((Math.Max(0, until - step.Now), true)));
                break;
            case ManyGranted many:
                Assert.That(many.Holds.Select(h => h.Lease).Distinct().Count(), Is.EqualTo(1), "one lease for all");
                Assert.That(many.Holds.All(h => h.Mode == LockMode.Exclusive));
                Assert.That(many.Holds.All(h => HoldStep.Find(step.After, new HoldKey(h.Object, h.Token)) is not null));
                break;
            case HandedOver given when step.Command is HandOverCommand c:
                Assert.That(given.Hold.Owner, Is.EqualTo(c.To));
                break;
        }
    }

    /// <summary>A revision for each grant, release and loss of a hold, and for a new value (rule 16); keys that go with a lease take one more.</summary>
    private static void CheckRevisions(HoldStep step)
    {
        if (step.Command is PutCommand or DeleteCommand or DeletePrefixCommand or TxnCommand)
        {
            return;
        }
        var values = HoldStep.HoldsOf(step.After).Count(h =>
            HoldStep.Find(step.Before, h.Key) is { } old && !old.Terms.Value.Span.SequenceEqual(h.Value.Terms.Value.Span));
        var emptied = step.Before.Tables.Leases.All().Count(l => l.Value.Keys > 0 && !step.After.Tables.Leases.TryGet(l.Key, out _));
        Assert.That(
            step.After.Revision.Value - step.Before.Revision.Value,
            Is.EqualTo(step.NewHolds.Count + step.EndedHolds.Count + values + emptied),
            $"revisions of {step.Command}");
    }

    /// <summary>
    /// Once all that was due has ended, nobody waits who could be granted; who waits for several locks could be granted all of them.
    /// </summary>
    private static void CheckSettled(HoldStep step)
    {
        foreach (var places in step.After.Tables.Waiters.Places.All().Select(w => w.Value).GroupBy(w => w.Sequence))
        {
            Assert.That(places.All(place => CouldBeGranted(step, place)), Is.False, $"{places.First()} could be granted what it waits for");
        }
        Assert.That(HoldStep.HoldsOf(step.After).Any(h => h.Value.Until <= step.Now), Is.False, "nobody holds for longer than it may");
    }

    private static bool CouldBeGranted(HoldStep step, WaiterRecord place)
    {
        step.After.Tables.Objects.TryGet(place.Object, out var record);
        var waiters = WaitersOf(step.After, place.Object).Where(w => MayBeGranted(step, w)).ToList();
        var comesBack = place.Terms.Count <= record.Delays.Where(d => d.Until > step.Now && d.Owner == place.Owner).Sum(d => d.Count);
        var isNext = place == waiters.FirstOrDefault() || (comesBack && place == waiters.Find(w => w.Owner == place.Owner));
        return record.Holders < 4 && isNext && Fits(step, place.Object, record, place);
    }

    private static bool Fits(HoldStep step, ObjectName name, ObjectRecord record, WaiterRecord waiter)
    {
        var keptFrom = record.Delays.Where(d => d.Until > step.Now && d.Owner != waiter.Owner).ToList();
        return name.Space == HoldSpace.Semaphore
            ? record.PermitsUsed + keptFrom.Sum(d => d.Count) + waiter.Terms.Count <= record.Permits
            : (record.Holders == 0 || (record.Mode == LockMode.Shared && waiter.Terms.Mode == LockMode.Shared))
                && !keptFrom.Exists(d => d.Mode == LockMode.Exclusive || waiter.Terms.Mode == LockMode.Exclusive);
    }

    private static bool MayBeGranted(HoldStep step, WaiterRecord waiter) =>
        !waiter.IsDetached
        && !IsLost(step.After, waiter)
        && waiter.WaitDeadline > step.Now
        && (waiter.SharedLease.IsNone
            ? step.After.GetLease(waiter.OwnLease) is null
            : step.After.GetLease(waiter.SharedLease) is { } lease && lease.Deadline > step.Now);

    /// <summary>It is about to be detached, and not under a session, where it has its turn all the same.</summary>
    private static bool IsLost(StateView view, WaiterRecord waiter) =>
        !waiter.Identity.IsSession
        && view.Tables.Detaching.TryGet(ProcessId.Of(waiter), out var before)
        && waiter.Attempt < before;

    private static IEnumerable<WaiterRecord> WaitersOf(StateView view, ObjectName name) =>
        view.Tables.Waiters.Places.All().Select(w => w.Value).Where(w => w.Object == name);
}
