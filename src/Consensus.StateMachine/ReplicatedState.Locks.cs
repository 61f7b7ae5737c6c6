using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>Exclusive locks. The token of a hold is the revision of its grant, so no token is ever used twice or goes backward (rule 16).</summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<Key, LockRecord> _locks = new();
    private readonly CowTree<long, Key> _facts = new();
    private long _nextFact = 1;
    private long _holds;
    private long _activeLocks;

    private Outcome AcquireLock(AcquireLockCommand c)
    {
        if (WaitingPlaceOf(c) is { } place)
        {
            return Attach(place);
        }
        var isShared = !c.SharedLease.IsNone;
        if (isShared)
        {
            if (!_leases.TryGet(c.SharedLease, out var lease))
            {
                return new LeaseMissing(Revision, c.SharedLease);
            }
            if (lease.Attachments >= _limits.MaxAttachmentsPerLease)
            {
                return new BoundReached(Revision, BoundKind.LeaseAttachments, _limits.MaxAttachmentsPerLease);
            }
        }
        else if (_leases.Contains(c.OwnLease) || c.OwnLease.IsNone)
        {
            return new LeaseIdTaken(Revision, c.OwnLease);
        }
        var record = LockAt(c.Name);
        if (record.Hold is not null && c.WaitMicros <= 0)
        {
            return new LockHeld(Revision, Show(c.Name, record.Hold), record.Waiters, 0);
        }
        if (!record.IsActive && _activeLocks >= _limits.MaxLocks)
        {
            return new BoundReached(Revision, BoundKind.Locks, _limits.MaxLocks);
        }
        if (record.Hold is not null)
        {
            return Enqueue(c, record);
        }
        if (!isShared && _leases.Count >= _limits.MaxLeases)
        {
            return new BoundReached(Revision, BoundKind.Leases, _limits.MaxLeases);
        }
        return Grant(c.Name, c.Owner, _request, c.TtlMicros, c.OwnLease, c.SharedLease, 0);
    }

    private Outcome RenewLock(RenewLockCommand c)
    {
        var record = LockAt(c.Name);
        if (record.Hold is not { } hold || hold.Token != c.Token || !_leases.TryGet(hold.Lease, out var lease))
        {
            return Refuse(c.Name, record, c.Token);
        }
        Renew(lease);
        return new LockRenewed(Revision, Show(c.Name, hold));
    }

    private Outcome ReleaseLock(ReleaseLockCommand c)
    {
        var record = LockAt(c.Name);
        if (record.Hold is { } hold && (hold.Token == c.Token || (c.Force && c.Token == FencingToken.None)))
        {
            if (c.Force)
            {
                if (hold.OwnsLease && _leases.TryGet(hold.Lease, out var lease))
                {
                    EndLease(lease, LossReason.Forced);
                }
                else
                {
                    LoseHold(c.Name, LossReason.Forced);
                }
            }
            else
            {
                Release(c.Name, record, hold);
            }
            return new LockReleased(Revision);
        }
        var alreadyReleased = c.Token != FencingToken.None && record.LastReleased == c.Token;
        return alreadyReleased || (c.Force && record.Hold is null && c.Token == FencingToken.None)
            ? new LockReleased(Revision)
            : Refuse(c.Name, record, c.Token);
    }

    private NotHolder Refuse(Key name, LockRecord record, FencingToken token)
    {
        var loss = record.LastLoss is { } last && last.Token == token ? last : null;
        return new NotHolder(Revision, loss, record.Hold is null ? null : Show(name, record.Hold));
    }

    /// <summary>Gives the lock: one revision, which is the token. A lease of its own starts now, not when it was asked for (rule 4).</summary>
    private LockGranted Grant(Key name, string owner, RequestId request, long ttlMicros, LeaseId ownLease, LeaseId sharedLease, long waitedMicros)
    {
        var record = LockAt(name);
        Invariant.Require(record.Hold is null, "a lock has one holder");
        var token = new FencingToken(Bump().Value);
        var ownsLease = sharedLease.IsNone;
        var lease = ownsLease ? StartLease(ownLease, ttlMicros).Id : sharedLease;
        _leaseHolds.Set(new LeaseItem(lease, name), true);
        ChangeLease(lease, holds: 1);
        var hold = new HoldRecord(owner, token, lease, ownsLease, request, waitedMicros);
        _holds++;
        StoreLock(name, record, record with { Hold = hold });
        return new LockGranted(Revision, Show(name, hold), waitedMicros);
    }

    private void Release(Key name, LockRecord record, HoldRecord hold)
    {
        Bump();
        StoreLock(name, record, record with { Hold = null, LastReleased = hold.Token });
        DropHold(name, hold);
        if (hold.OwnsLease && _leases.TryGet(hold.Lease, out var lease))
        {
            EndLease(lease, LossReason.Revoked);
        }
        Promote(name);
    }

    /// <summary>The hold ends against its holder's will; the reason is kept so that the holder can be told (rule 22).</summary>
    private void LoseHold(Key name, LossReason reason)
    {
        var record = LockAt(name);
        var hold = record.Hold;
        Invariant.Require(hold is not null, "only a hold is lost");
        var loss = new LockLoss(hold.Token, hold.Owner, reason, Bump());
        StoreLock(name, record, record with { Hold = null, LastLoss = loss });
        DropHold(name, hold);
        Promote(name);
    }

    private void DropHold(Key name, HoldRecord hold)
    {
        _holds--;
        _leaseHolds.Remove(new LeaseItem(hold.Lease, name));
        ChangeLease(hold.Lease, holds: -1);
    }

    private LockRecord LockAt(Key name) => _locks.TryGet(name, out var record) ? record : LockRecord.Free;

    /// <summary>Stores a lock's new state. One that became inactive is remembered among the newest so many (rule 24).</summary>
    private void StoreLock(Key name, LockRecord before, LockRecord after)
    {
        if (before.IsActive != after.IsActive)
        {
            _activeLocks += after.IsActive ? 1 : -1;
        }
        if (after.IsActive && after.FactSequence != 0)
        {
            _facts.Remove(after.FactSequence);
            after = after with { FactSequence = 0 };
        }
        else if (!after.IsActive && after.FactSequence == 0)
        {
            if (after.LastReleased == FencingToken.None && after.LastLoss is null)
            {
                _locks.Remove(name);
                return;
            }
            after = after with { FactSequence = _nextFact++ };
            _facts.Set(after.FactSequence, name);
        }
        _locks.Set(name, after);
        if (_facts.Count > _limits.MaxUnheldLockFacts && _facts.TryFirst(out var oldest, out var forgotten))
        {
            _facts.Remove(oldest);
            _locks.Remove(forgotten);
        }
    }

    private Hold Show(Key name, HoldRecord hold)
    {
        _leases.TryGet(hold.Lease, out var lease);
        return new Hold(
            name,
            hold.Owner,
            hold.Token,
            hold.Lease,
            lease?.TtlMicros ?? 0,
            new Revision(hold.Token.Value),
            lease?.Deadline ?? ClusterTime.Zero);
    }
}
