using Consensus.Primitives;

namespace Consensus.Storage.Tests.Simulation;

/// <summary>A directory's names twice: as processes see them, and as of its last sync, with what was done since.</summary>
internal sealed class SimulatedDirectory
{
    private readonly List<(string? Removed, string? Added, object? Node)> _pending = [];
    private SortedDictionary<string, object> _durable = new(StringComparer.Ordinal);

    /// <summary>Values are <see cref="SimulatedFile"/> or <see cref="SimulatedDirectory"/>.</summary>
    public SortedDictionary<string, object> Names { get; private set; } = new(StringComparer.Ordinal);

    public void Add(string name, object node)
    {
        Names.Add(name, node);
        _pending.Add((null, name, node));
    }

    public void Rename(string from, string to)
    {
        var node = Names[from];
        Names.Remove(from);
        Names[to] = node;
        _pending.Add((from, to, node));
    }

    public void Remove(string name)
    {
        Names.Remove(name);
        _pending.Add((name, null, null));
    }

    public void Sync()
    {
        _durable = new(Names, StringComparer.Ordinal);
        _pending.Clear();
    }

    /// <summary>Each change since the last sync is on the disk or not, whatever became of the others; then so for everything below.</summary>
    public void LosePower(DeterministicRandom random)
    {
        var mode = random.Next(4);
        foreach (var (removed, added, node) in _pending)
        {
            if (mode == 0 || (mode > 1 && random.Chance(1, 2)))
            {
                if (removed is not null)
                {
                    _durable.Remove(removed);
                }
                if (added is not null)
                {
                    _durable[added] = node!;
                }
            }
        }
        _pending.Clear();
        Names = new(_durable, StringComparer.Ordinal);
        foreach (var node in Names.Values)
        {
            if (node is SimulatedDirectory directory)
            {
                directory.LosePower(random);
            }
            else
            {
                ((SimulatedFile)node).LosePower(random);
            }
        }
    }

    /// <summary>The same names and contents, all of it durable.</summary>
    public SimulatedDirectory Copy()
    {
        var copy = new SimulatedDirectory();
        foreach (var (name, node) in Names)
        {
            copy.Names.Add(name, node is SimulatedDirectory directory
                ? directory.Copy()
                : SimulatedFile.WithDurableContents(((SimulatedFile)node).Cached.ToArray()));
        }
        copy.Sync();
        return copy;
    }
}
