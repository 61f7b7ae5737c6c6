using Consensus.Primitives;
using Consensus.Raft.Quorum;

namespace Consensus.Raft;

/// <summary>What falls due by time alone. Every deadline is a tick on the count of ticks since the start.</summary>
public sealed partial class RaftNode
{
    private const long Never = long.MaxValue;

    /// <summary>Longest wait that <see cref="TicksUntilNextTimeout"/> gives, in ticks.</summary>
    private const long LongestWait = 60_000;

    private long _now;

    /// <summary>The owner's time of this turn, in microseconds. Nothing is decided by it: it dates what is told of other members.</summary>
    private long _ownersMicros;

    /// <summary>The owner was paused until then: what was on its way meanwhile measures the pause, not the way.</summary>
    private long _pausedUntilMicros;

    private long _leaderHeardMicros;
    private long _leaderRoundTripMicros;
    private long _electionDeadline;
    private long _leaderHeardAt;
    private long _heartbeatDue;
    private long _transferDeadline = Never;

    /// <summary>The leader of this term as this follower knows it: when it was last heard, by the owner's time, and the way to it and back as it says itself; null: not known yet.</summary>
    public (long HeardMicros, long? RoundTripMicros) LeaderContact => (_leaderHeardMicros, _leaderRoundTripMicros > 0 ? _leaderRoundTripMicros : null);

    /// <summary>Tells the owner's time, in microseconds, before the messages of a turn.</summary>
    /// <param name="wasPaused">The owner stood still until now.</param>
    public void ObserveTime(long ownersMicros, bool wasPaused)
    {
        _ownersMicros = ownersMicros;
        if (wasPaused)
        {
            _pausedUntilMicros = ownersMicros;
        }
    }

    /// <summary>Lets protocol time pass. The caller caps late ticks.</summary>
    public void Tick(int ticks)
    {
        Invariant.Require(ticks >= 0, "protocol time never runs backward");
        _now += ticks;
        // A process that starts finds all that its disk holds.
        BoundLog();
        if (Role == RaftRole.Leader)
        {
            TickLeader();
        }
        else
        {
            TickFollower();
        }
    }

    /// <summary>Ticks until something can happen by time alone; the owner need not tick sooner. 0 when something is due.</summary>
    public int TicksUntilNextTimeout()
    {
        var due = Role == RaftRole.Leader
            ? Math.Min(Math.Min(_heartbeatDue, _transferDeadline), CheckQuorumDeadline())
            : Math.Min(_electionDeadline, _leaderGoneDue);
        if (Role == RaftRole.Leader && OwesTheNextTick())
        {
            due = Math.Min(due, _now + 1);
        }
        return (int)Math.Clamp(due - _now, 0, LongestWait);
    }

    private void TickLeader()
    {
        if (CheckQuorumDeadline() <= _now)
        {
            _waitsForDisk = _disk.IsStalled(_now, _options.ElectionTimeoutTicks);
            if (_waitsForDisk)
            {
                CallOnAnother();
            }
            BecomeFollower(Term, MemberId.None);
            return;
        }
        if (_transferDeadline <= _now)
        {
            AbortTransfer();
            ContinueChange();
        }
        if (_heartbeatDue <= _now)
        {
            _heartbeatDue = _now + _options.HeartbeatIntervalTicks;
            foreach (var progress in _progress.All)
            {
                GiveUpLateSnapshot(progress);
                EndCatchUpIfLost(progress);
                SendHeartbeat(progress);
            }
        }
    }

    private void TickFollower()
    {
        ExpireForwardedReads();
        if (_leaderGoneDue <= _now)
        {
            OnLeaderGoneDue();
        }
        else if (_electionDeadline <= _now)
        {
            OnElectionTimeout();
        }
    }

    /// <summary>
    /// When this leader steps down unless it hears more: an election timeout after a quorum was last heard (dissertation §6.2), or after its own
    /// disk last moved while something waits for it (raft-bugs 25: heartbeats alone would keep such a leader for ever).
    /// </summary>
    private long CheckQuorumDeadline()
    {
        var deadline = JointQuorum.Reached(Configuration, new HeardAt(this));
        if (!_disk.IsEmpty)
        {
            deadline = Math.Min(deadline, _disk.ProgressAt);
        }
        return deadline >= Never - _options.ElectionTimeoutTicks ? Never : deadline + _options.ElectionTimeoutTicks;
    }

    /// <summary>Draws the next election timeout from [T, 2T), anew each time so that split votes end. Raft §5.2.</summary>
    private void ResetElectionDeadline() =>
        _electionDeadline = _now + (Role == RaftRole.Follower && IsOnlyVoter
            ? 1
            : _random.Next(_options.ElectionTimeoutTicks, 2L * _options.ElectionTimeoutTicks));

    /// <summary>Nobody else could lead: there is nothing to wait for.</summary>
    private bool IsOnlyVoter =>
        Configuration.Voters.Length == 1 && Configuration.Voters[0] == Self && !Configuration.IsJoint;

    private readonly struct HeardAt(RaftNode node) : IReached
    {
        public long Of(MemberId voter) =>
            voter == node.Self ? Never : node._progress.Find(voter)?.HeardAt ?? long.MinValue;
    }
}
