using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>The members as they announced themselves. It has no index.</summary>
internal sealed class MemberTable
{
    private const int OverheadBytes = 250;

    private readonly CowTree<MemberId, MemberInfo> _primary = new(NewMeasure());

    public TreeSum Sum => _primary.Sum;

    public bool TryGet(MemberId id, out MemberInfo member) => _primary.TryGet(id, out member);

    /// <summary>As of now; not to be walked over a write.</summary>
    public int Count => _primary.Count;

    public IEnumerable<MemberInfo> All() => _primary.Peek().All().Select(static item => item.Value);

    public void Set(MemberInfo member) => _primary.Set(member.Id, member);

    public void Remove(MemberId id) => _primary.Remove(id);

    public FrozenTree<MemberId, MemberInfo> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the sums are those of the members.</summary>
    public void Verify() => Indexes.RequireSums(_primary, NewMeasure(), "the members");

    private static WrittenForm<MemberId, MemberInfo> NewMeasure() => new(static (writer, _, member) => Write(writer, member), static (_, member) => SizeOf(member));

    /// <summary>What one takes in memory, about.</summary>
    private static long SizeOf(MemberInfo member) =>
        OverheadBytes + (2L * (member.Name.Length + member.ClientUrl.Length + member.PeerAddress.Length + member.Version.Length));

    /// <summary>The message <c>Member</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a member");
        public static readonly int Id = Shape.Id(1);
        public static readonly int Name = Shape.Text(2);
        public static readonly int Boot = Shape.Id(3);
        public static readonly int ClientUrl = Shape.Text(4);
        public static readonly int PeerAddress = Shape.Text(5);
        public static readonly int Version = Shape.Text(6);
        public static readonly int FeatureLevel = Shape.Number(7);
    }

    public static void Write(WireWriter writer, MemberInfo member)
    {
        writer.Fixed64(Saved.Id, (ulong)member.Id.Value);
        writer.String(Saved.Name, member.Name);
        writer.Fixed64(Saved.Boot, (ulong)member.Boot);
        writer.String(Saved.ClientUrl, member.ClientUrl);
        writer.String(Saved.PeerAddress, member.PeerAddress);
        writer.String(Saved.Version, member.Version);
        writer.Int64(Saved.FeatureLevel, member.FeatureLevel);
    }

    /// <summary>Adds a member as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var id = new MemberId(fields.Number(Saved.Id));
        if (_primary.Contains(id))
        {
            throw new WireFormatException("a member twice");
        }
        Set(new MemberInfo(
            id,
            fields.Text(Saved.Name),
            fields.Number(Saved.Boot),
            fields.Text(Saved.ClientUrl),
            fields.Text(Saved.PeerAddress),
            fields.Text(Saved.Version),
            (int)fields.Number(Saved.FeatureLevel)));
    }
}
