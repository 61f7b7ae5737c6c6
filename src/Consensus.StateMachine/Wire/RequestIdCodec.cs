using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>RequestId</c> of <c>snapshot.proto</c>.</summary>
internal static class RequestIdCodec
{
    private static readonly MessageShape Shape = new("a request id");
    private static readonly int Member = Shape.Id(1);
    private static readonly int Boot = Shape.Id(2);
    private static readonly int Sequence = Shape.Number(3);

    /// <param name="field">Of the message that it is a part of.</param>
    public static void Write(WireWriter writer, int field, RequestId request)
    {
        var start = writer.BeginMessage(field);
        writer.Fixed64(Member, (ulong)request.Member.Value);
        writer.Fixed64(Boot, (ulong)request.Boot);
        writer.Int64(Sequence, request.Sequence);
        writer.EndMessage(start);
    }

    public static RequestId Read(ReadOnlyMemory<byte> message)
    {
        var request = new Fields(message, Shape);
        return new RequestId(new MemberId(request.Number(Member)), request.Number(Boot), request.Number(Sequence));
    }
}
