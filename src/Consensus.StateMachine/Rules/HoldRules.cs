using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// How a hold begins and ends, and with it a lease: what the one ends takes others with it. A hold's token is the revision of its grant, so no token is ever used twice or goes
/// backward; each grant, release and loss of a hold has a revision of its own (rule 16).
/// </summary>
internal sealed partial class HoldRules(
    StateTables state, Applying entry, KeyRules keys, RetryRules retries, HoldAnswers answers, LineRules lines)
{
    /// <summary>Gives a hold: one revision, which is the token. A lease of its own starts now, not when it was asked for (rule 4).</summary>
    /// <param name="before">The object as it is stored.</param>
    /// <param name="after">The same without the waiting place that becomes the hold.</param>
    /// <param name="leaseWaiters">By how many waiting places of the shared lease this is one more or less.</param>
    public HoldGranted Grant(ObjectName name, ObjectRecord before, ObjectRecord after, in Claim claim, long waitedMicros, int leaseWaiters = 0)
    {
        Invariant.Require(Fits(name.Space, after, after.Permits, claim.Terms.Mode, claim.Terms.Count), "a grant fits beside the holds that there are");
        var token = new FencingToken(state.Bump().Value);
        var lease = claim.SharedLease.IsNone
            ? state.Leases.Start(
                claim.OwnLease, claim.TtlMicros, entry.DeadlineAfter(claim.TtlMicros), holds: 1, isOwn: true, claim.Owner.Principal)
            : state.Leases.Attach(claim.SharedLease, holds: 1, waiters: leaseWaiters);
        Invariant.Require(lease is not null, "a hold hangs on a living lease");
        entry.Output.Objects++;
        var until = claim.Terms.MaxHoldMicros > 0 ? entry.DeadlineAfter(claim.Terms.MaxHoldMicros) : ClusterTime.Never;
        var hold = new HoldRecord(
            claim.Owner.Principal, claim.Owner.Owner, token, lease.Id, claim.Request, waitedMicros, until, claim.Terms)
        {
            Mark = state.Sessions.Rise(claim.SharedLease) is > 0 and var begun
                ? new SessionMark(begun, claim.Number, claim.Fingerprint, claim.LockCount) { IsNumbered = claim.IsNumbered, IsUntaken = claim.IsUntaken }
                : null,
        };
        Store(name, before, TakenBack(after, hold).With(hold, HoldTable.IsSole(name, hold)));
        state.Holds.Add(name, hold);
        state.Sessions.Add(name, hold);
        var shown = answers.Show(name, hold, lease);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, shown);
        }
        return new HoldGranted(state.Revision, shown, waitedMicros) { Permits = after.Permits };
    }

    /// <param name="record">The object as it is stored.</param>
    public void Release(ObjectName name, ObjectRecord record, HoldRecord hold) => End(name, hold, record, Released(record, hold), SessionEnd.Released);

    /// <summary>The object without a hold that its holder gives up. Where it remembers as many released tokens as it may, they begin anew: see <see cref="Take"/>.</summary>
    public ObjectRecord Released(ObjectRecord record, HoldRecord hold) =>
        record.Without(hold, record.Released.Length < state.Limits.MaxRememberedTokens ? record.Released.Add(hold.Token) : [hold.Token], record.Losses);

    /// <summary>The hold ends against its holder's will; the reason is kept so that the holder can be told (rule 22).</summary>
    public void Lose(ObjectName name, HoldRecord hold, LossCause cause)
    {
        state.Leases.TryGet(hold.Lease, out var lease);
        Lose(name, hold, cause, lease, state.Sessions.ClaimedOf(hold.Lease));
    }

    /// <param name="claimed">Of the session that the lease is or was; 0 when it is none.</param>
    private void Lose(ObjectName name, HoldRecord hold, LossCause cause, LeaseRecord lease, long claimed)
    {
        var record = state.Objects[name];
        if (hold.Mark is { IsUntaken: true } mark && mark.Begun > claimed)
        {
            // Nobody ever knew of it: there is no loss to tell of, and nobody whose last acts must be waited for (rule 18).
            End(name, hold, record, Released(record, hold), EndOf(cause.Reason), cause.IsNamed);
            return;
        }
        var renewedAt = new ClusterTime(lease.Deadline.Micros - lease.TtlMicros);
        var loss = new HoldLoss(hold.Token, hold.Owner, cause.Reason, state.Revision.Next)
        {
            At = entry.Stamp,
            RenewedAt = renewedAt,
            TtlMicros = lease.TtlMicros,
            LeaderlessMicros = cause.Reason == LossReason.Expired ? state.Outages.MicrosSince(renewedAt) : 0,
            By = cause.By,
            MaxHoldMicros = hold.Terms.MaxHoldMicros,
            Principal = hold.Principal,
        };
        var after = record.Without(hold, record.Released, Newest(record.Losses, loss));
        End(name, hold, record, hold.Terms.LockDelayMicros > 0 ? KeptFor(after, hold) : after, EndOf(cause.Reason), cause.IsNamed);
    }

    /// <summary>
    /// The end of a hold but for its lease and for who comes next: one revision. Released tokens that the object does not remember any more go to where they are kept for longer.
    /// </summary>
    /// <param name="isNamed">By its token, by whoever asked for its end: so that the answer to that tells all.</param>
    public void Take(ObjectName name, HoldRecord hold, ObjectRecord before, ObjectRecord after, SessionEnd reason, bool isNamed = true)
    {
        state.Bump();
        if (after.Released != before.Released && after.Released.Length <= before.Released.Length)
        {
            state.Released.Add(name, before.Released);
        }
        Store(name, before, after);
        state.Holds.Remove(name, hold);
        // Who asked for it under a number of the session has its answer.
        state.Sessions.Remove(name, hold, isNamed && entry.Session.Session == hold.Lease ? null : reason);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, null);
        }
    }

    /// <summary>What was kept back of the object is not any more.</summary>
    /// <param name="now">Only that whose time is over by then.</param>
    public void EndDelays(ObjectName name, ClusterTime now)
    {
        var record = state.Objects[name];
        Store(name, record, record with { Delays = HoldDelays.At(record.Delays, now) });
        Promote(name);
    }

    /// <summary>An election has another leader, none, or another value; the present revision is the change's.</summary>
    public void RecordElection(Key name, Hold? leader)
    {
        entry.Output.Objects++;
        state.History.Add(new ElectionChange(state.Revision, name, leader), entry.Stamp);
    }

    /// <summary>A hold went from its lease; one that was made for holds ends with the last of them.</summary>
    public void LeaveLease(LeaseId id)
    {
        if (!state.Leases.TryGet(id, out var lease))
        {
            return;
        }
        var left = lease with { Holds = lease.Holds - 1, Attachments = lease.Attachments - 1 };
        if (left is { IsOwn: true, Holds: 0 })
        {
            EndLease(left, LossCause.Revoked(""));
        }
        else
        {
            state.Leases.Replace(left);
        }
    }

    /// <summary>Frees everything that the lease carried, in one step: its keys in one revision, each lost hold and each grant that follows in one of its own.</summary>
    public (long Keys, long Holds) EndLease(LeaseRecord lease, LossCause cause)
    {
        state.Leases.Remove(lease);
        var claimed = state.Sessions.ClaimedOf(lease.Id);
        entry.Output.Objects += 1 + state.Sessions.Remove(lease.Id);
        if (lease.Attachments == 0)
        {
            return (0, 0);
        }
        var deleted = keys.DeleteOf(lease.Id);

        // All its places before anybody behind them is looked for: else each end would walk past the rest of them.
        var freed = new TouchedObjects();
        foreach (var place in state.Waiters.Of(lease.Id))
        {
            if (!state.Waiters.TryGet(place, out var waiter))
            {
                // It went with another place of its request.
                continue;
            }
            freed.Add(RemoveWaiter(waiter));
            var missing = new LeaseMissing(state.Revision, lease.Id);
            entry.Resolve(waiter.Request, missing);
            retries.KeepBriefly(waiter, missing);
        }
        Promote(freed);
        var holds = state.Holds.Of(lease.Id);
        foreach (var (name, token) in holds)
        {
            var hold = state.Holds.Find(name, token);
            Invariant.Require(hold is not null, "a lease knows the holds that hang on it");
            Lose(name, hold, cause, lease, claimed);
        }
        return (deleted, holds.Count);
    }

    /// <summary>Takes a request out of every line in which it has a place; whoever stood behind it is seen to by the caller.</summary>
    /// <returns>Its places.</returns>
    public IReadOnlyList<WaiterRecord> RemoveWaiter(WaiterRecord waiter, SessionEnd reason = SessionEnd.GivenUp)
    {
        var places = state.Waiters.PlacesOf(waiter);
        foreach (var place in places)
        {
            state.Waiters.Remove(place);
            state.Sessions.Remove(place, reason);
            var record = state.Objects[place.Object];
            Store(place.Object, record, record.Without(place));
        }
        state.Leases.Attach(waiter.SharedLease, waiters: -places.Count);
        return places;
    }

    public void Store(ObjectName name, ObjectRecord before, ObjectRecord after)
    {
        entry.Output.Objects++;
        if (state.Objects.Store(name, before, after) is { } forgotten)
        {
            state.Released.Add(forgotten.Name, forgotten.Released);
        }
    }

    /// <summary>A hold with so much metadata or so large a value is refused where that is too much for one, or the whole for the state.</summary>
    /// <param name="grows">By how many bytes the state would grow.</param>
    public QuotaExceeded? RefuseBytes(long metadata, long value, long grows)
    {
        if (metadata > state.Limits.MaxMetadataBytes || value > state.Limits.MaxMetadataBytes)
        {
            return new QuotaExceeded(state.Revision, state.Limits.MaxMetadataBytes);
        }
        return state.RefuseGrowth(grows);
    }

    /// <summary>Whether a further hold may stand beside those that there are: never beside an exclusive one, never more permits than there are.</summary>
    public static bool Fits(HoldSpace space, ObjectRecord record, long permits, LockMode mode, long count) => space switch
    {
        HoldSpace.Semaphore => count <= permits - record.PermitsUsed,
        HoldSpace.Lock => record.Holders == 0 || (record.Mode == LockMode.Shared && mode == LockMode.Shared),
        HoldSpace.Election => record.Holders == 0,
        _ => Invariant.Unreachable<bool>(space),
    };

    private void End(ObjectName name, HoldRecord hold, ObjectRecord before, ObjectRecord after, SessionEnd reason, bool isNamed = true)
    {
        Take(name, hold, before, after, reason, isNamed);
        LeaveLease(hold.Lease);
        if (after.Attached > 0)
        {
            Promote(name);
        }
    }

    /// <summary>As it is told to a living session: with the end of its lease that has ended too, and nobody is told.</summary>
    private static SessionEnd EndOf(LossReason reason) => reason switch
    {
        LossReason.HeldTooLong => SessionEnd.HeldTooLong,
        LossReason.Forced or LossReason.Expired or LossReason.Revoked => SessionEnd.Forced,
        _ => Invariant.Unreachable<SessionEnd>(reason),
    };

    /// <summary>Keeps back what the lost hold had, for its owner, beside what is kept back already.</summary>
    private ObjectRecord KeptFor(ObjectRecord record, HoldRecord lost)
    {
        var until = entry.DeadlineAfter(lost.Terms.LockDelayMicros);
        var delay = new HoldDelay(lost.Owner, until, lost.Token, lost.Terms.Mode, lost.Terms.Count) { Principal = lost.Principal };
        return record with { Delays = HoldDelays.With(HoldDelays.At(record.Delays, entry.Stamp), delay, state.Limits.MaxDelaysPerLock) };
    }

    /// <summary>What was kept back for the owner of a new hold is that hold now.</summary>
    private ObjectRecord TakenBack(ObjectRecord record, HoldRecord hold) => record.Delays.IsEmpty
        ? record
        : record with
        {
            Delays = HoldDelays.TakenBack(HoldDelays.At(record.Delays, entry.Stamp), hold.OwnerName, hold.Terms.Mode, hold.Terms.Count),
        };

    private ImmutableArray<T> Newest<T>(ImmutableArray<T> items, T item) => items.Length < state.Limits.MaxRememberedTokens
        ? items.Add(item)
        : [.. items.AsSpan()[^(state.Limits.MaxRememberedTokens - 1)..], item];
}
