using Consensus.Node.Core;
using Consensus.Node.Formation;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;

namespace Consensus.Node.Runtime;

/// <summary>
/// What one member does with what its turns ask for, and what of that comes back to its turns: the log, snapshots, frames, answers, failures, its end. It is there once: which
/// threads do it and how time passes is behind <see cref="INodeThreads"/>, disks and clocks are behind <see cref="NodeSurroundings"/>, so the simulator runs this very code.
/// </summary>
/// <remarks>Turns exclude one another: <see cref="Turn"/>, <see cref="Perform"/> and the last ones are called by whoever has the turn.</remarks>
internal sealed class NodeRuntime
{
    /// <summary>How often the core is told the time of day, when there is a turn anyway.</summary>
    private const long TimeOfDayEveryMicros = 60_000_000;

    private readonly NodeCoreOptions _options;
    private readonly NodeCore _core;
    private readonly NodeSurroundings _outside;
    private readonly INodeThreads _threads;
    private readonly SnapshotWork _snapshots;
    private readonly WireWriter _frame = new(1 << 16);
    private readonly NodeOutput _output = new();
    private readonly List<IAwaited> _answered = [];
    private IPeerTransport? _transport;
    private volatile StateView _view;
    private volatile NodeStatus _status;
    private LeadershipNote _leadership;
    private long _appliedIndex;
    private int _toldRemoved;
    private long? _nextTimeOfDay;

    public NodeRuntime(NodeCoreOptions options, NodeCore core, NodeSurroundings outside, INodeThreads threads)
    {
        (_options, _core, _outside, _threads) = (options, core, outside, threads);
        _view = core.View;
        Policies = new PolicyNews(core.Policy);
        _status = core.Status;
        _leadership = new LeadershipNote(core.Status.Term.Value, core.Status.LeaderName);
        _appliedIndex = core.AppliedIndex.Value;
        Log = new LogWriter(outside.Log, threads, Fail);
        var arrivals = new SnapshotArrivals(outside.Snapshots, options.Limits, () => _status, input => threads.PostToLoop(input), outside.Notice, outside.Warn, Fail);
        _snapshots = new SnapshotWork(outside, threads, arrivals, Fail);
        Events = new PeerEvents(options, outside, threads, arrivals, this);
    }

    private sealed record LeadershipNote(long Term, string LeaderName);

    /// <summary>What the log's thread works with.</summary>
    public LogWriter Log { get; }

    /// <summary>What the links tell; any thread.</summary>
    public IPeerEvents Events { get; }

    /// <summary>The newest view that is published; any thread.</summary>
    public StateView View => _view;

    /// <summary>Any thread. Whoever was told of a view finds a policy that is as new.</summary>
    public PolicyNews Policies { get; }

    /// <summary>Any thread.</summary>
    public NodeStatus Status => _status;

    /// <summary>Applied by the last turn; any thread.</summary>
    public long AppliedIndex => Volatile.Read(ref _appliedIndex);

    /// <summary>Any thread.</summary>
    public (long Term, string LeaderName) Leadership
    {
        get
        {
            var note = Volatile.Read(ref _leadership);
            return (note.Term, note.LeaderName);
        }
    }

    /// <summary>Before the first turn.</summary>
    public void Start(IPeerTransport transport) => _transport = transport;

    /// <summary>One turn: takes what was queued and says what it asks for. <see cref="Perform"/> must follow.</summary>
    /// <param name="moreIsWaiting">More is queued already.</param>
    public NodeOutput Turn(long nowMicros, List<NodeInput> inputs, List<Action> actions, bool moreIsWaiting)
    {
        foreach (var action in actions)
        {
            action();
        }
        if (nowMicros >= (_nextTimeOfDay ??= nowMicros + TimeOfDayEveryMicros))
        {
            _nextTimeOfDay = nowMicros + TimeOfDayEveryMicros;
            inputs.Add(new TimeOfDayInput(_outside.Time.GetUtcNow().ToUnixTimeSeconds()));
        }
        _output.Clear();
        _core.Turn(nowMicros, inputs, moreIsWaiting, _output);
        return _output;
    }

    /// <summary>Does what the turn asks for.</summary>
    public void Perform()
    {
        if (_output.Persists.Count > 0)
        {
            Log.Append(_output.Persists);
        }
        // First who may not come back: else one of them could be let in as a stranger meanwhile.
        if (_output.RemovedMembers is not null)
        {
            _transport!.SetRemoved(_output.RemovedMembers);
        }
        if (_output.Peers is not null)
        {
            _transport!.SetPeers(_output.Peers);
        }
        SendFrames();
        PublishViews();
        Answer();
        if (_output.SaveSnapshot is { } order)
        {
            _snapshots.Save(order);
        }
        foreach (var install in _output.SendSnapshots)
        {
            _snapshots.Send(install, _transport!);
        }
        if (_output.Compact is { } mark)
        {
            Log.Compact(mark.LastIndex);
        }
        if (_output.RemoveSnapshotsBefore is { } oldest)
        {
            _snapshots.RemoveBefore(oldest);
        }
        _output.Notices.ForEach(_outside.Notice);
    }

    /// <summary>The last turn, once nothing more can be queued: then whatever is left is answered. <see cref="PerformLast"/> must follow.</summary>
    public NodeOutput LastTurn(long nowMicros, List<NodeInput> inputs)
    {
        _output.Clear();
        _core.Turn(nowMicros, inputs, moreIsWaiting: true, _output);
        _core.AnswerEverything(_output);
        return _output;
    }

    /// <summary>Gives the answers of the last turn. Nothing else that it asks for is done.</summary>
    public void PerformLast() => Answer();

    /// <summary>After the last turn: nothing more comes. The log's writer ends when it has written what waits.</summary>
    public void Close()
    {
        _snapshots.Close();
        Log.Close();
    }

    /// <summary>Settles what waits and hands leadership over (rule 30): then <paramref name="stop"/> is answered.</summary>
    /// <param name="limit">When so much time has passed, <paramref name="end"/> is called, be it settled or not.</param>
    public void BeginStop(PendingStop stop, TimeSpan limit, Action end)
    {
        _threads.PostToLoop(new StopInput(stop));
        _threads.After(limit, end);
    }

    /// <summary>Any thread: the member can go on no longer.</summary>
    /// <param name="what">A sentence for the operator.</param>
    public void Fail(string what, Exception failure)
    {
        _threads.EndTurns();
        _outside.Fatal(what, failure);
    }

    /// <summary>By any thread: from its own log, or because another member says so. Told once.</summary>
    public void TellRemoved()
    {
        if (Interlocked.Exchange(ref _toldRemoved, 1) == 0)
        {
            _outside.Removed?.Invoke(MemberRemovedException.Sentence(_options.Name, _options.Cluster));
        }
    }

    private void SendFrames()
    {
        foreach (var (to, message) in _output.Sends)
        {
            _frame.Clear();
            PeerCodec.Write(_frame, message);
            if (!_transport!.Send(to, _frame.Written, message.IsUrgent) && message is ForwardCommands forward)
            {
                _core.NotSent(forward);
            }
        }
        if (_output.Sends.Count > 0)
        {
            _transport!.Flush();
        }
    }

    private void PublishViews()
    {
        Policies.Publish(_core.Policy);
        Volatile.Write(ref _appliedIndex, _core.AppliedIndex.Value);
        if (!ReferenceEquals(_view, _core.View))
        {
            _view = _core.View;
        }
        if (!ReferenceEquals(_status, _core.Status))
        {
            _status = _core.Status;
            if (_leadership.Term != _status.Term.Value || _leadership.LeaderName != _status.LeaderName)
            {
                Volatile.Write(ref _leadership, new LeadershipNote(_status.Term.Value, _status.LeaderName));
            }
        }
    }

    private void Answer()
    {
        _answered.Clear();
        foreach (var request in _output.Answered)
        {
            if (request is IAwaited awaited)
            {
                _answered.Add(awaited);
            }
        }
        _threads.Complete(_answered);
        if (_output.IsRemoved)
        {
            TellRemoved();
        }
    }
}
