using System.Collections.Immutable;
using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Network;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>
/// A running member: production's core and runtime, log and snapshots; the threads around them are events in virtual time.
/// </summary>
public sealed partial class SimulatedProcess
{
    /// <summary>The loop needs this long at least between two turns.</summary>
    private const long ShortestTurn = 10;
    private const long LongestTurn = 60;

    /// <summary>About what an entry is charged that touches two objects.</summary>
    private const long UnitsOfAnEntry = 9;

    private readonly SimulatedCluster _cluster;
    private readonly DeterministicRandom _random;
    private readonly WatchedLog _log;
    private readonly NodeRuntime _runtime;
    private readonly SimulatedTransport _transport;
    private readonly NodeCoreOptions _options;
    private List<NodeInput> _inbox = [];
    private List<NodeInput> _taken = [];
    private List<Action> _actions = [];
    private List<Action> _takenActions = [];
    private long _turnAt = long.MaxValue;
    private long _turnVersion;
    private long _lastTurn;
    private long _sequence;
    private bool _isTurning;
    private bool _closed;
    private bool _ended;
    private WatchServer? _watches;

    private SimulatedProcess(
        SimulatedCluster cluster, SimulatedNode node, NodeCoreOptions options, ulong seed, DataDirectory directory, IDurableLog log, NodeCore core)
    {
        (_cluster, Node, _options, _random, Core) = (cluster, node, options, new DeterministicRandom(seed), core);
        _sequence = new CounterStarts(options.Boot).Requests;
        _disk = new DiskWork(cluster, this, new DeterministicRandom(seed ^ 0xD15C));
        Snapshots = directory.Snapshots;
        _log = new WatchedLog(cluster, node, log);
        _transport = new SimulatedTransport(cluster, this);
        var outside = new NodeSurroundings(_log, directory.Snapshots, new LocalTime(() => LocalNow), Fatal,
            cluster.Trace.Line)
        { Removed = _ => Retire() };
        _runtime = new NodeRuntime(options, core, outside, this);
        _runtime.Start(_transport);
    }

    public SimulatedNode Node { get; }

    public NodeCore Core { get; }

    public long Boot => _options.Boot;

    /// <summary>What was planned for it; what it was started with is the wiring's.</summary>
    public NodeCoreOptions Planned => _options;

    public long ElectionTimeoutMicros => _options.ElectionTimeoutMicros;

    /// <summary>True time until which no thread of this process runs.</summary>
    public long PausedUntil { get; private set; }

    public bool HasEnded => _ended;

    /// <summary>Whom it wants to be linked with; null before its first turn, when it lets nobody in.</summary>
    public HashSet<MemberId>? Peers => _transport.Peers;

    /// <summary>Ids that were members once and never will be again, as far as it knows.</summary>
    public HashSet<MemberId> Removed => _transport.Removed;

    /// <summary>Its snapshot files, without production's runtime around them.</summary>
    internal ISnapshotStore Snapshots { get; }

    /// <summary>What the network tells it.</summary>
    public IPeerEvents Events => _runtime.Events;

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
                cluster.Wiring.OptionsOf(options),
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

    /// <summary>The loop's first turn, when what the log knew to be committed is applied.</summary>
    internal void Begin()
    {
        var applied = Core.AppliedIndex - Core.Status.SnapshotIndex;
        PlanTurn(Time.Now + _random.Next(1_000) + (applied * UnitsOfAnEntry * _cluster.Plan.Cost.UnitMicros));
    }

    /// <summary>Something for the loop, from any of the threads that are around it.</summary>
    public void Post(NodeInput input) => PostWhenFree(input);

    internal void LinkUp(MemberId peer, long boot) => Events.LinkUp(peer, _cluster.Wiring.BootAtLinkUp(this, boot));

    /// <summary>A frame to the network, as the transport takes it.</summary>
    internal bool SendFrame(MemberId to, PeerMessage message) => _transport.SendMessage(to, message);

    /// <summary>Stops every thread for a while, as SIGSTOP or a machine that stands still does.</summary>
    public void Pause(long micros)
    {
        PausedUntil = Math.Max(PausedUntil, Time.Now + micros);
        _cluster.Trace.Line($"{Node.Name} is paused for {micros} µs");
        Time.At(PausedUntil, Resume);
        PlanTurn(PausedUntil);
    }

    /// <summary>Nothing holds this process up any more: it runs, and what its disk was slow with is done in a moment.</summary>
    internal void Recover()
    {
        PausedUntil = Time.Now;
        Resume();
        PlanTurn(Time.Now);
        _disk.Hurry();
    }

    /// <summary>The process ends: what its threads were doing on the disk stops somewhere.</summary>
    internal void Abandon(EndKind kind)
    {
        (_closed, _ended) = (true, true);
        if (kind is not (EndKind.DiskFailed or EndKind.Stopped))
        {
            _disk.Abandon(Node.Faults);
        }
    }

    /// <summary>It was asked to stop.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Asks the member to stop: it hands over and settles, at most for two seconds, and then ends (rule 30).</summary>
    public void Stop()
    {
        IsStopping = true;
        _runtime.BeginStop(new SimulatedStop(() => At(Time.Now + ShortestTurn, EndCleanly)), TimeSpan.FromSeconds(2), EndCleanly);
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
        InitialSettings = cluster.Plan.MembersDiffer ? StartSettings(cluster.Limits, node.Number) : [],
    };

    /// <summary>No two members are started with the same.</summary>
    private static ImmutableArray<SettingValue> StartSettings(Limits limits, int number) =>
        [new(Setting.MaxLeases, limits.MaxLeases + number), new(Setting.MaxObjects, limits.MaxObjects + number), new(Setting.MaxWaiters, limits.MaxWaiters + number)];

    private static (ReplicatedState State, SnapshotFile? File) Load(SimulatedCluster cluster, DataDirectory directory, SnapshotMark? mark)
    {
        if (mark is null)
        {
            return (new ReplicatedState(cluster.Limits), null);
        }
        using var reader = directory.Snapshots.Open(mark);
        return (ReplicatedState.Restore(cluster.Limits, reader), reader.File);
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

    private long SoonestTurn() => Math.Max(Time.Now, _lastTurn) + _random.Next(ShortestTurn, LongestTurn);

    private void TurnDue(long version)
    {
        if (_closed || _isTurning || version != _turnVersion)
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
        (_inbox, _taken) = (_taken, _inbox);
        (_actions, _takenActions) = (_takenActions, _actions);
        var moreIsWaiting = SplitSometimes();
        var localNow = LocalNow;
        _cluster.Trace.Note(TraceEvent.Turn, Node.Number, _taken.Count);
        var output = OfLoop(() => _runtime.Turn(localNow, _taken, _takenActions, moreIsWaiting));
        _taken.Clear();
        _takenActions.Clear();
        _cluster.Observer.Turned(this, output);
        _isTurning = true;
        _lastTurn = Time.Now + (output.AppliedUnits * _cluster.Plan.Cost.UnitMicros);
        At(_lastTurn, () => EndTurn(localNow));
    }

    /// <summary>When as much time has passed as the turn took, what it asks for is done.</summary>
    private void EndTurn(long localNow)
    {
        _isTurning = false;
        _runtime.Perform();
        if (_ended)
        {
            return;
        }
        if (Peers is null)
        {
            _transport.SetPeers([]);
        }
        var sleepMs = Math.Clamp((Core.NextWakeMicros - localNow + 999) / 1000, 0, 10_000);
        var wake = sleepMs == 0 ? Time.Now + ShortestTurn : Node.Clock.WhenShows(localNow + (sleepMs * 1000));
        PlanTurn(_inbox.Count + _actions.Count > 0 ? Time.Now + ShortestTurn : Math.Max(wake, Time.Now + ShortestTurn));
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

    private NodeOutput OfLoop(Func<NodeOutput> turn)
    {
        try
        {
            return turn();
        }
        catch (Exception e) when (e is not SimulationFailureException)
        {
            throw new SimulationFailureException("invariant", $"{Node.Name}'s loop failed: {e.Message}", e);
        }
    }

    /// <summary>It knows that it was removed, which is for ever, so the process stops.</summary>
    private void Retire()
    {
        Node.IsRetired = true;
        _cluster.Trace.Line($"{Node.Name} ({Node.Id}) knows that it was removed");
        Stop();
    }

    private void EndCleanly()
    {
        if (_isTurning)
        {
            At(Math.Max(_lastTurn, Time.Now + ShortestTurn), EndCleanly);
            return;
        }
        _closed = true;
        var output = OfLoop(() => _runtime.LastTurn(LocalNow, _inbox));
        // Nothing of this leaves, so nobody shall take a vote among it for one.
        output.Sends.Clear();
        _cluster.Observer.Turned(this, output);
        _runtime.PerformLast();
        EndLog();
        if (!_ended)
        {
            Node.End(EndKind.Stopped);
        }
    }
}
