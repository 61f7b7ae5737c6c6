using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>
/// The replicated state machine: a pure function from the log to state and outcomes. One owner applies; others read immutable
/// <see cref="StateView"/>s.
/// </summary>
public sealed partial class ReplicatedState
{
    /// <summary>The highest feature level that this version can apply.</summary>
    public const int SupportedFeatureLevel = 0;

    private readonly Limits _limits;
    private readonly CowTree<MemberId, MemberInfo> _members = new();
    private ApplyOutput _output = new();
    private ClusterTime _stamp;
    private RequestId _request;
    private string _principal = "";
    private Identity _identity;
    private ReadOnlyMemory<byte> _fingerprint;
    private Revision _revisionBefore;

    public ReplicatedState(Limits limits) => (_limits, _brief) = (limits, new BriefAnswers(limits));

    public LogIndex AppliedIndex { get; private set; }

    /// <summary>The stamp of the last applied entry.</summary>
    public ClusterTime AppliedStamp { get; private set; }

    public Revision Revision { get; private set; } = Revision.Initial;

    public StateHash Hash { get; private set; } = StateHash.Initial;

    /// <summary>
    /// Applies the next entry (index = <see cref="AppliedIndex"/> + 1, stamp not before the last). A command that does not decode throws: the
    /// node must stop (rule 12). The outcome of the entry's request, and of every waiting request that it settles, is added to
    /// <paramref name="output"/>; a request that starts to wait gets <see cref="LockQueued"/> now and its final outcome later.
    /// </summary>
    public void Apply(in LoggedEntry entry, ApplyOutput output)
    {
        Invariant.Require(entry.Index == AppliedIndex.Next, "entries are applied in order, each once");
        Invariant.Require(entry.Stamp >= AppliedStamp, "stamps never fall along the log");
        AppliedIndex = entry.Index;
        AppliedStamp = entry.Stamp;
        _stamp = entry.Stamp;
        _request = entry.Request;
        _principal = entry.Principal;
        _output = output;
        (_promotions, _own) = (0, null);
        var first = output.Resolutions.Count;
        Hash = Hash.Add(entry.Index.Value).Add(entry.Stamp.Micros);
        if (!entry.IsCommand)
        {
            return;
        }
        Hash = Hash.Add(entry.Payload.Span);
        var revisionBefore = _revisionBefore = Revision;
        var envelope = CommandCodec.Read(entry.Payload);
        _identity = envelope.IdempotencyKey.IsEmpty
            ? default
            : new Identity(entry.Principal, new Key(envelope.IdempotencyKey.Span));
        _fingerprint = envelope.Fingerprint;
        var outcome = AnswerRetry(envelope.Command) ?? Execute(envelope.Command);
        output.Resolutions.Add(new Resolution(entry.Request, outcome));
        Keep(envelope.Command, outcome);
        Invariant.Require(Revision >= revisionBefore, "the revision never falls");
        for (var i = first; i < output.Resolutions.Count; i++)
        {
            var resolution = output.Resolutions[i];
            Hash = Hash.Add(resolution.Request.Sequence).Add(OutcomeDigest.KindOf(resolution.Outcome)).Add(resolution.Outcome.Revision.Value);
            Hash = Hash.Add(OutcomeDigest.DetailOf(resolution.Outcome));
        }
    }

    private Outcome Execute(Command command) => command switch
    {
        PutCommand c => Put(c),
        DeleteCommand c => Delete(c),
        DeletePrefixCommand c => DeletePrefix(c),
        GrantLeaseCommand c => GrantLease(c),
        RenewLeasesCommand c => RenewLeases(c),
        RevokeLeaseCommand c => RevokeLease(c),
        AcquireLockCommand c => AcquireLock(c),
        RenewLockCommand c => RenewLock(c),
        ReleaseLockCommand c => ReleaseLock(c),
        CancelWaitCommand c => CancelWait(c),
        ExpireCommand => Expire(),
        DetachWaitersCommand c => DetachWaiters(c),
        DetachRequestsCommand c => DetachRequests(c),
        AnnounceMemberCommand c => AnnounceMember(c),
        ForgetMemberCommand c => ForgetMember(c),
        AcquireManyCommand c => AcquireMany(c),
        HandOverCommand c => HandOver(c),
        TxnCommand c => Txn(c),
        FenceCommand c => Fence(c),
        ResetFenceCommand c => ResetFence(c),
        CompactCommand c => Compact(c),
        WithdrawCommand c => Withdraw(c),
        _ => Invariant.Unreachable<Outcome>(command),
    };

    private Revision Bump()
    {
        Revision = Revision.Next;
        return Revision;
    }

    private void Resolve(RequestId request, Outcome outcome)
    {
        _output.Objects++;
        _output.Resolutions.Add(new Resolution(request, outcome));
    }

    private Noted AnnounceMember(AnnounceMemberCommand c)
    {
        if (_members.TryGet(c.Member, out var known) && known.Boot != c.Boot)
        {
            DetachAll(c.Member, boot => boot != c.Boot);
        }
        _members.Set(c.Member, new MemberInfo(c.Member, c.Name, c.Boot, c.ClientUrl, c.PeerAddress, c.Version, c.FeatureLevel));
        return new Noted(Revision);
    }

    private Noted ForgetMember(ForgetMemberCommand c)
    {
        DetachAll(c.Member, _ => true);
        _members.Remove(c.Member);
        return new Noted(Revision);
    }

    /// <summary>How much there is of everything, as of now.</summary>
    public StateCounts Counts => new(_keys.Count, _leases.Count, _soleHolds + _holds.Count, _waiters.Count, _kept.Count, _stateBytes)
    {
        Fences = _fences.Count,
        ForgottenKeys = _forgotten.Count,
        BriefAnswers = _brief.Count,
        Changes = _history.Count,
        HistoryBytes = _history.Bytes,
    };

    /// <summary>The members as they announced themselves, as of now. Called by the owner.</summary>
    public IEnumerable<MemberInfo> ListMembers() => _members.Peek().All().Select(static item => item.Value);

    /// <summary>
    /// An immutable view of the present state, cheap to take (no copy; later writes copy what they touch). Called by the owner;
    /// the view may be read by any thread.
    /// </summary>
    public StateView TakeView() => new(
        AppliedIndex,
        AppliedStamp,
        Revision,
        Hash,
        Counts,
        new ViewTables(
            _keys.Freeze(),
            _leases.Freeze(),
            _leaseKeys.Freeze(),
            _leaseHolds.Freeze(),
            _locks.Freeze(),
            _holds.Freeze(),
            _waiters.Freeze(),
            _kept.Freeze(),
            _members.Freeze())
        {
            Fences = _fences.Freeze(),
            Forgotten = _forgotten.Freeze(),
            Brief = _brief.Freeze(),
            History = _history.Freeze(),
            CompactRevision = CompactRevision,
        },
        new ViewCounters(_nextWaiter, _nextFact, _nextKept));
}
