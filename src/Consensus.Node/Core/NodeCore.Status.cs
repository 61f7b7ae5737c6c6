using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

public sealed partial class NodeCore
{
    private bool _statusIsStale = true;
    private bool _membersAreStale;
    private bool _hasCaughtUp;
    private long _lastPublish;
    private RaftRole _publishedRole;

    /// <summary>Has a leader, has once applied all that was committed under it, and is not behind with applying now; while it stops it is not.</summary>
    private bool IsReady()
    {
        if (_stopping || _raft.Leader.IsNone)
        {
            _hasCaughtUp = false;
            return false;
        }
        _hasCaughtUp |= _state.AppliedIndex >= _raft.CommitIndex && _appliedTerm == _raft.Term;
        return _hasCaughtUp && !HasBacklog;
    }

    private void Publish()
    {
        var changedHands = Status.Leader != _raft.Leader || Status.Term != _raft.Term || _publishedRole != _raft.Role;
        // Whoever changed the membership sees it changed here, and so does a read that follows.
        var due = (_statusIsStale && _now - _lastPublish >= PublishEveryMicros) || _membersAreStale || _out.AnsweredChanges.Count > 0;
        if (!changedHands && !due && Status.Ready == IsReady())
        {
            return;
        }
        if (_now - _viewTaken >= _options.RenewViewMicros)
        {
            // Not each time: after a view the next write to each of its nodes copies that node. Nor never: an old view keeps an old state alive.
            FreshenView();
        }
        Status = BuildStatus();
        _publishedRole = _raft.Role;
        _statusIsStale = _membersAreStale = false;
        _lastPublish = _now;
        PublishedVersion++;
    }

    private NodeStatus BuildStatus()
    {
        var announced = _state.ListMembers().ToDictionary(m => m.Id);
        var progress = _raft.GetProgress();
        var members = new List<MemberStatus>();
        foreach (var member in _raft.Configuration.Members)
        {
            announced.TryGetValue(member.Id, out var info);
            members.Add(StatusOf(member, info, progress));
        }
        var leaderName = _raft.Configuration.Find(_raft.Leader)?.Name ?? "";
        return new NodeStatus(
            _options.Cluster,
            _options.Self,
            _options.Name,
            _raft.Role,
            _raft.Term,
            _raft.Leader,
            leaderName,
            _raft.CommitIndex,
            _state.AppliedIndex,
            _raft.FirstIndex,
            _raft.LastIndex,
            _raft.DurableIndex,
            _state.Revision,
            _raft.Clock,
            _state.Hash,
            _state.Counts,
            _snapshot?.Mark.LastIndex ?? LogIndex.Zero,
            _snapshot?.LengthBytes ?? 0,
            0,
            _options.Boot,
            IsReady(),
            members,
            Alarms());
    }

    private MemberStatus StatusOf(Member member, MemberInfo? info, IReadOnlyList<ProgressStatus> progress)
    {
        var isSelf = member.Id == _options.Self;
        LogIndex? match = isSelf ? _raft.DurableIndex : null;
        foreach (var known in progress)
        {
            if (known.Member == member.Id)
            {
                match = known.Match;
            }
        }
        var heardLately = _lastHeard.TryGetValue(member.Id, out var heard) && _now - heard < 2 * _options.ElectionTimeoutMicros;
        return new MemberStatus(
            member.Id,
            member.Name,
            _raft.Configuration.IsVoter(member.Id),
            isSelf,
            member.Id == _raft.Leader,
            info?.ClientUrl ?? (isSelf ? _options.ClientUrl : ""),
            info is { PeerAddress.Length: > 0 } ? info.PeerAddress : member.PeerAddress,
            match,
            isSelf || _links.Contains(member.Id) || heardLately);
    }

    private List<string> Alarms()
    {
        var alarms = new List<string>();
        if (_drift.IsAlarming)
        {
            var parts = _drift.PartsPerThousand;
            alarms.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"this member's clock runs {Math.Abs(parts) / 10}.{Math.Abs(parts) % 10} % {(parts > 0 ? "slower" : "faster")} than the leader's: leases are promised up to 0.5 %; check its time source, and whether its machine is starved or suspended"));
        }
        return alarms;
    }
}
