using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.Storage.Backups;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Backups;

/// <summary>A state with keys, a lease and a lock, and its backup.</summary>
internal sealed class Backup
{
    public const string Path = "/srv/backup";

    private readonly AppliedState _applied = new();

    public Backup(int keys = 3)
    {
        for (var i = 0; i < keys; i++)
        {
            _applied.Put($"k{i}", $"v{i}");
        }
        _applied.Do(new GrantLeaseCommand(new LeaseId(7), 60_000_000));
        _applied.Do(new PutCommand(Key.FromText("tied"), new byte[] { 1 }, new LeaseId(7), KeyCondition.None));
        _applied.Do(new AcquireCommand(Key.FromText("l"), "a", 60_000_000, new LeaseId(8), LeaseId.None, 0));
        Mark = new SnapshotMark(State.AppliedIndex, new Term(5), State.AppliedStamp, Make.Initial);
    }

    public ReplicatedState State => _applied.State;

    public SnapshotMark Mark { get; }

    public byte[] Bytes()
    {
        using var bytes = new MemoryStream();
        BackupStream.Write(Make.Cluster, Mark, State.TakeView(), part => bytes.Write(part));
        return bytes.ToArray();
    }

    /// <summary>A disk with an empty directory <c>/srv</c> and the backup in it.</summary>
    public SimulatedDisk OnDisk(byte[]? bytes = null)
    {
        var disk = new SimulatedDisk(1);
        disk.CreateDirectory("/srv");
        disk.SyncDirectory("/");
        using (disk.CreateNew(Path))
        {
        }
        disk.Replace(Path, bytes ?? Bytes());
        return disk;
    }

    public static RestorePlan Plan(string directory = "/srv/data") => new()
    {
        File = Path,
        DataDirectory = directory,
        Name = "n1",
        ClusterToken = "token",
        PeerAddress = "127.0.0.1:7380",
        UnixSeconds = 1_800_000_000,
        SegmentBytes = 4096,
    };
}
