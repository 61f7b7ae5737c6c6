using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>That a request with an identity had an effect whose outcome is no longer kept.</summary>
/// <param name="Sequence">The place it had among all kept.</param>
/// <param name="Dropped">When its outcome was dropped, or there was no room for it.</param>
internal sealed record ForgottenOutcome(long Sequence, ClusterTime Dropped, ForgottenKind Kind);

/// <summary>What is still known of it. The numbers are in snapshots.</summary>
internal enum ForgottenKind
{
    /// <summary>Nothing: it may have been granted something.</summary>
    Dropped = 0,

    /// <summary>There was never room for its outcome. It was granted nothing, for what grants is refused then.</summary>
    Unkept = 1,

    /// <summary>The same, and it is harmless to do it again.</summary>
    UnkeptRepeatable = 2,
}

/// <summary>
/// Identities whose first answer was dropped: a retry that comes so late must be told so, for executed as a new request it would have a second effect. The oldest go first.
/// </summary>
internal sealed class ForgottenAnswers(Limits limits)
{
    private readonly CowTree<Identity, ForgottenOutcome> _primary = new(NewMeasure());
    private readonly CowTree<long, Identity> _byAge = new();

    public int Count => _primary.Count;

    /// <summary>What they take in memory, as counted for their bound.</summary>
    public long Bytes => _primary.Sum.Bytes;

    public TreeSum Sum => _primary.Sum;

    public bool Contains(Identity identity) => _primary.Contains(identity);

    public bool TryGet(Identity identity, out ForgottenOutcome forgotten) => _primary.TryGet(identity, out forgotten);

    /// <summary>Adds one, or puts it in the place of what was remembered before.</summary>
    public void Store(Identity identity, ForgottenOutcome forgotten)
    {
        Drop(identity);
        Add(identity, forgotten);
        while (Count > limits.MaxForgottenKeys || Bytes > limits.MaxForgottenBytes)
        {
            _byAge.TryFirst(out _, out var oldest);
            Drop(oldest);
        }
    }

    /// <summary>Takes out those whose time is over, so many at most.</summary>
    public void DropOld(ClusterTime now, int most)
    {
        for (var i = 0; i < most
            && _byAge.TryFirst(out _, out var oldest)
            && _primary.TryGet(oldest, out var forgotten)
            && now - forgotten.Dropped > limits.ForgottenKeepMicros; i++)
        {
            Drop(oldest);
        }
    }

    public void Drop(Identity identity)
    {
        if (_primary.TryGet(identity, out var forgotten))
        {
            _primary.Remove(identity);
            _byAge.Remove(forgotten.Sequence);
        }
    }

    public FrozenTree<Identity, ForgottenOutcome> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the ages are those of the outcomes, and the bytes theirs.</summary>
    public void Verify()
    {
        Indexes.Require(_byAge, _primary.Peek().All().Select(static item => (item.Value.Sequence, item.Key)), "the index of forgotten outcomes by age");
        Indexes.RequireSums(_primary, NewMeasure(), "the forgotten outcomes");
    }

    private void Add(Identity identity, ForgottenOutcome forgotten)
    {
        _primary.Set(identity, forgotten);
        _byAge.Set(forgotten.Sequence, identity);
    }

    private static WrittenForm<Identity, ForgottenOutcome> NewMeasure() => new(Write, static (identity, _) => SizeOf(identity));

    /// <summary>What it takes in memory, about, with its place in two trees.</summary>
    private static long SizeOf(Identity identity) => 160 + identity.Bytes;

    /// <summary>The message <c>ForgottenOutcome</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a forgotten outcome");
        public static readonly int Principal = Shape.Text(1);
        public static readonly int IdempotencyKey = Shape.Bytes(2);
        public static readonly int Sequence = Shape.Number(3);
        public static readonly int Dropped = Shape.Number(4);
        public static readonly int Kind = Shape.Number(5);
    }

    public static void Write(WireWriter writer, Identity identity, ForgottenOutcome forgotten)
    {
        writer.String(Saved.Principal, identity.Principal);
        writer.Bytes(Saved.IdempotencyKey, identity.IdempotencyKey.Bytes);
        writer.Int64(Saved.Sequence, forgotten.Sequence);
        writer.Int64(Saved.Dropped, forgotten.Dropped.Micros);
        writer.Int64(Saved.Kind, (int)forgotten.Kind);
    }

    /// <summary>Adds one as it was written, and gives its identity. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public Identity Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var identity = new Identity(fields.Text(Saved.Principal), fields.Key(Saved.IdempotencyKey));
        var kind = (ForgottenKind)fields.Number(Saved.Kind);
        if (!Enum.IsDefined(kind) || Contains(identity))
        {
            throw new WireFormatException("a forgotten outcome of an unknown kind, or twice");
        }
        Add(identity, new ForgottenOutcome(fields.Number(Saved.Sequence), fields.Time(Saved.Dropped), kind));
        return identity;
    }
}
