using System.Globalization;
using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;

namespace Consensus.Server.Tests.Support;

/// <summary>
/// A node without a log: commands are applied to the real replicated state under one lock, in a cluster time that stands still until it is moved.
/// </summary>
internal sealed class InProcessNode(Limits? limits = null) : IConsensusNode
{
    private static readonly MemberId Self = new(0x51);

    private readonly Lock _guard = new();
    private readonly ReplicatedState _state = new(limits ?? Limits.Default);
    private readonly ApplyOutput _output = new();
    private readonly Dictionary<RequestId, TaskCompletionSource<CommandAnswer>> _waiting = [];
    private readonly List<(Revision MinRevision, TaskCompletionSource<ReadAnswer> Read)> _followers = [];
    private readonly DeterministicRandom _random = new(7);
    private ClusterTime _now = new(1_000_000);
    private LogIndex _index;
    private long _sequence;
    private TaskCompletionSource _policyChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Policy? _told;

    /// <summary>When set, what commands are told instead of being applied.</summary>
    public CommandAnswer? CommandFault { get; set; }

    /// <summary>When set, what reads are told.</summary>
    public ReadAnswer? ReadFault { get; set; }

    /// <summary>Reads are not answered, as while no leader is reached, but given up when their callers are gone.</summary>
    public bool HoldsReads { get; set; }

    /// <summary>It reaches no leader: linearizable reads are told so.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>What happens before the next read is answered, once.</summary>
    public Action? BeforeRead { get; set; }

    /// <summary>Reads that are held.</summary>
    public int ReadsHeld { get; private set; }

    /// <summary>Ids that the next lease requests draw before random ones.</summary>
    public Queue<LeaseId> NextLeaseIds { get; } = [];

    public List<(ObjectName Name, RequestId Request)> Abandoned { get; } = [];

    public List<MemberId> Transfers { get; } = [];

    public List<MembershipChange> Changes { get; } = [];

    /// <summary>What membership changes are told.</summary>
    public MembershipAnswer ChangeAnswer { get; set; } = new(AnswerKind.Done, ChangeVerdict.Appended, "", NotDoneReason.None);

    public List<JoiningMember> Waiting { get; } = [];

    public IReadOnlyList<JoiningMember> Joiners => Waiting;

    /// <summary>What hand-overs of leadership are told.</summary>
    public TransferAnswer TransferAnswer { get; set; } = new(AnswerKind.Done, "", NotDoneReason.None);

    public bool Ready { get; set; } = true;

    /// <summary>When set, the revision of a status that was published before the newest commands were applied.</summary>
    public Revision? StatusRevision { get; set; }

    public string LeaderName { get; set; } = "n1";

    /// <summary>For how long its loop is said not to have turned.</summary>
    public long LoopIdleMicros { get; set; }

    /// <summary>How many commands were applied: to see that nothing was done.</summary>
    public long AppliedCommands { get; private set; }

    public StateView View
    {
        get
        {
            lock (_guard)
            {
                return _state.TakeView();
            }
        }
    }

    public (long Term, string LeaderName) Leadership => (3, LeaderName);

    /// <summary>When set, the policy of this member, which is behind the cluster's; its views are not.</summary>
    public Policy? PolicyBehind { get; set; }

    public Policy Policy
    {
        get
        {
            lock (_guard)
            {
                return PolicyBehind ?? _state.Policy;
            }
        }
    }

    public Task PolicyChangeAsync(Policy known)
    {
        lock (_guard)
        {
            return ReferenceEquals(known, Policy) ? _policyChanged.Task : Task.CompletedTask;
        }
    }

    public NodeStatus Status
    {
        get
        {
            lock (_guard)
            {
                var leader = LeaderName.Length == 0 ? MemberId.None : Self;
                return new NodeStatus(
                    new ClusterId(0xC1),
                    Self,
                    "n1",
                    leader.IsNone ? RaftRole.Follower : RaftRole.Leader,
                    new Term(3),
                    leader,
                    LeaderName,
                    _index,
                    _index,
                    new LogIndex(1),
                    _index,
                    _index,
                    StatusRevision ?? _state.Revision,
                    _now,
                    _state.Hash,
                    _state.TakeView().Counts,
                    LogIndex.Zero,
                    0,
                    4096,
                    9,
                    Ready,
                    [
                        new MemberStatus(Self, "n1", true, true, !leader.IsNone, "http://127.0.0.1:7379", "127.0.0.1:7380", _index, MemberHealth.Healthy),
                        new MemberStatus(new MemberId(0x52), "n2", true, false, false, "http://127.0.0.1:7479", "127.0.0.1:7480", _index, MemberHealth.Silent)
                        {
                            HeardAtMicros = 3_000_000,
                            RoundTripMicros = 412,
                            IsLinked = true,
                        },
                        new MemberStatus(new MemberId(0x53), "n3", false, false, false, "http://127.0.0.1:7579", "127.0.0.1:7580", null, MemberHealth.Unknown),
                    ],
                    ["the disk is nearly full"])
                {
                    NowMicros = 15_500_000,
                    Loop = new LoopStatus(100, 5_000, 400, 300, LoopIdleMicros, 1_000_000),
                };
            }
        }
    }

    public long WaitingRequests
    {
        get
        {
            lock (_guard)
            {
                return _waiting.Count;
            }
        }
    }

    public async ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, CancellationToken aborted)
    {
        if (CommandFault is { } fault)
        {
            return fault;
        }
        Task<CommandAnswer> settled;
        RequestId request;
        lock (_guard)
        {
            request = NextRequest();
            var answered = new TaskCompletionSource<CommandAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting[request] = answered;
            settled = answered.Task;
            Apply(request, envelope);
        }
        await using var registration = aborted.Register(() => CancelWait(envelope.Command, request));
        return await settled;
    }

    public ValueTask<ReadAnswer> ReadAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted)
    {
        var before = BeforeRead;
        BeforeRead = null;
        before?.Invoke();
        lock (_guard)
        {
            if (ReadFault is { } fault)
            {
                return ValueTask.FromResult(fault);
            }
            if (IsCutOff && consistency == ReadConsistency.Linearizable)
            {
                return ValueTask.FromResult(new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NoLeader));
            }
            if (HoldsReads)
            {
                return new ValueTask<ReadAnswer>(HoldAsync(aborted));
            }
            if (_state.Revision < minRevision && consistency == ReadConsistency.Stale)
            {
                var follower = new TaskCompletionSource<ReadAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
                _followers.Add((minRevision, follower));
                return new ValueTask<ReadAnswer>(follower.Task);
            }
            return ValueTask.FromResult(_state.Revision < minRevision
                ? new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady)
                : new ReadAnswer(AnswerKind.Done, _state.TakeView(), NotDoneReason.None));
        }
    }

    private async Task<ReadAnswer> HoldAsync(CancellationToken aborted)
    {
        ReadsHeld++;
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (aborted.Register(gone.SetResult))
        {
            await gone.Task;
        }
        lock (_guard)
        {
            ReadsHeld--;
            return new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.Cancelled);
        }
    }

    public async ValueTask<BackupAnswer> ReadForBackupAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted)
    {
        var (kind, view, reason) = await ReadAsync(consistency, minRevision, aborted);
        var configuration = Configuration.OfVoters([new Member(Self, "n1", "127.0.0.1:7380")]);
        return new BackupAnswer(
            kind, view, view is null ? null : new SnapshotMark(view.AppliedIndex, new Term(3), view.AppliedStamp, configuration), reason);
    }

    /// <summary>Knows the present index only; one that is ahead is never reached.</summary>
    public ValueTask<HashAnswer> HashAtAsync(LogIndex index)
    {
        lock (_guard)
        {
            var (kind, reason) = index == _index ? (AnswerKind.Done, NotDoneReason.None)
                : index < _index ? (AnswerKind.NotDone, NotDoneReason.None)
                : (AnswerKind.NotDone, NotDoneReason.NotReady);
            return ValueTask.FromResult(new HashAnswer(kind, index, _state.Hash, _index, _index, reason));
        }
    }

    /// <summary>As <see cref="HashAtAsync"/>.</summary>
    public ValueTask<ViewAnswer> ViewAtAsync(LogIndex index)
    {
        lock (_guard)
        {
            var isNow = index == _index;
            return ValueTask.FromResult(new ViewAnswer(
                isNow ? AnswerKind.Done : AnswerKind.NotDone, isNow ? _state.TakeView() : null, _index, index > _index ? NotDoneReason.NotReady : NotDoneReason.None));
        }
    }

    /// <summary>Under a key it is left to the test when it is given back.</summary>
    public void Abandon(ObjectName name, RequestId request, bool hasKey)
    {
        lock (_guard)
        {
            Abandoned.Add((name, request));
            if (hasKey)
            {
                return;
            }
            Apply(NextRequest(), new CommandEnvelope(CancelWaitCommand.Of(name, request, CancelReason.Disconnected)));
        }
    }

    public LeaseId NewLeaseId()
    {
        lock (_guard)
        {
            return NextLeaseIds.TryDequeue(out var id) ? id : new LeaseId(1 + _random.Next(long.MaxValue - 1));
        }
    }

    public ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change)
    {
        Changes.Add(change);
        return ValueTask.FromResult(ChangeAnswer);
    }

    public Task<TransferAnswer> TransferLeadershipAsync(MemberId to, CancellationToken cancellation)
    {
        Transfers.Add(to);
        return Task.FromResult(TransferAnswer);
    }

    /// <summary>Lets cluster time pass, and ends what is due as a leader would.</summary>
    public void Advance(TimeSpan time)
    {
        lock (_guard)
        {
            _now = _now.PlusMicros(time.Ticks / TimeSpan.TicksPerMicrosecond);
            while (_state.NextDeadline <= _now)
            {
                Apply(NextRequest(), new CommandEnvelope(new ExpireCommand()));
            }
        }
    }

    /// <summary>Applies what no endpoint asks for: what a leader proposes by itself.</summary>
    public void Propose(Command command)
    {
        lock (_guard)
        {
            Apply(NextRequest(), new CommandEnvelope(command));
        }
    }

    /// <summary>Settles every waiting request as a node does whose connection's member is lost or stops.</summary>
    public void EndWaits(Outcome outcome)
    {
        lock (_guard)
        {
            foreach (var (request, answered) in _waiting)
            {
                answered.TrySetResult(new CommandAnswer(AnswerKind.Done, outcome, NotDoneReason.None, request));
            }
            _waiting.Clear();
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"in-process node at {_index}");

    private void CancelWait(Command command, RequestId request)
    {
        lock (_guard)
        {
            ObjectName[] asked = command switch
            {
                AcquireCommand acquire => [acquire.Object],
                AcquireManyCommand many => [.. many.Names.Select(ObjectName.Lock)],
                _ => [],
            };
            foreach (var name in _waiting.ContainsKey(request) ? asked : [])
            {
                Apply(NextRequest(), new CommandEnvelope(CancelWaitCommand.Of(name, request, CancelReason.Disconnected)));
            }
        }
    }

    private RequestId NextRequest() => new(Self, 1, ++_sequence);

    private void Apply(RequestId request, CommandEnvelope envelope)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, envelope);
        _index = _index.Next;
        AppliedCommands++;
        _output.Clear();
        _state.Apply(new LoggedEntry(_index, _now, true, request, envelope.Principal, writer.ToArray()), _output);
        foreach (var (settled, outcome) in _output.Resolutions)
        {
            if (outcome is not HoldQueued && _waiting.Remove(settled, out var answered))
            {
                answered.TrySetResult(new CommandAnswer(AnswerKind.Done, outcome, NotDoneReason.None, settled));
            }
        }
        if (!ReferenceEquals(_told, _state.Policy))
        {
            _told = _state.Policy;
            _policyChanged.SetResult();
            _policyChanged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        _followers.RemoveAll(follower => follower.MinRevision <= _state.Revision
            && follower.Read.TrySetResult(new ReadAnswer(AnswerKind.Done, _state.TakeView(), NotDoneReason.None)));
    }
}
