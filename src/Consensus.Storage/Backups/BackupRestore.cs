using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Formation;

namespace Consensus.Storage.Backups;

/// <summary>
/// Makes the data directory of a new cluster of one out of a backup (rule 15): another cluster id, another member, nothing held, and a revision above every token that the old
/// cluster may have given. No process may run on the directory meanwhile.
/// </summary>
public static class BackupRestore
{
    /// <summary>When this returns, everything is durable. Throws <see cref="BackupException"/>; then nothing is left that could be started.</summary>
    public static RestoreSummary Run(RestorePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return Run(new LinuxDisk(), plan with { DataDirectory = Path.GetFullPath(plan.DataDirectory) }, DataDirectory.RandomIncarnation());
    }

    internal static RestoreSummary Run(IDisk disk, RestorePlan plan, long incarnation)
    {
        var (state, header) = Load(disk, plan);
        var losses = state.BeginNewCluster(plan.UnixSeconds, plan.DropTokens);
        var view = state.TakeView();

        var member = new Member(ClusterIdentity.MemberIdOf(plan.Name, incarnation), plan.Name, plan.PeerAddress);
        var cluster = ClusterIdentity.ClusterIdOf(plan.ClusterToken, [new InitialMember(plan.Name, plan.PeerAddress, incarnation)]);
        var identity = new DirectoryIdentity(plan.Name, incarnation, ClusterIdentity.TokenDigest(plan.ClusterToken), cluster, member.Id);
        var mark = new SnapshotMark(header.Mark.LastIndex, header.Mark.LastTerm, header.Mark.Stamp, Configuration.OfVoters([member]));
        try
        {
            RestoredDirectory.Create(
                disk,
                plan.DataDirectory,
                identity,
                mark,
                sink => SnapshotWriter.Write(view, sink),
                new StorageOptions { SegmentBytes = plan.SegmentBytes, Keys = plan.DirectoryKeys });
        }
        catch (StorageRefusedException e)
        {
            throw new BackupException(e.Message);
        }
        catch (StorageFailedException e)
        {
            throw new BackupException(e.Message, isRefusal: false);
        }
        return new RestoreSummary(
            plan.DataDirectory,
            plan.Name,
            cluster.ToString(),
            member.Id.ToString(),
            header.Cluster.ToString(),
            mark.LastIndex.Value,
            mark.LastTerm.Value,
            view.Revision.Value,
            view.Counts.Keys,
            losses.Leases,
            losses.Holds,
            losses.Waiters,
            losses.Keys,
            view.Policy.IsEnabled,
            losses.LiveTokens,
            losses.EndedTokens);
    }

    private static (ReplicatedState State, Snapshots.SnapshotHeader Header) Load(IDisk disk, RestorePlan plan)
    {
        using var reader = BackupReader.Open(disk, plan.File, plan.Keys, plan.Progress);
        try
        {
            var state = ReplicatedState.Restore(Limits.Default, reader);
            var mark = reader.Header.Mark;
            return state.AppliedIndex == mark.LastIndex && state.AppliedStamp == mark.Stamp && mark.LastIndex > LogIndex.Zero
                ? (state, reader.Header)
                : throw new BackupException($"{plan.File} is damaged: what it holds does not end where its header says");
        }
        catch (WireFormatException e)
        {
            throw new BackupException($"{plan.File} cannot be restored: {e.Message}");
        }
    }
}
