using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Rules;
using Consensus.StateMachine.Snapshots;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>
/// The replicated state machine: a pure function from the log to state and outcomes. One owner applies; others read immutable
/// <see cref="StateView"/>s.
/// </summary>
public sealed class ReplicatedState
{
    /// <summary>The highest feature level that this version can apply.</summary>
    public const int SupportedFeatureLevel = 0;

    private readonly StateTables _tables;
    private readonly Applying _entry = new();

    /// <summary>Of the entries that were applied, and of their outcomes.</summary>
    private StateHash _applied = StateHash.Initial;

    private readonly KeyRules _keys;
    private readonly RetryRules _retries;
    private readonly LeaseRules _leases;
    private readonly AcquireRules _acquires;
    private readonly HolderRules _holders;
    private readonly PermitRules _permits;
    private readonly WaitRules _waits;
    private readonly ExpiryRules _expiry;
    private readonly MemberRules _members;
    private readonly TxnRules _transactions;
    private readonly FenceRules _fences;
    private readonly WithdrawRules _withdrawals;
    private readonly SettleRules _settlements;
    private readonly CompactionRules _compaction;
    private readonly NewClusterRules _newCluster;
    private readonly SettingRules _settings;
    private readonly AccessRules _access;
    private readonly PolicyRules _policies;

    /// <param name="limits">In force until the cluster has its settings; the others for ever.</param>
    public ReplicatedState(Limits limits)
    {
        _tables = new StateTables(limits);
        _access = new AccessRules(_tables, _entry);
        var answers = new HoldAnswers(_tables, _entry, _access);
        _policies = new PolicyRules(_tables, _entry);
        _keys = new KeyRules(_tables, _entry, _access);
        var replays = new AnswerReplays(_tables, _entry, new HoldReplays(_tables, _entry, answers));
        var sessions = new SessionRules(_tables, _entry, replays);
        var shares = new ShareRules(_tables, _entry, _access);
        _retries = new RetryRules(_tables, _entry, replays, sessions, shares);
        var lines = new LineRules(_tables, _entry, _access);
        var holds = new HoldRules(_tables, _entry, _keys, _retries, answers, lines);
        _leases = new LeaseRules(_tables, _entry, holds, _access, shares);
        _waits = new WaitRules(_tables, _entry, holds, lines, _retries, answers);
        _acquires = new AcquireRules(_tables, _entry, holds, lines, _waits, answers, shares);
        _holders = new HolderRules(_tables, holds, lines, _leases, answers, _access);
        _permits = new PermitRules(_tables, _entry, holds);
        _expiry = new ExpiryRules(_tables, _entry, holds, _waits, new SweepRules(_tables, _entry, holds, _waits, _access));
        _settings = new SettingRules(_tables);
        _members = new MemberRules(_tables, _waits, _settings, _policies);
        _transactions = new TxnRules(_tables, _entry, _keys, _retries);
        _fences = new FenceRules(_tables, _entry, _retries, _access);
        _withdrawals = new WithdrawRules(_tables, _entry, holds, _waits);
        _settlements = new SettleRules(_tables, sessions, _waits, replays);
        _compaction = new CompactionRules(_tables, _entry);
        _newCluster = new NewClusterRules(_tables, holds);
    }

    /// <summary>Who may do what, by what is applied.</summary>
    public Policy Policy => _tables.Policies.Compiled;

    public LogIndex AppliedIndex { get; private set; }

    /// <summary>The stamp of the last applied entry.</summary>
    public ClusterTime AppliedStamp { get; private set; }

    public Revision Revision => _tables.Revision;

    /// <summary>The last revision of the history that is forgotten; 0 when nothing is.</summary>
    public Revision CompactRevision => _tables.History.CompactRevision;

    /// <summary>Of everything that was applied and of what came of it, and of all that the tables hold now.</summary>
    public StateHash Hash => HashOf(_applied, _tables.Digest);

    /// <summary>The bounds in force, with what is set of them.</summary>
    public Limits Limits => _tables.Limits;

    /// <summary>How much there is of everything, as of now.</summary>
    public StateCounts Counts => _tables.Counts;

    /// <summary>
    /// The earliest deadline of a lease, a wait, a hold or a lock delay; the present where an entry left something over, to grant or to
    /// detach; <see cref="ClusterTime.Never"/> when there is none.
    /// </summary>
    public ClusterTime NextDeadline
    {
        get
        {
            var next = _expiry.NextDeadline;
            return (_tables.Objects.HasUnsettled || !_tables.Detaching.IsEmpty || _tables.Policies.IsSweeping) && AppliedStamp < next
                ? AppliedStamp
                : next;
        }
    }

    /// <summary>True while anything lives by cluster time: an idle leader then logs a time entry once a second (rule 1).</summary>
    public bool HasDeadlines => _expiry.HasDeadlines;

    /// <summary>
    /// Applies the next entry (index = <see cref="AppliedIndex"/> + 1, stamp not before the last). A command that does not decode throws: the
    /// node must stop (rule 12). The outcome of the entry's request, and of every waiting request that it settles, is added to
    /// <paramref name="output"/>; a request that starts to wait gets <see cref="HoldQueued"/> now and its final outcome later.
    /// </summary>
    public void Apply(in LoggedEntry entry, ApplyOutput output)
    {
        Invariant.Require(entry.Index == AppliedIndex.Next, "entries are applied in order, each once");
        Invariant.Require(entry.Stamp >= AppliedStamp, "stamps never fall along the log");
        AppliedIndex = entry.Index;
        AppliedStamp = entry.Stamp;
        _entry.Begin(entry.Stamp, entry.Request, _tables.Actors.Of(entry.Principal), output);
        var first = output.Resolutions.Count;
        _applied = _applied.Add(entry.Index.Value).Add(entry.Stamp.Micros);
        if (!entry.IsCommand)
        {
            return;
        }
        _applied = _applied.Add(entry.Payload.Span);
        var revisionBefore = Revision;
        var command = CommandCodec.Read(entry.Payload, out var identity);
        _entry.Begin(identity, revisionBefore);
        if (_access.RefuseRevoked(command) is { } revoked)
        {
            // Nothing is kept of it: the identity may be that of somebody whose credential is believed.
            output.Resolutions.Add(new Resolution(entry.Request, revoked));
        }
        else
        {
            var outcome = _retries.AnswerRetry(command) ?? Forbid(command) ?? Execute(command);
            output.Resolutions.Add(new Resolution(entry.Request, outcome));
            _retries.Keep(command, outcome);
        }
        _compaction.ForgetBeyondBound();
        Invariant.Require(Revision >= revisionBefore, "the revision never falls");
        for (var i = first; i < output.Resolutions.Count; i++)
        {
            var resolution = output.Resolutions[i];
            _applied = _applied.Add(resolution.Request.Sequence).Add(OutcomeDigest.KindOf(resolution.Outcome)).Add(resolution.Outcome.Revision.Value);
            _applied = _applied.Add(OutcomeDigest.DetailOf(resolution.Outcome));
        }
    }

    /// <summary>The refusal of what may not be done; null when it may.</summary>
    private Forbidden? Forbid(Command command)
    {
        var forbidden = _access.Refuse(command);
        if (forbidden is not null)
        {
            _waits.ForbidOwn();
        }
        return forbidden;
    }

    private Outcome Execute(Command command) => command switch
    {
        PutCommand c => _keys.Put(c),
        DeleteCommand c => _keys.Delete(c),
        DeletePrefixCommand c => _keys.DeletePrefix(c),
        GrantLeaseCommand c => _leases.Grant(c),
        RenewLeasesCommand c => _leases.Renew(c),
        RevokeLeaseCommand c => _leases.Revoke(c),
        AcquireCommand c => _acquires.Acquire(c),
        RenewHoldCommand c => _holders.Renew(c),
        ReleaseHoldCommand c => _holders.Release(c),
        CancelWaitCommand c => _waits.Cancel(c),
        ExpireCommand => _expiry.Expire(),
        NoteLeaderlessCommand c => NoteLeaderless(c),
        DetachWaitersCommand c => _waits.Detach(c),
        DetachRequestsCommand c => _waits.Detach(c),
        AnnounceMemberCommand c => _members.Announce(c),
        ForgetMemberCommand c => _members.Forget(c),
        AcquireManyCommand c => _acquires.AcquireMany(c),
        HandOverCommand c => _holders.HandOver(c),
        ChangePermitsCommand c => _permits.Change(c),
        TxnCommand c => _transactions.Do(c),
        FenceCommand c => _fences.Raise(c),
        ResetFenceCommand c => _fences.Reset(c),
        CompactCommand c => _compaction.Compact(c),
        WithdrawCommand c => _withdrawals.Withdraw(c),
        PutSettingCommand c => _settings.Put(c),
        PolicyCommand c => _policies.Do(c),
        ForgetTokensCommand c => _policies.Forget(c),
        SettleCommand c => _settlements.Settle(c),
        _ => Invariant.Unreachable<Outcome>(command),
    };

    private Noted NoteLeaderless(NoteLeaderlessCommand c)
    {
        _tables.Outages.Add(new Outage(c.At, c.Micros));
        return new Noted(Revision);
    }

    /// <summary>
    /// The revision up to which history is to be forgotten by now: what is older than <see cref="Limits.HistoryKeepMicros"/>, and the oldest while all
    /// takes more than <see cref="Limits.MaxHistoryBytes"/>. Null when nothing is due yet.
    /// </summary>
    /// <param name="now">In cluster time.</param>
    /// <param name="moreIsDue">One entry does not take it all: ask again once it is applied.</param>
    public Revision? CompactionDue(ClusterTime now, out bool moreIsDue) => _compaction.Due(now, out moreIsDue);

    /// <summary>Whether a token ended so long ago that a <see cref="ForgetTokensCommand"/> forgets it. Looks at all of them.</summary>
    /// <param name="now">In seconds since 1970.</param>
    public bool HasTokensToForget(long now) => _tables.Policies.TokensEndedBefore(now - Limits.EndedTokenKeepSeconds, 1).Count > 0;

    /// <summary>
    /// Ends all waits, leases and holds, with the keys that were tied to them; forgets the members and the past; and raises the revision to at least
    /// max(present + 2^32, <paramref name="unixSeconds"/> × 2^20). Keys, fences, settings, what was released or lost, and stored results of requests stay.
    /// </summary>
    /// <param name="unixSeconds">Of the restore, since 1970.</param>
    /// <param name="endTokens">No token is good any more; roles and principals stay.</param>
    public NewClusterLosses BeginNewCluster(long unixSeconds, bool endTokens = false)
    {
        _entry.Begin(AppliedStamp, RequestId.None, Actor.Nobody, new ApplyOutput());
        var losses = _newCluster.Begin(unixSeconds, endTokens);
        _applied = _applied.Add(Revision.Value);
        return losses;
    }

    /// <summary>
    /// Whether an acquire that is logged now would only stand in line, and would still do so if so many commands each freed its object for
    /// one who stands there already. A hint for whoever has time: it looks at what is applied, and apply alone judges. O(log n).
    /// </summary>
    public bool WouldStandInLine(CommandEnvelope asked, long onTheWay) => _acquires.WouldStandInLine(asked, onTheWay);

    /// <summary>The members as they announced themselves, as of now. Called by the owner.</summary>
    public IEnumerable<MemberInfo> ListMembers() => _tables.Members.All();

    /// <summary>
    /// True while this very request has the hold that it was granted, and nobody else was told of it. As of now; called by the owner.
    /// </summary>
    public bool IsHeldBy(ObjectName name, RequestId request) => _tables.Holds.Find(name, _tables.Objects[name], request) is not null;

    /// <summary>
    /// An immutable view of the present state, cheap to take (no copy; later writes copy what they touch). Called by the owner;
    /// the view may be read by any thread.
    /// </summary>
    public StateView TakeView() => new(AppliedIndex, AppliedStamp, Revision, _applied, _tables.Digest, Counts, _tables.Freeze(), _tables.Counters);

    /// <summary>
    /// Throws <see cref="InvariantViolationException"/> unless every table agrees with its indexes and with what others count of it. Takes time by all that there is: for tests
    /// and simulations. Called by the owner.
    /// </summary>
    public void Verify() => _tables.Verify();

    /// <summary>
    /// Rebuilds the state from a snapshot written by <see cref="SnapshotWriter"/>. Throws <see cref="Primitives.Wire.WireFormatException"/> when it is damaged
    /// or of a format that this version does not know.
    /// </summary>
    public static ReplicatedState Restore(Limits limits, ISnapshotSource source)
    {
        var state = new ReplicatedState(limits);
        var meta = SnapshotReader.Read(source, state._tables);
        (state.AppliedIndex, state.AppliedStamp, state._applied) = (meta.AppliedIndex, meta.AppliedStamp, meta.Applied);
        state._tables.Expired.Begin(meta.AppliedStamp);
        return state;
    }

    internal static StateHash HashOf(StateHash applied, StateHash tables) => applied.Add((long)tables.Value);
}
