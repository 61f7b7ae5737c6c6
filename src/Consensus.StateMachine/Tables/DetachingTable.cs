using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>One process of a member.</summary>
internal readonly record struct ProcessId(MemberId Member, long Boot) : IComparable<ProcessId>
{
    /// <summary>Through which somebody waits.</summary>
    public static ProcessId Of(WaiterRecord waiter) => new(waiter.Request.Member, waiter.Request.Boot);

    public int CompareTo(ProcessId other)
    {
        var byMember = Member.CompareTo(other.Member);
        return byMember != 0 ? byMember : Boot.CompareTo(other.Boot);
    }
}

/// <summary>
/// Processes whose waiters are being detached, so many with each entry (rule 9), and for each the number of arrival before which an attempt
/// came that is lost with it: who came through it later did so after it was heard again. From the first of these entries on none of the
/// lost attempts is granted anything, as if one entry had detached them all.
/// </summary>
internal sealed class DetachingTable
{
    private const int OverheadBytes = 60;

    private readonly CowTree<ProcessId, long> _primary = new(NewMeasure());

    public TreeSum Sum => _primary.Sum;

    public bool IsEmpty => _primary.Count == 0;

    /// <summary>Whether the present attempt at the place is one of those that are lost, and not detached yet.</summary>
    public bool Concerns(WaiterRecord waiter) =>
        _primary.Count > 0
        && waiter.IsAttended
        && _primary.TryGet(ProcessId.Of(waiter), out var before)
        && waiter.Attempt < before;

    public bool TryFirst(out ProcessId process, out long before) => _primary.TryFirst(out process, out before);

    public void Set(ProcessId process, long before) => _primary.Set(process, before);

    public void Remove(ProcessId process) => _primary.Remove(process);

    public void Clear()
    {
        while (_primary.TryFirst(out var process, out _))
        {
            _primary.Remove(process);
        }
    }

    public FrozenTree<ProcessId, long> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the sums are those of the processes.</summary>
    public void Verify() => Indexes.RequireSums(_primary, NewMeasure(), "the processes whose waiters are being detached");

    private static WrittenForm<ProcessId, long> NewMeasure() => new(Write, static (_, _) => OverheadBytes);

    /// <summary>The message <c>Detaching</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a process whose waiters are being detached");
        public static readonly int Member = Shape.Id(1);
        public static readonly int Boot = Shape.Id(2);
        public static readonly int Before = Shape.Number(3);
    }

    public static void Write(WireWriter writer, ProcessId process, long before)
    {
        writer.Fixed64(Saved.Member, (ulong)process.Member.Value);
        writer.Fixed64(Saved.Boot, (ulong)process.Boot);
        writer.Int64(Saved.Before, before);
    }

    /// <summary>Adds one as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var process = new ProcessId(new MemberId(fields.Number(Saved.Member)), fields.Number(Saved.Boot));
        if (_primary.Contains(process))
        {
            throw new WireFormatException("a process whose waiters are being detached, twice");
        }
        Set(process, fields.Number(Saved.Before));
    }
}
