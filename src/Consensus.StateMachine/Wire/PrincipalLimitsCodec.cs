using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>PrincipalLimits</c>, of <c>commands.proto</c> and of <c>snapshot.proto</c>.</summary>
internal static class PrincipalLimitsCodec
{
    private static readonly MessageShape Shape = new("the bounds of a principal");
    private static readonly int Leases = Shape.Number(1);
    private static readonly int Holds = Shape.Number(2);
    private static readonly int IdempotencyBytes = Shape.Number(3);

    /// <summary>Writes nothing where nothing is set.</summary>
    /// <param name="field">Of the message that it is a part of.</param>
    public static void Write(WireWriter writer, int field, PrincipalLimits limits)
    {
        if (limits == PrincipalLimits.Default)
        {
            return;
        }
        var start = writer.BeginMessage(field);
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
        return new PrincipalLimits(fields.Number(Leases), fields.Number(Holds), fields.Number(IdempotencyBytes));
    }
}
