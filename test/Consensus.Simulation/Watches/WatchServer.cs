using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;

namespace Consensus.Simulation.Watches;

/// <summary>What came of a request for a watch.</summary>
/// <param name="View">The view on which it was judged; null when the member could not read.</param>
/// <param name="From">Where the watch begins, or would.</param>
/// <param name="Connection">Null when it does not begin.</param>
internal readonly record struct WatchOpening(StateView? View, Revision From, WatchBeginning Verdict, WatchConnection? Connection);

/// <summary>
/// The watches of one running member: the production board, with the work of the hub's task and of each stream done as events in virtual time. It does what <c>WatchHub</c>,
/// <c>WatchEndpoints</c> and <c>WatchStream</c> do, in their order.
/// </summary>
internal sealed class WatchServer
{
    private const int MostWatches = 1_000;
    private const long ShortestWaitMicros = 1_000_000;
    private const long RestAfterRefusalMicros = 50_000;
    private const long HeartbeatMicros = 15_000_000;
    private const long SweepMicros = 1_000_000;

    private readonly SimulatedProcess _process;
    private readonly SimulatedCluster _cluster;
    private readonly DeterministicRandom _random;
    private readonly List<WatchConnection> _connections = [];
    private bool _sweeps;

    public WatchServer(SimulatedProcess process, SimulatedCluster cluster)
    {
        (_process, _cluster) = (process, cluster);
        Options = cluster.Plan.Watches;
        _random = new DeterministicRandom((ulong)process.Boot ^ 0x3A7C4);
        Board = new WatchBoard(MostWatches, Options.KeptMessages, Options.KeptBytes);
        History = new WatchHistory(Options.StepBytes, Options.StepChanges, (target, revision, changes) => new WatchMessage(revision, WatchText.Encode(target, revision, changes)));
    }

    public WatcherOptions Options { get; }

    public WatchBoard Board { get; }

    public WatchHistory History { get; }

    public long Now => _cluster.Time.Now;

    public SimulatedProcess Process => _process;

    private Scheduler Time => _cluster.Time;

    /// <summary>As the endpoint: where it may begin is judged on a state as new as a linearizable read's.</summary>
    /// <param name="from">Null: the next revision.</param>
    public void Open(WatchTarget target, Revision? from, IWatchClient client, Action<WatchOpening> answered) =>
        _process.Read(ReadConsistency.Linearizable, Revision.Zero, answer =>
        {
            if (answer.View is not { } view)
            {
                answered(new WatchOpening(null, from ?? Revision.Zero, default, null));
                return;
            }
            var begin = from ?? view.Revision.Next;
            var verdict = WatchBeginnings.Judge(view, begin);
            answered(new WatchOpening(view, begin, verdict, verdict == WatchBeginning.Possible ? Begin(target, begin, view, client) : null));
        });

    /// <summary>A moment later, on another thread of this process; never, when it ended meanwhile.</summary>
    public void Soon(Action happens) => At(Now + _random.Next(10, 300), happens);

    public void Closed(WatchConnection connection) => _connections.Remove(connection);

    /// <summary>Streams that were woken go on.</summary>
    public void GoOn()
    {
        foreach (var connection in _connections.ToList())
        {
            connection.GoOn();
        }
    }

    private WatchConnection? Begin(WatchTarget target, Revision from, StateView view, IWatchClient client)
    {
        var watcher = Board.Open(target, _cluster.Wiring.WatchBegins(_process, from, view), view, out var beginsToFollow);
        if (beginsToFollow)
        {
            Soon(Follow);
        }
        if (watcher is null)
        {
            return null;
        }
        var connection = new WatchConnection(this, watcher, client);
        _connections.Add(connection);
        if (!_sweeps)
        {
            _sweeps = true;
            Sweep();
        }
        return connection;
    }

    private void At(long micros, Action happens) => Time.At(micros, () =>
    {
        if (_process.HasEnded)
        {
            return;
        }
        if (_process.IsPaused)
        {
            At(_process.PausedUntil, happens);
            return;
        }
        happens();
    });

    private void Follow()
    {
        if (!Board.IsNeeded(out var known))
        {
            return;
        }
        var asked = Now;
        _process.Read(ReadConsistency.Stale, known.Next, answer =>
        {
            if (answer.View is { } view)
            {
                Soon(() => Advance(view));
                return;
            }
            var rest = Now - asked < ShortestWaitMicros ? RestAfterRefusalMicros : 0;
            At(Now + rest, () => _process.Read(ReadConsistency.Stale, Revision.Zero, fresh => Soon(() =>
            {
                if (fresh.View is { } newest)
                {
                    Advance(newest);
                }
                else
                {
                    Follow();
                }
            })));
        });
    }

    private void Advance(StateView view) => Publish(Board.Collect(view), 0);

    /// <summary>Message by message; now and then others get in between.</summary>
    private void Publish(List<WatchMatch> matches, int next)
    {
        for (; next < matches.Count; next++)
        {
            if (next > 0 && _random.Chance(1, 8))
            {
                GoOn();
                var rest = next;
                Soon(() => Publish(matches, rest));
                return;
            }
            var (group, revision, changes) = matches[next];
            Board.Publish(group, new WatchMessage(revision, WatchText.Encode(group.Target, revision, changes)));
        }
        Board.PublishedAll();
        GoOn();
        Soon(Follow);
    }

    private void Sweep() => At(Now + SweepMicros, () =>
    {
        Board.WakeLongAsleep(Now - HeartbeatMicros);
        GoOn();
        Sweep();
    });
}
