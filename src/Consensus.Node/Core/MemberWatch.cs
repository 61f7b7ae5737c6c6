using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Judges how the other members do. The leader knows it of all of them by what they acknowledge, a follower of its leader; of the rest nobody knows anything, which is never taken
/// for health: a link that stands says only that a process is there.
/// </summary>
internal sealed class MemberWatch(long electionTimeoutMicros)
{
    /// <summary>What is older than this is not "lately"; the status is looked at several times within it.</summary>
    private readonly long _lately = Math.Max(electionTimeoutMicros, 500_000);

    private readonly Dictionary<MemberId, Followed> _followed = [];
    private Term _term;

    /// <summary>On the leader, each time that a status is made.</summary>
    public void Look(Term term, LogIndex commit, IReadOnlyList<ProgressStatus> progress, long now)
    {
        if (term != _term)
        {
            _followed.Clear();
            _term = term;
        }
        foreach (var gone in _followed.Keys.Where(member => !progress.Any(known => known.Member == member)).ToList())
        {
            _followed.Remove(gone);
        }
        foreach (var known in progress)
        {
            if (!_followed.TryGetValue(known.Member, out var followed))
            {
                _followed.Add(known.Member, followed = new Followed(commit, now));
            }
            followed.Look(known.Match, commit, now);
        }
    }

    /// <summary>Of a member that this leader follows.</summary>
    public MemberHealth JudgeFollower(in ProgressStatus known, long now)
    {
        var followed = _followed[known.Member];
        if (known.HeardMicros is not { } heard)
        {
            return now - followed.Since <= _lately ? MemberHealth.Unknown : MemberHealth.Silent;
        }
        if (now - heard > _lately)
        {
            return MemberHealth.Silent;
        }
        if (followed.LevelAt is { } level && now - level <= _lately)
        {
            return MemberHealth.Healthy;
        }
        // A snapshot on its way moves no index until it is there.
        return now - followed.MovedAt <= _lately || known.State == ProgressState.Snapshot ? MemberHealth.Behind : MemberHealth.NotAcknowledging;
    }

    /// <summary>Of the leader that this member follows.</summary>
    public MemberHealth JudgeLeader(long heardMicros, long now) => now - heardMicros <= _lately ? MemberHealth.Healthy : MemberHealth.Silent;

    /// <summary>Whether one follower's durable log keeps reaching what was committed a short time before.</summary>
    private sealed class Followed(LogIndex commit, long now)
    {
        private LogIndex _goal = commit;
        private LogIndex _match;

        public long Since { get; } = now;

        /// <summary>When its match index moved last.</summary>
        public long MovedAt { get; private set; } = now;

        /// <summary>When it was last seen to have reached everything that was committed at an earlier look; null: never.</summary>
        public long? LevelAt { get; private set; }

        public void Look(LogIndex match, LogIndex commit, long now)
        {
            if (match != _match)
            {
                (_match, MovedAt) = (match, now);
            }
            if (match >= _goal)
            {
                (_goal, LevelAt) = (commit, now);
            }
        }
    }
}
