using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Snapshots;

/// <summary>Locks, holds and waiting places as snapshot items. What can be counted from the holds and waiting places is not written.</summary>
internal static class HoldSections
{
    public static void WriteLock(WireWriter writer, ObjectName name, LockRecord record)
    {
        writer.Bytes(1, name.Name.Bytes);
        if (record.Sole is { } hold)
        {
            WriteHold(writer, 2, hold);
        }
        foreach (var token in record.Released)
        {
            writer.Int64(3, token.Value);
        }
        foreach (var loss in record.Losses)
        {
            WriteLoss(writer, 4, loss);
        }
        writer.Int64(5, record.FactSequence);
        writer.Int64(6, (int)name.Space);
        writer.Int64(7, record.Permits);
        if (record.Delay is { } delay)
        {
            var start = writer.BeginMessage(8);
            writer.String(1, delay.Owner);
            writer.Int64(2, delay.Until.Micros);
            writer.Int64(3, delay.Token.Value);
            writer.EndMessage(start);
        }
        writer.Bool(9, record.IsUnsettled);
    }

    public static void WriteHold(WireWriter writer, ObjectName name, HoldRecord hold)
    {
        writer.Int64(1, (int)name.Space);
        writer.Bytes(2, name.Name.Bytes);
        WriteHold(writer, 3, hold);
    }

    private static void WriteHold(WireWriter writer, int field, HoldRecord hold)
    {
        var start = writer.BeginMessage(field);
        writer.String(1, hold.Owner);
        writer.Int64(2, hold.Token.Value);
        writer.Fixed64(3, (ulong)hold.Lease.Value);
        WriteRequest(writer, 5, hold.Request);
        writer.Int64(6, hold.WaitedMicros);
        writer.Int64(7, (int)hold.Terms.Mode);
        writer.Int64(8, hold.Terms.Count);
        writer.Int64(9, hold.Until == ClusterTime.Never ? 0 : hold.Until.Micros);
        writer.Int64(10, hold.Terms.LockDelayMicros);
        writer.Bytes(11, hold.Terms.Metadata.Span);
        writer.Bytes(12, hold.Terms.Value.Span);
        writer.EndMessage(start);
    }

    public static void WriteWaiter(WireWriter writer, WaiterRecord waiter)
    {
        writer.Int64(1, waiter.Sequence);
        writer.Bytes(2, waiter.Object.Name.Bytes);
        writer.String(3, waiter.Owner);
        WriteRequest(writer, 4, waiter.Request);
        writer.String(5, waiter.Identity.Principal ?? "");
        writer.Bytes(6, waiter.Identity.IdempotencyKey.Bytes);
        writer.Bytes(7, waiter.Fingerprint.Span);
        writer.Int64(8, waiter.TtlMicros);
        writer.Fixed64(9, (ulong)waiter.OwnLease.Value);
        writer.Fixed64(10, (ulong)waiter.SharedLease.Value);
        writer.Int64(11, waiter.Asked.Micros);
        writer.Int64(12, waiter.WaitDeadline.Micros);
        if (waiter.DetachedUntil is { } until)
        {
            writer.Int64Always(13, until.Micros);
        }
        writer.Int64(14, (int)waiter.Object.Space);
        writer.Int64(15, (int)waiter.Terms.Mode);
        writer.Int64(16, waiter.Terms.Count);
        writer.Int64(17, waiter.Terms.LockDelayMicros);
        writer.Int64(18, waiter.Terms.MaxHoldMicros);
        writer.Bytes(19, waiter.Terms.Metadata.Span);
        writer.Bytes(20, waiter.Terms.Value.Span);
    }

    private static void WriteLoss(WireWriter writer, int field, LockLoss loss)
    {
        var start = writer.BeginMessage(field);
        writer.Int64(1, loss.Token.Value);
        writer.String(2, loss.Owner);
        writer.Int64(3, (int)loss.Reason);
        writer.Int64(4, loss.AtRevision.Value);
        writer.EndMessage(start);
    }

    private static void WriteRequest(WireWriter writer, int field, RequestId request)
    {
        var start = writer.BeginMessage(field);
        writer.Fixed64(1, (ulong)request.Member.Value);
        writer.Fixed64(2, (ulong)request.Boot);
        writer.Int64(3, request.Sequence);
        writer.EndMessage(start);
    }
}
