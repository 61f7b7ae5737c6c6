using Consensus.Primitives;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>Leadership transfer. Dissertation §3.10.</summary>
public sealed partial class RaftNode
{
    /// <summary>Hands leadership over; <see cref="MemberId.None"/> picks the voter that is furthest. False when this member does not lead or the target cannot take it. Dissertation §3.10.</summary>
    public bool TransferLeadership(MemberId to)
    {
        if (Role != RaftRole.Leader)
        {
            return false;
        }
        var target = to.IsNone ? FurthestVoter() : _progress.Find(to);
        if (target is null || !Configuration.IsVoter(target.Member))
        {
            return false;
        }
        if (TransferTarget != target.Member)
        {
            TransferTarget = target.Member;
            _transferDeadline = _now + _options.ElectionTimeoutTicks;
            HandOverIfCaughtUp(target);
        }
        return true;
    }

    /// <summary>Members that were heard within an election timeout first, then the longest log, then who was heard last, then the lowest id.</summary>
    private Progress? FurthestVoter()
    {
        Progress? best = null;
        foreach (var progress in _progress.All)
        {
            if (Configuration.IsVoter(progress.Member) && (best is null || IsBetterTarget(progress, best)))
            {
                best = progress;
            }
        }
        return best;
    }

    private bool IsBetterTarget(Progress one, Progress other)
    {
        var oneIsActive = _now - one.HeardAt < _options.ElectionTimeoutTicks;
        var otherIsActive = _now - other.HeardAt < _options.ElectionTimeoutTicks;
        if (oneIsActive != otherIsActive)
        {
            return oneIsActive;
        }
        return one.Match != other.Match ? one.Match > other.Match : one.HeardAt > other.HeardAt;
    }

    /// <summary>The target holds everything, durably, and nothing is appended meanwhile: it can win.</summary>
    private void HandOverIfCaughtUp(Progress progress)
    {
        if (Role == RaftRole.Leader && progress.Member == TransferTarget && progress.Match == _log.LastIndex)
        {
            _messages.Add(new TimeoutNowRequest(Self, progress.Member, Term));
        }
    }

    /// <summary>This leader's own disk does not move: whoever is furthest shall stand now, and need not wait an election timeout for a leader that has given up.</summary>
    private void CallOnAnother()
    {
        if (FurthestVoter() is { } next && _now - next.HeardAt < _options.ElectionTimeoutTicks)
        {
            _messages.Add(new TimeoutNowRequest(Self, next.Member, Term));
        }
    }

    private void AbortTransfer()
    {
        TransferTarget = MemberId.None;
        _transferDeadline = Never;
    }

    private void OnTimeoutNowRequest(TimeoutNowRequest request)
    {
        if (Role == RaftRole.Follower && request.From == Leader && CanCampaign)
        {
            StartElection(disruptive: true);
        }
    }
}
