using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>Tokens by their ids, a part of the policy. It has no index: families and ended ones are looked for rarely, among few.</summary>
internal sealed class TokenTable
{
    /// <summary>With its id and its family's, and with the actor that it makes of its holder.</summary>
    private const int RecordBytes = 400;

    private readonly CowTree<Key, TokenInfo> _primary = new(NewMeasure());

    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    public TokenInfo? Find(string id) => _primary.TryGet(Key.FromText(id), out var token) ? token : null;

    public IEnumerable<TokenInfo> All() => _primary.Peek().All().Select(static item => item.Value);

    public void Set(TokenInfo token) => _primary.Set(Key.FromText(token.Id), token);

    public void Remove(string id) => _primary.Remove(Key.FromText(id));

    public FrozenTree<Key, TokenInfo> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the sums are those of the tokens, and each stands at its id.</summary>
    public void Verify()
    {
        Indexes.RequireSums(_primary, NewMeasure(), "the tokens");
        Invariant.Require(_primary.Peek().All().All(static item => item.Key == Key.FromText(item.Value.Id)), "a token stands at its id");
    }

    public static long SizeOf(TokenInfo token) => RecordBytes + (2L * token.Principal.Length);

    private static WrittenForm<Key, TokenInfo> NewMeasure() =>
        new(static (writer, _, token) => Write(writer, token), static (_, token) => SizeOf(token));

    /// <summary>The message <c>Token</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a token");
        public static readonly int Id = Shape.Text(1);
        public static readonly int Secret = Shape.Bytes(2);
        public static readonly int Principal = Shape.Text(3);
        public static readonly int Family = Shape.Text(4);
        public static readonly int NotAfter = Shape.Number(5);
        public static readonly int TtlSeconds = Shape.Number(6);
    }

    public static void Write(WireWriter writer, TokenInfo token)
    {
        writer.String(Saved.Id, token.Id);
        writer.Bytes(Saved.Secret, token.Secret.Bytes);
        writer.String(Saved.Principal, token.Principal);
        writer.String(Saved.Family, token.Family);
        writer.Int64(Saved.NotAfter, token.NotAfter);
        writer.Int64(Saved.TtlSeconds, token.TtlSeconds);
    }

    /// <summary>Adds a token as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var token = new TokenInfo(
            fields.Text(Saved.Id),
            fields.Key(Saved.Secret),
            fields.Text(Saved.Principal),
            fields.Text(Saved.Family),
            fields.Number(Saved.NotAfter),
            fields.Number(Saved.TtlSeconds));
        if (Find(token.Id) is not null)
        {
            throw new WireFormatException("a token twice");
        }
        Set(token);
    }
}
