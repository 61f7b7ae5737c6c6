using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>
/// Commands in the Protocol Buffers wire format of <c>commands.proto</c>: the envelope, and which message a command is. The messages themselves
/// are in the codecs beside this one.
/// </summary>
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
    private const int PutRoleField = 42;
    private const int DeleteRoleField = 43;
    private const int PutPrincipalField = 44;
    private const int DeletePrincipalField = 45;
    private const int PutRevocationField = 46;
    private const int DeleteRevocationField = 47;
    private const int EnableAuthField = 48;
    private const int PutTokenField = 49;
    private const int RotateTokenField = 50;
    private const int RevokeTokenField = 51;
    private const int EndOwnTokenField = 52;
    private const int ForgetTokensField = 53;
    private const int LastField = ForgetTokensField;

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

    /// <summary>
    /// Unknown fields, kinds and values, and a field twice, throw <see cref="WireFormatException"/> (rule 12). Byte fields may alias
    /// <paramref name="bytes"/>.
    /// </summary>
    public static CommandEnvelope Read(ReadOnlyMemory<byte> bytes)
    {
        var command = Read(bytes, out var identity);
        return new CommandEnvelope(command, identity.Key, identity.Fingerprint) { Session = identity.Session };
    }

    /// <summary>As the other, without an envelope to be collected: every member reads every entry, and needs its parts only.</summary>
    internal static Command Read(ReadOnlyMemory<byte> bytes, out LoggedIdentity identity)
    {
        ReadOnlyMemory<byte> key = default;
        ReadOnlyMemory<byte> fingerprint = default;
        var (session, number, acked) = (0L, 0L, 0L);
        Command? command = null;
        var seen = 0L;
        var reader = new WireReader(bytes.Span);
        while (reader.NextField())
        {
            if (reader.Field <= LastField && (seen & (1L << reader.Field)) != 0)
            {
                throw new WireFormatException($"an envelope has the field {reader.Field} twice");
            }
            seen |= 1L << reader.Field;
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
                case >= PutField and <= LastField:
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
        if (command is null)
        {
            throw new WireFormatException("an envelope without a command");
        }
        identity = new LoggedIdentity(key, fingerprint, Session(key, session, number, acked));
        return command;
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
        PutRoleCommand => PutRoleField,
        DeleteRoleCommand => DeleteRoleField,
        PutPrincipalCommand => PutPrincipalField,
        DeletePrincipalCommand => DeletePrincipalField,
        PutRevocationCommand => PutRevocationField,
        DeleteRevocationCommand => DeleteRevocationField,
        EnableAuthCommand => EnableAuthField,
        PutTokenCommand => PutTokenField,
        RotateTokenCommand => RotateTokenField,
        RevokeTokenCommand => RevokeTokenField,
        EndOwnTokenCommand => EndOwnTokenField,
        ForgetTokensCommand => ForgetTokensField,
        _ => Invariant.Unreachable<int>(command),
    };

    private static void WriteBody(WireWriter writer, Command command)
    {
        switch (command)
        {
            case PutCommand c:
                KeyCommandCodec.Put.Write(writer, c);
                break;
            case DeleteCommand c:
                KeyCommandCodec.Delete.Write(writer, c);
                break;
            case DeletePrefixCommand c:
                KeyCommandCodec.DeletePrefix.Write(writer, c);
                break;
            case GrantLeaseCommand c:
                LeaseCommandCodec.GrantLease.Write(writer, c);
                break;
            case RenewLeasesCommand c:
                LeaseCommandCodec.RenewLeases.Write(writer, c);
                break;
            case RevokeLeaseCommand c:
                LeaseCommandCodec.RevokeLease.Write(writer, c);
                break;
            case AcquireCommand c:
                HoldCommandCodec.Acquire.Write(writer, c);
                break;
            case RenewHoldCommand c:
                HoldCommandCodec.RenewHold.Write(writer, c);
                break;
            case ReleaseHoldCommand c:
                HoldCommandCodec.ReleaseHold.Write(writer, c);
                break;
            case CancelWaitCommand c:
                HoldCommandCodec.CancelWait.Write(writer, c);
                break;
            case ExpireCommand:
                break;
            case DetachWaitersCommand c:
                MemberCommandCodec.DetachWaiters.Write(writer, c);
                break;
            case DetachRequestsCommand c:
                HoldCommandCodec.DetachRequests.Write(writer, c);
                break;
            case AnnounceMemberCommand c:
                MemberCommandCodec.AnnounceMember.Write(writer, c);
                break;
            case ForgetMemberCommand c:
                MemberCommandCodec.ForgetMember.Write(writer, c);
                break;
            case AcquireManyCommand c:
                HoldCommandCodec.AcquireMany.Write(writer, c);
                break;
            case HandOverCommand c:
                HoldCommandCodec.HandOver.Write(writer, c);
                break;
            case TxnCommand c:
                TxnCodec.Write(writer, c);
                break;
            case FenceCommand c:
                HoldCommandCodec.Fence.Write(writer, c);
                break;
            case ResetFenceCommand c:
                HoldCommandCodec.ResetFence.Write(writer, c);
                break;
            case CompactCommand c:
                KeyCommandCodec.Compact.Write(writer, c);
                break;
            case WithdrawCommand c:
                LeaseCommandCodec.Withdraw.Write(writer, c);
                break;
            case PutSettingCommand c:
                MemberCommandCodec.PutSetting.Write(writer, c);
                break;
            case ChangePermitsCommand c:
                HoldCommandCodec.ChangePermits.Write(writer, c);
                break;
            case NoteLeaderlessCommand c:
                MemberCommandCodec.NoteLeaderless.Write(writer, c);
                break;
            case SettleCommand c:
                LeaseCommandCodec.Settle.Write(writer, c);
                break;
            case PutRoleCommand c:
                PolicyCommandCodec.PutRole.Write(writer, c);
                break;
            case DeleteRoleCommand c:
                PolicyCommandCodec.OfName.Write(writer, c.Name, c);
                break;
            case PutPrincipalCommand c:
                PolicyCommandCodec.PutPrincipal.Write(writer, c);
                break;
            case DeletePrincipalCommand c:
                PolicyCommandCodec.OfName.Write(writer, c.Name, c);
                break;
            case PutRevocationCommand c:
                PolicyCommandCodec.PutRevocation.Write(writer, c);
                break;
            case DeleteRevocationCommand c:
                PolicyCommandCodec.DeleteRevocation.Write(writer, c);
                break;
            case EnableAuthCommand c:
                PolicyCommandCodec.OfName.Write(writer, c.Admin, c);
                break;
            case PutTokenCommand c:
                TokenCommandCodec.PutToken.Write(writer, c);
                break;
            case RotateTokenCommand c:
                TokenCommandCodec.PutToken.Write(writer, c);
                break;
            case RevokeTokenCommand c:
                TokenCommandCodec.RevokeToken.Write(writer, c);
                break;
            case EndOwnTokenCommand c:
                TokenCommandCodec.EndOwnToken.Write(writer, c);
                break;
            case ForgetTokensCommand c:
                TokenCommandCodec.ForgetTokens.Write(writer, c);
                break;
            default:
                Invariant.Unreachable<int>(command);
                break;
        }
    }

    private static Command ReadBody(int field, ReadOnlyMemory<byte> body) => field switch
    {
        PutField => KeyCommandCodec.Put.Read(body),
        DeleteField => KeyCommandCodec.Delete.Read(body),
        DeletePrefixField => KeyCommandCodec.DeletePrefix.Read(body),
        GrantLeaseField => LeaseCommandCodec.GrantLease.Read(body),
        RenewLeasesField => LeaseCommandCodec.RenewLeases.Read(body),
        RevokeLeaseField => LeaseCommandCodec.RevokeLease.Read(body),
        AcquireField => HoldCommandCodec.Acquire.Read(body),
        RenewHoldField => HoldCommandCodec.RenewHold.Read(body),
        ReleaseHoldField => HoldCommandCodec.ReleaseHold.Read(body),
        CancelWaitField => HoldCommandCodec.CancelWait.Read(body),
        ExpireField => ReadExpire(body),
        DetachWaitersField => MemberCommandCodec.DetachWaiters.Read(body),
        DetachRequestsField => HoldCommandCodec.DetachRequests.Read(body),
        AnnounceMemberField => MemberCommandCodec.AnnounceMember.Read(body),
        ForgetMemberField => MemberCommandCodec.ForgetMember.Read(body),
        AcquireManyField => HoldCommandCodec.AcquireMany.Read(body),
        HandOverField => HoldCommandCodec.HandOver.Read(body),
        TxnField => TxnCodec.Read(body),
        FenceField => HoldCommandCodec.Fence.Read(body),
        ResetFenceField => HoldCommandCodec.ResetFence.Read(body),
        CompactField => KeyCommandCodec.Compact.Read(body),
        WithdrawField => LeaseCommandCodec.Withdraw.Read(body),
        PutSettingField => MemberCommandCodec.PutSetting.Read(body),
        ChangePermitsField => HoldCommandCodec.ChangePermits.Read(body),
        NoteLeaderlessField => MemberCommandCodec.NoteLeaderless.Read(body),
        SettleField => LeaseCommandCodec.Settle.Read(body),
        PutRoleField => PolicyCommandCodec.PutRole.Read(body),
        DeleteRoleField => PolicyCommandCodec.OfName.Read(body, static name => new DeleteRoleCommand(name)),
        PutPrincipalField => PolicyCommandCodec.PutPrincipal.Read(body),
        DeletePrincipalField => PolicyCommandCodec.OfName.Read(body, static name => new DeletePrincipalCommand(name)),
        PutRevocationField => PolicyCommandCodec.PutRevocation.Read(body),
        DeleteRevocationField => PolicyCommandCodec.DeleteRevocation.Read(body),
        EnableAuthField => PolicyCommandCodec.OfName.Read(body, static name => new EnableAuthCommand(name)),
        PutTokenField => TokenCommandCodec.PutToken.Read(body),
        RotateTokenField => TokenCommandCodec.PutToken.ReadRotation(body),
        RevokeTokenField => TokenCommandCodec.RevokeToken.Read(body),
        EndOwnTokenField => TokenCommandCodec.EndOwnToken.Read(body),
        ForgetTokensField => TokenCommandCodec.ForgetTokens.Read(body),
        _ => Invariant.Unreachable<Command>(field),
    };

    private static ExpireCommand ReadExpire(ReadOnlyMemory<byte> body) =>
        body.IsEmpty ? new ExpireCommand() : throw new WireFormatException("an expiry says nothing but that");
}
