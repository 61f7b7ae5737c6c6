using System.Buffers.Binary;
using System.Security.Cryptography;
using Consensus.Node.Core;
using Consensus.Node.Core.Flow;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Snapshots;
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
}

/// <summary>
/// A running member: turns of the <see cref="NodeCore"/>, one at a time, on the loop thread or on whichever thread brought the news (see
/// <see cref="Inbox"/>); the log thread; and the way in for endpoints and links.
/// </summary>
public sealed partial class ConsensusNode : IConsensusNode
{
    private const int KeptEncoderBytes = 64 * 1024;

    [ThreadStatic]
    private static WireWriter? _encoder;

    private readonly NodeCoreOptions _options;
    private readonly NodeCore _core;
    private readonly NodeSurroundings _outside;
    private readonly Inbox _inbox;
    private readonly LogThread _logThread;
    private readonly AnswerThread _answers;
    private readonly SnapshotArrivals _arrivals;
    private readonly Thread _loop;
    private readonly WireWriter _frame = new(1 << 16);
    private IPeerTransport? _transport;
    private long _sequence;
    private volatile bool _ended;
    private volatile StateView _view;
    private volatile NodeStatus _status;
    private LeadershipNote _leadership;
    private long _appliedIndex;

    /// <summary>Of whoever has the turn.</summary>
    private List<NodeInput> _inputs = [];
    private List<Action> _actions = [];
    private readonly List<IAwaited> _answered = [];
    private readonly NodeOutput _output = new();
    private readonly TurnMeter _meter;

    public ConsensusNode(NodeCoreOptions options, NodeCore core, NodeSurroundings outside)
    {
        _options = options;
        _inbox = new Inbox(options.MaxInboxBytes);
        _sequence = new CounterStarts(options.Boot).Requests;
        _core = core;
        _outside = outside;
        _view = core.View;
        _status = core.Status;
        _leadership = new LeadershipNote(core.Status.Term.Value, core.Status.LeaderName);
        _appliedIndex = core.AppliedIndex.Value;
        _meter = new TurnMeter(NowMicros(), options.ElectionTimeoutMicros, GC.GetTotalPauseDuration);
        _logThread = new LogThread(outside.Log, PostFromLog, Fail);
        _answers = new AnswerThread(outside.Fatal);
        _arrivals = new SnapshotArrivals(outside.Snapshots, options.Limits, () => _status, input => _inbox.PostToLoop(input), outside.Notice, Fail);
        _loop = GuardedThread.Of("consensus-loop", RunLoop, outside.Fatal);
    }

    private sealed record LeadershipNote(long Term, string LeaderName);

    public NodeStatus Status => _status with
    {
        LogBytes = _outside.Log.SizeBytes,
        LogFlushes = _outside.Log.Flushes,
        NowMicros = NowMicros(),
        Loop = _meter.Read(NowMicros()),
    };

    public (long Term, string LeaderName) Leadership
    {
        get
        {
            var note = Volatile.Read(ref _leadership);
            return (note.Term, note.LeaderName);
        }
    }

    public IReadOnlyList<HeldBytes> Held
    {
        get
        {
            var inbox = _inbox.CommandBytes;
            var links = _transport?.QueuedBytes ?? default;
            return
            [
                new("inbox-requests", inbox.Held, inbox.Limit),
                new("inbox-frames", _inbox.PeerBytes, Inbox.MaxPeerBytes),
                .. _core.Held,
                new("links", links.Held, links.Limit),
            ];
        }
    }

    public void Start(IPeerTransport transport)
    {
        _transport = transport;
        _logThread.Start();
        _answers.Start();
        _loop.Start();
    }

    public ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, string principal, CancellationToken aborted)
    {
        if (_ended)
        {
            return ValueTask.FromResult(new CommandAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady, RequestId.None));
        }
        var encoder = _encoder ??= new WireWriter(1024);
        encoder.Clear();
        CommandCodec.Write(encoder, envelope);
        if (encoder.Length > KeptEncoderBytes)
        {
            // Every thread has one.
            _encoder = null;
        }
        var request = new RequestId(_options.Self, _options.Boot, Interlocked.Increment(ref _sequence));
        var acquire = envelope.Command as AcquireLockCommand;
        var pending = new AwaitedCommand(request, encoder.ToArray(), principal, PendingCommand.LaneOf(envelope.Command, encoder.Length))
        {
            Asked = PendingCommand.AskedBy(envelope.Command),
            WaitMicros = acquire?.WaitMicros ?? 0,
            HasIdentity = !envelope.IdempotencyKey.IsEmpty,
        };
        if (_inbox.PostCommand(new CommandInput(pending), pending.Bytes, pending.Lane == CommandLane.Urgent, out var dropped, out var isFull))
        {
            TakeTurn();
        }
        if (dropped || isFull)
        {
            var reason = isFull ? NotDoneReason.TooManyRequests : NotDoneReason.NotReady;
            return ValueTask.FromResult(new CommandAnswer(AnswerKind.NotDone, null, reason, RequestId.None));
        }
        return acquire is { WaitMicros: > 0 } && aborted.CanBeCanceled
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
            var view = _view;
            if (view.Revision >= minRevision && view.AppliedIndex.Value >= Volatile.Read(ref _appliedIndex))
            {
                return ValueTask.FromResult(new ReadAnswer(AnswerKind.Done, view, NotDoneReason.None));
            }
        }
        var pending = new AwaitedRead(minRevision) { NeedsReadIndex = consistency == ReadConsistency.Linearizable };
        if (!Post(new ReadInput(pending)))
        {
            return ValueTask.FromResult(new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady));
        }
        if (aborted.CanBeCanceled)
        {
            pending.GiveUpWhen(_inbox, aborted);
        }
        return pending.Task;
    }

    public void Abandon(ObjectName name, RequestId request) =>
        _ = ExecuteAsync(new CommandEnvelope(CancelWaitCommand.Of(name, request, CancelReason.Disconnected)), "", CancellationToken.None).AsTask();

    public LeaseId NewLeaseId()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        var value = BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue;
        return new LeaseId(value == 0 ? 1 : value);
    }

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
        _inbox.PostToLoop(new StopInput(pending));
        await Task.WhenAny(pending.Task, Task.Delay(limit, _outside.Time, CancellationToken.None)).ConfigureAwait(false);
        _ended = true;
        _inbox.Close();
        if (_loop.IsAlive)
        {
            _loop.Join();
        }
        _answers.Stop();
        _arrivals.DropThrough(new LogIndex(long.MaxValue));
        _logThread.Stop();
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

    private void PostFromLog(NodeInput input, bool nextBatchWaits)
    {
        if (nextBatchWaits)
        {
            _inbox.PostToLoop(input);
        }
        else
        {
            Post(input);
        }
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
            Fail("the node's loop failed", failure);
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
            _output.Clear();
            _inbox.Take(ref _inputs, ref _actions);
            _core.Turn(NowMicros(), _inputs, moreIsWaiting: true, _output);
            _core.AnswerEverything(_output);
            CompleteAnswered(_output);
            if (_output.IsRemoved)
            {
                TellRemoved();
            }
        }
        catch (Exception failure)
        {
            Fail("the node's loop failed", failure);
        }
    }

    private void Turn()
    {
        _inbox.Take(ref _inputs, ref _actions);
        foreach (var action in _actions)
        {
            action();
        }
        _output.Clear();
        var now = NowMicros();
        _meter.Begin(now, _core.NextWakeMicros);
        _core.Turn(now, _inputs, _inbox.HasMore, _output);
        Perform(_output);
        _meter.End(NowMicros());
    }

    private void Perform(NodeOutput output)
    {
        if (output.Persists.Count > 0)
        {
            _logThread.Append(output.Persists);
        }
        // First who may not come back: else one of them could be let in as a stranger meanwhile.
        if (output.RemovedMembers is not null)
        {
            _transport!.SetRemoved(output.RemovedMembers);
        }
        if (output.Peers is not null)
        {
            _transport!.SetPeers(output.Peers);
        }
        SendFrames(output);
        PublishViews();
        CompleteAnswered(output);
        if (output.IsRemoved)
        {
            TellRemoved();
        }
        if (output.SaveSnapshot is { } order)
        {
            SaveSnapshot(order);
        }
        foreach (var install in output.SendSnapshots)
        {
            SendSnapshot(install);
        }
        if (output.Compact is { } mark)
        {
            _logThread.Compact(mark.LastIndex);
        }
        if (output.RemoveSnapshotsBefore is { } oldest)
        {
            RemoveSnapshotsBefore(oldest);
        }
        output.Notices.ForEach(_outside.Notice);
    }

    private void PublishViews()
    {
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

    private void CompleteAnswered(NodeOutput output)
    {
        _answered.Clear();
        foreach (var request in output.Answered)
        {
            if (request is IAwaited awaited)
            {
                _answered.Add(awaited);
            }
        }
        _answers.Complete(_answered);
    }

    private void SaveSnapshot(SnapshotOrder order) => InBackground(() =>
    {
        try
        {
            var file = _outside.Snapshots.Save(order.Mark, sink => SnapshotWriter.Write(order.View, new PacedSink(sink, _outside.Time, Thread.Sleep)));
            _inbox.PostToLoop(new SnapshotSavedInput(file));
        }
        catch (StorageFailedException e) when (e.MayPass)
        {
            // Nothing that was acknowledged depends on it, and the log may have room for long: it has its space beforehand.
            _outside.Notice($"no snapshot could be taken, and the log grows until one is: {e.Message}");
            _inbox.PostToLoop(new SnapshotNotSavedInput());
        }
    });

    private void RemoveSnapshotsBefore(SnapshotMark mark) => InBackground(() =>
    {
        try
        {
            _arrivals.DropThrough(mark.LastIndex);
            _outside.Snapshots.RemoveOlderThan(mark);
        }
        catch (StorageFailedException e) when (e.MayPass)
        {
            _outside.Notice($"older snapshots stay until the next one is taken: {e.Message}");
        }
    });

    /// <summary>Snapshots have threads of their own, so that neither the loop nor a request's thread waits for them.</summary>
    private void InBackground(Action work) =>
        GuardedThread.Of("consensus-snapshot", work, (what, failure) => Fail(what, failure!), "the disk failed under a snapshot").Start();

    private void Fail(string what, Exception failure)
    {
        _ended = true;
        _inbox.Close();
        _outside.Fatal(what, failure);
    }

    private long NowMicros() => _outside.Time.GetTimestamp() / (_outside.Time.TimestampFrequency / 1_000_000);
}
