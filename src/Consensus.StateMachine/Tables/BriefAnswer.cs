using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>What is remembered of a request that changed nothing: what its <see cref="BriefAnswer"/> has where. The numbers are in snapshots.</summary>
internal enum BriefKind
{
    /// <summary>It was withdrawn before it had an effect.</summary>
    Withdrawn = 1,

    /// <summary>A present mod revision.</summary>
    ConditionFailed = 2,

    NothingDeleted = 3,

    /// <summary>A lease, B 1 when it was to be revoked.</summary>
    LeaseMissing = 4,

    /// <summary>Name; text holder, A token and E lease, 0 without one; B waiters, C waited microseconds, D delayed until, 0 when it is not, F token of the asker's own hold, 0 without one.</summary>
    HoldRefused = 5,

    /// <summary>Text owner.</summary>
    NoSuchWaiter = 6,

    /// <summary>A permits.</summary>
    PermitsMismatch = 7,

    /// <summary>Text present holder and A token, 0 without one; B token of the loss, 0 when none is known, C reason, D revision; E asked token, F 1 for a renewal.</summary>
    NotHolder = 8,

    /// <summary>Name of the key.</summary>
    KeyWrittenTwice = 9,

    /// <summary>A limit.</summary>
    AnswerTooLarge = 10,

    /// <summary>A highest token.</summary>
    FenceStale = 11,

    TokenFromFuture = 12,

    /// <summary>A bound, B limit.</summary>
    BoundReached = 13,

    /// <summary>A limit.</summary>
    QuotaExceeded = 14,

    /// <summary>A limit.</summary>
    TooManyObjects = 15,

    /// <summary>It had been released before.</summary>
    ReleasedBefore = 16,

    /// <summary>A token, which was the highest already.</summary>
    FencePassed = 17,

    NoFence = 18,

    /// <summary>A transaction that wrote nothing: A 1 when its compares held; blob: <c>TxnResults</c>.</summary>
    NothingWritten = 19,

    /// <summary>An election's value that was its value already: name, A token.</summary>
    ProclaimedBefore = 20,

    /// <summary>A setting.</summary>
    SettingOutOfRange = 21,

    /// <summary>A permits, which was the limit already; B what is out.</summary>
    PermitsAsBefore = 24,

    /// <summary>A permits, B what is out.</summary>
    PermitsOut = 25,

    SemaphoreUnused = 26,

    /// <summary>Name of the object, A its name space.</summary>
    TokenNotExclusive = 27,
}

/// <param name="Sequence">Its place among all, by age.</param>
/// <param name="Fingerprint">Of the request; empty when it was withdrawn.</param>
/// <param name="Revision">Of the answer.</param>
internal sealed record BriefAnswer(long Sequence, ClusterTime Stored, ReadOnlyMemory<byte> Fingerprint, BriefKind Kind, Revision Revision)
{
    public Key Name { get; private init; }

    public string Text { get; private init; } = "";

    public long A { get; private init; }

    public long B { get; private init; }

    public long C { get; private init; }

    public long D { get; private init; }

    public long E { get; private init; }

    public long F { get; private init; }

    public ReadOnlyMemory<byte> Blob { get; private init; }

    /// <summary>It was answered with a success that found everything done.</summary>
    public bool IsSuccess => Kind is BriefKind.NothingDeleted or BriefKind.ReleasedBefore or BriefKind.FencePassed or BriefKind.NoFence or BriefKind.NothingWritten
        or BriefKind.ProclaimedBefore or BriefKind.PermitsAsBefore;

    /// <summary>What it takes in memory, about, with its place in two trees.</summary>
    public long Bytes => 240 + Fingerprint.Length + Name.Length + (2L * Text.Length) + Blob.Length;

    /// <summary>
    /// What is remembered of this outcome; null for one that is no answer to the request that asked (it waits, or came with another's key), or none of its own (a repetition),
    /// and for those that changed something. Another id is drawn under the same identity when a lease's is taken.
    /// </summary>
    public static BriefAnswer? Of(Outcome outcome, long sequence, ClusterTime stored, ReadOnlyMemory<byte> fingerprint)
    {
        return outcome switch
        {
            ConditionFailed o => Make(BriefKind.ConditionFailed) with { A = o.CurrentModRevision.Value },
            DeleteDone { Deleted: 0 } => Make(BriefKind.NothingDeleted),
            LeaseMissing o => Make(BriefKind.LeaseMissing) with { A = o.Id.Value, B = o.WasToEnd ? 1 : 0 },
            HoldRefused o => Make(BriefKind.HoldRefused) with
            {
                Name = o.Name,
                Text = o.Holder?.Owner ?? "",
                A = o.Holder?.Token.Value ?? 0,
                B = o.Waiters,
                C = o.WaitedMicros,
                D = o.DelayedUntil?.Micros ?? 0,
                E = o.Holder?.Lease.Value ?? 0,
                F = o.Own.Value,
            },
            NoSuchWaiter o => Make(BriefKind.NoSuchWaiter) with { Text = o.Owner, A = o.WaitsForSeveral ? 1 : 0 },
            PermitsMismatch o => Make(BriefKind.PermitsMismatch) with { A = o.Permits },
            NotHolder o => Make(BriefKind.NotHolder) with
            {
                Text = o.Current?.Owner ?? "",
                A = o.Current?.Token.Value ?? 0,
                B = o.Loss?.Token.Value ?? 0,
                C = (long)(o.Loss?.Reason ?? 0),
                D = o.Loss?.AtRevision.Value ?? 0,
                E = o.Asked.Value,
                F = o.IsRenewal ? 1 : 0,
            },
            KeyWrittenTwice o => Make(BriefKind.KeyWrittenTwice) with { Name = o.Key },
            AnswerTooLarge o => Make(BriefKind.AnswerTooLarge) with { A = o.LimitBytes },
            FenceStale o => Make(BriefKind.FenceStale) with { A = o.Highest.Value },
            TokenFromFuture => Make(BriefKind.TokenFromFuture),
            BoundReached o => Make(BriefKind.BoundReached) with { A = (long)o.Bound, B = o.Limit },
            QuotaExceeded o => Make(BriefKind.QuotaExceeded) with { A = o.LimitBytes },
            TooManyObjects o => Make(BriefKind.TooManyObjects) with { A = o.Limit },
            SettingOutOfRange o => Make(BriefKind.SettingOutOfRange) with { A = (long)o.Setting },
            HoldReleased => Make(BriefKind.ReleasedBefore),
            FencePassed o => Make(BriefKind.FencePassed) with { A = o.Highest.Value },
            FenceReset { Existed: false } => Make(BriefKind.NoFence),
            TxnDone o => Make(BriefKind.NothingWritten) with { A = o.Succeeded ? 1 : 0, Blob = TxnResultCodec.Encode(o.Results) },
            PermitsChanged o => Make(BriefKind.PermitsAsBefore) with { A = o.Permits, B = o.Out },
            PermitsOut o => Make(BriefKind.PermitsOut) with { A = o.Permits, B = o.Out },
            SemaphoreUnused => Make(BriefKind.SemaphoreUnused),
            TokenNotExclusive o => Make(BriefKind.TokenNotExclusive) with { Name = o.Object.Name, A = (long)o.Object.Space },
            HoldRenewed o => Make(BriefKind.ProclaimedBefore) with { Name = o.Hold.Name, A = o.Hold.Token.Value },
            _ => null,
        };

        BriefAnswer Make(BriefKind kind) => new(sequence, stored, fingerprint, kind, outcome.Revision);
    }

    /// <summary>The answer as it was, with of a hold only whose it is and under which lease: nothing else of it was told. Not for what depends on what is now.</summary>
    public Outcome ToOutcome() => Kind switch
    {
        BriefKind.ConditionFailed => new ConditionFailed(Revision, new Revision(A)),
        BriefKind.NothingDeleted => new DeleteDone(Revision, 0),
        BriefKind.LeaseMissing => new LeaseMissing(Revision, new LeaseId(A)) { WasToEnd = B == 1 },
        BriefKind.HoldRefused => new HoldRefused(Revision, Holder(new LeaseId(E)), B, C)
        {
            Name = Name,
            Own = new FencingToken(F),
            DelayedUntil = D == 0 ? null : new ClusterTime(D),
        },
        BriefKind.NoSuchWaiter => new NoSuchWaiter(Revision, Text) { WaitsForSeveral = A == 1 },
        BriefKind.PermitsMismatch => new PermitsMismatch(Revision, A),
        BriefKind.NotHolder => new NotHolder(
            Revision, B == 0 ? null : new HoldLoss(new FencingToken(B), "", (LossReason)C, new Revision(D)), Holder(LeaseId.None))
        {
            Asked = new FencingToken(E),
            IsRenewal = F == 1,
        },
        BriefKind.KeyWrittenTwice => new KeyWrittenTwice(Revision, Name),
        BriefKind.AnswerTooLarge => new AnswerTooLarge(Revision, A),
        BriefKind.FenceStale => new FenceStale(Revision, new FencingToken(A)),
        BriefKind.TokenFromFuture => new TokenFromFuture(Revision),
        BriefKind.BoundReached => new BoundReached(Revision, (BoundKind)A, B),
        BriefKind.QuotaExceeded => new QuotaExceeded(Revision, A),
        BriefKind.TooManyObjects => new TooManyObjects(Revision, A),
        BriefKind.SettingOutOfRange => new SettingOutOfRange(Revision, SettingTable.Known(A)),
        BriefKind.ReleasedBefore => new HoldReleased(Revision),
        BriefKind.FencePassed => new FencePassed(Revision, new FencingToken(A)),
        BriefKind.NoFence => new FenceReset(Revision, Existed: false),
        BriefKind.NothingWritten => new TxnDone(Revision, A == 1, TxnResultCodec.Read(Blob)),
        BriefKind.PermitsAsBefore => new PermitsChanged(Revision, A, A, B),
        BriefKind.PermitsOut => new PermitsOut(Revision, A, B),
        BriefKind.SemaphoreUnused => new SemaphoreUnused(Revision),
        BriefKind.TokenNotExclusive => new TokenNotExclusive(Revision, new ObjectName((HoldSpace)A, Name)),
        _ => Invariant.Unreachable<Outcome>(Kind),
    };

    private Hold? Holder(LeaseId lease) => A == 0
        ? null
        : new Hold(Name, Text, new FencingToken(A), lease, 0, new Revision(A), ClusterTime.Zero);

    /// <summary>The message <c>BriefAnswer</c> of <c>snapshot.proto</c>.</summary>
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
        public static readonly int Text = Shape.Text(9);
        public static readonly int A = Shape.Number(10);
        public static readonly int B = Shape.Number(11);
        public static readonly int C = Shape.Number(12);
        public static readonly int D = Shape.Number(13);
        public static readonly int E = Shape.Number(14);
        public static readonly int Blob = Shape.Bytes(15);
        public static readonly int F = Shape.Number(16);
    }

    public void Write(WireWriter writer, Identity identity)
    {
        writer.String(Saved.Principal, identity.Principal);
        writer.Bytes(Saved.IdempotencyKey, identity.IdempotencyKey.Bytes);
        writer.Int64(Saved.Sequence, Sequence);
        writer.Int64(Saved.Stored, Stored.Micros);
        writer.Bytes(Saved.Fingerprint, Fingerprint.Span);
        writer.Int64(Saved.Kind, (int)Kind);
        writer.Int64(Saved.Revision, Revision.Value);
        writer.Bytes(Saved.Name, Name.Bytes);
        writer.String(Saved.Text, Text);
        writer.Int64(Saved.A, A);
        writer.Int64(Saved.B, B);
        writer.Int64(Saved.C, C);
        writer.Int64(Saved.D, D);
        writer.Int64(Saved.E, E);
        writer.Bytes(Saved.Blob, Blob.Span);
        writer.Int64(Saved.F, F);
    }

    /// <summary>A retry may come much later: damage is to be found now.</summary>
    public static (Identity Identity, BriefAnswer Answer) Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var answer = new BriefAnswer(
            fields.Number(Saved.Sequence),
            fields.Time(Saved.Stored),
            fields.Bytes(Saved.Fingerprint).ToArray(),
            (BriefKind)fields.Number(Saved.Kind),
            new Revision(fields.Number(Saved.Revision)))
        {
            Name = fields.Key(Saved.Name),
            Text = fields.Text(Saved.Text),
            A = fields.Number(Saved.A),
            B = fields.Number(Saved.B),
            C = fields.Number(Saved.C),
            D = fields.Number(Saved.D),
            E = fields.Number(Saved.E),
            Blob = fields.Bytes(Saved.Blob).ToArray(),
            F = fields.Number(Saved.F),
        };
        var isDamaged = answer.Kind switch
        {
            BriefKind.NotHolder => answer.B != 0 && !Enum.IsDefined((LossReason)answer.C),
            BriefKind.BoundReached => !Enum.IsDefined((BoundKind)answer.A),
            BriefKind.TokenNotExclusive => !Enum.IsDefined((HoldSpace)answer.A),
            BriefKind.SettingOutOfRange => !Enum.IsDefined((Setting)answer.A),
            BriefKind.NothingWritten => answer.A > 1 || TxnResultCodec.Read(answer.Blob).IsDefault,
            _ => !Enum.IsDefined(answer.Kind),
        };
        return isDamaged
            ? throw new WireFormatException("a brief answer of an unknown kind, bound, reason, name space or setting")
            : (new Identity(fields.Text(Saved.Principal), fields.Key(Saved.IdempotencyKey)), answer);
    }
}
