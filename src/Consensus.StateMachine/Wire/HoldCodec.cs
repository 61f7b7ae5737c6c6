using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Wire;

/// <summary>Holds as they were answered, the message <c>KeptHolds</c> of <c>snapshot.proto</c>: without their metadata and value, which no answer repeats.</summary>
internal static class HoldCodec
{
    public static byte[] Write(ImmutableArray<Hold> holds)
    {
        var writer = new WireWriter(64 * holds.Length);
        foreach (var hold in holds)
        {
            var start = writer.BeginMessage(1);
            writer.Int64(1, (int)hold.Space);
            writer.Bytes(2, hold.Name.Bytes);
            writer.String(3, hold.Owner);
            writer.Int64(4, hold.Token.Value);
            writer.Fixed64(5, (ulong)hold.Lease.Value);
            writer.Int64(6, hold.TtlMicros);
            writer.Int64(7, hold.Deadline.Micros);
            writer.Int64(8, (int)hold.Mode);
            writer.Int64(9, hold.Count);
            writer.Int64(10, hold.HoldUntil.Micros);
            writer.Int64(11, hold.LockDelayMicros);
            writer.EndMessage(start);
        }
        return writer.ToArray();
    }

    public static ImmutableArray<Hold> Read(ReadOnlyMemory<byte> blob) =>
        [.. new Fields(blob, "B", "kept holds").Messages().Select(ReadHold)];

    private static Hold ReadHold(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, "vbbvfvvvvvv", "a kept hold");
        var token = fields.Number(4);
        return new Hold(
            fields.Key(2), fields.Text(3), new FencingToken(token), fields.Lease(5), fields.Number(6), new Revision(token), fields.Time(7))
        {
            Space = CommandCodec.Space(fields.Number(1)),
            Mode = CommandCodec.Mode(fields.Number(8)),
            Count = fields.Number(9),
            HoldUntil = fields.Time(10),
            LockDelayMicros = fields.Number(11),
        };
    }
}
