using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Who asks for a lock, for permits of a semaphore or for the leadership of an election. All three are holds of a named object: a semaphore has permits, a lock may be shared, an
/// election has a value. A newcomer never passes anybody who waits and could be granted.
/// </summary>
internal sealed class AcquireRules(
    StateTables state, Applying entry, HoldRules holds, LineRules lines, WaitRules waits, HoldAnswers answers, ShareRules shares)
{
    public Outcome Acquire(AcquireCommand c)
    {
        if (waits.PlaceOfRequest() is { } place)
        {
            return waits.Attach(place, c);
        }
        var name = c.Object;
        var record = state.Objects[name];
        if (record.Attached > 0)
        {
            // What the mere passing of time made possible comes first.
            holds.Promote(name);
            record = state.Objects[name];
        }
        if (RefuseLease(c.OwnLease, c.SharedLease, 1) is { } noLease)
        {
            return noLease;
        }
        if (RefusePermits(c, record) is { } mismatch)
        {
            return mismatch;
        }
        var wanted = Wanted.By(c, entry.Principal);
        var isFree = IsFree(name, record, wanted);
        if (!isFree && c.WaitMicros <= 0)
        {
            return answers.Held(name, record, wanted, 0, entry.Actor);
        }
        if (!record.IsActive && state.Objects.ActiveCount >= state.Limits.MaxObjects)
        {
            return new BoundReached(state.Revision, BoundKind.Locks, state.Limits.MaxObjects);
        }
        if (shares.Refuse(holds: 1, isLease: isFree && c.SharedLease.IsNone) is { } tooMany)
        {
            return tooMany;
        }
        var terms = AskedTerms.Of(c);
        var grows = ObjectTable.GrowthOf(name, record) + state.Sessions.GrowthOf(c.SharedLease) + (isFree
            ? HoldTable.SizeOf(name, wanted.Owner, terms, c.MaxHoldMicros > 0)
                + (c.SharedLease.IsNone ? LeaseRecord.BytesOf(entry.Principal) : 0)
            : WaiterTable.SizeOf(name, c.Owner, entry.Actor, terms, entry.Identity, entry.Fingerprint.Length));
        if (holds.RefuseBytes(c.Metadata.Length, c.Value.Length, grows) is { } tooLarge)
        {
            return tooLarge;
        }
        if (!isFree)
        {
            return waits.Enqueue(c, terms, record);
        }
        if (c.SharedLease.IsNone && state.Leases.Count >= state.Limits.MaxLeases)
        {
            return new BoundReached(state.Revision, BoundKind.Leases, state.Limits.MaxLeases);
        }
        if (record.Holders >= state.Limits.MaxHoldersPerObject)
        {
            return new BoundReached(state.Revision, BoundKind.Holders, state.Limits.MaxHoldersPerObject);
        }
        var claim = new Claim(wanted.Owner, entry.Request, c.TtlMicros, c.OwnLease, c.SharedLease, terms)
        {
            IsNumbered = entry.Identity.IsSession,
        };
        var granted = holds.Grant(name, record, name.Space == HoldSpace.Semaphore ? record with { Permits = c.Permits } : record, claim, 0);
        if (!record.Delays.IsEmpty)
        {
            // Its last owner may have taken it back, which ends the delay for others who fit.
            holds.Promote(name);
        }
        return granted;
    }

    /// <summary>Several locks in one step: all of them, or none, and a place in the line of each for who waits.</summary>
    public Outcome AcquireMany(AcquireManyCommand c)
    {
        if (waits.PlaceOfRequest() is { } place)
        {
            return waits.Attach(place, c);
        }
        if (RefuseNames(c.Names) is { } badNames)
        {
            return badNames;
        }
        foreach (var key in c.Names)
        {
            holds.Promote(ObjectName.Lock(key));
        }
        if (RefuseLease(c.OwnLease, c.SharedLease, c.Names.Length) is { } noLease)
        {
            return noLease;
        }
        var wanted = Wanted.By(c, entry.Principal);
        var inTheWay = NotFree(c, wanted);
        if (inTheWay is { } first && c.WaitMicros <= 0)
        {
            return answers.Held(first, state.Objects[first], wanted, 0, entry.Actor);
        }
        var terms = AskedTerms.Of(c);
        var newlyActive = 0;
        var grows = c.SharedLease.IsNone && inTheWay is null
            ? LeaseRecord.BytesOf(entry.Principal)
            : c.Names.Length * state.Sessions.GrowthOf(c.SharedLease);
        foreach (var key in c.Names)
        {
            var name = ObjectName.Lock(key);
            var record = state.Objects[name];
            newlyActive += record.IsActive ? 0 : 1;
            grows += ObjectTable.GrowthOf(name, record) + (inTheWay is null
                ? HoldTable.SizeOf(name, wanted.Owner, terms, c.MaxHoldMicros > 0)
                : WaiterTable.SizeOf(name, c.Owner, entry.Actor, terms, entry.Identity, entry.Fingerprint.Length));
        }
        if (state.Objects.ActiveCount + newlyActive > state.Limits.MaxObjects)
        {
            return new BoundReached(state.Revision, BoundKind.Locks, state.Limits.MaxObjects);
        }
        if (shares.Refuse(c.Names.Length, isLease: inTheWay is null && c.SharedLease.IsNone) is { } tooMany)
        {
            return tooMany;
        }
        if (holds.RefuseBytes(c.Metadata.Length, 0, grows) is { } tooLarge)
        {
            return tooLarge;
        }
        if (inTheWay is not null)
        {
            return waits.Enqueue(c, terms);
        }
        var lease = c.SharedLease;
        if (lease.IsNone)
        {
            if (state.Leases.Count >= state.Limits.MaxLeases)
            {
                return new BoundReached(state.Revision, BoundKind.Leases, state.Limits.MaxLeases);
            }
            lease = state.Leases.Start(
                c.OwnLease, c.TtlMicros, entry.DeadlineAfter(c.TtlMicros), holds: 0, isOwn: true, entry.Principal).Id;
        }
        return GrantMany(c, terms, lease);
    }

    /// <summary>
    /// Whether a request for a hold beside which there can be no other would stand in line, and would still do so if so many commands each
    /// freed its object for one who stands there already. One that has its place, or its hold, is told so: that is no new place.
    /// </summary>
    public bool WouldStandInLine(CommandEnvelope asked, long onTheWay) =>
        asked.Command is AcquireCommand { WaitMicros: > 0, Space: not HoldSpace.Semaphore } c
        && AskedTerms.ModeOf(c) == LockMode.Exclusive
        && state.Objects[c.Object] is { Holders: > 0 } record
        && record.Attached > onTheWay
        && !IsKnown(Identity.Of(asked.IdempotencyKey, asked.Session, Actor.NameOf(asked.Principal)));

    private bool IsKnown(Identity identity) =>
        !identity.IsNone
        && (state.Waiters.TryFind(identity, out _)
            || (identity.IsSession
                ? state.Sessions.Contains(identity.Number) || state.Holds.Of(identity.Number).Count > 0
                : state.Answers.Kept.Contains(identity)));

    private bool IsFree(ObjectName name, ObjectRecord record, in Wanted wanted) =>
        lines.MayHave(name.Space, record, wanted) && lines.PassesNobody(name, record, wanted);

    /// <summary>The first of the locks that is not to be had now; null when all are.</summary>
    private ObjectName? NotFree(AcquireManyCommand c, in Wanted wanted)
    {
        foreach (var key in c.Names)
        {
            var name = ObjectName.Lock(key);
            if (!IsFree(name, state.Objects[name], wanted))
            {
                return name;
            }
        }
        return null;
    }

    private ManyGranted GrantMany(AcquireManyCommand c, HoldTerms terms, LeaseId lease)
    {
        var claim = new Claim(new OwnerName(entry.Principal, c.Owner), entry.Request, c.TtlMicros, LeaseId.None, lease, terms)
        {
            IsNumbered = entry.Identity.IsSession,
        };
        var granted = ImmutableArray.CreateBuilder<Hold>(c.Names.Length);
        foreach (var key in c.Names)
        {
            var name = ObjectName.Lock(key);
            var record = state.Objects[name];
            granted.Add(holds.Grant(name, record, record, claim, 0).Hold);
        }
        return new ManyGranted(state.Revision, granted.MoveToImmutable());
    }

    /// <summary>The endpoint lets neither through: no names at all, too many, or one twice.</summary>
    private Outcome? RefuseNames(ImmutableArray<Key> names)
    {
        if (names.Length > state.Limits.MaxHoldsPerCommand)
        {
            return new TooManyObjects(state.Revision, state.Limits.MaxHoldsPerCommand);
        }
        if (names.IsEmpty)
        {
            return new KeyWrittenTwice(state.Revision, default);
        }
        var seen = new HashSet<Key>();
        foreach (var name in names)
        {
            if (!seen.Add(name))
            {
                return new KeyWrittenTwice(state.Revision, name);
            }
        }
        return null;
    }

    private Outcome? RefuseLease(LeaseId own, LeaseId shared, int more)
    {
        if (shared.IsNone)
        {
            return state.Leases.Contains(own) || own.IsNone ? new LeaseIdTaken(state.Revision, own) : null;
        }
        if (!state.Leases.TryGet(shared, out var lease))
        {
            return new LeaseMissing(state.Revision, shared);
        }
        return lease.Attachments + more > state.Limits.MaxAttachmentsPerLease
            ? new BoundReached(state.Revision, BoundKind.LeaseAttachments, state.Limits.MaxAttachmentsPerLease)
            : null;
    }

    /// <summary>The first user's limit is in force until nobody holds or waits any more, and nothing is kept back.</summary>
    private PermitsMismatch? RefusePermits(AcquireCommand c, ObjectRecord record)
    {
        if (c.Space != HoldSpace.Semaphore)
        {
            return null;
        }
        if ((record.Holders + record.Waiters > 0 || KeptBack.Permits(record, entry.Stamp) > 0) && record.Permits != c.Permits)
        {
            return new PermitsMismatch(state.Revision, record.Permits);
        }
        return AskedTerms.CountOf(c) > c.Permits ? new PermitsMismatch(state.Revision, c.Permits) : null;
    }
}
