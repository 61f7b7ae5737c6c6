using Consensus.Primitives;

namespace Consensus.Raft;

/// <summary>Helping another member to become leader. Raft §5.2, §5.4.1; dissertation §4.2.3 (stickiness), §9.6 (pre-vote).</summary>
public sealed partial class RaftNode
{
    /// <summary>
    /// A leader leads, or was heard within the smallest election timeout, and this member did not itself see its process gone (rule 6): then no
    /// one else is helped.
    /// </summary>
    private bool IsSticky =>
        Role == RaftRole.Leader
        || (!Leader.IsNone && !_leaderGone && _now - _leaderHeardAt < _options.ElectionTimeoutTicks);

    /// <summary>
    /// A voter's configuration may be older than the candidate's, so whoever asks is answered, member or not (Raft §6; dissertation §4.1: a server votes
    /// for candidates that are not in its configuration). Not one whose removal is committed: it can never be elected.
    /// </summary>
    private bool IsGone(MemberId candidate) =>
        _configurations.CurrentIndex <= CommitIndex && Configuration.Removed.Contains(candidate);

    private void OnPreVoteRequest(PreVoteRequest request)
    {
        if (IsGone(request.From))
        {
            return;
        }
        var couldVote = request.Term > Term
            || (request.Term == Term && (_votedFor == request.From || (_votedFor.IsNone && Leader.IsNone)));
        var granted = couldVote
            && !IsSticky
            && _log.IsUpToDate(request.LastIndex, request.LastTerm)
            && !PrefersItself(request);
        if (granted && _leaderGoneDue != Never)
        {
            PostponeLeaderGonePreVote();
        }
        if (granted)
        {
            StandAsideAtStart();
        }
        SendWhenDurable(new PreVoteResponse(Self, request.From, granted ? request.Term : Term, granted) { Boot = request.Boot });
    }

    /// <summary>
    /// Two members that saw the leader's process die at the same moment would help each other into the same term and split its vote. Of two equals
    /// the one with the lower id goes on. Only for a moment, so that a pre-candidate that cannot win keeps nobody back.
    /// </summary>
    private bool PrefersItself(PreVoteRequest request) =>
        Role == RaftRole.PreCandidate
        && _now - _preVoteStartedAt <= _options.LeaderGoneDelayTicks
        && request.Term == Term.Next
        && request.LastTerm == _log.LastTerm
        && request.LastIndex == _log.LastIndex
        && request.From.CompareTo(Self) > 0;

    private void OnVoteRequest(VoteRequest request)
    {
        if (IsGone(request.From))
        {
            return;
        }
        if (request.Term > Term)
        {
            // Only to a voter can leadership have been handed over: a removed member may say so for an old reason.
            if (IsSticky && !(request.Disruptive && Configuration.IsVoter(request.From)))
            {
                // Not even its term is taken: a removed or returning member must not depose a working leader (raft-bugs 23).
                return;
            }
            BecomeFollower(request.Term, MemberId.None);
        }
        var granted = request.Term == Term
            && (_votedFor == request.From || (_votedFor.IsNone && Leader.IsNone))
            && _log.IsUpToDate(request.LastIndex, request.LastTerm);
        var response = new VoteResponse(Self, request.From, Term, granted);
        if (!granted)
        {
            SendWhenDurable(response);
            return;
        }
        _votedFor = request.From;
        BecomeFollower(Term, MemberId.None);
        ResetElectionDeadline();
        _afterPersist.Add(response);
    }
}
