using Consensus.Node.Ports;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Whether a member takes a snapshot that somebody wants to send, judged by what it has published of itself: before a byte of it takes room on its disk. What the core
/// makes of the file when it is here is the core's own judgement.
/// </summary>
public static class SnapshotAdmission
{
    /// <summary>Null when it is taken.</summary>
    public static SnapshotRejection? Judge(NodeStatus here, InstallSnapshotRequest request)
    {
        if (request.Mark.LastIndex <= here.AppliedIndex)
        {
            return new SnapshotRejection(SnapshotRefusal.NotNeeded, $"{here.Name} has applied everything up to index {here.AppliedIndex}");
        }
        if (request.Term < here.Term)
        {
            return new SnapshotRejection(SnapshotRefusal.StaleTerm, $"{here.Name} knows of term {here.Term}, which is newer than term {request.Term}");
        }
        var isFollowed = request.Term == here.Term && here.Leader == request.From;
        if (request.Term == here.Term && !here.Leader.IsNone && !isFollowed)
        {
            return new SnapshotRejection(SnapshotRefusal.NotLeader, $"{here.Name} follows {here.LeaderName} in term {here.Term}");
        }
        // A leader whom its configuration does not contain may be the one that is about to send it the newer one (Raft §6): then it follows that leader already.
        return isFollowed || KnowsNobody(here) || here.Members.Any(member => member.Id == request.From)
            ? null
            : new SnapshotRejection(SnapshotRefusal.NotMember, $"the sender is not among the members that {here.Name} knows, and does not lead it");
    }

    /// <summary>A process that was never told who belongs to the cluster, or is no part of what it was told.</summary>
    private static bool KnowsNobody(NodeStatus here) => here.Members.Count == 0 || !here.Members.Any(member => member.IsSelf && member.IsVoter);
}
