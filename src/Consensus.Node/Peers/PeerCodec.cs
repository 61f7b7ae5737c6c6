using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Wire;

namespace Consensus.Node.Peers;

/// <summary>
/// Frames between members in the Protocol Buffers wire format of <c>node.proto</c>. Unknown fields and message types are skipped (rule 12); anything
/// malformed throws <see cref="WireFormatException"/>.
/// </summary>
public static class PeerCodec
{
    private const int RaftField = 1;
    private const int ForwardField = 2;
    private const int RefusedField = 3;
    private const int ChangeField = 4;
    private const int ChangeRefusedField = 5;
    private const int TransferField = 6;
    private const int TransferRefusedField = 7;

    public static void Write(WireWriter writer, PeerMessage message)
    {
        switch (message)
        {
            case RaftPeerMessage raft:
                var body = writer.BeginMessage(RaftField);
                RaftCodec.WriteMessage(writer, raft.Message);
                writer.EndMessage(body);
                break;
            case ForwardCommands forward:
                WriteForward(writer, forward);
                break;
            case ForwardRefused refused:
                var start = writer.BeginMessage(RefusedField);
                writer.Int64(1, refused.Term.Value);
                writer.Fixed64(2, (ulong)refused.Boot);
                writer.Int64(3, (int)refused.Reason);
                foreach (var sequence in refused.Sequences)
                {
                    writer.Int64Always(4, sequence);
                }
                writer.EndMessage(start);
                break;
            case ForwardChange change:
                var inChange = writer.BeginMessage(ChangeField);
                ChangeCodec.Write(writer, change);
                writer.EndMessage(inChange);
                break;
            case ChangeRefused refused:
                var inRefused = writer.BeginMessage(ChangeRefusedField);
                ChangeCodec.Write(writer, refused);
                writer.EndMessage(inRefused);
                break;
            case ForwardTransfer transfer:
                var inTransfer = writer.BeginMessage(TransferField);
                TransferCodec.Write(writer, transfer);
                writer.EndMessage(inTransfer);
                break;
            case TransferRefused refused:
                var inTransferRefused = writer.BeginMessage(TransferRefusedField);
                TransferCodec.Write(writer, refused);
                writer.EndMessage(inTransferRefused);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    /// <summary>Null for a message of a type that this version does not know.</summary>
    public static PeerMessage? Read(ReadOnlySpan<byte> frame)
    {
        PeerMessage? found = null;
        var reader = new WireReader(frame);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case RaftField:
                    var message = RaftCodec.ReadMessage(reader.Bytes());
                    found = message is null ? null : new RaftPeerMessage(message);
                    break;
                case ForwardField:
                    found = ReadForward(reader.Bytes());
                    break;
                case RefusedField:
                    found = ReadRefused(reader.Bytes());
                    break;
                case ChangeField:
                    found = ChangeCodec.ReadForward(reader.Bytes());
                    break;
                case ChangeRefusedField:
                    found = ChangeCodec.ReadRefused(reader.Bytes());
                    break;
                case TransferField:
                    found = TransferCodec.ReadForward(reader.Bytes());
                    break;
                case TransferRefusedField:
                    found = TransferCodec.ReadRefused(reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return found;
    }

    private static void WriteForward(WireWriter writer, ForwardCommands forward)
    {
        var start = writer.BeginMessage(ForwardField);
        writer.Int64(1, forward.Term.Value);
        writer.Fixed64(2, (ulong)forward.Boot);
        foreach (var command in forward.Commands)
        {
            var item = writer.BeginMessage(3);
            writer.Int64(1, command.Sequence);
            writer.String(2, command.Principal);
            writer.Int64(3, command.FeatureLevel);
            writer.Bytes(4, command.Payload.Span);
            writer.Bool(5, command.StandsInLine);
            writer.EndMessage(item);
        }
        writer.Int64(4, (int)forward.Lane);
        writer.EndMessage(start);
    }

    private static ForwardCommands ReadForward(ReadOnlySpan<byte> bytes)
    {
        var term = Term.Zero;
        long boot = 0;
        var lane = CommandLane.Urgent;
        var commands = new List<ForwardedCommand>();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    term = new Term(NotNegative(reader.Int64()));
                    break;
                case 2:
                    boot = NotNegative((long)reader.Fixed64());
                    break;
                case 3:
                    commands.Add(ReadCommand(reader.Bytes()));
                    break;
                case 4:
                    var value = reader.Int64();
                    lane = value is >= (int)CommandLane.Urgent and <= (int)CommandLane.Bulk ? (CommandLane)value : CommandLane.Small;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new ForwardCommands(term, boot, commands) { Lane = lane };
    }

    private static ForwardedCommand ReadCommand(ReadOnlySpan<byte> bytes)
    {
        long sequence = 0;
        var principal = "";
        var featureLevel = 0;
        byte[] payload = [];
        var standsInLine = false;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    sequence = NotNegative(reader.Int64());
                    break;
                case 2:
                    principal = reader.String();
                    break;
                case 3:
                    featureLevel = reader.Int32();
                    break;
                case 4:
                    payload = reader.Bytes().ToArray();
                    break;
                case 5:
                    standsInLine = reader.Bool();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new ForwardedCommand(sequence, principal, featureLevel, payload) { StandsInLine = standsInLine };
    }

    private static ForwardRefused ReadRefused(ReadOnlySpan<byte> bytes)
    {
        var term = Term.Zero;
        long boot = 0;
        var reason = ForwardRefusal.NotLeader;
        var sequences = new List<long>();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    term = new Term(NotNegative(reader.Int64()));
                    break;
                case 2:
                    boot = NotNegative((long)reader.Fixed64());
                    break;
                case 3:
                    var value = reader.Int64();
                    // A reason of a later version: not now, and what was asked was not done.
                    reason = value is >= 1 and <= 3 ? (ForwardRefusal)value : ForwardRefusal.Transferring;
                    break;
                case 4:
                    sequences.Add(NotNegative(reader.Int64()));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new ForwardRefused(term, boot, reason, sequences);
    }

    private static long NotNegative(long value) =>
        value >= 0 ? value : throw new WireFormatException("a negative number where none can be");
}
