using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private void LoadLock(in Fields fields)
    {
        var name = new ObjectName(CommandCodec.Space(fields.Number(6)), fields.Key(1));
        if (_locks.Contains(name))
        {
            throw new WireFormatException($"the {name} twice, or after its holds");
        }
        var record = LockRecord.Free with
        {
            Released = fields.Tokens(),
            Losses = [.. fields.Messages().Select(LoadLoss)],
            FactSequence = fields.Number(5),
            Permits = fields.Number(7),
            Delay = fields.Has(8) ? LoadDelay(name, fields.Bytes(8)) : null,
            IsUnsettled = fields.Flag(9),
        };
        _locks.Set(name, record);
        _activeLocks += record.IsActive ? 1 : 0;
        if (record.FactSequence != 0)
        {
            _facts.Set(record.FactSequence, name);
        }
        if (record.IsUnsettled)
        {
            _unsettled.Set(name, true);
        }
        if (fields.Has(2))
        {
            LoadHold(name, fields.Bytes(2));
        }
    }

    private LockDelay LoadDelay(ObjectName name, ReadOnlyMemory<byte> bytes)
    {
        var fields = new Fields(bytes, "bvv", "a lock delay");
        var delay = new LockDelay(fields.Text(1), fields.Time(2), new FencingToken(fields.Number(3)));
        _delayDeadlines.Set(new Due(delay.Until, delay.Token.Value), name);
        return delay;
    }

    private static LockLoss LoadLoss(ReadOnlyMemory<byte> bytes)
    {
        var fields = new Fields(bytes, "vbvv", "a lost hold");
        var reason = fields.Number(3);
        return reason is >= (long)LossReason.Expired and <= (long)LossReason.HeldTooLong
            ? new LockLoss(new FencingToken(fields.Number(1)), fields.Text(2), (LossReason)reason, new Revision(fields.Number(4)))
            : throw new WireFormatException($"a hold lost for the unknown reason {reason}");
    }

    private void LoadHold(in Fields fields) => LoadHold(new ObjectName(CommandCodec.Space(fields.Number(1)), fields.Key(2)), fields.Bytes(3));

    private void LoadHold(ObjectName name, ReadOnlyMemory<byte> bytes)
    {
        var fields = new Fields(bytes, "bvfvbvvvvvbb", "a hold");
        var until = fields.Number(9);
        var hold = new HoldRecord(
            fields.Text(1),
            new FencingToken(fields.Number(2)),
            fields.Lease(3),
            fields.Request(5),
            fields.Number(6),
            until == 0 ? ClusterTime.Never : new ClusterTime(until),
            HoldTerms.Of(
                CommandCodec.Mode(fields.Number(7)), Math.Max(1, fields.Number(8)), fields.Number(10), 0, fields.Bytes(11).ToArray(), fields.Bytes(12).ToArray()));
        var record = LockAt(name);
        var isAlone = IsSole(name, hold) || record.Sole is not null;
        if ((isAlone && record.Holders > 0) || FindHold(name, record, hold.Token) is not null || !_leases.TryGet(hold.Lease, out var lease))
        {
            throw new WireFormatException($"a hold of the {name} beside an exclusive one, twice, or without its lease");
        }
        AddHold(name, hold);
        _leases.Set(lease.Id, lease with { Holds = lease.Holds + 1, Attachments = lease.Attachments + 1, IsOwn = lease.IsOwn || fields.Flag(4) });
        _activeLocks += record.IsActive ? 0 : 1;
        _locks.Set(name, record.With(hold, IsSole(name, hold)) with { Delay = record.Delay });
    }

    private void LoadWaiter(in Fields fields)
    {
        var identityKey = fields.Key(6);
        var waiter = new WaiterRecord(
            fields.Number(1),
            new ObjectName(CommandCodec.Space(fields.Number(14)), fields.Key(2)),
            fields.Text(3),
            fields.Request(4),
            identityKey.IsEmpty ? default : new Identity(fields.Text(5), identityKey),
            fields.Bytes(7).ToArray(),
            fields.Number(8),
            fields.Lease(9),
            fields.Lease(10),
            fields.Time(11),
            fields.Time(12),
            fields.Has(13) ? fields.Time(13) : null,
            HoldTerms.Of(
                CommandCodec.Mode(fields.Number(15)),
                Math.Max(1, fields.Number(16)),
                fields.Number(17),
                fields.Number(18),
                fields.Bytes(19).ToArray(),
                fields.Bytes(20).ToArray()));
        if (_waiters.Contains(waiter.Key))
        {
            throw new WireFormatException("a waiting place twice");
        }
        AddWaiter(waiter);
        ChangeLease(waiter.SharedLease, waiters: 1);
        var record = LockAt(waiter.Object);
        _activeLocks += record.IsActive ? 0 : 1;
        _locks.Set(waiter.Object, record with { Waiters = record.Waiters + 1, Attached = record.Attached + (waiter.IsDetached ? 0 : 1) });
    }

    /// <summary>A retry may come much later: damage is to be found now.</summary>
    private static void CheckKeptHolds(KeptOutcome kept)
    {
        var isDamaged = kept.Kind switch
        {
            EffectKind.LockGranted => kept.C > (long)HoldSpace.Election,
            EffectKind.ManyGranted or EffectKind.HandedOver => HoldCodec.Read(kept.Blob).IsEmpty,
            _ => false,
        };
        if (isDamaged)
        {
            throw new WireFormatException("a kept grant of nothing");
        }
    }
}
