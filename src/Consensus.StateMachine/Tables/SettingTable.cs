using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// The settings: all of them from the first announcement of a member on, so that nothing that is judged hangs on what a member was started with, or on which version of the
/// program it runs. It has no index.
/// </summary>
/// <param name="limits">In force where nothing is set.</param>
internal sealed class SettingTable(Limits limits)
{
    private const int RecordBytes = 50;

    private readonly Limits _unset = limits;
    private readonly CowTree<long, long> _primary = new(NewMeasure());

    /// <summary>The bounds as they are in force.</summary>
    public Limits Limits { get; private set; } = limits;

    public TreeSum Sum => _primary.Sum;

    public bool IsSet(Setting setting) => _primary.Contains((long)setting);

    public void Set(in SettingValue value)
    {
        _primary.Set((long)value.Setting, value.Value);
        Limits = SettingDefinition.Of(value.Setting).In(Limits, value.Value);
    }

    public FrozenTree<long, long> Freeze() => _primary.Freeze();

    /// <summary>Throws unless the sums are those of the settings, and what is in force is what they say.</summary>
    public void Verify()
    {
        Indexes.RequireSums(_primary, NewMeasure(), "the settings");
        var inForce = _unset;
        foreach (var (setting, value) in _primary.Peek().All())
        {
            inForce = SettingDefinition.Of((Setting)setting).In(inForce, value);
        }
        Invariant.Require(inForce == Limits, "the bounds in force are those that are set");
    }

    private static WrittenForm<long, long> NewMeasure() => new(Write, static (_, _) => RecordBytes);

    /// <summary>The message <c>Setting</c>, of <c>snapshot.proto</c> and of <c>commands.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a setting");
        public static readonly int Setting = Shape.Number(1);
        public static readonly int Value = Shape.Number(2);
    }

    public static void Write(WireWriter writer, long setting, long value)
    {
        writer.Int64(Saved.Setting, setting);
        writer.Int64(Saved.Value, value);
    }

    /// <summary>Reads one as it was written. Throws <see cref="WireFormatException"/> for a setting that this version does not know (rule 12).</summary>
    public static SettingValue Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        return new SettingValue(Known(fields.Number(Saved.Setting)), fields.Number(Saved.Value));
    }

    /// <summary>Throws <see cref="WireFormatException"/> for a setting that this version does not know (rule 12).</summary>
    public static Setting Known(long number) => number >= 1 && number <= SettingDefinition.All.Length
        ? (Setting)number
        : throw new WireFormatException($"a setting of the unknown number {number}");

    /// <summary>Adds a setting as it was written. Throws <see cref="WireFormatException"/> when it is damaged, unknown, or there already.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var read = Read(item);
        if (IsSet(read.Setting))
        {
            throw new WireFormatException("a setting twice");
        }
        Set(read);
    }
}
