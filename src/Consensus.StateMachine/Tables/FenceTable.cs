using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>The high-water marks of fencing tokens, by resource. It has no index.</summary>
internal sealed class FenceTable
{
    private const int OverheadBytes = 75;

    private readonly CowTree<Key, FencingToken> _primary = new(NewMeasure());

    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    /// <summary>With the equal key that is stored: whoever keeps it on keeps no second copy of its bytes.</summary>
    public bool TryGet(Key resource, out Key stored, out FencingToken highest) => _primary.Peek().TryGet(resource, out stored, out highest);

    public void Set(Key resource, FencingToken highest) => _primary.Set(resource, highest);

    public bool Remove(Key resource) => _primary.Remove(resource);

    public FrozenTree<Key, FencingToken> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the sums are those of the fences.</summary>
    public void Verify() => Indexes.RequireSums(_primary, NewMeasure(), "the fences");

    /// <summary>What one takes in memory, about.</summary>
    public static long SizeOf(Key resource) => OverheadBytes + resource.Length;

    private static WrittenForm<Key, FencingToken> NewMeasure() => new(Write, static (resource, _) => SizeOf(resource));

    /// <summary>The message <c>Fence</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a fence");
        public static readonly int Resource = Shape.Bytes(1);
        public static readonly int Highest = Shape.Number(2);
    }

    public static void Write(WireWriter writer, Key resource, FencingToken highest)
    {
        writer.Bytes(Saved.Resource, resource.Bytes);
        writer.Int64(Saved.Highest, highest.Value);
    }

    /// <summary>Adds a fence as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var resource = fields.Key(Saved.Resource);
        if (_primary.Contains(resource))
        {
            throw new WireFormatException("a fence twice");
        }
        Set(resource, new FencingToken(fields.Number(Saved.Highest)));
    }
}
