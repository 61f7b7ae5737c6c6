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

    // The shared and counted ones: a sole hold is kept by its object.
    private readonly CowTree<HoldKey, HoldRecord> _holds = new();
    private readonly Dictionary<RequestId, HoldKey> _requestHolds = [];
    private readonly CowTree<Due, ObjectName> _holdDeadlines = new();
    private readonly CowTree<Due, ObjectName> _delayDeadlines = new();
    private readonly CowTree<long, ObjectName> _facts = new();
    private long _nextFact = 1;
    private long _soleHolds;
    private long _activeLocks;

    /// <summary>Gives a hold: one revision, which is the token. A lease of its own starts now, not when it was asked for (rule 4).</summary>
    /// <param name="before">The object as it is stored.</param>
    /// <param name="after">The same without the waiting place that becomes the hold.</param>
    /// <param name="leaseWaiters">By how many waiting places of the shared lease this is one more or less.</param>
    private LockGranted Grant(ObjectName name, LockRecord before, LockRecord after, in Claim claim, long waitedMicros, int leaseWaiters = 0)
    {
        Invariant.Require(Fits(name.Space, after, after.Permits, claim.Terms.Mode, claim.Terms.Count), "a grant fits beside the holds that there are");
        var token = new FencingToken(Bump().Value);
        var lease = claim.SharedLease.IsNone
            ? StartLease(claim.OwnLease, claim.TtlMicros, holds: 1, isOwn: true)
            : ChangeLease(claim.SharedLease, holds: 1, waiters: leaseWaiters);
        Invariant.Require(lease is not null, "a hold hangs on a living lease");
        var until = claim.Terms.MaxHoldMicros > 0 ? DeadlineAfter(claim.Terms.MaxHoldMicros) : ClusterTime.Never;
        var hold = new HoldRecord(claim.Owner, token, lease.Id, claim.Request, waitedMicros, until, claim.Terms);
        if (after.Delay is { } delay)
        {
            _delayDeadlines.Remove(new Due(delay.Until, delay.Token.Value));
        }
        StoreLock(name, before, after.With(hold, IsSole(name, hold)));
        AddHold(name, hold);
        var shown = Show(name, hold, lease);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, shown);
        }
        return new LockGranted(Revision, shown, waitedMicros);
    }

    private void Release(ObjectName name, LockRecord record, HoldRecord hold) =>
        EndHold(name, hold, record, record.Without(hold, Newest(record.Released, hold.Token), record.Losses));

    /// <summary>The hold ends against its holder's will; the reason is kept so that the holder can be told (rule 22).</summary>
    private void LoseHold(ObjectName name, HoldRecord hold, LossReason reason)
    {
        var record = LockAt(name);
        var loss = new LockLoss(hold.Token, hold.Owner, reason, Revision.Next);
        var after = record.Without(hold, record.Released, Newest(record.Losses, loss));
        EndHold(name, hold, record, hold.Terms.LockDelayMicros > 0 ? StartDelay(name, after, hold) : after);
    }

    private void EndHold(ObjectName name, HoldRecord hold, LockRecord before, LockRecord after)
    {
        TakeHold(name, hold, before, after);
        LeaveLease(hold.Lease);
        if (after.Attached > 0)
        {
            Promote(name);
        }
    }

    /// <summary>The end of a hold but for its lease and for who comes next: one revision.</summary>
    private void TakeHold(ObjectName name, HoldRecord hold, LockRecord before, LockRecord after)
    {
        Bump();
        StoreLock(name, before, after);
        DropHold(name, hold);
        if (name.Space == HoldSpace.Election)
        {
            RecordElection(name.Name, null);
        }
    }

    /// <summary>Everything by which a hold is found, save that its object keeps a sole one.</summary>
    private void AddHold(ObjectName name, HoldRecord hold)
    {
        if (IsSole(name, hold))
        {
            _soleHolds++;
        }
        else
        {
            var key = new HoldKey(name, hold.Token);
            _holds.Set(key, hold);
            NameRequest(hold, key);
        }
        _leaseHolds.Set(new LeaseHold(hold.Lease, hold.Token), name);
        if (hold.Until != ClusterTime.Never)
        {
            _holdDeadlines.Set(new Due(hold.Until, hold.Token.Value), name);
        }
        _stateBytes += hold.Terms.Bytes;
    }

    private void DropHold(ObjectName name, HoldRecord hold)
    {
        if (IsSole(name, hold))
        {
            _soleHolds--;
        }
        else
        {
            _holds.Remove(new HoldKey(name, hold.Token));
            _requestHolds.Remove(hold.Request);
        }
        _leaseHolds.Remove(new LeaseHold(hold.Lease, hold.Token));
        if (hold.Until != ClusterTime.Never)
        {
            _holdDeadlines.Remove(new Due(hold.Until, hold.Token.Value));
        }
        _stateBytes -= hold.Terms.Bytes;
    }

    /// <summary>The same hold with another value or request.</summary>
    private void ReplaceHold(ObjectName name, HoldRecord before, HoldRecord after)
    {
        if (IsSole(name, after))
        {
            _locks.Set(name, LockAt(name) with { Sole = after });
        }
        else
        {
            var key = new HoldKey(name, after.Token);
            _holds.Set(key, after);
            _requestHolds.Remove(before.Request);
            NameRequest(after, key);
        }
        _stateBytes += after.Terms.Bytes - before.Terms.Bytes;
    }

    private void NameRequest(HoldRecord hold, HoldKey key)
    {
        if (hold.Request != RequestId.None)
        {
            _requestHolds[hold.Request] = key;
        }
    }

    private static bool IsSole(ObjectName name, HoldRecord hold) => name.Space != HoldSpace.Semaphore && hold.Terms.Mode == LockMode.Exclusive;

    private HoldRecord? FindHold(ObjectName name, FencingToken token) => FindHold(name, LockAt(name), token);

    private HoldRecord? FindHold(ObjectName name, LockRecord record, FencingToken token)
    {
        if (record.Sole is { } sole)
        {
            return sole.Token == token ? sole : null;
        }
        return record.Holders > 0 && _holds.TryGet(new HoldKey(name, token), out var hold) ? hold : null;
    }

    private HoldRecord? FirstHold(ObjectName name, LockRecord record)
    {
        if (record.Holders == 0 || record.Sole is not null)
        {
            return record.Sole;
        }
        return _holds.TryFirstFrom(new HoldKey(name, FencingToken.None), out _, out var hold) ? hold : null;
    }

    /// <summary>All that hold now, in the order of their tokens.</summary>
    private List<HoldRecord> AllHolds(ObjectName name, LockRecord record)
    {
        var holds = new List<HoldRecord>();
        if (record.Sole is { } sole)
        {
            holds.Add(sole);
            return holds;
        }
        foreach (var (key, hold) in _holds.Peek().From(new HoldKey(name, FencingToken.None)))
        {
            if (key.Object != name)
            {
                break;
            }
            holds.Add(hold);
        }
        return holds;
    }

    /// <summary>The hold that this very request was granted, while it is held and nobody else was told of it.</summary>
    private HoldRecord? HoldOf(ObjectName name, LockRecord record, RequestId request)
    {
        if (record.Sole is { } sole)
        {
            return sole.Request == request && request != RequestId.None ? sole : null;
        }
        return _requestHolds.TryGetValue(request, out var key) && key.Object == name ? FindHold(name, record, key.Token) : null;
    }

    private Hold? FirstHolder(ObjectName name, LockRecord record) => FirstHold(name, record) is { } hold ? Show(name, hold) : null;

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

    private ImmutableArray<T> Newest<T>(ImmutableArray<T> items, T item) =>
        items.Length < _limits.MaxRememberedTokens ? items.Add(item) : [.. items.AsSpan()[^(_limits.MaxRememberedTokens - 1)..], item];

    private LockRecord LockAt(ObjectName name) => _locks.TryGet(name, out var record) ? record : LockRecord.Free;

    /// <summary>Stores an object's new state. One that became inactive is remembered among the newest so many (rule 24).</summary>
    private void StoreLock(ObjectName name, LockRecord before, LockRecord after)
    {
        _output.Objects++;
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

    private Hold Show(ObjectName name, HoldRecord hold) => Show(name, hold, _leases.TryGet(hold.Lease, out var lease) ? lease : null);

    /// <summary>The hold as its holder may count on it: its lease, or what is left of the time for which it may be held at all.</summary>
    private Hold Show(ObjectName name, HoldRecord hold, LeaseRecord? lease)
    {
        var shown = Holding.Show(name, hold, lease);
        return hold.Until == ClusterTime.Never ? shown : shown with { TtlMicros = Math.Min(shown.TtlMicros, Math.Max(0, hold.Until - _stamp)) };
    }
}
