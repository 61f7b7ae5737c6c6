using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Wire;

/// <summary>
/// Answers that changed nothing, the message <c>BriefAnswer</c> of <c>snapshot.proto</c>, which says what of it each kind has.
/// </summary>
internal static class BriefAnswerCodec
{
    /// <summary>Of an outcome, in snapshots.</summary>
    private enum Kind
    {
        Withdrawn = 1,
        ConditionFailed = 2,
        NothingDeleted = 3,
        LeaseMissing = 4,
        HoldRefused = 5,
        NoSuchWaiter = 6,
        PermitsMismatch = 7,
        NotHolder = 8,
        KeyWrittenTwice = 9,
        AnswerTooLarge = 10,
        FenceStale = 11,
        TokenFromFuture = 12,
        BoundReached = 13,
        QuotaExceeded = 14,
        TooManyObjects = 15,
        ReleasedBefore = 16,
        FencePassed = 17,
        NoFence = 18,
        NothingWritten = 19,
        ProclaimedBefore = 20,
        SettingOutOfRange = 21,
        PermitsAsBefore = 24,
        PermitsOut = 25,
        SemaphoreUnused = 26,
        TokenNotExclusive = 27,
        Forbidden = 28,
        PolicyRefused = 29,
        PolicyAsBefore = 30,
        ConditionFailedUntold = 31,
        HoldRefusedUntold = 32,
        NotHolderUntold = 33,
        FenceStaleUntold = 34,
        TokenNotExclusiveUntold = 35,
    }

    private static class Saved
    {
        public static readonly MessageShape Shape = new("a brief answer");
        public static readonly int Principal = Shape.Text(1);
        public static readonly int IdempotencyKey = Shape.Bytes(2);
        public static readonly int Sequence = Shape.Number(3);
        public static readonly int Stored = Shape.Number(4);
        public static readonly int Fingerprint = Shape.Bytes(5);
        public static readonly int Kind = Shape.Number(6);
        public static readonly int Revision = Shape.Number(7);
        public static readonly int Name = Shape.Bytes(8);
        public static readonly int Space = Shape.Number(9);
        public static readonly int Owner = Shape.Text(10);
        public static readonly int Token = Shape.Number(11);
        public static readonly int Lease = Shape.Id(12);
        public static readonly int Waiters = Shape.Number(13);
        public static readonly int WaitedMicros = Shape.Number(14);
        public static readonly int DelayedUntil = Shape.Number(15);
        public static readonly int OwnToken = Shape.Number(16);
        public static readonly int AskedToken = Shape.Number(17);
        public static readonly int LossToken = Shape.Number(18);
        public static readonly int LossReason = Shape.Number(19);
        public static readonly int LossRevision = Shape.Number(20);
        public static readonly int ModRevision = Shape.Number(21);
        public static readonly int Permits = Shape.Number(22);
        public static readonly int Out = Shape.Number(23);
        public static readonly int Limit = Shape.Number(24);
        public static readonly int Bound = Shape.Number(25);
        public static readonly int Setting = Shape.Number(26);
        public static readonly int WasToEnd = Shape.Number(27);
        public static readonly int WaitsForSeveral = Shape.Number(28);
        public static readonly int IsRenewal = Shape.Number(29);
        public static readonly int Succeeded = Shape.Number(30);
        public static readonly int Results = Shape.Message(31);
    }

    public static void Write(WireWriter writer, Identity identity, BriefAnswer answer)
    {
        writer.String(Saved.Principal, identity.Principal);
        writer.Bytes(Saved.IdempotencyKey, identity.IdempotencyKey.Bytes);
        writer.Int64(Saved.Sequence, answer.Sequence);
        writer.Int64(Saved.Stored, answer.Stored.Micros);
        writer.Bytes(Saved.Fingerprint, answer.Fingerprint.Span);
        writer.Int64(Saved.Kind, (int)KindOf(answer.Outcome));
        writer.Int64(Saved.Revision, answer.Outcome.Revision.Value);
        Write(writer, answer.Outcome);
    }

    /// <summary>A retry may come much later: damage is to be found now.</summary>
    public static (Identity Identity, BriefAnswer Answer) Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var answer = new BriefAnswer(
            fields.Number(Saved.Sequence), fields.Time(Saved.Stored), fields.Bytes(Saved.Fingerprint).ToArray(), ReadOutcome(fields));
        return (new Identity(fields.Text(Saved.Principal), fields.Key(Saved.IdempotencyKey)), answer);
    }

    private static Kind KindOf(Outcome outcome) => outcome switch
    {
        RequestWithdrawn => Kind.Withdrawn,
        ConditionFailed { IsUntold: true } => Kind.ConditionFailedUntold,
        ConditionFailed => Kind.ConditionFailed,
        DeleteDone => Kind.NothingDeleted,
        LeaseMissing => Kind.LeaseMissing,
        HoldRefused { IsUntold: true } => Kind.HoldRefusedUntold,
        HoldRefused => Kind.HoldRefused,
        NoSuchWaiter => Kind.NoSuchWaiter,
        PermitsMismatch => Kind.PermitsMismatch,
        NotHolder { IsUntold: true } => Kind.NotHolderUntold,
        NotHolder => Kind.NotHolder,
        KeyWrittenTwice => Kind.KeyWrittenTwice,
        AnswerTooLarge => Kind.AnswerTooLarge,
        FenceStale { IsUntold: true } => Kind.FenceStaleUntold,
        FenceStale => Kind.FenceStale,
        TokenFromFuture => Kind.TokenFromFuture,
        BoundReached => Kind.BoundReached,
        QuotaExceeded => Kind.QuotaExceeded,
        TooManyObjects => Kind.TooManyObjects,
        HoldReleased => Kind.ReleasedBefore,
        FencePassed => Kind.FencePassed,
        FenceReset => Kind.NoFence,
        TxnDone => Kind.NothingWritten,
        HoldRenewed => Kind.ProclaimedBefore,
        SettingOutOfRange => Kind.SettingOutOfRange,
        PermitsChanged => Kind.PermitsAsBefore,
        PermitsOut => Kind.PermitsOut,
        SemaphoreUnused => Kind.SemaphoreUnused,
        TokenNotExclusive { IsUntold: true } => Kind.TokenNotExclusiveUntold,
        TokenNotExclusive => Kind.TokenNotExclusive,
        Forbidden => Kind.Forbidden,
        PolicyRefused => Kind.PolicyRefused,
        PolicyChanged => Kind.PolicyAsBefore,
        _ => Invariant.Unreachable<Kind>(outcome),
    };

    private static void Write(WireWriter writer, Outcome outcome)
    {
        switch (outcome)
        {
            case ConditionFailed o:
                writer.Int64(Saved.ModRevision, o.CurrentModRevision.Value);
                break;
            case LeaseMissing o:
                writer.Fixed64(Saved.Lease, (ulong)o.Id.Value);
                writer.Bool(Saved.WasToEnd, o.WasToEnd);
                break;
            case HoldRefused o:
                writer.Bytes(Saved.Name, o.Name.Bytes);
                WriteHolder(writer, o.Holder);
                writer.Int64(Saved.Waiters, o.Waiters);
                writer.Int64(Saved.WaitedMicros, o.WaitedMicros);
                writer.Int64(Saved.DelayedUntil, o.DelayedUntil?.Micros ?? 0);
                writer.Int64(Saved.OwnToken, o.Own.Value);
                break;
            case NoSuchWaiter o:
                writer.String(Saved.Owner, o.Owner);
                writer.Bool(Saved.WaitsForSeveral, o.WaitsForSeveral);
                break;
            case PermitsMismatch o:
                writer.Int64(Saved.Permits, o.Permits);
                break;
            case NotHolder o:
                WriteHolder(writer, o.Current);
                writer.Int64(Saved.AskedToken, o.Asked.Value);
                writer.Int64(Saved.LossToken, o.Loss?.Token.Value ?? 0);
                writer.Int64(Saved.LossReason, (long)(o.Loss?.Reason ?? 0));
                writer.Int64(Saved.LossRevision, o.Loss?.AtRevision.Value ?? 0);
                writer.Bool(Saved.IsRenewal, o.IsRenewal);
                break;
            case KeyWrittenTwice o:
                writer.Bytes(Saved.Name, o.Key.Bytes);
                break;
            case AnswerTooLarge o:
                writer.Int64(Saved.Limit, o.LimitBytes);
                break;
            case FenceStale o:
                writer.Int64(Saved.Token, o.Highest.Value);
                break;
            case BoundReached o:
                writer.Int64(Saved.Bound, (long)o.Bound);
                writer.Int64(Saved.Limit, o.Limit);
                break;
            case QuotaExceeded o:
                writer.Int64(Saved.Limit, o.LimitBytes);
                break;
            case TooManyObjects o:
                writer.Int64(Saved.Limit, o.Limit);
                break;
            case FencePassed o:
                writer.Int64(Saved.Token, o.Highest.Value);
                break;
            case TxnDone o:
                writer.Bool(Saved.Succeeded, o.Succeeded);
                writer.Bytes(Saved.Results, TxnResultCodec.Encode(o.Results));
                break;
            case HoldRenewed o:
                writer.Bytes(Saved.Name, o.Hold.Name.Bytes);
                writer.Int64(Saved.Space, (long)o.Hold.Space);
                writer.Int64(Saved.Token, o.Hold.Token.Value);
                break;
            case SettingOutOfRange o:
                writer.Int64(Saved.Setting, (long)o.Setting);
                break;
            case PermitsChanged o:
                writer.Int64(Saved.Permits, o.Permits);
                writer.Int64(Saved.Out, o.Out);
                break;
            case PermitsOut o:
                writer.Int64(Saved.Permits, o.Permits);
                writer.Int64(Saved.Out, o.Out);
                break;
            case Forbidden o:
                writer.Int64(Saved.Bound, (long)o.Reason);
                break;
            case PolicyRefused o:
                writer.Int64(Saved.Bound, (long)o.Reason);
                writer.Int64(Saved.Limit, o.PolicyRevision);
                writer.String(Saved.Owner, o.Name);
                break;
            case PolicyChanged o:
                writer.Int64(Saved.Limit, o.PolicyRevision);
                break;
            case TokenNotExclusive o:
                writer.Bytes(Saved.Name, o.Object.Name.Bytes);
                writer.Int64(Saved.Space, (long)o.Object.Space);
                break;
        }
    }

    private static void WriteHolder(WireWriter writer, Hold? holder)
    {
        if (holder is not null)
        {
            writer.String(Saved.Owner, holder.Owner);
            writer.Int64(Saved.Token, holder.Token.Value);
            writer.Fixed64(Saved.Lease, (ulong)holder.Lease.Value);
        }
    }

    private static Outcome ReadOutcome(in Fields fields)
    {
        var revision = new Revision(fields.Number(Saved.Revision));
        var token = new FencingToken(fields.Number(Saved.Token));
        var (permits, permitsOut, limit) = (fields.Number(Saved.Permits), fields.Number(Saved.Out), fields.Number(Saved.Limit));
        return (Kind)fields.Number(Saved.Kind) switch
        {
            Kind.Withdrawn => new RequestWithdrawn(revision),
            Kind.ConditionFailed => new ConditionFailed(revision, new Revision(fields.Number(Saved.ModRevision))),
            Kind.ConditionFailedUntold => new ConditionFailed(revision, Revision.Zero) { IsUntold = true },
            Kind.Forbidden => new Forbidden(revision, fields.Known<DenialReason>(Saved.Bound)),
            Kind.PolicyRefused => new PolicyRefused(revision, fields.Known<PolicyRefusal>(Saved.Bound), limit, fields.Text(Saved.Owner)),
            Kind.PolicyAsBefore => new PolicyChanged(revision, limit, limit),
            Kind.NothingDeleted => new DeleteDone(revision, 0),
            Kind.LeaseMissing => new LeaseMissing(revision, fields.Lease(Saved.Lease)) { WasToEnd = fields.Flag(Saved.WasToEnd) },
            Kind.HoldRefused => ReadRefused(fields, revision),
            Kind.HoldRefusedUntold => ReadRefused(fields, revision) with { IsUntold = true },
            Kind.NoSuchWaiter => new NoSuchWaiter(revision, fields.Text(Saved.Owner))
            {
                WaitsForSeveral = fields.Flag(Saved.WaitsForSeveral),
            },
            Kind.PermitsMismatch => new PermitsMismatch(revision, permits),
            Kind.NotHolder => ReadNotHolder(fields, revision),
            Kind.NotHolderUntold => ReadNotHolder(fields, revision) with { IsUntold = true },
            Kind.KeyWrittenTwice => new KeyWrittenTwice(revision, fields.Key(Saved.Name)),
            Kind.AnswerTooLarge => new AnswerTooLarge(revision, limit),
            Kind.FenceStale => new FenceStale(revision, token),
            Kind.FenceStaleUntold => new FenceStale(revision, token) { IsUntold = true },
            Kind.TokenFromFuture => new TokenFromFuture(revision),
            Kind.BoundReached => new BoundReached(revision, fields.Known<BoundKind>(Saved.Bound), limit),
            Kind.QuotaExceeded => new QuotaExceeded(revision, limit),
            Kind.TooManyObjects => new TooManyObjects(revision, limit),
            Kind.ReleasedBefore => new HoldReleased(revision),
            Kind.FencePassed => new FencePassed(revision, token),
            Kind.NoFence => new FenceReset(revision, Existed: false),
            Kind.NothingWritten => new TxnDone(revision, fields.Flag(Saved.Succeeded), TxnResultCodec.Read(fields.Bytes(Saved.Results))),
            Kind.ProclaimedBefore => new HoldRenewed(
                revision, BriefAnswer.HoldOf(fields.Key(Saved.Name), "", token, LeaseId.None) with { Space = fields.Space(Saved.Space) }),
            Kind.SettingOutOfRange => new SettingOutOfRange(revision, SettingTable.Known(fields.Number(Saved.Setting))),
            Kind.PermitsAsBefore => new PermitsChanged(revision, permits, permits, permitsOut),
            Kind.PermitsOut => new PermitsOut(revision, permits, permitsOut),
            Kind.SemaphoreUnused => new SemaphoreUnused(revision),
            Kind.TokenNotExclusive => new TokenNotExclusive(revision, ReadObject(fields)),
            Kind.TokenNotExclusiveUntold => new TokenNotExclusive(revision, ReadObject(fields)) { IsUntold = true },
            var kind => throw new WireFormatException($"a brief answer of the unknown kind {kind}"),
        };
    }

    private static HoldRefused ReadRefused(in Fields fields, Revision revision) =>
        new(revision, ReadHolder(fields), fields.Number(Saved.Waiters), fields.Number(Saved.WaitedMicros))
        {
            Name = fields.Key(Saved.Name),
            Own = new FencingToken(fields.Number(Saved.OwnToken)),
            DelayedUntil = fields.Has(Saved.DelayedUntil) ? fields.Time(Saved.DelayedUntil) : null,
        };

    private static NotHolder ReadNotHolder(in Fields fields, Revision revision) => new(revision, ReadLoss(fields), ReadHolder(fields))
    {
        Asked = new FencingToken(fields.Number(Saved.AskedToken)),
        IsRenewal = fields.Flag(Saved.IsRenewal),
    };

    private static ObjectName ReadObject(in Fields fields) => new(fields.Space(Saved.Space), fields.Key(Saved.Name));

    private static Hold? ReadHolder(in Fields fields) => fields.Has(Saved.Token)
        ? BriefAnswer.HoldOf(
            fields.Key(Saved.Name), fields.Text(Saved.Owner), new FencingToken(fields.Number(Saved.Token)), fields.Lease(Saved.Lease))
        : null;

    private static HoldLoss? ReadLoss(in Fields fields) => fields.Has(Saved.LossToken)
        ? new HoldLoss(
            new FencingToken(fields.Number(Saved.LossToken)),
            "",
            fields.Known<LossReason>(Saved.LossReason),
            new Revision(fields.Number(Saved.LossRevision)))
        : null;
}
