using Consensus.Primitives;
using Consensus.Raft.Quorum;

namespace Consensus.Raft;

/// <summary>
/// The first moments of a process. Members that were all started together would wait for an election time-out though nobody can lead yet. So a member that has not heard of
/// any leader stands a short random time after it reached a majority: pre-vote and stickiness keep it from disturbing a leader that there is (dissertation §9.6).
/// </summary>
public sealed partial class RaftNode
{
    /// <summary>Other members that were linked with before a leader was heard of; null from then on, and once the short wait was drawn.</summary>
    private HashSet<MemberId>? _reachedAtStart = [];

    private bool _standsSoon;

    /// <summary>A link to this member is up.</summary>
    public void ReportReachable(MemberId member)
    {
        if (_reachedAtStart is null || Role != RaftRole.Follower || !Leader.IsNone)
        {
            _reachedAtStart = null;
            return;
        }
        _reachedAtStart.Add(member);
        if (JointQuorum.Reached(Configuration, new ReachedAtStart(this)) == 0)
        {
            return;
        }
        _reachedAtStart = null;
        _standsSoon = true;
        _electionDeadline = Math.Min(_electionDeadline, _now + _random.Next(_options.StartDelayTicks + 1L));
    }

    /// <summary>Whom this member just told that it would vote for it stands now: two at once would split the vote.</summary>
    private void StandAsideAtStart()
    {
        if (_standsSoon && Role == RaftRole.Follower)
        {
            _electionDeadline = Math.Max(_electionDeadline, _now + _options.StartDelayTicks + _random.Next(_options.StartDelayTicks + 1L));
        }
    }

    private readonly struct ReachedAtStart(RaftNode node) : IReached
    {
        public long Of(MemberId voter) => voter == node.Self || node._reachedAtStart!.Contains(voter) ? 1 : 0;
    }
}
