using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft;

/// <summary>A message between two members' Raft cores. <see cref="Term"/> is the sender's current term unless the type says otherwise.</summary>
/// <remarks>
/// What binds an answer to the process that asked, since a member's next process may be there when it comes: votes, and the answers to appends,
/// heartbeats and snapshots, are bound by their term, which only one process ever stands or leads in: its term and vote are durable before it
/// does, and its member's next process starts as a follower in it. Pre-votes ask about a term that is nobody's yet, and followers' reads are asked
/// within somebody else's term: these carry the asker's boot. What the answers say (a term, a vote, entries on a disk) is the answering member's,
/// whichever process of it said so.
/// </remarks>
public abstract record Message(MemberId From, MemberId To, Term Term);

/// <summary>Asks whether a vote would be granted in <see cref="Message.Term"/> (the sender's term + 1), changing nothing. Dissertation §9.6.</summary>
/// <param name="LeaderGone">The sender saw the leader's process refuse a new connection (rule 6).</param>
public sealed record PreVoteRequest(MemberId From, MemberId To, Term Term, LogIndex LastIndex, Term LastTerm, bool LeaderGone) : Message(From, To, Term)
{
    /// <summary>The process that asks.</summary>
    public long Boot { get; init; }
}

/// <param name="Term">When granted the term that was asked for, else the voter's own.</param>
public sealed record PreVoteResponse(MemberId From, MemberId To, Term Term, bool Granted) : Message(From, To, Term)
{
    /// <summary>The process that asked: another one of its member asked for nothing.</summary>
    public long Boot { get; init; }
}

/// <summary>Raft figure 2, RequestVote.</summary>
/// <param name="Disruptive">The candidate may override leader stickiness: leadership is being transferred to it, or its pre-vote showed that the leader's process is gone.</param>
public sealed record VoteRequest(MemberId From, MemberId To, Term Term, LogIndex LastIndex, Term LastTerm, bool Disruptive) : Message(From, To, Term);

public sealed record VoteResponse(MemberId From, MemberId To, Term Term, bool Granted) : Message(From, To, Term);

/// <summary>Raft figure 2, AppendEntries; also carries the leader's clock (rule 1) and read round.</summary>
public sealed record AppendRequest(
    MemberId From,
    MemberId To,
    Term Term,
    LogIndex PreviousIndex,
    Term PreviousTerm,
    IReadOnlyList<Entry> Entries,
    LogIndex Commit,
    ClusterTime Clock,
    long ReadRound) : Message(From, To, Term)
{
    /// <summary>It only tells a commit index: a follower whose log matches has nothing to say to it. A refusal is sent all the same.</summary>
    public bool IsQuiet { get; init; }
}

/// <summary>Answers an append or an installed snapshot.</summary>
/// <param name="Success">The follower's log matches the leader's up to <paramref name="MatchIndex"/>, durably.</param>
/// <param name="MatchIndex">On success the highest matching durable index; on a conflict the request's previous index that was refused.</param>
/// <param name="HintIndex">On a conflict: where the leader may try next at the latest.</param>
/// <param name="HintTerm">On a conflict: the term of the follower's entry at <paramref name="HintIndex"/>, 0 if none.</param>
public sealed record AppendResponse(
    MemberId From,
    MemberId To,
    Term Term,
    bool Success,
    LogIndex MatchIndex,
    LogIndex HintIndex,
    Term HintTerm,
    long ReadRound) : Message(From, To, Term);

/// <param name="Commit">Never above what the follower is known to match.</param>
public sealed record HeartbeatRequest(MemberId From, MemberId To, Term Term, LogIndex Commit, ClusterTime Clock, long ReadRound) : Message(From, To, Term)
{
    /// <summary>The leader's own time when it was sent, in microseconds; means something to that process only, and comes back with the answer.</summary>
    public long SentMicros { get; init; }

    /// <summary>What the leader measured for the way to this follower and back, in microseconds; 0 when it does not know yet.</summary>
    public long RoundTripMicros { get; init; }
}

public sealed record HeartbeatResponse(MemberId From, MemberId To, Term Term, long ReadRound) : Message(From, To, Term)
{
    /// <summary>Of the request that it answers. The term binds it: only one process ever leads in it.</summary>
    public long SentMicros { get; init; }
}

/// <summary>
/// Names the snapshot that the follower needs. The file itself travels beside the messages; the receiving node steps this into
/// its core only when the whole file is on its disk and its checksums hold. Raft §7.
/// </summary>
public sealed record InstallSnapshotRequest(MemberId From, MemberId To, Term Term, SnapshotMark Mark, ClusterTime Clock) : Message(From, To, Term)
{
    /// <summary>With the term it names this transfer. Asked for again after it broke off, it has the same number: what arrived of the file then counts.</summary>
    public long Transfer { get; init; }
}

/// <summary>Tells the target of a leadership transfer to campaign at once. Dissertation §3.10.</summary>
public sealed record TimeoutNowRequest(MemberId From, MemberId To, Term Term) : Message(From, To, Term);

/// <summary>A follower asks the leader for a read index. Dissertation §6.4.</summary>
/// <param name="Context">A number of the process that asks, for this question only.</param>
public sealed record ReadIndexRequest(MemberId From, MemberId To, Term Term, long Context) : Message(From, To, Term)
{
    /// <summary>The process that asks. Its member's next one may ask under the same context while this question is still open.</summary>
    public long Boot { get; init; }
}

/// <param name="Index">Read when applied to here; 0 with <paramref name="Refused"/> when the receiver does not lead.</param>
public sealed record ReadIndexResponse(MemberId From, MemberId To, Term Term, long Context, LogIndex Index, bool Refused) : Message(From, To, Term)
{
    /// <summary>The process that asked: no other one of its member takes the answer.</summary>
    public long Boot { get; init; }
}
