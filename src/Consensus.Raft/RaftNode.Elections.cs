using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Quorum;

namespace Consensus.Raft;

/// <summary>Becoming leader, and ceasing to be: pre-vote (dissertation §9.6), election (Raft §5.2), and the pre-vote after a leader's process died (rule 6).</summary>
public sealed partial class RaftNode
{
    /// <summary>Most pre-votes in a row because the leader's process is gone; then the election timeout decides.</summary>
    private const int MaxLeaderGoneAttempts = 10;

    private bool _leaderGone;
    private long _leaderGoneDue = Never;
    private int _leaderGoneAttempts;
    private long _preVoteStartedAt;
    private bool _waitsForDisk;

    /// <summary>
    /// The link to this member closed and a new connection was refused: its process is gone (rule 6). When it is the present leader a
    /// pre-vote follows after a short random wait.
    /// </summary>
    public void ReportProcessGone(MemberId member)
    {
        if (Role != RaftRole.Follower || member.IsNone || member != Leader || _leaderGone)
        {
            return;
        }
        _leaderGone = true;
        _leaderGoneAttempts = 0;
        _leaderGoneDue = _now + _random.Next(_options.LeaderGoneDelayTicks + 1L);
    }

    /// <summary>
    /// A member that its newest configuration leaves out still stands while that is not known to be committed: it may be the only one that can win
    /// (dissertation §4.2.2). A member whose disk does not move does not stand: it could not lead (raft-bugs 25).
    /// </summary>
    private bool CanCampaign =>
        _configurations.IsVoterSince(CommitIndex, Self) && !IsHeldUpByDisk;

    /// <summary>This member's disk has not finished anything for an election timeout, or has not caught up since: it neither leads nor stands meanwhile.</summary>
    public bool IsHeldUpByDisk => _waitsForDisk || _disk.IsStalled(_now, _options.ElectionTimeoutTicks);

    private void OnElectionTimeout()
    {
        var voteIsOnItsWay = Role == RaftRole.Candidate && !HardStateIsDurable;
        if (voteIsOnItsWay)
        {
            ResetElectionDeadline();
            return;
        }
        if (!CanCampaign)
        {
            BecomeFollower(Term, MemberId.None);
            ResetElectionDeadline();
            return;
        }
        StartPreVote(leaderGone: false);
    }

    private void OnLeaderGoneDue()
    {
        _leaderGoneDue = Never;
        if (!CanCampaign || Role is not (RaftRole.Follower or RaftRole.PreCandidate))
        {
            return;
        }
        if (++_leaderGoneAttempts < MaxLeaderGoneAttempts)
        {
            // Others may not have noticed yet, and deny this one.
            PostponeLeaderGonePreVote();
        }
        StartPreVote(leaderGone: true);
    }

    private void PostponeLeaderGonePreVote()
    {
        var delay = Math.Max(1, _options.LeaderGoneDelayTicks);
        _leaderGoneDue = _now + delay + _random.Next(delay + 1L);
    }

    private void ForgetLeaderGone()
    {
        _leaderGone = false;
        _leaderGoneDue = Never;
    }

    private void StartPreVote(bool leaderGone)
    {
        Role = RaftRole.PreCandidate;
        ChangeLeader(MemberId.None);
        _preVoteStartedAt = _now;
        ResetElectionDeadline();
        _votes.Clear();
        _votes.Record(Self, granted: true);
        if (_votes.Result(Configuration) == VoteResult.Won)
        {
            StartElection(disruptive: false);
            return;
        }
        foreach (var member in Configuration.Members)
        {
            if (member.Id != Self && Configuration.IsVoter(member.Id))
            {
                SendWhenDurable(new PreVoteRequest(Self, member.Id, Term.Next, _log.LastIndex, _log.LastTerm, leaderGone) { Boot = _options.Boot });
            }
        }
    }

    /// <summary>
    /// The new term and the vote for itself must be durable before a request leaves, and before that vote counts (raft-bugs 1, 3).
    /// </summary>
    private void StartElection(bool disruptive)
    {
        Invariant.Require(Term.Value < long.MaxValue, "terms do not run out");
        Term = Term.Next;
        _votedFor = Self;
        Role = RaftRole.Candidate;
        ForgetLeaderGone();
        ChangeLeader(MemberId.None);
        RefuseForwardedReads();
        ResetElectionDeadline();
        _votes.Clear();
        foreach (var member in Configuration.Members)
        {
            if (member.Id != Self && Configuration.IsVoter(member.Id))
            {
                _afterPersist.Add(new VoteRequest(Self, member.Id, Term, _log.LastIndex, _log.LastTerm, disruptive));
            }
        }
    }

    private void OnPreVoteResponse(PreVoteResponse response)
    {
        if (!response.Granted && response.Term > Term)
        {
            BecomeFollower(response.Term, MemberId.None);
            return;
        }
        // The term that a pre-vote asks for becomes nobody's by asking, so an earlier process may have asked for this very one.
        var isOurs = response.Boot == _options.Boot && (!response.Granted || response.Term == Term.Next);
        if (Role != RaftRole.PreCandidate || !isOurs)
        {
            return;
        }
        _votes.Record(response.From, response.Granted);
        switch (_votes.Result(Configuration))
        {
            case VoteResult.Won:
                StartElection(disruptive: false);
                break;
            case VoteResult.Lost:
                Role = RaftRole.Follower;
                break;
            default:
                break;
        }
    }

    /// <summary>In this term already: <see cref="Step"/> ignored older ones and stepped down for newer ones (raft-bugs 4).</summary>
    private void OnVoteResponse(VoteResponse response)
    {
        if (Role == RaftRole.Candidate)
        {
            _votes.Record(response.From, response.Granted);
            CountVotes();
        }
    }

    private void CountOwnVoteIfDurable()
    {
        if (Role == RaftRole.Candidate && HardStateIsDurable)
        {
            Invariant.Require(_votedFor == Self, "a candidate votes for itself");
            _votes.Record(Self, granted: true);
            CountVotes();
        }
    }

    private void CountVotes()
    {
        switch (_votes.Result(Configuration))
        {
            case VoteResult.Won when HardStateIsDurable:
                BecomeLeader();
                break;
            case VoteResult.Lost:
                BecomeFollower(Term, MemberId.None);
                break;
            default:
                break;
        }
    }

    private void BecomeLeader()
    {
        Invariant.Require(Role == RaftRole.Candidate && HardStateIsDurable, "only a candidate with a durable vote becomes leader");
        Role = RaftRole.Leader;
        ChangeLeader(Self);
        _clock.StartLeading(Term, _log.LastStamp);
        _progress.Clear();
        _progress.Follow(Configuration, _log.LastIndex.Next, _now);
        _heartbeatDue = _now + _options.HeartbeatIntervalTicks;
        _uncommittedBytes = _log.BytesAfter(CommitIndex, _log.LastIndex);
        HasCommittedInTerm = false;
        _ledSince = _now;
        // Raft §8 and dissertation §6.4: only an entry of its own term tells a leader what is committed.
        AppendAsLeader(new Proposal(EntryKind.NoOp, RequestId.None, ReadOnlyMemory<byte>.Empty));
    }

    /// <summary>Follows in <paramref name="term"/>, keeping the vote unless the term is new (raft-bugs 2).</summary>
    private void BecomeFollower(Term term, MemberId leader)
    {
        Invariant.Require(term >= Term, "terms never go back");
        var wasFollower = Role == RaftRole.Follower;
        var wasLeader = Role == RaftRole.Leader;
        Role = RaftRole.Follower;
        if (term > Term)
        {
            Term = term;
            _votedFor = MemberId.None;
            ForgetLeaderGone();
            ChangeLeader(MemberId.None);
            RefuseForwardedReads();
        }
        ChangeLeader(leader);
        if (wasLeader)
        {
            RefuseRounds();
            AbortTransfer();
            _progress.Clear();
            HasCommittedInTerm = false;
            _uncommittedBytes = 0;
        }
        if (!wasFollower)
        {
            ResetElectionDeadline();
        }
    }

    private void ChangeLeader(MemberId leader)
    {
        if (Leader != leader)
        {
            Leader = leader;
            RefuseForwardedReads();
        }
    }

    /// <summary>A message of this term's leader arrived: everybody else stands back. Raft §5.2.</summary>
    private void HearLeader(MemberId leader)
    {
        Invariant.Require(Role != RaftRole.Leader, "a term has at most one leader");
        Invariant.Require(Leader.IsNone || Leader == leader, "a term has at most one leader");
        if (Leader != leader)
        {
            _leaderRoundTripMicros = 0;
        }
        BecomeFollower(Term, leader);
        ForgetLeaderGone();
        _standsSoon = false;
        _leaderHeardAt = _now;
        _leaderHeardMicros = _ownersMicros;
        ResetElectionDeadline();
    }
}
