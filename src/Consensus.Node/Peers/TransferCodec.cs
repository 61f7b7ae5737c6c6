using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.Node.Peers;

/// <summary>Hand-overs of leadership between members, in the format of <c>node.proto</c>.</summary>
internal static class TransferCodec
{
    public static void Write(WireWriter writer, ForwardTransfer forward)
    {
        writer.Int64(1, forward.Term.Value);
        writer.Fixed64(2, (ulong)forward.Boot);
        writer.Int64(3, forward.Sequence);
        writer.Fixed64(4, (ulong)forward.To.Value);
    }

    public static void Write(WireWriter writer, TransferRefused refused)
    {
        writer.Int64(1, refused.Term.Value);
        writer.Fixed64(2, (ulong)refused.Boot);
        writer.Int64(3, refused.Sequence);
        writer.String(4, refused.Reason);
    }

    public static ForwardTransfer ReadForward(ReadOnlySpan<byte> bytes)
    {
        long term = 0, boot = 0, sequence = 0, to = 0;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    term = NotNegative(reader.Int64());
                    break;
                case 2:
                    boot = NotNegative((long)reader.Fixed64());
                    break;
                case 3:
                    sequence = NotNegative(reader.Int64());
                    break;
                case 4:
                    to = NotNegative((long)reader.Fixed64());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new ForwardTransfer(new Term(term), boot, sequence, new MemberId(to));
    }

    public static TransferRefused ReadRefused(ReadOnlySpan<byte> bytes)
    {
        long term = 0, boot = 0, sequence = 0;
        var reason = "";
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    term = NotNegative(reader.Int64());
                    break;
                case 2:
                    boot = NotNegative((long)reader.Fixed64());
                    break;
                case 3:
                    sequence = NotNegative(reader.Int64());
                    break;
                case 4:
                    reason = reader.String();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new TransferRefused(new Term(term), boot, sequence, reason);
    }

    private static long NotNegative(long value) =>
        value >= 0 ? value : throw new WireFormatException("a negative number where none can be");
}
