using System.Globalization;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;

namespace Consensus.Simulation.Runs;

/// <summary>Clients that watch, and what phase two asks of them: once all is well everybody is told everything.</summary>
public sealed partial class SimulationRun
{
    private readonly List<VirtualWatcher> _watchers = [];

    /// <summary>Messages that watches were told.</summary>
    public long Told => _watchers.Sum(watcher => watcher.Told);

    public long WatchesOpened => _watchers.Sum(watcher => watcher.Opened);

    public long WatchesCompacted => _watchers.Sum(watcher => watcher.Compacted);

    private void MakeWatchers()
    {
        if (_plan.Cluster.Watches.Watchers == 0 || !_watches.Sees(WatchOrder.Name))
        {
            return;
        }
        // A stream of its own: the clients and faults are what they would be without.
        var random = new DeterministicRandom(_plan.Seed ^ 0x3A7C_4E25);
        var order = _watch.Reference.Watches = new WatchOrder();
        var targets = WatchTargets();
        for (var i = 0; i < _plan.Cluster.Watches.Watchers; i++)
        {
            var companion = _clients.Count > 0 ? _clients[i % _clients.Count] : null;
            _watchers.Add(new VirtualWatcher(Cluster, order, companion, targets, i, random.NextUInt64()));
        }
    }

    private List<WatchTarget> WatchTargets()
    {
        var targets = new List<WatchTarget> { new(WatchKind.Prefix, default, false), new(WatchKind.Prefix, Key.FromText("k"), false) };
        for (var i = 0; i < _plan.Clients.Keys; i++)
        {
            targets.Add(new WatchTarget(WatchKind.Key, Key.FromText(string.Create(CultureInfo.InvariantCulture, $"k{i}")), false));
        }
        if (_plan.Coordination.Clients > 0)
        {
            targets.Add(new WatchTarget(WatchKind.Prefix, Key.FromText(CoordinationWorkload.KeyName), false));
            for (var i = 0; i < _plan.Coordination.Names; i++)
            {
                targets.Add(new WatchTarget(WatchKind.Election, Key.FromText(string.Create(CultureInfo.InvariantCulture, $"e{i}")), false));
            }
        }
        return targets;
    }

    private void LetWatchesComplete()
    {
        _watchers.ForEach(watcher => watcher.Settle());
        Cluster.Time.RunUntil(Cluster.Time.Now + ProgressWithin, AreWatchesComplete);
        if (_watches.Sees(WatchOrder.Name))
        {
            Violation.Unless(AreWatchesComplete(), WatchOrder.Name, () =>
                $"not within {ProgressWithin / 1_000_000} virtual seconds: watches are told all there is: {string.Join(", ", _watchers.Where(w => !w.IsUpToDate))}; {Describe()}");
        }
    }

    private bool AreWatchesComplete() => _watchers.TrueForAll(watcher => watcher.IsUpToDate);
}
