using Consensus.Node.Core.Desks;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;

namespace Consensus.Node.Core;

/// <summary>
/// One member, as a synchronous machine: <see cref="Turn"/> takes the time and what happened, and says what is to be done outside. It owns the
/// Raft core and the replicated state; it reads no clock, starts no thread and does no I/O, so the simulator runs this very code
/// (rule 9). One caller at a time.
/// </summary>
/// <remarks>
/// Requests wait at desks, one for each kind; what a member does unasked is beside them. Here is only the way from one room to the next: inputs are given out, the desks take their
/// turns, and the <see cref="Applier"/> takes what the Raft core has made of it all.
/// </remarks>
public sealed class NodeCore
{
    private const long SweepEveryMicros = 200_000;

    /// <summary>While leadership is handed over or the process stops.</summary>
    private const long HurriedSweepEveryMicros = 5_000;

    private readonly RaftNode _raft;
    private readonly AppliedState _applied;
    private readonly TurnContext _turn;
    private readonly TurnClock _clock;
    private readonly PersistGate _gate;
    private readonly CommandDesk _commands;
    private readonly ChangeDesk _changes;
    private readonly ReadDesk _reads;
    private readonly HashDesk _hashes;
    private readonly TransferDesk _transfers;

    /// <summary>In the order in which they send. Commands first: they are what others wait for longest, since they go to the disk.</summary>
    private readonly Desk[] _desks;
    private readonly HouseKeeping _house;
    private readonly PeerDirectory _peers;
    private readonly Snapshots _snapshots;
    private readonly CatchUps _catchUps;
    private readonly CleanStop _stop;
    private readonly DriftMeter _drift = new();
    private readonly StatusBoard _board;
    private readonly CatchUpQuestion _catchUpQuestion;
    private readonly Applier _applier;
    private MemberId _noticedLeader;
    private Term _noticedTerm;

    /// <summary>As of the last turn's end: the Raft core itself may be asked by the loop only.</summary>
    private long _logBytes;
    private long _uncommittedBytes;

    /// <param name="state">The state restored from <c>initial.Snapshot</c>, or an empty one.</param>
    public NodeCore(NodeCoreOptions options, RaftInitialState initial, ReplicatedState state, SnapshotFile? snapshot)
    {
        Invariant.Require(options.Boot > 0, "a process has a boot number");
        _raft = new RaftNode(options.Raft with { Boot = options.Boot }, initial);
        _applied = new AppliedState(state, initial.Snapshot?.LastTerm ?? Term.Zero, initial.Configuration);
        _turn = new TurnContext(options, _raft, _applied) { Addresses = new AnnouncedAddresses(initial.Entries, initial.Commit) };
        _clock = new TurnClock(_turn);
        _gate = new PersistGate(_turn);
        var starts = new CounterStarts(options.Boot);
        _commands = new CommandDesk(_turn, starts.Internal);
        _changes = new ChangeDesk(_turn);
        _reads = new ReadDesk(_turn, starts.Reads);
        _hashes = new HashDesk(_turn);
        _transfers = new TransferDesk(_turn, starts.Transfers);
        _desks = [_commands, _changes, _reads, _hashes, _transfers];
        _house = new HouseKeeping(_turn, _commands);
        _peers = new PeerDirectory(_turn);
        _snapshots = new Snapshots(_turn, snapshot);
        _stop = new CleanStop(_turn, _commands);
        _catchUps = new CatchUps(_turn);
        _catchUpQuestion = new CatchUpQuestion(_turn, _reads);
        _applier = new Applier(_turn, _desks, _commands, _changes, _reads, _hashes, _snapshots, _peers, _gate);
        _board = new StatusBoard(_turn, _snapshots, _catchUps, _catchUpQuestion, _drift);
        _applier.ApplyWhatWasCommitted();
        _applied.FreshenView(_turn.Now);
        _board.Build();
        CountHeld();
    }

    /// <summary>The newest view that was taken; any thread may read it.</summary>
    public StateView View => _applied.View;

    /// <summary>Who may do what, by what is applied. Called by whoever has the turn.</summary>
    public Policy Policy => _applied.State.Policy;

    public NodeStatus Status => _board.Status;

    public LogIndex AppliedIndex => _applied.Index;

    /// <summary>As <see cref="ReplicatedState.Verify"/>: for tests. Called between turns.</summary>
    public void VerifyState() => _applied.State.Verify();

    /// <summary>Turns in which acquires that will only stand in line waited for company here: for tests. Called between turns.</summary>
    public long TimesCompanyWasAwaited => _commands.TimesCompanyWasAwaited;

    public RaftRole Role => _raft.Role;

    public Term Term => _raft.Term;

    public MemberId Leader => _raft.Leader;

    /// <summary>The configuration in force, committed or not.</summary>
    public Configuration Configuration => _raft.Configuration;

    /// <summary>What holds payload here, each with its bound. Any thread may ask; what it is told was so a moment ago.</summary>
    public IReadOnlyList<HeldBytes> Held =>
    [
        new("requests", _commands.Bytes.Held, _commands.Bytes.Limit),
        new("forwarded", _commands.Forwarder.Bytes.Held, _commands.Forwarder.Bytes.Limit),
        new("given-up", _commands.Ends.Bytes.Held, _commands.Ends.Bytes.Limit),
        new("foreign-requests", _commands.Proposer.ForeignBytes.Held, _commands.Proposer.ForeignBytes.Limit),
        new("uncommitted", Volatile.Read(ref _uncommittedBytes), _turn.Options.Raft.MaxUncommittedBytes),
        new("log", Volatile.Read(ref _logBytes), _turn.Options.Raft.MaxLogBytes),
    ];

    /// <summary>Bytes of log that are not applied yet.</summary>
    public long UnappliedBytes => _raft.UnappliedBytes;

    /// <summary>Bytes of log that are not committed or not on this member's disk.</summary>
    public long UnsettledBytes => _raft.UnsettledBytes;

    /// <summary>On a leader: how many bytes it proposes before it waits for their commit.</summary>
    public long ProposalWindowBytes => _commands.Proposer.WindowBytes;

    /// <summary>Loop time at which the next turn is due even if nothing happens.</summary>
    public long NextWakeMicros { get; private set; }

    /// <summary>
    /// One turn. <paramref name="moreIsWaiting"/> says that inputs beyond these are queued already: then nothing is expired in this turn, since a
    /// renewal may be among them (rule 3).
    /// </summary>
    public void Turn(long nowMicros, IReadOnlyList<NodeInput> inputs, bool moreIsWaiting, NodeOutput output)
    {
        _turn.Out = output;
        // What came before time-outs: a message that waited in the inbox may be the heartbeat that an election would miss.
        var ticks = PassTime(nowMicros);
        for (var i = 0; i < inputs.Count; i++)
        {
            Handle(inputs[i]);
        }
        _raft.Tick(ticks);
        // Before anything is sent: it goes to whoever leads now, and a new leader holds its expiries back.
        NoticeLeadership();
        // Before the desks send: what the house has logged goes with the commands of this turn.
        _house.Keep(moreIsWaiting);
        _catchUpQuestion.Keep();
        _snapshots.TakeWhenNeeded();
        foreach (var desk in _desks)
        {
            desk.Send();
        }
        // After the desks: what they proposed leaves, and goes to the disk, with this turn.
        _applier.DrainRaft();
        // After it: only now is it known what the core took, and which configuration is in force.
        _snapshots.ForgetArrived();
        _catchUps.Tell();
        _peers.FollowConfiguration();
        foreach (var desk in _desks)
        {
            desk.AfterApply();
        }
        // After answers: what was answered in time is not given up.
        SweepWhenDue();
        // Last: it shows what the turn did.
        _board.Publish();
        CountHeld();
        NextWakeMicros = PlanWake();
    }

    /// <summary>A frame of commands could not be handed to its link: nothing of it left this member.</summary>
    public void NotSent(ForwardCommands forward)
    {
        _commands.NotSent(forward);
        // The turn is over, and its plan knows nothing of them.
        NextWakeMicros = Math.Min(NextWakeMicros, _turn.Now + TurnContext.RefusedPauseMicros);
    }

    /// <summary>The process ends now: whatever is left is answered with what is known of it.</summary>
    public void AnswerEverything(NodeOutput output)
    {
        _turn.Out = output;
        foreach (var desk in _desks)
        {
            desk.AnswerAll();
        }
    }

    private void Handle(NodeInput input)
    {
        switch (input)
        {
            case CommandInput command:
                _commands.Accept(command.Pending);
                break;
            case ReadInput read:
                _reads.Accept(read.Pending);
                break;
            case ReadCancelledInput cancelled:
                _reads.OnReaderGone(cancelled.Pending);
                break;
            case PeerMessageInput peer:
                Receive(peer.From, peer.Message);
                break;
            case PersistedInput persisted:
                _gate.OnPersisted(persisted.Sequence);
                _snapshots.OnPersisted(_gate.Durable);
                break;
            case CommandCancelledInput cancelled:
                _commands.OnClientGone(cancelled.Pending);
                break;
            case HoldAbandonedInput abandoned:
                _commands.OnAnswerUntaken(abandoned);
                break;
            case LinkUpInput up:
                if (_turn.Links.Up(up.Peer, up.Boot))
                {
                    _raft.ReportNewProcess(up.Peer, up.Boot);
                    _commands.Proposer.GiveBack(up.Peer, except: up.Boot);
                }
                _house.Heard(up.Peer);
                _raft.ReportReachable(up.Peer);
                LinkChanged(up.Peer);
                break;
            case LinkDownInput down:
                _turn.Links.Down(down.Peer, isMember: _raft.Configuration.Find(down.Peer) is not null);
                _raft.ReportUnreachable(down.Peer);
                LinkChanged(down.Peer);
                break;
            case ProcessGoneInput gone:
                _raft.ReportProcessGone(gone.Peer);
                break;
            case SnapshotSavedInput saved:
                _snapshots.OnSaved(saved.File);
                break;
            case SnapshotNotSavedInput:
                _snapshots.OnNotSaved();
                break;
            case SnapshotMarkedInput:
                _snapshots.OnMarked();
                break;
            case SnapshotArrivedInput arrived:
                _house.Heard(arrived.Request.From);
                _snapshots.OnArrived(arrived);
                break;
            case SnapshotSentInput sent:
                _snapshots.OnSent(sent);
                _catchUps.OnSent(sent);
                break;
            case MembershipInput membership:
                _changes.Accept(membership.Pending);
                break;
            case TransferInput transfer:
                _transfers.Accept(transfer.Pending);
                break;
            case HashInput hash:
                _hashes.Accept(hash.Pending);
                break;
            case ViewInput view:
                _hashes.Accept(view.Pending);
                break;
            case TimeOfDayInput time:
                _house.TellTime(time.UnixSeconds);
                break;
            case StopInput stop:
                _stop.Start(stop.Pending);
                break;
            default:
                Invariant.Unreachable<int>(input);
                break;
        }
    }

    private void Receive(MemberId from, PeerMessage message)
    {
        _house.Heard(from);
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
                _commands.TakeForwarded(from, forward);
                break;
            case ForwardRefused refused:
                _commands.OnRefused(refused);
                break;
            case ForwardChange change:
                _changes.TakeForwarded(from, change);
                break;
            case ChangeRefused refused:
                _changes.OnRefused(refused);
                break;
            case ForwardTransfer forward:
                _transfers.TakeForwarded(from, forward);
                break;
            case TransferRefused refused:
                _transfers.OnRefused(refused);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    private void LinkChanged(MemberId peer)
    {
        foreach (var desk in _desks)
        {
            desk.LinkChanged(peer);
        }
    }

    private int PassTime(long nowMicros)
    {
        var ticks = _clock.Pass(nowMicros, out var wasPaused);
        if (wasPaused)
        {
            _drift.Restart();
            _catchUpQuestion.Forget();
            _house.HoldExpiry(_turn.Options.ElectionTimeoutMicros);
        }
        return ticks;
    }

    private void ObserveDrift(Message message)
    {
        switch (message)
        {
            case AppendRequest append when append.Term == _raft.Term:
                _drift.Observe(append.Term, append.Clock, _turn.Now);
                break;
            case HeartbeatRequest heartbeat when heartbeat.Term == _raft.Term:
                _drift.Observe(heartbeat.Term, heartbeat.Clock, _turn.Now);
                break;
            default:
                break;
        }
    }

    private void NoticeLeadership()
    {
        if (_raft.Leader == _noticedLeader && _raft.Term == _noticedTerm)
        {
            return;
        }
        _noticedLeader = _raft.Leader;
        _noticedTerm = _raft.Term;
        _turn.StatusIsStale = true;
        foreach (var desk in _desks)
        {
            desk.LeaderChanged();
        }
        if (_turn.Leads)
        {
            _house.BecameLeader();
        }
    }

    private void CountHeld()
    {
        Volatile.Write(ref _logBytes, _raft.LogBytes);
        Volatile.Write(ref _uncommittedBytes, _raft.UncommittedBytes);
    }

    private void SweepWhenDue()
    {
        if (_turn.Now < _turn.NextSweep)
        {
            return;
        }
        _turn.NextSweep = _turn.Now + SweepEveryMicros;
        foreach (var desk in _desks)
        {
            desk.Sweep();
        }
        _house.Sweep();
        _peers.Refresh();
        // Last: it counts what is left.
        _stop.Continue();
        if (_turn.IsStopping || Array.Exists(_desks, desk => desk.IsHurried))
        {
            _turn.NextSweep = _turn.Now + HurriedSweepEveryMicros;
        }
        _turn.StatusIsStale = true;
    }

    private long PlanWake()
    {
        if (_turn.HasBacklog)
        {
            return _turn.Now;
        }
        var wake = Math.Min(_turn.NextSweep, _turn.Now + _clock.MicrosUntilTimeout);
        foreach (var desk in _desks)
        {
            wake = Math.Min(wake, desk.NextDue);
        }
        wake = Math.Min(wake, _house.NextDue);
        return Math.Min(wake, _board.NextDue);
    }
}
