using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Wire;

/// <summary>Holds as they were answered, the message <c>KeptHolds</c> of <c>snapshot.proto</c>: without their metadata and value, which no answer repeats.</summary>
internal static class HoldCodec
{
    private static readonly MessageShape Shape = new("kept holds");
    private static readonly int Holds = Shape.Messages(1);

    /// <summary>The message <c>KeptHold</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a kept hold");
        public static readonly int Space = Shape.Number(1);
        public static readonly int Name = Shape.Bytes(2);
        public static readonly int Owner = Shape.Text(3);
        public static readonly int Token = Shape.Number(4);
        public static readonly int Lease = Shape.Id(5);
        public static readonly int TtlMicros = Shape.Number(6);
        public static readonly int Deadline = Shape.Number(7);
        public static readonly int Mode = Shape.Number(8);
        public static readonly int Count = Shape.Number(9);
        public static readonly int HoldUntil = Shape.Number(10);
        public static readonly int LockDelayMicros = Shape.Number(11);
    }

    public static byte[] Write(ImmutableArray<Hold> holds)
    {
        var writer = new WireWriter(64 * holds.Length);
        foreach (var hold in holds)
        {
            var start = writer.BeginMessage(Holds);
            writer.Int64(Saved.Space, (int)hold.Space);
            writer.Bytes(Saved.Name, hold.Name.Bytes);
            writer.String(Saved.Owner, hold.Owner);
            writer.Int64(Saved.Token, hold.Token.Value);
            writer.Fixed64(Saved.Lease, (ulong)hold.Lease.Value);
            writer.Int64(Saved.TtlMicros, hold.TtlMicros);
            writer.Int64(Saved.Deadline, hold.Deadline.Micros);
            writer.Int64(Saved.Mode, (int)hold.Mode);
            writer.Int64(Saved.Count, hold.Count);
            writer.Int64(Saved.HoldUntil, hold.HoldUntil.Micros);
            writer.Int64(Saved.LockDelayMicros, hold.LockDelayMicros);
            writer.EndMessage(start);
        }
        return writer.ToArray();
    }

    public static ImmutableArray<Hold> Read(ReadOnlyMemory<byte> blob) =>
        [.. new Fields(blob, Shape).Messages().Select(ReadHold)];

    private static Hold ReadHold(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Saved.Shape);
        var token = fields.Number(Saved.Token);
        return new Hold(
            fields.Key(Saved.Name),
            fields.Text(Saved.Owner),
            new FencingToken(token),
            fields.Lease(Saved.Lease),
            fields.Number(Saved.TtlMicros),
            new Revision(token),
            fields.Time(Saved.Deadline))
        {
            Space = fields.Space(Saved.Space),
            Mode = fields.Mode(Saved.Mode),
            Count = fields.Number(Saved.Count),
            HoldUntil = fields.Time(Saved.HoldUntil),
            LockDelayMicros = fields.Number(Saved.LockDelayMicros),
        };
    }
}
