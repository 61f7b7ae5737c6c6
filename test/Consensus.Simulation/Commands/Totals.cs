using System.Globalization;
using System.Text;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Commands;

/// <summary>Sums over all runs.</summary>
internal sealed class Totals
{
    private readonly SortedDictionary<FaultKinds, long> _injected = [];
    private long _virtualMicros;
    private long _events;
    private long _operations;
    private long _elections;
    private long _snapshots;
    private long _undecided;
    private long _told;
    private long _watches;
    private long _compacted;

    public long Seeds { get; private set; }

    public long Failed { get; private set; }

    public void Add(RunResult result)
    {
        Seeds++;
        Failed += result.Failure is null ? 0 : 1;
        _virtualMicros += result.VirtualMicros;
        _events += result.Events;
        _operations += result.Operations;
        _elections += result.Elections;
        _snapshots += result.SnapshotsTaken;
        _undecided += result.Undecided;
        _told += result.Told;
        _watches += result.WatchesOpened;
        _compacted += result.WatchesCompacted;
        foreach (var (kind, count) in result.Injected)
        {
            _injected[kind] = _injected.GetValueOrDefault(kind) + count;
        }
    }

    /// <summary>How much and how fast, in one line.</summary>
    public string Rate(TimeSpan took)
    {
        var hours = _virtualMicros / 3.6e9;
        var seconds = Math.Max(took.TotalSeconds, 0.001);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Seeds} seeds, {Failed} failed, {hours:F2} virtual hours in {seconds:F0} s: {hours / seconds * 60:F2} virtual hours a minute, {_events / seconds:F0} events/s");
    }

    public string Text(TimeSpan took)
    {
        var text = new StringBuilder();
        text.AppendLine(Rate(took));
        text.AppendLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{_operations} operations of clients, {_elections} terms with a leader, {_snapshots} snapshots taken over from leaders, {_told} messages of {_watches} watches ({_compacted} times what came next was forgotten), {_undecided} histories undecided"));
        text.AppendLine("injected:");
        foreach (var (kind, count) in _injected)
        {
            text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"  {kind,-16} {count,10}"));
        }
        return text.ToString();
    }
}
