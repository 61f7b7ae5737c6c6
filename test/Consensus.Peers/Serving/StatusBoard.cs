using Consensus.Node;
using Consensus.Primitives;
using Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Consensus.Peers.Serving;

/// <summary>A member as the options of all members name it.</summary>
internal sealed record PeerMember(string Name, System.Net.IPEndPoint Peer)
{
    /// <summary>The name is all that there is to tell members by: data directories have no incarnation here.</summary>
    public MemberId Id { get; } = new(Digest.Of("member", Name));
}

/// <summary>What the library tells of itself, in the words of <c>consensusd</c>. Any thread.</summary>
internal sealed class StatusBoard(
    ClusterId clusterId,
    PeerMember self,
    IReadOnlyList<PeerMember> members,
    long boot,
    RaftCluster cluster,
    WriteAheadLog log,
    AppliedState state,
    TimeProvider time)
{
    /// <summary>What was committed when the log was opened: ready is who has applied that and knows a leader.</summary>
    private readonly long _committedAtStart = log.LastCommittedEntryIndex;

    private readonly long _started = time.GetTimestamp();

    public (long Term, string LeaderName) Leadership => (cluster.Term, Leader?.Name ?? "");

    /// <summary>Null while none is known.</summary>
    public PeerMember? Leader =>
        cluster.Leader is { } leader ? members.FirstOrDefault(member => member.Peer.Equals(leader.EndPoint)) : null;

    /// <summary>Where the leader serves clients, once it has said so in the log.</summary>
    public string? LeaderUrl => Leader is { } leader ? state.Members().FirstOrDefault(member => member.Id == leader.Id)?.ClientUrl : null;

    public NodeStatus Read()
    {
        var view = state.View;
        var leader = Leader;
        var (applied, committed) = (view.AppliedIndex, new LogIndex(log.LastCommittedEntryIndex));
        var told = state.Members();
        return new NodeStatus(
            clusterId,
            self.Id,
            self.Name,
            leader == self ? RaftRole.Leader : RaftRole.Follower,
            new Term(cluster.Term),
            leader?.Id ?? MemberId.None,
            leader?.Name ?? "",
            committed,
            applied,
            new LogIndex(1),
            new LogIndex(log.LastEntryIndex),
            committed,
            view.Revision,
            view.AppliedStamp,
            view.Hash,
            view.Counts,
            LogIndex.Zero,
            SnapshotBytes: 0,
            LogBytes: 0,
            boot,
            Ready: leader is not null && log.LastAppliedIndex >= _committedAtStart && LeaderUrl is not null,
            [.. members.Select(member => new MemberStatus(
                member.Id,
                member.Name,
                IsVoter: true,
                IsSelf: member == self,
                IsLeader: member == leader,
                told.FirstOrDefault(other => other.Id == member.Id)?.ClientUrl ?? "",
                member.Peer.ToString(),
                MatchIndex: null,
                MemberHealth.Unknown))],
            Alarms: [])
        {
            NowMicros = (long)time.GetElapsedTime(_started).TotalMicroseconds,
            // There is no loop that could stand still.
            Loop = new LoopStatus(0, 0, 0, 0, IdleMicros: 0, StallMicros: 1),
        };
    }
}
