using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>Lost holds as they are written, the message <c>Losses</c> of <c>snapshot.proto</c>.</summary>
internal static class HoldLosses
{
    private static readonly MessageShape Shape = new("lost holds");
    private static readonly int Items = Shape.Messages(1);

    private static class Saved
    {
        public static readonly MessageShape Shape = new("a lost hold");
        public static readonly int Token = Shape.Number(1);
        public static readonly int Owner = Shape.Text(2);
        public static readonly int Reason = Shape.Number(3);
        public static readonly int AtRevision = Shape.Number(4);
        public static readonly int At = Shape.Number(5);
        public static readonly int RenewedAt = Shape.Number(6);
        public static readonly int TtlMicros = Shape.Number(7);
        public static readonly int LeaderlessMicros = Shape.Number(8);
        public static readonly int By = Shape.Text(9);
        public static readonly int MaxHoldMicros = Shape.Number(10);
        public static readonly int Principal = Shape.Text(11);
    }

    /// <param name="field">Of the message that they are a part of.</param>
    public static void Write(WireWriter writer, int field, ImmutableArray<HoldLoss> losses)
    {
        var all = writer.BeginMessage(field);
        foreach (var loss in losses)
        {
            var start = writer.BeginMessage(Items);
            writer.Int64(Saved.Token, loss.Token.Value);
            writer.String(Saved.Owner, loss.Owner);
            writer.Int64(Saved.Reason, (int)loss.Reason);
            writer.Int64(Saved.AtRevision, loss.AtRevision.Value);
            writer.Int64(Saved.At, loss.At.Micros);
            writer.Int64(Saved.RenewedAt, loss.RenewedAt.Micros);
            writer.Int64(Saved.TtlMicros, loss.TtlMicros);
            writer.Int64(Saved.LeaderlessMicros, loss.LeaderlessMicros);
            writer.String(Saved.By, loss.By);
            writer.Int64(Saved.MaxHoldMicros, loss.MaxHoldMicros);
            writer.String(Saved.Principal, loss.Principal);
            writer.EndMessage(start);
        }
        writer.EndMessage(all);
    }

    /// <summary>Throws <see cref="WireFormatException"/> when they are damaged.</summary>
    public static ImmutableArray<HoldLoss> Read(ReadOnlyMemory<byte> body) => [.. new Fields(body, Shape).Messages().Select(ReadOne)];

    private static HoldLoss ReadOne(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var reason = fields.Number(Saved.Reason);
        if (!Enum.IsDefined((LossReason)reason))
        {
            throw new WireFormatException($"a hold lost for the unknown reason {reason}");
        }
        return new HoldLoss(
            new FencingToken(fields.Number(Saved.Token)), fields.Text(Saved.Owner), (LossReason)reason, new Revision(fields.Number(Saved.AtRevision)))
        {
            At = fields.Time(Saved.At),
            RenewedAt = fields.Time(Saved.RenewedAt),
            TtlMicros = fields.Number(Saved.TtlMicros),
            LeaderlessMicros = fields.Number(Saved.LeaderlessMicros),
            By = fields.Text(Saved.By),
            MaxHoldMicros = fields.Number(Saved.MaxHoldMicros),
            Principal = fields.Text(Saved.Principal),
        };
    }
}
