using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Formation;

/// <summary>Who a data directory belongs to. <see cref="Cluster"/> and <see cref="Member"/> are none until it is formed.</summary>
/// <param name="TokenDigest">Of the cluster token that it was made with (<see cref="ClusterIdentity.TokenDigest"/>).</param>
public sealed record DirectoryIdentity(string Name, long Incarnation, ReadOnlyMemory<byte> TokenDigest, ClusterId Cluster, MemberId Member)
{
    public bool IsFormed => !Cluster.IsNone;
}

/// <summary>A member's data directory, locked for this process until disposed.</summary>
public interface IDataDirectory : IDisposable
{
    DirectoryIdentity Identity { get; }

    /// <summary>
    /// Makes the cluster's and this member's identity durable, together with the initial configuration, and creates the log. After this
    /// <see cref="Identity"/> is formed.
    /// </summary>
    void Form(ClusterId cluster, MemberId member, Configuration initial);

    /// <summary>Reads the log of a formed directory, cutting a torn tail. Throws <see cref="StorageRefusedException"/> on corruption, naming file and offset.</summary>
    RecoveredLog Recover(out IDurableLog log);

    ISnapshotStore Snapshots { get; }
}
