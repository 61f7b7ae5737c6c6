using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>
/// A running member: the production core, log and snapshots, with the loop's, the log's and the background threads' work done as events in virtual time. It does
/// what <c>ConsensusNode</c> and <c>LogThread</c> do, in their order.
/// </summary>
public sealed partial class SimulatedProcess
{
    /// <summary>The loop needs this long at least between two turns.</summary>
    private const long ShortestTurn = 10;
    private const long LongestTurn = 60;

    private readonly SimulatedCluster _cluster;
    private readonly DeterministicRandom _random;
    private readonly DataDirectory _directory;
    private readonly IDurableLog _log;
    private readonly NodeOutput _output = new();
    private readonly NodeCoreOptions _options;
    private List<NodeInput> _inbox = [];
    private List<NodeInput> _taken = [];
    private long _turnAt = long.MaxValue;
    private long _turnVersion;
    private long _lastTurn;
    private long _sequence;
    private bool _ended;
    private WatchServer? _watches;

    private SimulatedProcess(
        SimulatedCluster cluster, SimulatedNode node, NodeCoreOptions options, ulong seed, DataDirectory directory, IDurableLog log, NodeCore core) =>
        (_cluster, Node, _options, _random, _directory, _log, Core, _sequence) =
            (cluster, node, options, new DeterministicRandom(seed), directory, log, core, new CounterStarts(options.Boot).Requests);

    public SimulatedNode Node { get; }

    public NodeCore Core { get; }

    public long Boot => _options.Boot;

    /// <summary>True time until which no thread of this process runs.</summary>
    public long PausedUntil { get; private set; }

    public bool HasEnded => _ended;

    /// <summary>What a server around this process serves of watches.</summary>
    internal WatchServer Watches => _watches ??= new WatchServer(this, _cluster);

    public bool IsPaused => PausedUntil > Time.Now;

    private Scheduler Time => _cluster.Time;

    private long LocalNow => Node.Clock.At(Time.Now);

    /// <summary>Recovers and makes the core. Null when the disk failed or refused, which it may only when something is wrong with it.</summary>
    internal static SimulatedProcess? Start(SimulatedCluster cluster, SimulatedNode node, long boot, ulong seed)
    {
        DataDirectory? directory = null;
        var injectedBefore = node.Faults.Injected;
        try
        {
            directory = node.OpenDirectory();
            var recovered = cluster.Wiring.OnRecovered(node, directory.Recover(out var log));
            node.Faults.RecoveryCrashes = false;
            if (node.MustRefuse)
            {
                throw new SimulationFailureException("recovery", $"{node.Name} started on a log that was damaged where it was durable");
            }
            cluster.Observer.Recovered(node, recovered);
            var options = OptionsOf(cluster, node, boot, seed);
            recovered = cluster.Wiring.BeforeCore(node, recovered);
            var (state, snapshot) = Load(cluster, directory, recovered.Snapshot);
            var core = new NodeCore(
                options,
                new RaftInitialState(node.Id, recovered.HardState, recovered.Configuration, recovered.Snapshot, recovered.Entries, recovered.Commit),
                state,
                snapshot);
            return new SimulatedProcess(cluster, node, options, seed, directory, log, core);
        }
        catch (SimulatedCrashException)
        {
            node.Faults.RecoveryCrashes = false;
            return null;
        }
        catch (Exception e) when (e is StorageRefusedException or StorageFailedException)
        {
            if (!node.MustRefuse && node.Faults.Injected == injectedBefore)
            {
                throw new SimulationFailureException("recovery", $"{node.Name} refused its own data: {e.Message}", e);
            }
            cluster.Trace.Line($"{node.Name} did not start: {e.Message}");
            directory?.Dispose();
            return null;
        }
    }

    /// <summary>The loop's first turn.</summary>
    internal void Begin() => PlanTurn(Time.Now + _random.Next(1_000));

    /// <summary>Something for the loop, from any of the threads that are around it.</summary>
    public void Post(NodeInput input)
    {
        if (_ended)
        {
            return;
        }
        _inbox.Add(input);
        PlanTurn(Math.Max(Time.Now, _lastTurn) + _random.Next(ShortestTurn, LongestTurn));
    }

    /// <summary>A frame from the network.</summary>
    internal void Receive(MemberId from, PeerMessage message) => Post(new PeerMessageInput(from, _cluster.Wiring.Arrives(this, message)));

    internal void LinkUp(MemberId peer, long boot) => Post(new LinkUpInput(peer, _cluster.Wiring.BootAtLinkUp(this, boot)));

    /// <summary>A frame to the network, as the transport takes it.</summary>
    internal bool SendFrame(MemberId to, PeerMessage message) => _cluster.Network.Send(this, to, message);

    /// <summary>Stops every thread for a while, as SIGSTOP or a machine that stands still does.</summary>
    public void Pause(long micros)
    {
        PausedUntil = Math.Max(PausedUntil, Time.Now + micros);
        _cluster.Trace.Line($"{Node.Name} is paused for {micros} µs");
        PlanTurn(PausedUntil);
    }

    private static NodeCoreOptions OptionsOf(SimulatedCluster cluster, SimulatedNode node, long boot, ulong seed) => new()
    {
        Cluster = cluster.Id,
        Self = node.Id,
        Name = node.Name,
        Boot = boot,
        ClientUrl = $"http://{node.Name}:7379",
        PeerAddress = node.Member.PeerAddress,
        Version = "simulation",
        Raft = cluster.Plan.Raft with { Seed = seed },
        Limits = cluster.Limits,
        SnapshotEntries = cluster.Plan.SnapshotEntries,
        TurnUnits = cluster.Plan.TurnUnits,
    };

    private static (ReplicatedState State, SnapshotFile? File) Load(SimulatedCluster cluster, DataDirectory directory, SnapshotMark? mark)
    {
        if (mark is null)
        {
            return (new ReplicatedState(cluster.Limits), null);
        }
        using var reader = directory.Snapshots.Open(mark);
        return (ReplicatedState.Restore(cluster.Limits, cluster.Wiring.Source(reader)), reader.File);
    }

    private void PlanTurn(long at)
    {
        at = Math.Max(at, PausedUntil);
        if (at >= _turnAt && _turnAt > Time.Now)
        {
            return;
        }
        _turnAt = at;
        var version = ++_turnVersion;
        Time.At(at, () => TurnDue(version));
    }

    private void TurnDue(long version)
    {
        if (_ended || version != _turnVersion)
        {
            return;
        }
        _turnAt = long.MaxValue;
        if (IsPaused)
        {
            PlanTurn(PausedUntil);
            return;
        }
        Turn();
    }

    private void Turn()
    {
        _lastTurn = Time.Now;
        (_inbox, _taken) = (_taken, _inbox);
        var moreIsWaiting = SplitSometimes();
        var localNow = LocalNow;
        _cluster.Trace.Note(TraceEvent.Turn, Node.Number, _taken.Count);
        _output.Clear();
        try
        {
            Core.Turn(localNow, _taken, moreIsWaiting, _output);
        }
        catch (Exception e) when (e is not SimulationFailureException)
        {
            throw new SimulationFailureException("invariant", $"{Node.Name}'s loop failed: {e.Message}", e);
        }
        _taken.Clear();
        Perform();
        if (_ended)
        {
            return;
        }
        var sleepMs = Math.Clamp((Core.NextWakeMicros - localNow + 999) / 1000, 0, 10_000);
        var wake = sleepMs == 0 ? Time.Now + ShortestTurn : Node.Clock.WhenShows(localNow + (sleepMs * 1000));
        PlanTurn(moreIsWaiting ? Time.Now + ShortestTurn : wake);
    }

    /// <summary>Now and then some of what is queued comes too late for this turn, as what arrives between taking and turning does.</summary>
    private bool SplitSometimes()
    {
        if (_taken.Count < 2 || !_random.Chance(1, 16))
        {
            return false;
        }
        var first = (int)_random.Next(1, _taken.Count);
        _inbox.AddRange(_taken.GetRange(first, _taken.Count - first));
        _taken.RemoveRange(first, _taken.Count - first);
        return true;
    }

    private void Perform()
    {
        _cluster.Observer.Turned(this, _output);
        if (_output.Persists.Count > 0)
        {
            AppendToLog(_output.Persists);
        }
        FollowMembership();
        var asks = false;
        foreach (var (to, message) in _output.Sends)
        {
            asks |= message is ForwardCommands or ForwardChange or ForwardTransfer or RaftPeerMessage { Message: ReadIndexRequest };
            if (!_cluster.Wiring.Send(this, to, message) && message is ForwardCommands forward)
            {
                Core.NotSent(forward);
            }
        }
        if (asks)
        {
            _cluster.Asked(this);
        }
        CompleteAnswered();
        if (_ended)
        {
            return;
        }
        if (_output.SaveSnapshot is { } order)
        {
            SaveSnapshot(order);
        }
        foreach (var install in _output.SendSnapshots)
        {
            SendSnapshot(install);
        }
        if (_output.Compact is { } mark)
        {
            CompactLog(mark.LastIndex);
        }
        if (_output.RemoveSnapshotsBefore is { } oldest)
        {
            InBackground(() => _directory.Snapshots.RemoveOlderThan(oldest));
        }
        if (_output.IsRemoved)
        {
            TellRemoved();
        }
    }

    private void CompleteAnswered()
    {
        foreach (var request in _output.Answered)
        {
            if (request is PendingChange change)
            {
                _cluster.Observer.ChangeAnswered(change);
            }
            (request as ISimulatedRequest)?.Complete();
        }
    }
}
