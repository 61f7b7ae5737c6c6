using Consensus.Node.Core;
using Consensus.Node.Core.Flow;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Runtime;

/// <summary>What a node needs from outside its rooms.</summary>
/// <param name="Fatal">The node can go on no longer; must end the process without another acknowledgement.</param>
/// <param name="Notice">One sentence for the operator's log.</param>
public sealed record NodeSurroundings(
    IDurableLog Log,
    ISnapshotStore Snapshots,
    TimeProvider Time,
    Action<string, Exception?> Fatal,
    Action<string> Notice)
{
    /// <summary>The member was removed from its cluster, for sure: it shall stop cleanly. Told once, with the sentence for its operator.</summary>
    public Action<string>? Removed { get; init; }

    /// <summary>As <see cref="Notice"/>, of what somebody has to look after.</summary>
    public Action<string> Warn { get; init; } = Notice;
}

/// <summary>
/// A running member: what a member does is <see cref="NodeRuntime"/>'s; here it gets its threads. Turns are taken one at a time, on the loop thread or on whichever thread brought
/// the news (see <see cref="Inbox"/>); beside them are the log thread, and the way in for endpoints.
/// </summary>
public sealed partial class ConsensusNode : IConsensusNode
{
    private const string LoopFailed = "the node's loop failed";
    private const int KeptEncoderBytes = 64 * 1024;

    [ThreadStatic]
    private static WireWriter? _encoder;

    private readonly NodeCoreOptions _options;
    private readonly NodeCore _core;
    private readonly NodeSurroundings _outside;
    private readonly NodeRuntime _runtime;
    private readonly Inbox _inbox;
    private readonly LogThread _logThread;
    private readonly AnswerThread _answers;
    private readonly Thread _loop;
    private long _sequence;
    private volatile bool _ended;

    /// <summary>Of whoever has the turn.</summary>
    private List<NodeInput> _inputs = [];
    private List<Action> _actions = [];
    private readonly TurnMeter _meter;

    public ConsensusNode(NodeCoreOptions options, NodeCore core, NodeSurroundings outside)
    {
        _options = options;
        _inbox = new Inbox(options.MaxInboxBytes, options.MaxInboxFrameBytes);
        _sequence = new CounterStarts(options.Boot).Requests;
        _core = core;
        _outside = outside;
        _meter = new TurnMeter(NowMicros(), options.ElectionTimeoutMicros, GC.GetTotalPauseDuration);
        _runtime = new NodeRuntime(options, core, outside, this);
        _logThread = new LogThread(_runtime.Log, outside.Fatal);
        _answers = new AnswerThread(outside.Fatal);
        _loop = GuardedThread.Of("consensus-loop", RunLoop, outside.Fatal);
    }

    public NodeStatus Status => _runtime.Status with
    {
        LogBytes = _outside.Log.SizeBytes,
        LogFlushes = _outside.Log.Flushes,
        NowMicros = NowMicros(),
        Loop = _meter.Read(NowMicros()),
    };

    public (ClusterId Cluster, ClusterTime Now) Moment
    {
        get
        {
            var status = _runtime.Status;
            return (status.Cluster, status.ClusterTime);
        }
    }

    public (long Term, string LeaderName) Leadership => _runtime.Leadership;

    public Policy Policy => _runtime.Policies.Present;

    /// <summary>What the links tell it.</summary>
    public IPeerEvents Events => _runtime.Events;

    public IReadOnlyList<HeldBytes> Held
    {
        get
        {
            var inbox = _inbox.CommandBytes;
            var links = _transport?.QueuedBytes ?? default;
            return
            [
                new("inbox-requests", inbox.Held, inbox.Limit),
                new("inbox-frames", _inbox.PeerBytes, _inbox.MaxPeerBytes),
                .. _core.Held,
                new("links", links.Held, links.Limit),
            ];
        }
    }

    public void Start(IPeerTransport transport)
    {
        _transport = transport;
        _runtime.Start(transport);
        _logThread.Start();
        _answers.Start();
        _loop.Start();
    }

    public ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, CancellationToken aborted)
    {
        if (_ended)
        {
            return ValueTask.FromResult(new CommandAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady, RequestId.None));
        }
        var encoder = _encoder ??= new WireWriter(1024);
        encoder.Clear();
        CommandCodec.Write(encoder, envelope);
        var bytes = encoder.Length;
        var payload = encoder.Take();
        if (bytes > KeptEncoderBytes)
        {
            // Every thread has one.
            _encoder = null;
        }
        var request = new RequestId(_options.Self, _options.Boot, Interlocked.Increment(ref _sequence));
        var pending = new AwaitedCommand(request, envelope, payload);
        if (_inbox.PostCommand(new CommandInput(pending), pending.Bytes, pending.Lane == CommandLane.Urgent, out var dropped, out var isFull))
        {
            TakeTurn();
        }
        if (dropped || isFull)
        {
            var reason = isFull ? NotDoneReason.TooManyRequests : NotDoneReason.NotReady;
            return ValueTask.FromResult(new CommandAnswer(AnswerKind.NotDone, null, reason, RequestId.None));
        }
        return pending.WaitMicros > 0 && aborted.CanBeCanceled
            ? AwaitAbortable(pending, aborted)
            : pending.Task;
    }

    private async ValueTask<CommandAnswer> AwaitAbortable(AwaitedCommand pending, CancellationToken aborted)
    {
        await using var registration = aborted.UnsafeRegister(
            static (state, _) =>
            {
                var (node, command) = ((ConsensusNode, AwaitedCommand))state!;
                node._inbox.PostToLoop(new CommandCancelledInput(command));
            },
            (this, pending)).ConfigureAwait(false);
        return await pending.Task.ConfigureAwait(false);
    }

    public ValueTask<ReadAnswer> ReadAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted)
    {
        if (_ended)
        {
            return ValueTask.FromResult(new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady));
        }
        if (consistency == ReadConsistency.Stale)
        {
            var view = _runtime.View;
            if (view.Revision >= minRevision && view.AppliedIndex.Value >= _runtime.AppliedIndex)
            {
                return ValueTask.FromResult(new ReadAnswer(AnswerKind.Done, view, NotDoneReason.None));
            }
        }
        var pending = new AwaitedRead(minRevision) { NeedsReadIndex = consistency == ReadConsistency.Linearizable };
        if (!Post(new ReadInput(pending)))
        {
            return ValueTask.FromResult(new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady));
        }
        GiveUpWhen(pending, aborted);
        return pending.Task;
    }

    public Task PolicyChangeAsync(Policy known) => _runtime.Policies.ChangeAsync(known);

    public void Abandon(ObjectName name, RequestId request, bool hasKey) => Post(new HoldAbandonedInput(name, request, hasKey));

    public LeaseId NewLeaseId() => LeaseIds.Next();

    public Task<TransferAnswer> TransferLeadershipAsync(MemberId to, CancellationToken cancellation)
    {
        var pending = new AwaitedTransfer(to);
        return _inbox.PostToLoop(new TransferInput(pending))
            ? pending.Task.WaitAsync(cancellation)
            : Task.FromResult(new TransferAnswer(AnswerKind.NotDone, "", NotDoneReason.NotReady));
    }

    /// <summary>Settles what waits and hands leadership over, in at most <paramref name="limit"/> (rule 30); then everything is answered and the threads end.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        var pending = new AwaitedStop();
        _runtime.BeginStop(pending, limit, () => pending.Complete(inline: false));
        await pending.Task.ConfigureAwait(false);
        _ended = true;
        _inbox.Close();
        if (_loop.IsAlive)
        {
            _loop.Join();
        }
        _answers.Stop();
        _runtime.Close();
        _logThread.Join();
        _outside.Log.Dispose();
    }

    /// <summary>Before it is awaited. Nothing is registered for one that is answered already.</summary>
    private void GiveUpWhen(AwaitedRead read, CancellationToken aborted)
    {
        if (aborted.CanBeCanceled && !read.Task.IsCompleted)
        {
            read.GiveUpWhen(_inbox, aborted);
        }
    }

    /// <summary>Queues an input, and takes the turn if nobody has it. False when the node has ended and will not look at it.</summary>
    private bool Post(NodeInput input)
    {
        if (_inbox.Post(input, out var dropped))
        {
            TakeTurn();
        }
        return !dropped;
    }

    /// <summary>On a thread that was given the turn with what it brought.</summary>
    private void TakeTurn()
    {
        try
        {
            Turn();
            _inbox.Finish(_core.NextWakeMicros, onLoopThread: false);
        }
        catch (Exception failure)
        {
            _runtime.Fail(LoopFailed, failure);
        }
    }

    private void RunLoop()
    {
        try
        {
            while (_inbox.WaitForTurn(NowMicros, () => _core.NextWakeMicros))
            {
                Turn();
                _inbox.Finish(_core.NextWakeMicros, onLoopThread: true);
            }
            _inbox.End();
            _inbox.Take(ref _inputs, ref _actions);
            _runtime.LastTurn(NowMicros(), _inputs);
            _runtime.PerformLast();
        }
        catch (Exception failure)
        {
            _runtime.Fail(LoopFailed, failure);
        }
    }

    private void Turn()
    {
        _inbox.Take(ref _inputs, ref _actions);
        var now = NowMicros();
        _meter.Begin(now, _core.NextWakeMicros);
        _meter.Applied(_runtime.Turn(now, _inputs, _actions, _inbox.HasMore).AppliedUnits);
        _runtime.Perform();
        _meter.End(NowMicros());
    }

    private long NowMicros() => _outside.Time.GetTimestamp() / (_outside.Time.TimestampFrequency / 1_000_000);
}
