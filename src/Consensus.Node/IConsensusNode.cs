using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.Node;

/// <summary>What is known of a request's effect (rule 19).</summary>
public enum AnswerKind
{
    /// <summary>It was applied; <see cref="CommandAnswer.Outcome"/> says with what result.</summary>
    Done,

    /// <summary>It had no effect and never will.</summary>
    NotDone,

    /// <summary>It may or may not take effect.</summary>
    Unknown,
}

public enum NotDoneReason
{
    None,

    /// <summary>No leader was known within the time allowed. 503 no-leader.</summary>
    NoLeader,

    /// <summary>This member is still starting, or stopping. 503 not-ready.</summary>
    NotReady,

    /// <summary>Too much is waiting. 429.</summary>
    TooManyRequests,

    /// <summary>The caller went away first.</summary>
    Cancelled,
}

/// <param name="Request">Under which identity the command was logged: for <see cref="IConsensusNode.Abandon"/>.</param>
public readonly record struct CommandAnswer(AnswerKind Kind, Outcome? Outcome, NotDoneReason Reason, RequestId Request);

/// <param name="View">Null unless <see cref="Kind"/> is done.</param>
public readonly record struct ReadAnswer(AnswerKind Kind, StateView? View, NotDoneReason Reason);

/// <summary>A state to take away whole, as a backup.</summary>
/// <param name="View">Null unless <paramref name="Kind"/> is done; as is <paramref name="Mark"/>, its place in the log.</param>
public readonly record struct BackupAnswer(AnswerKind Kind, StateView? View, SnapshotMark? Mark, NotDoneReason Reason);

/// <summary>The hash of this member's state at one index. Not done without a reason: it is not known any more.</summary>
/// <param name="Oldest">The oldest index whose hash is known here.</param>
/// <param name="Newest">What this member has applied.</param>
public readonly record struct HashAnswer(AnswerKind Kind, LogIndex Index, StateHash Hash, LogIndex Oldest, LogIndex Newest, NotDoneReason Reason);

/// <summary>This member's state at exactly one index. Not done without a reason: it has applied more than that already.</summary>
/// <param name="View">Null unless <paramref name="Kind"/> is done.</param>
/// <param name="Newest">What this member has applied.</param>
public readonly record struct ViewAnswer(AnswerKind Kind, StateView? View, LogIndex Newest, NotDoneReason Reason);

/// <summary>What became of a membership change.</summary>
/// <param name="Verdict">Why nothing was done, unless <paramref name="Reason"/> says it; on done whether there was anything to do.</param>
/// <param name="Sentence">For an operator: why the leader refused it; else empty.</param>
public readonly record struct MembershipAnswer(AnswerKind Kind, ChangeVerdict Verdict, string Sentence, NotDoneReason Reason);

/// <summary>What became of a hand-over of leadership. Done: it is where it was asked to be.</summary>
/// <param name="Sentence">For an operator: why it was not done, unless <paramref name="Reason"/> says it; else empty.</param>
public readonly record struct TransferAnswer(AnswerKind Kind, string Sentence, NotDoneReason Reason);

public enum ReadConsistency
{
    Linearizable,
    Stale,
}

/// <summary>How a member does, as the answering one knows it.</summary>
public enum MemberHealth
{
    /// <summary>The answering member cannot know: only the leader does, and a follower of its leader.</summary>
    Unknown,

    /// <summary>It acknowledged lately, and what was committed a moment ago is on its disk.</summary>
    Healthy,

    /// <summary>It acknowledges, and its log is still on the way to what is committed.</summary>
    Behind,

    /// <summary>It answers, and its log stands still while it lacks what is committed.</summary>
    NotAcknowledging,

    /// <summary>It has not answered for an election time-out.</summary>
    Silent,

    /// <summary>Of the answering member itself: it knows no leader, has no link to it, or has not applied what is committed.</summary>
    NotReady,
}

/// <param name="MatchIndex">The last log index known to be on its disk; null where the answering member does not know.</param>
public sealed record MemberStatus(
    MemberId Id,
    string Name,
    bool IsVoter,
    bool IsSelf,
    bool IsLeader,
    string ClientUrl,
    string PeerAddress,
    LogIndex? MatchIndex,
    MemberHealth Health)
{
    /// <summary>Loop time at which it last acknowledged something, or, of the leader, was heard; null where the answering member does not know.</summary>
    public long? HeardAtMicros { get; init; }

    /// <summary>The way to it and back, in microseconds, smoothed; null where the answering member does not know.</summary>
    public long? RoundTripMicros { get; init; }

    /// <summary>The answering member has a link to it; true of itself.</summary>
    public bool IsLinked { get; init; }
}

/// <summary>A consistent picture of this member, made on the loop and republished as it changes.</summary>
/// <param name="Ready">Has a leader and has applied what was committed when it learned of it.</param>
/// <param name="Alarms">One sentence each; empty when all is well.</param>
public sealed record NodeStatus(
    ClusterId Cluster,
    MemberId Self,
    string Name,
    RaftRole Role,
    Term Term,
    MemberId Leader,
    string LeaderName,
    LogIndex CommitIndex,
    LogIndex AppliedIndex,
    LogIndex FirstIndex,
    LogIndex LastIndex,
    LogIndex DurableIndex,
    Revision Revision,
    ClusterTime ClusterTime,
    StateHash Hash,
    StateCounts Counts,
    LogIndex SnapshotIndex,
    long SnapshotBytes,
    long LogBytes,
    long Boot,
    bool Ready,
    IReadOnlyList<MemberStatus> Members,
    IReadOnlyList<string> Alarms)
{
    /// <summary>Loop time of this moment, to which <see cref="MemberStatus.HeardAtMicros"/> is to be compared.</summary>
    public long NowMicros { get; init; }

    /// <summary>Flushes of the log since the process started: one fdatasync for all that waited.</summary>
    public long LogFlushes { get; init; }

    /// <summary>How the loop does at this moment, which is the one thing here that the loop does not have to turn for.</summary>
    public LoopStatus Loop { get; init; }
}

/// <summary>How the loop of a member does. Times in microseconds; stops of the runtime are not counted as a turn's.</summary>
/// <param name="Turns">Since the process started, as are all but the last.</param>
/// <param name="TurnMicros">Spent in turns, all together.</param>
/// <param name="LongestTurnMicros">The longest single turn.</param>
/// <param name="LongestDelayMicros">The longest time by which a turn came later than it was due.</param>
/// <param name="IdleMicros">Since the last turn ended; a loop that is well turns several times a second.</param>
/// <param name="StallMicros">A loop that has been idle for longer than this does not do what the others count on: an election time-out.</param>
public readonly record struct LoopStatus(
    long Turns, long TurnMicros, long LongestTurnMicros, long LongestDelayMicros, long IdleMicros, long StallMicros)
{
    /// <summary>The longest time for which the runtime stopped all threads from the begin of one turn to that of the next.</summary>
    public long LongestStopMicros { get; init; }

    /// <summary>Turns that were longer than 20 ms.</summary>
    public long LongTurns { get; init; }

    /// <summary>
    /// The most that one turn applied, in units that are worth about a microsecond (rule 9): its length but for what else the machine did.
    /// </summary>
    public long MostUnits { get; init; }
}

/// <summary>What the server's endpoints see of the node. Every method may be called by any thread.</summary>
public interface IConsensusNode
{
    /// <summary>The latest published status; cheap.</summary>
    NodeStatus Status { get; }

    /// <summary>Term and leader name for answers' headers; cheaper than <see cref="Status"/>.</summary>
    (long Term, string LeaderName) Leadership { get; }

    /// <summary>Cluster and cluster time for answers' bodies, as in <see cref="Status"/>; cheaper than that.</summary>
    (ClusterId Cluster, ClusterTime Now) Moment
    {
        get
        {
            var status = Status;
            return (status.Cluster, status.ClusterTime);
        }
    }

    /// <summary>Who may do what, by the newest that this member has applied; cheap. As new as any view that it has given.</summary>
    Policy Policy { get; }

    /// <summary>Ends once this member's policy is another than the one that is known. It may take for ever.</summary>
    Task PolicyChangeAsync(Policy known);

    /// <summary>What this member holds for others, thing by thing, each with its bound.</summary>
    IReadOnlyList<HeldBytes> Held => [];

    /// <summary>
    /// Has a command logged, on whichever member leads, and waits for its outcome: at most about five seconds, plus the wait that an
    /// acquire asks for. Never hangs (rule 20). A lock request that has to wait is answered when it is settled.
    /// </summary>
    /// <param name="aborted">The caller's connection closed: a waiting lock request is cancelled in the log (rule 18).</param>
    ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, CancellationToken aborted);

    /// <summary>
    /// A view to read from: linearizable by a read-index round, or the local copy; and in both cases not before
    /// <paramref name="minRevision"/> is applied here (rule 29).
    /// </summary>
    /// <param name="aborted">The caller does not wait any more: the read is given up, and answered as cancelled.</param>
    ValueTask<ReadAnswer> ReadAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted);

    /// <summary>As <see cref="ReadAsync"/>, with the view's place in the log.</summary>
    ValueTask<BackupAnswer> ReadForBackupAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted);

    /// <summary>
    /// The hash that this member's state had when it had applied everything up to <paramref name="index"/>; waits for that, at most about five seconds. The newest 65,536 are
    /// known, since the process started or was sent a snapshot.
    /// </summary>
    ValueTask<HashAnswer> HashAtAsync(LogIndex index);

    /// <summary>
    /// A view of this member's state when it had applied everything up to <paramref name="index"/> and no more; waits for that, at most about five seconds. There is none of an
    /// index that is passed: a view is taken in the moment or never.
    /// </summary>
    ValueTask<ViewAnswer> ViewAtAsync(LogIndex index);

    /// <summary>
    /// A hold was granted but no byte of the answer could be written (rule 18): it is given back, unless it is a session's, of which that is noted. Of several granted together, each.
    /// </summary>
    /// <param name="hasKey">It was asked for under an idempotency key, which finds it for 10 s yet: it is given back after that.</param>
    void Abandon(ObjectName name, RequestId request, bool hasKey);

    /// <summary>A random lease id (rule 17).</summary>
    LeaseId NewLeaseId();

    /// <summary>
    /// Has the leader change the membership and waits until the change is over: its last configuration is committed and applied here. One at a time.
    /// A leader that is to be removed hands leadership over first, where it can. Answers within about five seconds (rule 20).
    /// </summary>
    ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change);

    /// <summary>
    /// Processes started with <c>--join</c> that wait to be added, at most one of each name, in order of names: what a new member's id and address are
    /// known from. Each asks every member that it knows of once a second; who has not asked for 15 s is not listed any more.
    /// </summary>
    IReadOnlyList<JoiningMember> Joiners { get; }

    /// <summary>
    /// Has the leader hand leadership to a voter, or to the one whose log is furthest (<see cref="MemberId.None"/>). Done at once when that member leads already.
    /// Answers within about five seconds and two election timeouts.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller stopped waiting; the hand-over goes on.</exception>
    Task<TransferAnswer> TransferLeadershipAsync(MemberId to, CancellationToken cancellation);
}
