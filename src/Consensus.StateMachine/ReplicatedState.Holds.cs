using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>
/// How a hold begins and ends. Its token is the revision of its grant, so no token is ever used twice or goes backward; each grant, release and loss has a
/// revision of its own (rule 16).
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<ObjectName, LockRecord> _locks = new();
    private readonly CowTree<HoldKey, HoldRecord> _holds = new();
    private readonly CowTree<Due, ObjectName> _holdDeadlines = new();
    private readonly CowTree<Due, ObjectName> _delayDeadlines = new();
    private readonly CowTree<long, ObjectName> _facts = new();

    // Of shared and counted holds alone: an exclusive one is found by its object.
    private readonly Dictionary<RequestId, HoldKey> _requestHolds = [];
    private long _nextFact = 1;
    private long _activeLocks;

    /// <summary>Gives a hold: one revision, which is the token. A lease of its own starts now, not when it was asked for (rule 4).</summary>
    /// <param name="before">The object as it is stored.</param>
    /// <param name="after">The same without the waiting place that becomes the hold.</param>
    /// <param name="leaseWaiters">By how many waiting places of the shared lease this is one more or less.</param>
    private LockGranted Grant(ObjectName name, LockRecord before, LockRecord after, in Claim claim, long waitedMicros, int leaseWaiters = 0)
    {
        Invariant.Require(Fits(name.Space, after, after.Permits, claim.Terms.Mode, claim.Terms.Count), "a grant fits beside the holds that there are");
        var token = new FencingToken(Bump().Value);
        var lease = claim.SharedLease;
        if (lease.IsNone)
        {
            lease = StartLease(claim.OwnLease, claim.TtlMicros, holds: 1, isOwn: true).Id;
        }
        else
        {
            ChangeLease(lease, holds: 1, waiters: leaseWaiters);
        }
        var until = claim.Terms.MaxHoldMicros > 0 ? DeadlineAfter(claim.Terms.MaxHoldMicros) : ClusterTime.Never;
        var hold = new HoldRecord(claim.Owner, token, lease, claim.Request, waitedMicros, until, claim.Terms);
        StoreLock(name, before, EndDelay(after).With(hold));
        AddHold(name, hold);
        var shown = Show(name, hold);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, shown);
        }
        return new LockGranted(Revision, shown, waitedMicros);
    }

    private void Release(ObjectName name, HoldRecord hold)
    {
        var record = LockAt(name);
        EndHold(name, hold, record, Remember(record.Without(hold), hold.Token));
        LeaveLease(hold.Lease);
        Promote(name);
    }

    /// <summary>The hold ends against its holder's will; the reason is kept so that the holder can be told (rule 22).</summary>
    private void LoseHold(ObjectName name, HoldRecord hold, LossReason reason)
    {
        var record = LockAt(name);
        var loss = new LockLoss(hold.Token, hold.Owner, reason, Revision.Next);
        var after = record.Without(hold);
        after = after with { Losses = Newest(after.Losses, loss) };
        EndHold(name, hold, record, hold.Terms.LockDelayMicros > 0 ? StartDelay(name, after, hold) : after);
        LeaveLease(hold.Lease);
        Promote(name);
    }

    /// <summary>The end of a hold but for its lease: one revision.</summary>
    private void EndHold(ObjectName name, HoldRecord hold, LockRecord before, LockRecord after)
    {
        Bump();
        StoreLock(name, before, after);
        DropHold(name, hold);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, null);
        }
    }

    private void AddHold(ObjectName name, HoldRecord hold)
    {
        _holds.Set(new HoldKey(name, hold.Token), hold);
        _leaseHolds.Set(new LeaseHold(hold.Lease, name, hold.Token), true);
        if (hold.Until != ClusterTime.Never)
        {
            _holdDeadlines.Set(new Due(hold.Until, hold.Token.Value), name);
        }
        if (hold.Request != RequestId.None && !IsAlone(name, hold))
        {
            _requestHolds[hold.Request] = new HoldKey(name, hold.Token);
        }
        _stateBytes += hold.Terms.Bytes;
    }

    private void DropHold(ObjectName name, HoldRecord hold)
    {
        _holds.Remove(new HoldKey(name, hold.Token));
        _leaseHolds.Remove(new LeaseHold(hold.Lease, name, hold.Token));
        if (hold.Until != ClusterTime.Never)
        {
            _holdDeadlines.Remove(new Due(hold.Until, hold.Token.Value));
        }
        if (!IsAlone(name, hold))
        {
            _requestHolds.Remove(hold.Request);
        }
        _stateBytes -= hold.Terms.Bytes;
    }

    private void ReplaceHold(ObjectName name, HoldRecord before, HoldRecord after)
    {
        DropHold(name, before);
        AddHold(name, after);
    }

    private static bool IsAlone(ObjectName name, HoldRecord hold) => name.Space != HoldSpace.Semaphore && hold.Terms.Mode == LockMode.Exclusive;

    private HoldRecord? FindHold(ObjectName name, FencingToken token) => _holds.TryGet(new HoldKey(name, token), out var hold) ? hold : null;

    private HoldRecord? FirstHold(ObjectName name) =>
        _holds.TryFirstFrom(new HoldKey(name, FencingToken.None), out var key, out var hold) && key.Object == name ? hold : null;

    /// <summary>The hold that this very request was granted, while it is held and nobody else was told of it.</summary>
    private HoldRecord? HoldOf(ObjectName name, RequestId request)
    {
        if (_requestHolds.TryGetValue(request, out var key))
        {
            return key.Object == name ? FindHold(name, key.Token) : null;
        }
        return FirstHold(name) is { } hold && hold.Request == request ? hold : null;
    }

    private Hold? FirstHolder(ObjectName name, LockRecord record) => record.Holders > 0 && FirstHold(name) is { } hold ? Show(name, hold) : null;

    /// <summary>Whether a further hold may stand beside those that there are: never beside an exclusive one, never more permits than there are.</summary>
    private static bool Fits(HoldSpace space, LockRecord record, long permits, LockMode mode, long count) => space switch
    {
        HoldSpace.Semaphore => count <= permits - record.PermitsUsed,
        HoldSpace.Lock => record.Holders == 0 || (record.Mode == LockMode.Shared && mode == LockMode.Shared),
        HoldSpace.Election => record.Holders == 0,
        _ => Invariant.Unreachable<bool>(space),
    };

    /// <summary>False when no further hold of any kind could stand beside those that there are.</summary>
    private bool HasRoom(HoldSpace space, LockRecord record) =>
        record.Holders < _limits.MaxHoldersPerLock && Fits(space, record, record.Permits, LockMode.Shared, 1);

    private bool IsDelayed(LockRecord record) => record.Delay is { } delay && delay.Until > _stamp;

    /// <summary>
    /// Keeps the object for the owner of the lost hold. When it is being kept for another one already (several shared or counted holds were lost), the later end
    /// counts.
    /// </summary>
    private LockRecord StartDelay(ObjectName name, LockRecord record, HoldRecord lost)
    {
        var delay = new LockDelay(lost.Owner, DeadlineAfter(lost.Terms.LockDelayMicros), lost.Token);
        if (record.Delay is { } present && present.Until > delay.Until)
        {
            return record;
        }
        _delayDeadlines.Set(new Due(delay.Until, delay.Token.Value), name);
        return EndDelay(record) with { Delay = delay };
    }

    private LockRecord EndDelay(LockRecord record)
    {
        if (record.Delay is not { } delay)
        {
            return record;
        }
        _delayDeadlines.Remove(new Due(delay.Until, delay.Token.Value));
        return record with { Delay = null };
    }

    private LockRecord Remember(LockRecord record, FencingToken released) => record with { Released = Newest(record.Released, released) };

    private ImmutableArray<T> Newest<T>(ImmutableArray<T> items, T item) =>
        items.Length < _limits.MaxRememberedTokens ? items.Add(item) : [.. items.AsSpan()[^(_limits.MaxRememberedTokens - 1)..], item];

    private LockRecord LockAt(ObjectName name) => _locks.TryGet(name, out var record) ? record : LockRecord.Free;

    /// <summary>Stores an object's new state. One that became inactive is remembered among the newest so many (rule 24).</summary>
    private void StoreLock(ObjectName name, LockRecord before, LockRecord after)
    {
        if (before.IsActive != after.IsActive)
        {
            _activeLocks += after.IsActive ? 1 : -1;
        }
        if (after.Permits != 0 && after.Holders + after.Waiters == 0)
        {
            after = after with { Permits = 0 };
        }
        if (after.IsActive && after.FactSequence != 0)
        {
            _facts.Remove(after.FactSequence);
            after = after with { FactSequence = 0 };
        }
        else if (!after.IsActive && after.FactSequence == 0)
        {
            if (after.Released.IsEmpty && after.Losses.IsEmpty)
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

    /// <summary>The hold as its holder may count on it: its lease, or what is left of the time for which it may be held at all.</summary>
    private Hold Show(ObjectName name, HoldRecord hold)
    {
        _leases.TryGet(hold.Lease, out var lease);
        var shown = Holding.Show(name, hold, lease);
        return hold.Until == ClusterTime.Never ? shown : shown with { TtlMicros = Math.Min(shown.TtlMicros, Math.Max(0, hold.Until - _stamp)) };
    }
}
