using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>PrincipalLimits</c>, of <c>commands.proto</c> and of <c>snapshot.proto</c>.</summary>
internal static class PrincipalLimitsCodec
{
    private static readonly MessageShape Shape = new("the bounds of a principal");
    private static readonly int Rate = Shape.Number(1);
    private static readonly int Burst = Shape.Number(2);
    private static readonly int InFlight = Shape.Number(3);
    private static readonly int Watches = Shape.Number(4);
    private static readonly int Waiting = Shape.Number(5);
    private static readonly int Lists = Shape.Number(6);
    private static readonly int Snapshots = Shape.Number(7);
    private static readonly int Leases = Shape.Number(8);
    private static readonly int Holds = Shape.Number(9);
    private static readonly int IdempotencyBytes = Shape.Number(10);

    /// <summary>Writes nothing where nothing is set.</summary>
    /// <param name="field">Of the message that it is a part of.</param>
    public static void Write(WireWriter writer, int field, PrincipalLimits limits)
    {
        if (limits == PrincipalLimits.Default)
        {
            return;
        }
        var start = writer.BeginMessage(field);
        writer.Int64(Rate, limits.Rate);
        writer.Int64(Burst, limits.Burst);
        writer.Int64(InFlight, limits.InFlight);
        writer.Int64(Watches, limits.Watches);
        writer.Int64(Waiting, limits.Waiting);
        writer.Int64(Lists, limits.Lists);
        writer.Int64(Snapshots, limits.Snapshots);
        writer.Int64(Leases, limits.Leases);
        writer.Int64(Holds, limits.Holds);
        writer.Int64(IdempotencyBytes, limits.IdempotencyBytes);
        writer.EndMessage(start);
    }

    /// <param name="item">Empty where nothing is set.</param>
    public static PrincipalLimits Read(ReadOnlyMemory<byte> item)
    {
        if (item.IsEmpty)
        {
            return PrincipalLimits.Default;
        }
        var fields = new Fields(item, Shape);
        return new PrincipalLimits(
            fields.Number(Rate),
            fields.Number(Burst),
            fields.Number(InFlight),
            fields.Number(Watches),
            fields.Number(Waiting),
            fields.Number(Lists),
            fields.Number(Snapshots),
            fields.Number(Leases),
            fields.Number(Holds),
            fields.Number(IdempotencyBytes));
    }
}
