using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>What a request with an identity had as its effect.</summary>
/// <param name="Sequence">Its place among all kept, by age.</param>
internal sealed record KeptOutcome(long Sequence, ClusterTime Stored, ReadOnlyMemory<byte> Fingerprint, Effect Effect)
{
    /// <summary>What it takes in memory, about, with its place in three trees.</summary>
    public long Bytes => 260 + Fingerprint.Length + Effect.Bytes;
}

/// <summary>The effects that are kept whole, by the identity of their request and by age, of all and of each principal.</summary>
internal sealed class KeptAnswers(Shares shares)
{
    private readonly CowTree<Identity, KeptOutcome> _primary = new(NewMeasure());
    private readonly CowTree<long, Identity> _byAge = new();
    private readonly CowTree<PrincipalAge, Identity> _byPrincipal = new();

    public int Count => _primary.Count;

    /// <summary>What they take in memory, as counted for their bound.</summary>
    public long Bytes => _primary.Sum.Bytes;

    public TreeSum Sum => _primary.Sum;

    public IEnumerable<(Identity Identity, KeptOutcome Kept)> Items =>
        _primary.Peek().All().Select(static item => (item.Key, item.Value));

    public IEnumerable<Identity> Identities => _primary.Peek().All().Select(static item => item.Key);

    public bool Contains(Identity identity) => _primary.Contains(identity);

    public bool TryGet(Identity identity, out KeptOutcome kept) => _primary.TryGet(identity, out kept);

    public bool TryOldest(out Identity identity, out KeptOutcome kept)
    {
        kept = null!;
        return _byAge.TryFirst(out _, out identity) && _primary.TryGet(identity, out kept);
    }

    /// <summary>As above, of one principal.</summary>
    public bool TryOldestOf(string principal, out Identity identity, out KeptOutcome kept)
    {
        kept = null!;
        return _byPrincipal.TryFirstFrom(new PrincipalAge(principal, 0), out var age, out identity) && age.Principal == principal
            && _primary.TryGet(identity, out kept);
    }

    /// <summary>Adds one that is the newest, of an identity of which none is kept.</summary>
    public void Add(Identity identity, KeptOutcome kept)
    {
        _primary.Set(identity, kept);
        _byAge.Set(kept.Sequence, identity);
        _byPrincipal.Set(new PrincipalAge(identity.Principal, kept.Sequence), identity);
        shares.Add(identity.Principal, keptBytes: SizeOf(identity, kept));
    }

    /// <summary>The same place by age with another effect.</summary>
    public void Replace(Identity identity, KeptOutcome before, KeptOutcome after)
    {
        _primary.Set(identity, after);
        shares.Add(identity.Principal, keptBytes: after.Bytes - before.Bytes);
    }

    public void Remove(Identity identity, KeptOutcome kept)
    {
        _primary.Remove(identity);
        _byAge.Remove(kept.Sequence);
        _byPrincipal.Remove(new PrincipalAge(identity.Principal, kept.Sequence));
        shares.Add(identity.Principal, keptBytes: -SizeOf(identity, kept));
    }

    public FrozenTree<Identity, KeptOutcome> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the ages are those of the outcomes, and the bytes theirs.</summary>
    public void Verify()
    {
        Indexes.Require(_byAge, _primary.Peek().All().Select(static item => (item.Value.Sequence, item.Key)), "the index of kept outcomes by age");
        Indexes.Require(
            _byPrincipal, Items.Select(static item => (new PrincipalAge(item.Identity.Principal, item.Kept.Sequence), item.Identity)),
            "the index of kept outcomes by principal");
        Indexes.RequireSums(_primary, NewMeasure(), "the kept outcomes");
    }

    private static WrittenForm<Identity, KeptOutcome> NewMeasure() => new(Write, SizeOf);

    public static long SizeOf(Identity identity, KeptOutcome kept) => kept.Bytes + identity.Bytes;

    /// <summary>The outcomes of one principal stand together, by age.</summary>
    private readonly record struct PrincipalAge(string Principal, long Sequence) : IComparable<PrincipalAge>
    {
        public int CompareTo(PrincipalAge other)
        {
            var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
            return byPrincipal != 0 ? byPrincipal : Sequence.CompareTo(other.Sequence);
        }
    }

    /// <summary>Of an effect, in snapshots.</summary>
    private enum EffectKind
    {
        KeyPut = 1,
        KeysDeleted = 2,
        LeaseMade = 3,
        LeaseEnded = 4,
        HoldGiven = 5,
        HoldGivenUp = 6,
        HoldsGiven = 10,
        HoldHandedOver = 11,
        ValueProclaimed = 12,
        TxnWritten = 16,
        FenceMoved = 17,
        FenceRemoved = 18,
        TakenBack = 19,
        SettingChanged = 20,
        DoneUntold = 21,
        PermitsGiven = 23,
        PolicyMoved = 24,
    }

    /// <summary>The message <c>KeptOutcome</c> of <c>snapshot.proto</c>, which says what of it each kind has.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a kept outcome");
        public static readonly int Principal = Shape.Text(1);
        public static readonly int IdempotencyKey = Shape.Bytes(2);
        public static readonly int Sequence = Shape.Number(3);
        public static readonly int Stored = Shape.Number(4);
        public static readonly int Fingerprint = Shape.Bytes(5);
        public static readonly int Kind = Shape.Number(6);
        public static readonly int Name = Shape.Bytes(7);
        public static readonly int Revision = Shape.Number(8);
        public static readonly int CreateRevision = Shape.Number(9);
        public static readonly int Version = Shape.Number(10);
        public static readonly int Lease = Shape.Id(11);
        public static readonly int TtlMicros = Shape.Number(12);
        public static readonly int KeyCount = Shape.Number(13);
        public static readonly int HoldCount = Shape.Number(14);
        public static readonly int Token = Shape.Number(15);
        public static readonly int WaitedMicros = Shape.Number(16);
        public static readonly int Space = Shape.Number(17);
        public static readonly int Succeeded = Shape.Number(18);
        public static readonly int Holds = Shape.Message(19);
        public static readonly int Results = Shape.Message(20);
    }

    public static void Write(WireWriter writer, Identity identity, KeptOutcome kept)
    {
        writer.String(Saved.Principal, identity.Principal);
        writer.Bytes(Saved.IdempotencyKey, identity.IdempotencyKey.Bytes);
        writer.Int64(Saved.Sequence, kept.Sequence);
        writer.Int64(Saved.Stored, kept.Stored.Micros);
        writer.Bytes(Saved.Fingerprint, kept.Fingerprint.Span);
        Write(writer, kept.Effect);
    }

    private static void Write(WireWriter writer, Effect effect)
    {
        switch (effect)
        {
            case KeyPut put:
                writer.Int64(Saved.Kind, (int)EffectKind.KeyPut);
                writer.Bytes(Saved.Name, put.Key.Bytes);
                writer.Int64(Saved.Revision, put.ModRevision.Value);
                writer.Int64(Saved.CreateRevision, put.CreateRevision.Value);
                writer.Int64(Saved.Version, put.Version);
                writer.Fixed64(Saved.Lease, (ulong)put.Lease.Value);
                break;
            case KeysDeleted delete:
                Begin(EffectKind.KeysDeleted, delete.Revision);
                writer.Int64(Saved.KeyCount, delete.Deleted);
                break;
            case LeaseMade lease:
                Begin(EffectKind.LeaseMade, lease.Revision);
                writer.Fixed64(Saved.Lease, (ulong)lease.Lease.Value);
                writer.Int64(Saved.TtlMicros, lease.TtlMicros);
                break;
            case LeaseEnded lease:
                Begin(EffectKind.LeaseEnded, lease.Revision);
                writer.Fixed64(Saved.Lease, (ulong)lease.Lease.Value);
                writer.Int64(Saved.KeyCount, lease.Keys);
                writer.Int64(Saved.HoldCount, lease.Holds);
                break;
            case HoldGiven hold:
                writer.Int64(Saved.Kind, (int)EffectKind.HoldGiven);
                writer.Bytes(Saved.Name, hold.Object.Name.Bytes);
                writer.Int64(Saved.Token, hold.Token.Value);
                writer.Int64(Saved.WaitedMicros, hold.WaitedMicros);
                writer.Int64(Saved.Space, (int)hold.Object.Space);
                break;
            case HoldGivenUp release:
                Begin(EffectKind.HoldGivenUp, release.Revision);
                break;
            case HoldsGiven many:
                Begin(EffectKind.HoldsGiven, many.Revision);
                writer.Bytes(Saved.Holds, many.Holds.Span);
                break;
            case HoldHandedOver over:
                Begin(EffectKind.HoldHandedOver, over.Revision);
                writer.Bytes(Saved.Holds, over.Holds.Span);
                break;
            case ValueProclaimed value:
                writer.Int64(Saved.Kind, (int)EffectKind.ValueProclaimed);
                writer.Bytes(Saved.Name, value.Election.Bytes);
                writer.Int64(Saved.Revision, value.Revision.Value);
                writer.Int64(Saved.Token, value.Token.Value);
                break;
            case TxnWritten txn:
                Begin(EffectKind.TxnWritten, txn.Revision);
                writer.Bool(Saved.Succeeded, txn.Succeeded);
                writer.Bytes(Saved.Results, txn.Results.Span);
                break;
            case FenceMoved fence:
                Begin(EffectKind.FenceMoved, fence.Revision);
                writer.Int64(Saved.Token, fence.Token.Value);
                break;
            case FenceRemoved fence:
                Begin(EffectKind.FenceRemoved, fence.Revision);
                break;
            case SettingChanged setting:
                Begin(EffectKind.SettingChanged, setting.Revision);
                writer.Int64(Saved.Space, (long)setting.Setting);
                writer.Int64(Saved.Version, setting.Value);
                break;
            case PermitsGiven given:
                Begin(EffectKind.PermitsGiven, given.Revision);
                writer.Int64(Saved.Version, given.Permits);
                writer.Int64(Saved.KeyCount, given.Before);
                writer.Int64(Saved.HoldCount, given.Out);
                break;
            case PolicyMoved moved:
                Begin(EffectKind.PolicyMoved, moved.Revision);
                writer.Int64(Saved.Version, moved.Policy);
                writer.Int64(Saved.KeyCount, moved.Before);
                break;
            case TakenBack back:
                Begin(EffectKind.TakenBack, back.Revision);
                break;
            case DoneUntold untold:
                writer.Int64(Saved.Kind, (int)EffectKind.DoneUntold);
                writer.Bool(Saved.Succeeded, untold.IsRepeatable);
                break;
            default:
                Invariant.Unreachable<int>(effect);
                break;
        }

        void Begin(EffectKind kind, Revision revision)
        {
            writer.Int64(Saved.Kind, (int)kind);
            writer.Int64(Saved.Revision, revision.Value);
        }
    }

    /// <summary>Adds one as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or one of its identity is there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var (identity, kept) = Read(item);
        if (Contains(identity))
        {
            throw new WireFormatException("an identity kept twice");
        }
        Add(identity, kept);
    }

    public static (Identity Identity, KeptOutcome Kept) Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        return (
            new Identity(fields.Text(Saved.Principal), fields.Key(Saved.IdempotencyKey)),
            new KeptOutcome(fields.Number(Saved.Sequence), fields.Time(Saved.Stored), fields.Bytes(Saved.Fingerprint).ToArray(), ReadEffect(fields)));
    }

    private static Effect ReadEffect(in Fields fields)
    {
        var kind = fields.Number(Saved.Kind);
        var revision = new Revision(fields.Number(Saved.Revision));
        var token = new FencingToken(fields.Number(Saved.Token));
        return (EffectKind)kind switch
        {
            EffectKind.KeyPut => new KeyPut(
                fields.Key(Saved.Name), new Revision(fields.Number(Saved.CreateRevision)), revision, fields.Number(Saved.Version), fields.Lease(Saved.Lease)),
            EffectKind.KeysDeleted => new KeysDeleted(revision, fields.Number(Saved.KeyCount)),
            EffectKind.LeaseMade => new LeaseMade(revision, fields.Lease(Saved.Lease), fields.Number(Saved.TtlMicros)),
            EffectKind.LeaseEnded => new LeaseEnded(revision, fields.Lease(Saved.Lease), fields.Number(Saved.KeyCount), fields.Number(Saved.HoldCount)),
            EffectKind.HoldGiven => new HoldGiven(
                new ObjectName(fields.Space(Saved.Space), fields.Key(Saved.Name)), token, fields.Number(Saved.WaitedMicros)),
            EffectKind.HoldGivenUp => new HoldGivenUp(revision),
            EffectKind.HoldsGiven => new HoldsGiven(revision, ReadHolds(fields)),
            EffectKind.HoldHandedOver => new HoldHandedOver(revision, ReadHolds(fields)),
            EffectKind.ValueProclaimed => new ValueProclaimed(fields.Key(Saved.Name), token, revision),
            EffectKind.TxnWritten => new TxnWritten(revision, fields.Flag(Saved.Succeeded), ReadResults(fields)),
            EffectKind.FenceMoved => new FenceMoved(revision, token),
            EffectKind.FenceRemoved => new FenceRemoved(revision),
            EffectKind.SettingChanged => new SettingChanged(revision, SettingTable.Known(fields.Number(Saved.Space)), fields.Number(Saved.Version)),
            EffectKind.PermitsGiven => new PermitsGiven(revision, fields.Number(Saved.Version), fields.Number(Saved.KeyCount), fields.Number(Saved.HoldCount)),
            EffectKind.PolicyMoved => new PolicyMoved(revision, fields.Number(Saved.Version), fields.Number(Saved.KeyCount)),
            EffectKind.TakenBack => new TakenBack(revision),
            EffectKind.DoneUntold => new DoneUntold(fields.Flag(Saved.Succeeded)),
            _ => throw new WireFormatException($"a kept outcome of the unknown kind {kind}"),
        };
    }

    /// <summary>A retry may come much later: damage is to be found now.</summary>
    private static byte[] ReadHolds(in Fields fields)
    {
        var holds = fields.Bytes(Saved.Holds).ToArray();
        return HoldCodec.Read(holds).IsEmpty ? throw new WireFormatException("a kept grant of nothing") : holds;
    }

    private static byte[] ReadResults(in Fields fields)
    {
        var results = fields.Bytes(Saved.Results).ToArray();
        TxnResultCodec.Read(results);
        return results;
    }
}
