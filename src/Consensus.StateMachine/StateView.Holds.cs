using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

public sealed partial class StateView
{
    public HeldObject GetObject(Key name) => GetObject(ObjectName.Lock(name));

    public HeldObject GetObject(ObjectName name) => Show(name, Tables.Objects.TryGet(name, out var record) ? record : ObjectRecord.Free);

    /// <summary>Objects of one name space that are held, waited for or kept for their last owner, in byte order of their names.</summary>
    public IEnumerable<HeldObject> ListObjects(HoldSpace space, Key prefix, Key? after)
    {
        foreach (var (name, record) in Tables.Objects.From(new ObjectName(space, Later(prefix, after))))
        {
            if (name.Space != space || !name.Name.StartsWith(prefix))
            {
                yield break;
            }
            if (record.IsActive && name.Name != after)
            {
                yield return Show(name, record);
            }
        }
    }

    /// <summary>Equal only in views in which <see cref="GetObject(ObjectName)"/> shows the same, but for the deadlines of leases. O(log n): of a line it has the sum.</summary>
    public object MarkOf(ObjectName name)
    {
        var record = Tables.Objects.TryGet(name, out var stored) ? stored : ObjectRecord.Free;
        return record.Waiters == 0
            ? record
            : (record, Tables.Waiters.Places.SumBefore(new WaiterKey(name, long.MaxValue)) - Tables.Waiters.Places.SumBefore(new WaiterKey(name, 0)));
    }

    /// <summary>The place of a request that can be asked again, of one for several locks the last of them; null when it has none. O(log n).</summary>
    /// <param name="idempotencyKey">Empty for one of a session.</param>
    /// <param name="fingerprint">Of the request: another one under the same identity has no place.</param>
    public PlaceInfo? PlaceOf(string principal, ReadOnlyMemory<byte> idempotencyKey, SessionRequest session, ReadOnlySpan<byte> fingerprint)
    {
        var identity = session.IsNone ? new Identity(principal, new Key(idempotencyKey.Span)) : Identity.Of(new SessionNumber(session.Session, session.Number));
        var waiters = Tables.Waiters;
        return waiters.ByIdentity.TryGet(identity, out var place) && waiters.Places.TryGet(place, out var waiter)
                && waiter.Fingerprint.Span.SequenceEqual(fingerprint)
            ? new PlaceInfo(waiters.PositionOf(waiter), waiter.WaitDeadline)
            : null;
    }

    private HeldObject Show(ObjectName name, ObjectRecord record) => new(
        name,
        record.Holders == 0 ? [] : HoldersOf(name, record),
        record.Holders,
        record.Waiters == 0 ? [] : WaitersOf(name),
        record.Waiters,
        record.LastLoss)
    {
        Permits = record.Permits,
        PermitsUsed = name.Space == HoldSpace.Semaphore ? record.PermitsUsed : 0,
        Delays = record.Delays.IsEmpty ? [] : HoldDelays.At(record.Delays, AppliedStamp),
    };

    private ImmutableArray<Hold> HoldersOf(ObjectName name, ObjectRecord record)
    {
        if (record.Sole is { } sole)
        {
            return [Show(name, sole)];
        }
        var list = ImmutableArray.CreateBuilder<Hold>();
        foreach (var (key, hold) in Tables.Holds.Shared.From(new HoldKey(name, FencingToken.None)))
        {
            if (key.Object != name || list.Count == ShownItems)
            {
                break;
            }
            list.Add(Show(name, hold));
        }
        return list.ToImmutable();
    }

    private Hold Show(ObjectName name, HoldRecord hold) => Holding.Show(name, hold, Tables.Leases.TryGet(hold.Lease, out var lease) ? lease : null);

    private ImmutableArray<WaiterInfo> WaitersOf(ObjectName name)
    {
        var list = ImmutableArray.CreateBuilder<WaiterInfo>();
        foreach (var (key, waiter) in Tables.Waiters.Places.From(new WaiterKey(name, 0)))
        {
            if (key.Object != name || list.Count == ShownItems)
            {
                break;
            }
            list.Add(new WaiterInfo(waiter.Owner, list.Count + 1, waiter.Deadline, waiter.IsDetached) { Mode = waiter.Terms.Mode, Count = waiter.Terms.Count });
        }
        return list.ToImmutable();
    }

    /// <summary>In order of their grants; each object once, though the lease may have several holds of it.</summary>
    private ImmutableArray<ObjectName> HeldBy(LeaseId lease)
    {
        var list = ImmutableArray.CreateBuilder<ObjectName>();
        var seen = new HashSet<ObjectName>();
        foreach (var (item, name) in Tables.Holds.ByLease.From(new LeaseHold(lease, FencingToken.None)))
        {
            if (item.Lease != lease || list.Count == ShownItems)
            {
                break;
            }
            if (seen.Add(name))
            {
                list.Add(name);
            }
        }
        return list.ToImmutable();
    }
}
