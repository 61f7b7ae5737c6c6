using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>
/// One member, as a synchronous machine: <see cref="Turn"/> takes the time and what happened, and says what is to be done outside. It owns the
/// Raft core and the replicated state; it reads no clock, starts no thread and does no I/O, so the simulator runs this very code
/// (rule 9). One caller at a time.
/// </summary>
public sealed partial class NodeCore
{
    private readonly NodeCoreOptions _options;
    private readonly RaftNode _raft;
    private readonly ApplyOutput _applied = new();
    private readonly Queue<(long Sequence, IReadOnlyList<Message> Messages)> _afterPersist = new();
    private ReplicatedState _state;
    private NodeOutput _out = new();
    private long _now;
    private long _tickCarryMicros;
    private bool _timeIsKnown;
    private long _handedToLog;
    private long _durable;
    private long _viewTaken;
    private Term _appliedTerm;

    /// <param name="state">The state restored from <c>initial.Snapshot</c>, or an empty one.</param>
    public NodeCore(NodeCoreOptions options, RaftInitialState initial, ReplicatedState state, SnapshotFile? snapshot)
    {
        Invariant.Require(options.Boot > 0, "a process has a boot number");
        _options = options;
        _raft = new RaftNode(options.Raft with { Boot = options.Boot }, initial);
        var starts = new CounterStarts(options.Boot);
        (_lastReadContext, _transferSequence, _nextInternal) = (starts.Reads, starts.Transfers, starts.Internal);
        _state = state;
        _appliedTerm = initial.Snapshot?.LastTerm ?? Term.Zero;
        _appliedConfiguration = initial.Configuration;
        _snapshot = snapshot;
        _loggedAtSnapshot = state.AppliedIndex;
        _snapshotDraws = new DeterministicRandom(options.Raft.Seed ^ (ulong)options.Self.Value);
        _snapshotBytesDue = DrawSnapshotBytes();
        _hashes = new HashHistory(state.AppliedIndex, state.Hash);
        ApplyWhatWasCommitted();
        View = _state.TakeView();
        Status = BuildStatus();
    }

    /// <summary>The newest view that was taken; any thread may read it.</summary>
    public StateView View { get; private set; }

    public NodeStatus Status { get; private set; }

    /// <summary>Changes when a new <see cref="Status"/> or <see cref="View"/> is there to be published.</summary>
    public long PublishedVersion { get; private set; }

    public LogIndex AppliedIndex => _state.AppliedIndex;

    public RaftRole Role => _raft.Role;

    public Term Term => _raft.Term;

    public MemberId Leader => _raft.Leader;

    /// <summary>The configuration in force, committed or not.</summary>
    public Configuration Configuration => _raft.Configuration;

    /// <summary>Loop time at which the next turn is due even if nothing happens.</summary>
    public long NextWakeMicros { get; private set; }

    /// <summary>
    /// One turn. <paramref name="moreIsWaiting"/> says that inputs beyond these are queued already: then nothing is expired in this turn, since a
    /// renewal may be among them (rule 3).
    /// </summary>
    public void Turn(long nowMicros, IReadOnlyList<NodeInput> inputs, bool moreIsWaiting, NodeOutput output)
    {
        _out = output;
        var ticks = PassTime(nowMicros);
        for (var i = 0; i < inputs.Count; i++)
        {
            Handle(inputs[i]);
        }
        _raft.Tick(ticks);
        NoticeLeadership();
        KeepHouse(moreIsWaiting);
        SendQueued();
        SendChanges();
        StartReadRound();
        DrainRaft();
        _arrived.Clear();
        FollowConfiguration();
        FinishReads();
        FinishHashes();
        Sweep();
        Publish();
        NextWakeMicros = PlanWake();
    }

    /// <summary>A frame of commands could not be handed to its link: nothing of it left this member.</summary>
    public void NotSent(ForwardCommands forward)
    {
        foreach (var command in forward.Commands)
        {
            if (_pending.TryGetValue(command.Sequence, out var pending) && pending.Stage == PendingStage.Sent && pending.SentIn == forward.Term)
            {
                Requeue(pending);
            }
        }
    }

    private void Handle(NodeInput input)
    {
        switch (input)
        {
            case CommandInput command:
                Accept(command.Pending);
                break;
            case ReadInput read:
                Accept(read.Pending);
                break;
            case PeerMessageInput peer:
                Receive(peer.From, peer.Message);
                break;
            case PersistedInput persisted:
                OnPersisted(persisted.Sequence);
                break;
            case CommandCancelledInput cancelled:
                OnClientGone(cancelled.Pending);
                break;
            case LinkUpInput up:
                if (_links.Up(up.Peer, up.Boot))
                {
                    _raft.ReportNewProcess(up.Peer, up.Boot);
                }
                Heard(up.Peer);
                _raft.ReportReachable(up.Peer);
                break;
            case LinkDownInput down:
                _links.Down(down.Peer, isMember: _raft.Configuration.Find(down.Peer) is not null);
                _raft.ReportUnreachable(down.Peer);
                break;
            case ProcessGoneInput gone:
                _raft.ReportProcessGone(gone.Peer);
                break;
            case SnapshotSavedInput saved:
                OnSnapshotSaved(saved.File);
                break;
            case SnapshotNotSavedInput:
                // The next one is tried when as much was logged again.
                _snapshotUnderWay = false;
                break;
            case SnapshotMarkedInput:
                OnSnapshotMarked();
                break;
            case SnapshotArrivedInput arrived:
                OnSnapshotArrived(arrived);
                break;
            case SnapshotSentInput sent:
                _raft.ReportSnapshotSent(sent.Request, sent.Success);
                break;
            case MembershipInput membership:
                Accept(membership.Pending);
                break;
            case TransferInput transfer:
                StartTransfer(transfer);
                break;
            case HashInput hash:
                Accept(hash);
                break;
            case StopInput stop:
                StartStop(stop);
                break;
            default:
                Invariant.Unreachable<int>(input);
                break;
        }
    }

    private void Receive(MemberId from, PeerMessage message)
    {
        Heard(from);
        switch (message)
        {
            case RaftPeerMessage raft:
                if (raft.Message.From == from)
                {
                    _raft.Step(raft.Message);
                    ObserveDrift(raft.Message);
                }
                break;
            case ForwardCommands forward:
                TakeForwarded(from, forward);
                break;
            case ForwardRefused refused:
                OnForwardRefused(refused);
                break;
            case ForwardChange change:
                TakeForwarded(from, change);
                break;
            case ChangeRefused refused:
                OnChangeRefused(refused);
                break;
            case ForwardTransfer forward:
                TakeForwarded(from, forward);
                break;
            case TransferRefused refused:
                OnTransferRefused(refused);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    /// <summary>
    /// Lets the cores' time pass up to <paramref name="nowMicros"/>. A loop that comes more than an election time-out late was paused: that gap
    /// is no lease time (rule 3), and its protocol ticks are capped so that queued messages are seen before any time-out fires.
    /// </summary>
    private int PassTime(long nowMicros)
    {
        var elapsed = _timeIsKnown ? Math.Max(0, nowMicros - _now) : 0;
        _timeIsKnown = true;
        _now = Math.Max(_now, nowMicros);
        if (elapsed > _options.ElectionTimeoutMicros)
        {
            _drift.Restart();
            _noExpiryBefore = _now + _options.ElectionTimeoutMicros;
            _tickCarryMicros = 0;
            return _options.Raft.HeartbeatIntervalTicks;
        }
        _raft.AdvanceClock(elapsed);
        var total = elapsed + _tickCarryMicros;
        _tickCarryMicros = total % 1000;
        return (int)Math.Min(total / 1000, Math.Max(1, _options.Raft.ElectionTimeoutTicks / 2));
    }

    /// <summary>Takes the core's output until there is none, and applies what is committed for as long as the turn's budget lasts.</summary>
    private void DrainRaft()
    {
        var budget = new TurnBudget(_options.TurnUnits);
        while (_raft.HasOutput || (_raft.HasCommitted && !budget.IsSpent))
        {
            var ready = _raft.TakeReady(withCommitted: false);
            foreach (var message in ready.Messages)
            {
                SendRaft(message);
            }
            if (ready.Snapshot is not null)
            {
                InstallArrived(ready.Snapshot, ready.Sequence);
            }
            if (ready.MustPersist)
            {
                _handedToLog = ready.Sequence;
                _out.Persists.Add(new PersistRequest(ready.Sequence, ready.HardState, ready.Snapshot, null, ready.Entries, ready.CommitIndex));
            }
            if (ready.MessagesAfterPersist.Count > 0)
            {
                if (_durable >= _handedToLog)
                {
                    foreach (var message in ready.MessagesAfterPersist)
                    {
                        SendRaft(message);
                    }
                }
                else
                {
                    _afterPersist.Enqueue((_handedToLog, ready.MessagesAfterPersist));
                }
            }
            ApplyCommitted(ref budget);
            foreach (var read in ready.Reads)
            {
                OnReadState(read);
            }
        }
    }

    private void OnPersisted(long sequence)
    {
        _durable = Math.Max(_durable, sequence);
        _raft.Persisted(sequence);
        CompactWhatIsInstalled();
        while (_afterPersist.TryPeek(out var next) && next.Sequence <= _durable)
        {
            foreach (var message in _afterPersist.Dequeue().Messages)
            {
                SendRaft(message);
            }
        }
    }

    private void SendRaft(Message message)
    {
        if (message is InstallSnapshotRequest install)
        {
            _out.SendSnapshots.Add(install);
            return;
        }
        _out.Sends.Add((message.To, new RaftPeerMessage(message)));
    }

    /// <summary>
    /// Before the first turn: what the log knew to be committed. Nobody is kept waiting by it, since nobody knows yet that this member is there, and it leaves the first turns
    /// little to do.
    /// </summary>
    private void ApplyWhatWasCommitted()
    {
        while (_raft.TryTakeCommitted(out var entry))
        {
            Apply(entry);
        }
    }

    private void ApplyCommitted(ref TurnBudget budget)
    {
        while (!budget.IsSpent && _raft.TryTakeCommitted(out var entry))
        {
            budget.Charge(entry, Apply(entry));
            ConsiderSnapshot();
        }
    }

    /// <returns>How many objects it touched.</returns>
    private long Apply(Entry entry)
    {
        Invariant.Require(entry.Index == _state.AppliedIndex.Next, "entries are applied in order, each once");
        if (entry.Term > _appliedTerm)
        {
            _appliedTerm = entry.Term;
            RequeueOlderThan(entry.Term);
            RequeueChangesOlderThan(entry.Term);
        }
        Invariant.Require(entry.FeatureLevel <= ReplicatedState.SupportedFeatureLevel, "a member applies only what it knows");
        _state.Apply(
            new LoggedEntry(entry.Index, entry.Stamp, entry.Kind == EntryKind.Command, entry.Request, entry.Principal, entry.Payload),
            _applied);
        _hashes.Add(_state.Hash);
        if (entry.Kind == EntryKind.Configuration)
        {
            OnConfigurationApplied(entry);
        }
        _bytesSinceSnapshot += entry.ApproximateSize;
        _statusIsStale = true;
        foreach (var resolution in _applied.Resolutions)
        {
            Resolve(resolution);
        }
        var objects = _applied.Objects;
        _applied.Clear();
        return objects;
    }
}
