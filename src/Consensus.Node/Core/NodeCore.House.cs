using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>What a member does without being asked: expire, log time, detach, announce itself, time out requests.</summary>
public sealed partial class NodeCore
{
    private const long SweepEveryMicros = 200_000;

    /// <summary>While leadership is handed over or the process stops.</summary>
    private const long HurriedSweepEveryMicros = 5_000;
    private const long PublishEveryMicros = 50_000;

    private readonly DriftMeter _drift = new();
    private readonly Dictionary<MemberId, long> _lastHeard = [];
    private readonly HashSet<MemberId> _detached = [];
    private IReadOnlyList<PeerEndpoint> _peers = [];
    private bool _peersWereTold;
    private Configuration _appliedConfiguration;
    private PendingCommand? _expire;
    private PendingCommand? _announce;
    private bool _announced;
    private long _noExpiryBefore;
    private long _nextSweep;
    private MemberId _noticedLeader;
    private Term _noticedTerm;

    private void Heard(MemberId member)
    {
        _lastHeard[member] = _now;
        _detached.Remove(member);
    }

    private void ObserveDrift(Message message)
    {
        switch (message)
        {
            case AppendRequest append when append.Term == _raft.Term:
                _drift.Observe(append.Term, append.Clock, _now);
                break;
            case HeartbeatRequest heartbeat when heartbeat.Term == _raft.Term:
                _drift.Observe(heartbeat.Term, heartbeat.Clock, _now);
                break;
            default:
                break;
        }
    }

    private void NoticeLeadership()
    {
        if (_raft.Leader == _noticedLeader && _raft.Term == _noticedTerm)
        {
            return;
        }
        _noticedLeader = _raft.Leader;
        _noticedTerm = _raft.Term;
        _statusIsStale = true;
        _queueRestsUntil = 0;
        _readsRestUntil = 0;
        if (_raft.Role == RaftRole.Leader)
        {
            // Renewals that were held up by the election go before any expiry (rule 3).
            _noExpiryBefore = Math.Max(_noExpiryBefore, _now + _options.Raft.HeartbeatIntervalTicks * 1000L);
            _detached.Clear();
            foreach (var member in _raft.Configuration.Members)
            {
                _lastHeard[member.Id] = _now;
            }
        }
    }

    private void KeepHouse(bool moreIsWaiting)
    {
        if (_raft.Leader.IsNone)
        {
            return;
        }
        if (!_announced && _announce is null or { Stage: PendingStage.Answered, Answer.Kind: not AnswerKind.Done } && !_stopping)
        {
            _announce = Internal(new AnnounceMemberCommand(
                _options.Self,
                _options.Name,
                _options.Boot,
                _options.ClientUrl,
                _options.PeerAddress,
                _options.Version,
                ReplicatedState.SupportedFeatureLevel));
        }
        _announced |= _announce is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };
        if (_raft.Role == RaftRole.Leader && _raft.HasCommittedInTerm)
        {
            LogTimeWhenIdle();
            if (!HasBacklog)
            {
                ExpireWhatIsDue(moreIsWaiting);
                CompactWhatIsDue();
            }
        }
    }

    private void ExpireWhatIsDue(bool moreIsWaiting)
    {
        var outstanding = _expire is { Stage: not PendingStage.Answered };
        if (!outstanding && !moreIsWaiting && _now >= _noExpiryBefore && _state.NextDeadline <= _raft.Clock)
        {
            _expire = Internal(new ExpireCommand());
        }
    }

    private void LogTimeWhenIdle()
    {
        if (_state.HasDeadlines && _raft.Clock - _raft.LastStamp >= _options.TimeEntryMicros)
        {
            _raft.Propose(new Proposal(EntryKind.Time, RequestId.None, ReadOnlyMemory<byte>.Empty), out _, out _);
        }
    }

    private void Sweep()
    {
        if (_now < _nextSweep)
        {
            return;
        }
        _nextSweep = _now + SweepEveryMicros;
        SweepCommands();
        SweepReads();
        SweepChanges();
        SweepHashes();
        DetachTheLost();
        ForgetTheRemoved();
        RefreshPeers();
        ContinueTransfers();
        if (_stopping)
        {
            ContinueStop();
        }
        if (_transfers.Count > 0 || _stopping)
        {
            _nextSweep = _now + HurriedSweepEveryMicros;
        }
        _statusIsStale = true;
    }

    /// <summary>
    /// Committed entries wait to be applied. What is judged by the present state waits with them: a renewal, or a member's new boot, may be among them (rule 9).
    /// </summary>
    private bool HasBacklog => _raft.HasCommitted;

    private void DetachTheLost()
    {
        if (_raft.Role != RaftRole.Leader || HasBacklog)
        {
            return;
        }
        foreach (var member in _raft.Configuration.Members)
        {
            if (member.Id == _options.Self
                || !_lastHeard.TryGetValue(member.Id, out var heard)
                || _now - heard < _options.DetachAfterMicros
                || !_detached.Add(member.Id))
            {
                continue;
            }
            var announced = 0L;
            foreach (var known in _state.ListMembers())
            {
                if (known.Id == member.Id)
                {
                    announced = known.Boot;
                    Internal(new DetachWaitersCommand(known.Id, known.Boot));
                }
            }
            if (_links.BootOf(member.Id) is var last && last != 0 && last != announced)
            {
                // It was lost before its announcement was logged, and may have forwarded requests all the same.
                Internal(new DetachWaitersCommand(member.Id, last));
            }
        }
    }

    /// <summary>Addresses live in the log: the configuration's, overridden by what a member announced later (rule 7).</summary>
    private void RefreshPeers()
    {
        var announced = _state.ListMembers().ToDictionary(m => m.Id);
        var peers = new List<PeerEndpoint>();
        foreach (var member in _raft.Configuration.Members)
        {
            if (member.Id != _options.Self)
            {
                var address = announced.TryGetValue(member.Id, out var info) && info.PeerAddress.Length > 0 ? info.PeerAddress : member.PeerAddress;
                peers.Add(new PeerEndpoint(member.Id, member.Name, address));
            }
        }
        KeepForAWhile(peers);
        // Told once even if there are none: until then the links let nobody in, and one who joins a single member is somebody.
        if (!_peersWereTold || !peers.SequenceEqual(_peers))
        {
            _peersWereTold = true;
            _peers = peers;
            _out.Peers = peers;
        }
    }

    private long PlanWake()
    {
        if (HasBacklog)
        {
            return _now;
        }
        var wake = Math.Min(_nextSweep, _now + Math.Max(0, (_raft.TicksUntilNextTimeout() * 1000L) - _tickCarryMicros));
        if (_queued.Count > 0 && (_raft.Role == RaftRole.Leader || _links.Contains(_raft.Leader)))
        {
            wake = Math.Min(wake, Math.Max(_queueRestsUntil, _now + 1000));
        }
        wake = Math.Min(wake, NextChangeDue());
        if (_newReads.Count > 0 && !_raft.Leader.IsNone)
        {
            wake = Math.Min(wake, Math.Max(_readsRestUntil, _now + 1000));
        }
        if (_raft.Role == RaftRole.Leader && _state.HasDeadlines)
        {
            wake = Math.Min(wake, Math.Max(_noExpiryBefore, _now + Math.Max(1000, _state.NextDeadline - _raft.Clock)));
            wake = Math.Min(wake, _now + Math.Max(1000, _options.TimeEntryMicros - (_raft.Clock - _raft.LastStamp)));
        }
        if (_statusIsStale)
        {
            wake = Math.Min(wake, _lastPublish + PublishEveryMicros);
        }
        return wake;
    }
}
