using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>What the rooms of the core share: the present turn's time and output, the Raft core, the applied state, the links. Owned by the loop.</summary>
internal sealed class TurnContext(NodeCoreOptions options, RaftNode raft, AppliedState applied)
{
    /// <summary>After a refusal that the same leader would only repeat, what is queued rests for this long: the new term is heard of meanwhile.</summary>
    public const long RefusedPauseMicros = 20_000;

    /// <summary>What is queued and could not be sent in this turn is looked at again no sooner than after this time.</summary>
    private const long SoonMicros = 1000;

    public NodeCoreOptions Options { get; } = options;

    public RaftNode Raft { get; } = raft;

    public AppliedState Applied { get; } = applied;

    public PeerLinks Links { get; } = new();

    public AnnouncedAddresses Addresses { get; init; } = new([], LogIndex.Zero);

    /// <summary>Of the present turn.</summary>
    public NodeOutput Out { get; set; } = new();

    /// <summary>Loop time in microseconds. It never runs backward.</summary>
    public long Now { get; set; }

    /// <summary>Loop time at which the desks are swept next; whoever cannot wait puts it forward.</summary>
    public long NextSweep { get; set; }

    /// <summary>The process was asked to end.</summary>
    public bool IsStopping { get; set; }

    /// <summary>The status differs from the published one; it is published soon.</summary>
    public bool StatusIsStale { get; set; } = true;

    /// <summary>The membership changed; it is published with this turn, so that whoever changed it, and whoever reads afterwards, sees it changed.</summary>
    public bool MembersAreStale { get; set; }

    public bool Leads => Raft.Role == RaftRole.Leader;

    /// <summary>This member leads, or has a link to the leader: what is queued can go to it.</summary>
    public bool ReachesLeader => Leads || Links.Contains(Raft.Leader);

    /// <summary>
    /// Committed entries wait to be applied. What is judged by the present state waits with them: a renewal, or a member's new boot, may be among them (rule 9).
    /// </summary>
    public bool HasBacklog => Raft.HasCommitted;

    /// <summary>When to look again at something that is queued and rests until <paramref name="restsUntil"/>.</summary>
    public long Soon(long restsUntil) => Math.Max(restsUntil, Now + SoonMicros);

    public void Send(MemberId to, PeerMessage message) => Out.Sends.Add((to, message));

    public void Send(Message message)
    {
        if (message is InstallSnapshotRequest install)
        {
            Out.SendSnapshots.Add(install);
            return;
        }
        Send(message.To, new RaftPeerMessage(message));
    }

    /// <summary>Settles a request. Its caller is told when the output is performed.</summary>
    public void Answer<TAnswer>(PendingRequest<TAnswer> pending, in TAnswer answer)
        where TAnswer : struct
    {
        pending.Settle(answer);
        Out.Answered.Add(pending);
    }
}
