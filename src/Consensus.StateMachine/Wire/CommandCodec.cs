using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands in the Protocol Buffers wire format of <c>commands.proto</c>.</summary>
public static class CommandCodec
{
    private const int IdempotencyKeyField = 1;
    private const int FingerprintField = 2;
    private const int SessionField = 3;
    private const int NumberField = 4;
    private const int AckedField = 5;
    private const int PutField = 16;
    private const int DeleteField = 17;
    private const int DeletePrefixField = 18;
    private const int GrantLeaseField = 19;
    private const int RenewLeasesField = 20;
    private const int RevokeLeaseField = 21;
    private const int AcquireField = 22;
    private const int RenewHoldField = 23;
    private const int ReleaseHoldField = 24;
    private const int CancelWaitField = 25;
    private const int ExpireField = 26;
    private const int DetachWaitersField = 27;
    private const int DetachRequestsField = 28;
    private const int AnnounceMemberField = 29;
    private const int ForgetMemberField = 30;
    private const int AcquireManyField = 31;
    private const int HandOverField = 32;
    private const int TxnField = 33;
    private const int FenceField = 34;
    private const int ResetFenceField = 35;
    private const int CompactField = 36;
    private const int WithdrawField = 37;
    private const int PutSettingField = 38;
    private const int ChangePermitsField = 39;
    private const int NoteLeaderlessField = 40;
    private const int SettleField = 41;

    public static void Write(WireWriter writer, CommandEnvelope envelope)
    {
        writer.Bytes(IdempotencyKeyField, envelope.IdempotencyKey.Span);
        writer.Bytes(FingerprintField, envelope.Fingerprint.Span);
        writer.Fixed64(SessionField, (ulong)envelope.Session.Session.Value);
        writer.Int64(NumberField, envelope.Session.Number);
        writer.Int64(AckedField, envelope.Session.Acked);
        var start = writer.BeginMessage(FieldOf(envelope.Command));
        WriteBody(writer, envelope.Command);
        writer.EndMessage(start);
    }

    /// <summary>Unknown fields, kinds and values throw <see cref="WireFormatException"/> (rule 12). Byte fields may alias <paramref name="bytes"/>.</summary>
    public static CommandEnvelope Read(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> key = default;
        ReadOnlyMemory<byte> fingerprint = default;
        var (session, number, acked) = (0L, 0L, 0L);
        Command? command = null;
        var reader = new WireReader(bytes.Span);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case IdempotencyKeyField:
                    key = Fields.Slice(bytes, ref reader);
                    break;
                case FingerprintField:
                    fingerprint = Fields.Slice(bytes, ref reader);
                    break;
                case SessionField:
                    session = (long)reader.Fixed64();
                    break;
                case NumberField:
                    number = reader.Int64();
                    break;
                case AckedField:
                    acked = reader.Int64();
                    break;
                case >= PutField and <= SettleField:
                    if (command is not null)
                    {
                        throw new WireFormatException("an envelope with two commands");
                    }
                    var field = reader.Field;
                    command = ReadBody(field, Fields.Slice(bytes, ref reader));
                    break;
                default:
                    reader.RefuseUnknown("a command");
                    break;
            }
        }
        return new CommandEnvelope(command ?? throw new WireFormatException("an envelope without a command"), key, fingerprint)
        {
            Session = Session(key, session, number, acked),
        };
    }

    private static SessionRequest Session(ReadOnlyMemory<byte> key, long session, long number, long acked)
    {
        var isNone = (session, number, acked) == (0, 0, 0);
        return isNone || (session > 0 && number > 0 && acked >= 0 && key.IsEmpty)
            ? new SessionRequest(new LeaseId(session), number, acked)
            : throw new WireFormatException("an envelope with a part of a session's number, or with two identities");
    }

    private static int FieldOf(Command command) => command switch
    {
        PutCommand => PutField,
        DeleteCommand => DeleteField,
        DeletePrefixCommand => DeletePrefixField,
        GrantLeaseCommand => GrantLeaseField,
        RenewLeasesCommand => RenewLeasesField,
        RevokeLeaseCommand => RevokeLeaseField,
        AcquireCommand => AcquireField,
        RenewHoldCommand => RenewHoldField,
        ReleaseHoldCommand => ReleaseHoldField,
        CancelWaitCommand => CancelWaitField,
        ExpireCommand => ExpireField,
        DetachWaitersCommand => DetachWaitersField,
        DetachRequestsCommand => DetachRequestsField,
        AnnounceMemberCommand => AnnounceMemberField,
        ForgetMemberCommand => ForgetMemberField,
        AcquireManyCommand => AcquireManyField,
        HandOverCommand => HandOverField,
        TxnCommand => TxnField,
        FenceCommand => FenceField,
        ResetFenceCommand => ResetFenceField,
        CompactCommand => CompactField,
        WithdrawCommand => WithdrawField,
        PutSettingCommand => PutSettingField,
        ChangePermitsCommand => ChangePermitsField,
        NoteLeaderlessCommand => NoteLeaderlessField,
        SettleCommand => SettleField,
        _ => Invariant.Unreachable<int>(command),
    };

    private static void WriteBody(WireWriter writer, Command command)
    {
        switch (command)
        {
            case PutCommand c:
                writer.Bytes(1, c.Key.Bytes);
                writer.Bytes(2, c.Value.Span);
                writer.Fixed64(3, (ulong)c.Lease.Value);
                WriteCondition(writer, 4, c.Condition);
                break;
            case DeleteCommand c:
                writer.Bytes(1, c.Key.Bytes);
                WriteCondition(writer, 4, c.Condition);
                break;
            case DeletePrefixCommand c:
                writer.Bytes(1, c.Prefix.Bytes);
                break;
            case GrantLeaseCommand c:
                writer.Fixed64(1, (ulong)c.Id.Value);
                writer.Int64(2, c.TtlMicros);
                writer.Bool(3, c.IsSession);
                break;
            case RenewLeasesCommand c:
                foreach (var id in c.Ids)
                {
                    writer.Fixed64(1, (ulong)id.Value);
                }
                break;
            case RevokeLeaseCommand c:
                writer.Fixed64(1, (ulong)c.Id.Value);
                writer.String(2, c.By);
                break;
            case AcquireCommand c:
                writer.Bytes(1, c.Name.Bytes);
                writer.String(2, c.Owner);
                writer.Int64(3, c.TtlMicros);
                writer.Fixed64(4, (ulong)c.OwnLease.Value);
                writer.Fixed64(5, (ulong)c.SharedLease.Value);
                writer.Int64(6, c.WaitMicros);
                writer.Int64(7, (int)c.Space);
                writer.Int64(8, (int)c.Mode);
                writer.Int64(9, c.Count);
                writer.Int64(10, c.Permits);
                writer.Int64(11, c.LockDelayMicros);
                writer.Int64(12, c.MaxHoldMicros);
                writer.Bytes(13, c.Metadata.Span);
                writer.Bytes(14, c.Value.Span);
                break;
            case RenewHoldCommand c:
                writer.Bytes(1, c.Name.Bytes);
                writer.Int64(2, c.Token.Value);
                writer.Int64(3, (int)c.Space);
                writer.Bool(4, c.Value is not null);
                writer.Bytes(5, c.Value.GetValueOrDefault().Span);
                break;
            case ReleaseHoldCommand c:
                writer.Bytes(1, c.Name.Bytes);
                writer.Int64(2, c.Token.Value);
                writer.Bool(3, c.Force);
                writer.Int64(4, (int)c.Space);
                writer.String(5, c.By);
                break;
            case CancelWaitCommand c:
                writer.Bytes(1, c.Name.Bytes);
                RequestIdCodec.Write(writer, 2, c.Request);
                writer.Int64(3, (int)c.Reason);
                writer.Int64(4, (int)c.Space);
                break;
            case ExpireCommand:
                break;
            case DetachWaitersCommand c:
                writer.Fixed64(1, (ulong)c.Member.Value);
                writer.Fixed64(2, (ulong)c.Boot);
                break;
            case DetachRequestsCommand c:
                foreach (var request in c.Requests)
                {
                    RequestIdCodec.Write(writer, 1, request);
                }
                break;
            case ForgetMemberCommand c:
                writer.Fixed64(1, (ulong)c.Member.Value);
                break;
            case AnnounceMemberCommand c:
                writer.Fixed64(1, (ulong)c.Member.Value);
                writer.String(2, c.Name);
                writer.Fixed64(3, (ulong)c.Boot);
                writer.String(4, c.ClientUrl);
                writer.String(5, c.PeerAddress);
                writer.String(6, c.Version);
                writer.Int64(7, c.FeatureLevel);
                foreach (var (setting, value) in c.Settings)
                {
                    var start = writer.BeginMessage(8);
                    SettingTable.Write(writer, (long)setting, value);
                    writer.EndMessage(start);
                }
                break;
            case AcquireManyCommand c:
                foreach (var name in c.Names)
                {
                    writer.BytesAlways(1, name.Bytes);
                }
                writer.String(2, c.Owner);
                writer.Int64(3, c.TtlMicros);
                writer.Fixed64(4, (ulong)c.OwnLease.Value);
                writer.Fixed64(5, (ulong)c.SharedLease.Value);
                writer.Int64(6, c.LockDelayMicros);
                writer.Int64(7, c.MaxHoldMicros);
                writer.Bytes(8, c.Metadata.Span);
                writer.Int64(9, c.WaitMicros);
                break;
            case HandOverCommand c:
                writer.Bytes(1, c.Name.Bytes);
                writer.Int64(2, c.Token.Value);
                writer.String(3, c.To);
                writer.Int64(4, (int)c.Space);
                break;
            case TxnCommand c:
                TxnCodec.Write(writer, c);
                break;
            case FenceCommand c:
                writer.Bytes(1, c.Resource.Bytes);
                writer.Int64(2, c.Token.Value);
                break;
            case ResetFenceCommand c:
                writer.Bytes(1, c.Resource.Bytes);
                break;
            case CompactCommand c:
                writer.Int64(1, c.UpTo.Value);
                break;
            case WithdrawCommand c:
                writer.Bytes(1, c.IdempotencyKey.Bytes);
                break;
            case PutSettingCommand c:
                SettingTable.Write(writer, (long)c.Setting, c.Value);
                break;
            case ChangePermitsCommand c:
                writer.Bytes(1, c.Name.Bytes);
                writer.Int64(2, c.Permits);
                break;
            case NoteLeaderlessCommand c:
                writer.Int64(1, c.At.Micros);
                writer.Int64(2, c.Micros);
                break;
            case SettleCommand c:
                writer.Fixed64(1, (ulong)c.Session.Value);
                writer.Int64(2, c.Number);
                break;
            default:
                Invariant.Unreachable<int>(command);
                break;
        }
    }

    private static void WriteCondition(WireWriter writer, int field, KeyCondition condition)
    {
        writer.Int64(field, (int)condition.Kind);
        writer.Int64(field + 1, condition.ModRevision.Value);
    }

    /// <summary>
    /// Every command is a few fields of three shapes; they are gathered by number and then given their meaning. Which numbers and shapes a command may
    /// have is checked, so nothing unknown is passed over.
    /// </summary>
    private static Command ReadBody(int type, ReadOnlyMemory<byte> body)
    {
        if (type == TxnField)
        {
            return TxnCodec.Read(body);
        }
        var fields = new Fields(body, Shapes[type - PutField], "a command");
        return type switch
        {
            PutField => new PutCommand(fields.Key(1), fields.Bytes(2), fields.Lease(3), Condition(fields, 4)),
            DeleteField => new DeleteCommand(fields.Key(1), Condition(fields, 4)),
            DeletePrefixField => new DeletePrefixCommand(fields.Key(1)),
            GrantLeaseField => new GrantLeaseCommand(fields.Lease(1), fields.Number(2)) { IsSession = fields.Flag(3) },
            RenewLeasesField => new RenewLeasesCommand(fields.Leases()),
            RevokeLeaseField => new RevokeLeaseCommand(fields.Lease(1)) { By = fields.Text(2) },
            AcquireField => new AcquireCommand(
                fields.Key(1), fields.Text(2), fields.Number(3), fields.Lease(4), fields.Lease(5), fields.Number(6))
            {
                Space = Space(fields.Number(7)),
                Mode = Mode(fields.Number(8)),
                Count = fields.Number(9),
                Permits = fields.Number(10),
                LockDelayMicros = fields.Number(11),
                MaxHoldMicros = fields.Number(12),
                Metadata = fields.Bytes(13),
                Value = fields.Bytes(14),
            },
            RenewHoldField => new RenewHoldCommand(fields.Key(1), new FencingToken(fields.Number(2)))
            {
                Space = Space(fields.Number(3)),
                Value = fields.Flag(4) ? fields.Bytes(5) : (ReadOnlyMemory<byte>?)null,
            },
            ReleaseHoldField => new ReleaseHoldCommand(fields.Key(1), new FencingToken(fields.Number(2)), fields.Flag(3))
            {
                Space = Space(fields.Number(4)),
                By = fields.Text(5),
            },
            CancelWaitField => new CancelWaitCommand(fields.Key(1), NamedRequest(fields, 2), Reason(fields.Number(3))) { Space = Space(fields.Number(4)) },
            AcquireManyField => new AcquireManyCommand(fields.Keys(), fields.Text(2), fields.Number(3), fields.Lease(4), fields.Lease(5))
            {
                LockDelayMicros = fields.Number(6),
                MaxHoldMicros = fields.Number(7),
                Metadata = fields.Bytes(8),
                WaitMicros = fields.Number(9),
            },
            HandOverField => new HandOverCommand(fields.Key(1), new FencingToken(fields.Number(2)), fields.Text(3)) { Space = Space(fields.Number(4)) },
            FenceField => new FenceCommand(fields.Key(1), new FencingToken(fields.Number(2))),
            ResetFenceField => new ResetFenceCommand(fields.Key(1)),
            CompactField => new CompactCommand(new Revision(fields.Number(1))),
            WithdrawField => new WithdrawCommand(NamedKey(fields, 1)),
            ChangePermitsField => new ChangePermitsCommand(fields.Key(1), fields.Number(2)),
            NoteLeaderlessField => new NoteLeaderlessCommand(fields.Time(1), fields.Number(2)),
            SettleField => new SettleCommand(fields.Lease(1), NamedNumber(fields, 2)),
            ExpireField => new ExpireCommand(),
            DetachWaitersField => new DetachWaitersCommand(new MemberId(fields.Number(1)), fields.Number(2)),
            DetachRequestsField => new DetachRequestsCommand(fields.Requests()),
            ForgetMemberField => new ForgetMemberCommand(new MemberId(fields.Number(1))),
            AnnounceMemberField => new AnnounceMemberCommand(
                new MemberId(fields.Number(1)), fields.Text(2), fields.Number(3), fields.Text(4), fields.Text(5), fields.Text(6), (int)fields.Number(7))
            {
                Settings = [.. fields.Messages().Select(SettingTable.Read)],
            },
            PutSettingField => new PutSettingCommand(SettingTable.Known(fields.Number(1)), fields.Number(2)),
            _ => Invariant.Unreachable<Command>(type),
        };
    }

    /// <summary>For each command, the shape of its <see cref="Fields"/>.</summary>
    private static readonly string[] Shapes =
    [
        "bbfvv", "b--vv", "b", "fvv", "V", "fb", "bbvffvvvvvvvbb", "bvvvb", "bvvvb", "bbvv", "", "ff", "B", "fbfbbbvB", "f",
        "Bbvffvvbv", "bvbv", "", "bv", "b", "v", "b", "vv", "bv", "vv", "fv",
    ];

    private static KeyCondition Condition(in Fields fields, int field)
    {
        var kind = fields.Number(field);
        return kind <= (long)KeyConditionKind.Exists
            ? new KeyCondition((KeyConditionKind)kind, new Revision(fields.Number(field + 1)))
            : throw new WireFormatException($"a key condition of the unknown kind {kind}");
    }

    internal static HoldSpace Space(long number) => number <= (long)HoldSpace.Election
        ? (HoldSpace)number
        : throw new WireFormatException($"a name space of the unknown number {number}");

    internal static LockMode Mode(long number) => number <= (long)LockMode.Shared
        ? (LockMode)number
        : throw new WireFormatException($"a lock mode of the unknown number {number}");

    private static CancelReason Reason(long number) => number <= (long)CancelReason.Stopping
        ? (CancelReason)number
        : throw new WireFormatException("a cancellation for an unknown reason");

    private static Key NamedKey(in Fields fields, int field) =>
        fields.Key(field) is { IsEmpty: false } key ? key : throw new WireFormatException("a withdrawal of no Idempotency-Key");

    private static long NamedNumber(in Fields fields, int field) =>
        fields.Number(field) is > 0 and var number ? number : throw new WireFormatException("a settlement of no number");

    private static RequestId NamedRequest(in Fields fields, int field) =>
        fields.Has(field) ? fields.Request(field) : throw new WireFormatException("a command that must name one request");
}
