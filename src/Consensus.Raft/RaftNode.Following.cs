using Consensus.Primitives;

namespace Consensus.Raft;

/// <summary>The follower's side of log replication. Raft §5.3.</summary>
public sealed partial class RaftNode
{
    private void OnAppendRequest(AppendRequest request)
    {
        if (!IsWellFormed(request))
        {
            return;
        }
        HearLeader(request.From);
        _clock.Observe(request.Term, request.Clock);
        if (!MatchesBefore(request))
        {
            RefuseAppend(request);
            return;
        }
        TakeEntries(request);
        var last = request.PreviousIndex + request.Entries.Count;
        CommitIndex = LogIndex.Max(CommitIndex, LogIndex.Min(request.Commit, last));
        if (!request.IsQuiet)
        {
            Acknowledge(request.From, last, request.ReadRound);
        }
    }

    private void OnHeartbeatRequest(HeartbeatRequest request)
    {
        HearLeader(request.From);
        _clock.Observe(request.Term, request.Clock);
        if (request.Commit <= _log.LastIndex)
        {
            CommitIndex = LogIndex.Max(CommitIndex, request.Commit);
        }
        _leaderRoundTripMicros = request.RoundTripMicros;
        SendWhenDurable(new HeartbeatResponse(Self, request.From, Term, request.ReadRound) { SentMicros = request.SentMicros });
    }

    /// <summary>Indexes without a gap, terms that never decrease and are not from the future: anything else was not sent by a leader.</summary>
    private static bool IsWellFormed(AppendRequest request)
    {
        var term = request.PreviousTerm;
        var index = request.PreviousIndex;
        for (var i = 0; i < request.Entries.Count; i++)
        {
            var entry = request.Entries[i];
            if (entry.Index != index.Next || entry.Term < term)
            {
                return false;
            }
            (index, term) = (entry.Index, entry.Term);
        }
        return term <= request.Term;
    }

    /// <summary>The consistency check. What lies below the compaction point is committed here, so it matches any leader's log.</summary>
    private bool MatchesBefore(AppendRequest request) =>
        request.PreviousIndex < _log.FirstIndex.Previous || _log.Holds(request.PreviousIndex, request.PreviousTerm);

    private void RefuseAppend(AppendRequest request)
    {
        var hint = _log.LastWithTermAtMost(LogIndex.Min(request.PreviousIndex, _log.LastIndex), request.PreviousTerm);
        _log.TryGetTerm(hint, out var hintTerm);
        SendWhenDurable(new AppendResponse(Self, request.From, Term, false, request.PreviousIndex, hint, hintTerm, request.ReadRound));
    }

    /// <summary>
    /// Appends what is missing. The log is cut only at a real conflict of terms: a delayed or overlapping request says nothing about entries after its
    /// own (raft-bugs 37).
    /// </summary>
    private void TakeEntries(AppendRequest request)
    {
        var entries = request.Entries;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (entry.Index < _log.FirstIndex)
            {
                continue;
            }
            if (entry.Index <= _log.LastIndex)
            {
                if (_log.Holds(entry.Index, entry.Term))
                {
                    continue;
                }
                TruncateAfter(entry.Index.Previous);
            }
            Append(entry);
        }
    }

    /// <summary>
    /// The whole Ready that it is handed out with, and every earlier one, is durable before it leaves; so is everything up to <paramref name="match"/>.
    /// </summary>
    private void Acknowledge(MemberId leader, LogIndex match, long readRound) =>
        _afterPersist.Add(new AppendResponse(Self, leader, Term, true, match, LogIndex.Zero, Term.Zero, readRound));
}
