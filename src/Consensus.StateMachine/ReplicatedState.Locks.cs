using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>
/// What is asked of locks, semaphores and elections. All three are holds of a named object: a semaphore has permits, a lock may be shared, an election has a
/// value. A newcomer never passes anybody who waits and could be granted.
/// </summary>
public sealed partial class ReplicatedState
{
    private Outcome AcquireLock(AcquireLockCommand c)
    {
        if (WaitingPlace() is { } place)
        {
            return Attach(place, c);
        }
        var name = c.Object;
        var record = LockAt(name);
        if (record.Attached > 0)
        {
            // What the mere passing of time made possible comes first.
            Promote(name);
            record = LockAt(name);
        }
        if (RefuseLease(c.OwnLease, c.SharedLease, 1) is { } noLease)
        {
            return noLease;
        }
        if (RefusePermits(c, record) is { } mismatch)
        {
            return mismatch;
        }
        var isFree = Fits(name.Space, record, PermitsOf(c), ModeOf(c), CountOf(c)) && IsOpenTo(name, record, c.Owner);
        if (!isFree && c.WaitMicros <= 0)
        {
            return Held(name, record, 0);
        }
        if (!record.IsActive && _activeLocks >= _limits.MaxLocks)
        {
            return new BoundReached(Revision, BoundKind.Locks, _limits.MaxLocks);
        }
        if (RefuseBytes(c.Metadata.Length, c.Value.Length, c.Metadata.Length + c.Value.Length) is { } tooLarge)
        {
            return tooLarge;
        }
        var terms = TermsOf(c);
        if (!isFree)
        {
            return Enqueue(c, terms, record);
        }
        if (c.SharedLease.IsNone && _leases.Count >= _limits.MaxLeases)
        {
            return new BoundReached(Revision, BoundKind.Leases, _limits.MaxLeases);
        }
        if (record.Holders >= _limits.MaxHoldersPerLock)
        {
            return new BoundReached(Revision, BoundKind.Holders, _limits.MaxHoldersPerLock);
        }
        var claim = new Claim(c.Owner, _request, c.TtlMicros, c.OwnLease, c.SharedLease, terms);
        var granted = Grant(name, record, name.Space == HoldSpace.Semaphore ? record with { Permits = c.Permits } : record, claim, 0);
        if (record.Delay is not null)
        {
            // Its last owner took it back, which ends the delay for all others who fit.
            Promote(name);
        }
        return granted;
    }

    private Outcome RenewLock(RenewLockCommand c)
    {
        var name = c.Object;
        if (FindHold(name, c.Token) is not { } hold || !_leases.TryGet(hold.Lease, out var lease))
        {
            return Refuse(name, c.Token);
        }
        var isNew = name.Space == HoldSpace.Election && c.Value is { } value && !value.Span.SequenceEqual(hold.Terms.Value.Span);
        if (isNew && RefuseBytes(0, c.Value!.Value.Length, c.Value.Value.Length - hold.Terms.Value.Length) is { } tooLarge)
        {
            return tooLarge;
        }
        Renew(lease);
        if (isNew)
        {
            Bump();
            var proclaimed = hold with { Terms = hold.Terms with { Value = c.Value!.Value.ToArray() } };
            ReplaceHold(name, hold, proclaimed);
            hold = proclaimed;
            RecordElection(name.Name, Show(name, hold));
        }
        return new LockRenewed(Revision, Show(name, hold));
    }

    private Outcome ReleaseLock(ReleaseLockCommand c)
    {
        var name = c.Object;
        if (c.Force && c.Token == FencingToken.None)
        {
            return Break(name);
        }
        var record = LockAt(name);
        if (FindHold(name, record, c.Token) is { } hold)
        {
            if (c.Force)
            {
                LoseHold(name, hold, LossReason.Forced);
            }
            else
            {
                Release(name, record, hold);
            }
            return new LockReleased(Revision);
        }
        return record.Released.Contains(c.Token) ? new LockReleased(Revision) : Refuse(name, c.Token);
    }

    /// <summary>Frees the object whoever holds it; when nobody does, ends the time for which it is kept for its last owner.</summary>
    private Outcome Break(ObjectName name)
    {
        var record = LockAt(name);
        if (record.Holders > _limits.MaxObjectsPerCommand)
        {
            return new TooManyObjects(Revision, _limits.MaxObjectsPerCommand);
        }
        if (record.Holders == 0 && record.Delay is not null)
        {
            StoreLock(name, record, EndDelay(record));
            Promote(name);
        }

        // All that hold now, not those who are granted because of it.
        foreach (var hold in record.Holders > 0 ? AllHolds(name, record) : [])
        {
            LoseHold(name, hold, LossReason.Forced);
        }
        return new LockReleased(Revision);
    }

    private Outcome HandOver(HandOverCommand c)
    {
        var name = c.Object;
        var record = LockAt(name);
        if (FindHold(name, record, c.Token) is not { } hold)
        {
            return Refuse(name, c.Token);
        }
        var after = record.Without(hold, Newest(record.Released, hold.Token), record.Losses);
        if (FirstGrantableOf(name, c.To) is not { } waiter
            || (IsDelayed(record) && record.Delay!.Owner != c.To)
            || !Fits(name.Space, after, after.Permits, waiter.Terms.Mode, waiter.Terms.Count))
        {
            return new NoSuchWaiter(Revision, c.To);
        }
        TakeHold(name, hold, record, after);
        var granted = GrantWaiter(waiter);

        // Only now: the waiter may wait under the very lease that goes with its last hold.
        LeaveLease(hold.Lease);
        Promote(name);
        return new HandedOver(Revision, granted.Hold);
    }

    /// <summary>What a guarded write asks: the hold of this token has not ended. A lease past its deadline is alive until an entry ends it (rule 2).</summary>
    private bool IsHeld(ObjectName name, FencingToken token) => FindHold(name, token) is not null;

    private Outcome? RefuseLease(LeaseId own, LeaseId shared, int holds)
    {
        if (shared.IsNone)
        {
            return _leases.Contains(own) || own.IsNone ? new LeaseIdTaken(Revision, own) : null;
        }
        if (!_leases.TryGet(shared, out var lease))
        {
            return new LeaseMissing(Revision, shared);
        }
        return lease.Attachments + holds > _limits.MaxAttachmentsPerLease
            ? new BoundReached(Revision, BoundKind.LeaseAttachments, _limits.MaxAttachmentsPerLease)
            : null;
    }

    /// <summary>The first user's limit is in force until nobody holds or waits any more.</summary>
    private PermitsMismatch? RefusePermits(AcquireLockCommand c, LockRecord record)
    {
        if (c.Space != HoldSpace.Semaphore)
        {
            return null;
        }
        if (record.Holders + record.Waiters > 0 && record.Permits != c.Permits)
        {
            return new PermitsMismatch(Revision, record.Permits);
        }
        return CountOf(c) > c.Permits ? new PermitsMismatch(Revision, c.Permits) : null;
    }

    private QuotaExceeded? RefuseBytes(long metadata, long value, long grows)
    {
        if (metadata > _limits.MaxMetadataBytes || value > _limits.MaxMetadataBytes)
        {
            return new QuotaExceeded(Revision, _limits.MaxMetadataBytes);
        }
        return grows > 0 && _stateBytes + grows > _limits.MaxStateBytes ? new QuotaExceeded(Revision, _limits.MaxStateBytes) : null;
    }

    /// <summary>Only locks have modes, and only semaphores count.</summary>
    private static LockMode ModeOf(AcquireLockCommand c) => c.Space == HoldSpace.Lock ? c.Mode : LockMode.Exclusive;

    private static long CountOf(AcquireLockCommand c) => c.Space == HoldSpace.Semaphore ? Math.Max(1, c.Count) : 1;

    private static long PermitsOf(AcquireLockCommand c) => c.Space == HoldSpace.Semaphore ? c.Permits : 0;

    /// <summary>The logged command's array is as large as the whole entry and is shared with the log: the state keeps its own copies.</summary>
    private static HoldTerms TermsOf(AcquireLockCommand c) => HoldTerms.Of(
        ModeOf(c),
        CountOf(c),
        c.LockDelayMicros,
        c.MaxHoldMicros,
        c.Metadata.ToArray(),
        c.Space == HoldSpace.Election ? c.Value.ToArray() : default);

    private LockHeld Held(ObjectName name, LockRecord record, long waitedMicros) => new(Revision, FirstHolder(name, record), record.Waiters, waitedMicros)
    {
        Name = name.Name,
        DelayedUntil = IsDelayed(record) ? record.Delay!.Until : null,
        DelayLeftMicros = IsDelayed(record) ? record.Delay!.Until - _stamp : 0,
    };

    private NotHolder Refuse(ObjectName name, FencingToken token)
    {
        var record = LockAt(name);
        return new NotHolder(Revision, LossOf(record, token), FirstHolder(name, record));
    }

    private static LockLoss? LossOf(LockRecord record, FencingToken token)
    {
        foreach (var loss in record.Losses)
        {
            if (loss.Token == token)
            {
                return loss;
            }
        }
        return null;
    }
}
