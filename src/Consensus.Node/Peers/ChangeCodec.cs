using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Membership;

namespace Consensus.Node.Peers;

/// <summary>Membership changes between members, in the format of <c>node.proto</c>.</summary>
internal static class ChangeCodec
{
    private const int AddField = 5;
    private const int PromoteField = 6;
    private const int RemoveField = 7;

    public static void Write(WireWriter writer, ForwardChange forward)
    {
        writer.Int64(1, forward.Term.Value);
        writer.Fixed64(2, (ulong)forward.Boot);
        writer.Int64(3, forward.Sequence);
        writer.String(4, forward.Change.Principal);
        int start;
        switch (forward.Change)
        {
            case AddMember add:
                start = writer.BeginMessage(AddField);
                writer.Fixed64(1, (ulong)add.Member.Id.Value);
                writer.String(2, add.Member.Name);
                writer.String(3, add.Member.PeerAddress);
                writer.Bool(4, add.AsVoter);
                break;
            case PromoteMember promote:
                start = writer.BeginMessage(PromoteField);
                writer.Fixed64(1, (ulong)promote.Member.Value);
                writer.Fixed64(2, (ulong)promote.Replaces.Value);
                break;
            case RemoveMember remove:
                start = writer.BeginMessage(RemoveField);
                writer.Fixed64(1, (ulong)remove.Member.Value);
                break;
            default:
                start = Invariant.Unreachable<int>(forward.Change);
                break;
        }
        writer.EndMessage(start);
    }

    public static void Write(WireWriter writer, ChangeRefused refused)
    {
        writer.Int64(1, refused.Term.Value);
        writer.Fixed64(2, (ulong)refused.Boot);
        writer.Int64(3, refused.Sequence);
        writer.Int64(4, (int)refused.Answer.Verdict);
        writer.String(5, refused.Answer.Reason);
    }

    /// <summary>Null for a kind of change that this version does not know: whoever asked for it hears nothing of it, as of a message of a later version.</summary>
    public static ForwardChange? ReadForward(ReadOnlySpan<byte> bytes)
    {
        long term = 0, boot = 0, sequence = 0;
        var principal = "";
        MembershipChange? change = null;
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
                    principal = reader.String();
                    break;
                case AddField or PromoteField or RemoveField:
                    var field = reader.Field;
                    change = ReadChange(field, reader.Bytes());
                    break;
                default:
                    // A kind of change of a later version is no change at all.
                    reader.Skip();
                    break;
            }
        }
        return change is null ? null : new ForwardChange(new Term(term), boot, sequence, change with { Principal = principal });
    }

    public static ChangeRefused ReadRefused(ReadOnlySpan<byte> bytes)
    {
        long term = 0, boot = 0, sequence = 0, verdict = 0;
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
                    verdict = reader.Int64();
                    break;
                case 5:
                    reason = reader.String();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        // A verdict of a later version: not now, and nothing was changed.
        var known = verdict is > (int)ChangeVerdict.Appended and <= (int)ChangeVerdict.TooManyMembers ? (ChangeVerdict)verdict : ChangeVerdict.NotReady;
        return new ChangeRefused(new Term(term), boot, sequence, new ChangeAnswer(known, reason));
    }

    private static MembershipChange ReadChange(int field, ReadOnlySpan<byte> bytes)
    {
        MemberId id = MemberId.None, replaces = MemberId.None;
        string name = "", address = "";
        var asVoter = false;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (field, reader.Field)
            {
                case (_, 1):
                    id = Id(ref reader);
                    break;
                case (AddField, 2):
                    name = reader.String();
                    break;
                case (AddField, 3):
                    address = reader.String();
                    break;
                case (AddField, 4):
                    asVoter = reader.Bool();
                    break;
                case (PromoteField, 2):
                    replaces = Id(ref reader);
                    break;
                default:
                    reader.RefuseUnknown("a membership change");
                    break;
            }
        }
        if (id.IsNone || (field == AddField && (name.Length == 0 || address.Length == 0)))
        {
            throw new WireFormatException("a membership change that does not say of whom");
        }
        return field switch
        {
            AddField => new AddMember(new Member(id, name, address), asVoter),
            PromoteField => new PromoteMember(id, replaces),
            _ => new RemoveMember(id),
        };
    }

    private static MemberId Id(ref WireReader reader) => new(NotNegative((long)reader.Fixed64()));

    private static long NotNegative(long value) =>
        value >= 0 ? value : throw new WireFormatException("a negative number where none can be");
}
