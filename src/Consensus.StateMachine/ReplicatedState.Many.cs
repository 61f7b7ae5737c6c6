using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>Several locks in one step: all of them, or none and no waiting.</summary>
public sealed partial class ReplicatedState
{
    private Outcome AcquireMany(AcquireManyCommand c)
    {
        if (RefuseNames(c.Names) is { } badNames)
        {
            return badNames;
        }
        foreach (var key in c.Names)
        {
            Promote(ObjectName.Lock(key));
        }
        if (RefuseLease(c.OwnLease, c.SharedLease, c.Names.Length) is { } noLease)
        {
            return noLease;
        }
        var newlyActive = 0;
        foreach (var key in c.Names)
        {
            var name = ObjectName.Lock(key);
            var record = LockAt(name);
            if (record.Holders > 0 || !IsOpenTo(name, record, c.Owner))
            {
                return Held(name, record, 0);
            }
            newlyActive += record.IsActive ? 0 : 1;
        }
        if (_activeLocks + newlyActive > _limits.MaxLocks)
        {
            return new BoundReached(Revision, BoundKind.Locks, _limits.MaxLocks);
        }
        if (RefuseBytes(c.Metadata.Length, 0, (long)c.Metadata.Length * c.Names.Length) is { } tooLarge)
        {
            return tooLarge;
        }
        var lease = c.SharedLease;
        if (lease.IsNone)
        {
            if (_leases.Count >= _limits.MaxLeases)
            {
                return new BoundReached(Revision, BoundKind.Leases, _limits.MaxLeases);
            }
            lease = StartLease(c.OwnLease, c.TtlMicros, holds: 0, isOwn: true).Id;
        }
        return GrantMany(c, lease);
    }

    /// <summary>The endpoint lets neither through: no names at all, too many, or one twice.</summary>
    private Outcome? RefuseNames(ImmutableArray<Key> names)
    {
        if (names.Length > _limits.MaxLocksPerCommand)
        {
            return new TooManyObjects(Revision, _limits.MaxLocksPerCommand);
        }
        if (names.IsEmpty)
        {
            return new KeyWrittenTwice(Revision, default);
        }
        var seen = new HashSet<Key>();
        foreach (var name in names)
        {
            if (!seen.Add(name))
            {
                return new KeyWrittenTwice(Revision, name);
            }
        }
        return null;
    }

    private ManyGranted GrantMany(AcquireManyCommand c, LeaseId lease)
    {
        var terms = HoldTerms.Of(LockMode.Exclusive, 1, c.LockDelayMicros, c.MaxHoldMicros, c.Metadata.ToArray(), default);
        var claim = new Claim(c.Owner, _request, c.TtlMicros, LeaseId.None, lease, terms);
        var holds = ImmutableArray.CreateBuilder<Hold>(c.Names.Length);
        foreach (var key in c.Names)
        {
            var name = ObjectName.Lock(key);
            var record = LockAt(name);
            holds.Add(Grant(name, record, record, claim, 0).Hold);
        }
        return new ManyGranted(Revision, holds.MoveToImmutable());
    }
}
