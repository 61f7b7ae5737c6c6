using System.Buffers.Binary;
using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Peers.Serving;

/// <summary>
/// What a log entry of the library holds: the stamp, who asked, and the command. The library's entries have no room of their own for any of
/// it, so it stands in front of the command's
/// bytes: stamp, member, boot, sequence (8 bytes each, little endian), length of the principal (2 bytes), the principal, the command.
/// </summary>
internal static class LoggedCommand
{
    private const int PrincipalAt = 34;

    /// <summary>What is short of this is no command of ours.</summary>
    public const int LeastBytes = PrincipalAt + 1;

    /// <summary>Without a stamp: the leader sets it.</summary>
    public static byte[] Write(RequestId request, CommandEnvelope envelope)
    {
        var command = new WireWriter();
        CommandCodec.Write(command, envelope);
        var name = Encoding.UTF8.GetBytes(envelope.Principal);
        var bytes = new byte[PrincipalAt + name.Length + command.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), request.Member.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), request.Boot);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), request.Sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(32), checked((ushort)name.Length));
        name.CopyTo(bytes, PrincipalAt);
        command.Written.CopyTo(bytes.AsSpan(PrincipalAt + name.Length));
        return bytes;
    }

    public static void SetStamp(Span<byte> entry, ClusterTime stamp) => BinaryPrimitives.WriteInt64LittleEndian(entry, stamp.Micros);

    /// <summary>
    /// The entry as the state machine takes it. Proposals overtake each other on their way into the library's log, so a stamp that would
    /// fall is lifted to the last one: by every member
    /// alike.
    /// </summary>
    /// <param name="entry">The command goes on using it.</param>
    /// <param name="last">The stamp of the entry before it.</param>
    public static LoggedEntry Read(LogIndex index, ReadOnlyMemory<byte> entry, ClusterTime last)
    {
        var bytes = entry.Span;
        var request = new RequestId(
            new MemberId(BinaryPrimitives.ReadInt64LittleEndian(bytes[8..])),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]));
        var commandAt = PrincipalAt + BinaryPrimitives.ReadUInt16LittleEndian(bytes[32..]);
        var stamp = ClusterTime.Max(last, new ClusterTime(BinaryPrimitives.ReadInt64LittleEndian(bytes)));
        return new LoggedEntry(index, stamp, true, request, Encoding.UTF8.GetString(bytes[PrincipalAt..commandAt]), entry[commandAt..]);
    }
}
