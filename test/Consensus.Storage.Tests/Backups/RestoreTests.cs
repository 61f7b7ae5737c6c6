using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.StateMachine;
using Consensus.Storage.Backups;
using Consensus.Storage.Disk;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Backups;

public sealed class RestoreTests
{
    private const string Root = "/srv/data";

    private static DataDirectory Open(IDisk disk, string name = "n1") =>
        DataDirectory.Open(disk, Root, name, ClusterIdentity.TokenDigest("token"), () => 99, OpenMember.SmallSegments);

    [Test]
    public void A_restored_directory_is_a_member_alone_in_a_new_cluster_with_the_backups_keys()
    {
        var backup = new Backup();
        var disk = backup.OnDisk();
        var done = BackupRestore.Run(disk, Backup.Plan(), incarnation: 4711);
        disk.LosePower();

        using var directory = Open(disk);
        Assert.That(directory.Identity.IsFormed);
        Assert.That(directory.Identity.Cluster.ToString(), Is.EqualTo(done.ClusterId).And.Not.EqualTo(Make.Cluster.ToString()));
        Assert.That((directory.Identity.Member.ToString(), directory.Identity.Incarnation), Is.EqualTo((done.MemberId, 4711L)));
        var recovered = directory.Recover(out var log);
        using (log)
        {
            var mark = recovered.Snapshot!;
            Assert.That((mark.LastIndex, mark.LastTerm), Is.EqualTo((backup.Mark.LastIndex, backup.Mark.LastTerm)));
            Assert.That(recovered.HardState, Is.EqualTo(Make.Vote(5)));
            Assert.That(recovered.Configuration.Members.Select(m => (m.Id.ToString(), m.Name, m.PeerAddress)), Is.EqualTo(new[] { (done.MemberId, "n1", "127.0.0.1:7380") }));
            Assert.That(recovered.Configuration.IsVoter(directory.Identity.Member));
            Assert.That((recovered.Entries.Count, recovered.Notes.Count), Is.EqualTo((0, 0)));
            using var reader = directory.Snapshots.Open(mark);
            var state = ReplicatedState.Restore(Limits.Default, reader);
            Assert.That(state.Revision.Value, Is.EqualTo(done.Revision).And.GreaterThanOrEqualTo(1_800_000_000L << 20));
            Assert.That(state.TakeView().GetKey(Key.FromText("k1")), Is.Not.Null);
            Assert.That((state.TakeView().Counts.Leases, state.TakeView().Counts.HoldsInUse), Is.EqualTo((0L, 0L)));
            Assert.That((done.Keys, done.Leases, done.Holds, done.LeaseKeys), Is.EqualTo((3L, 2L, 1L, 1L)));
            log.Append([new PersistRequest(1, null, null, null, Make.Entries(mark.LastIndex.Value + 1, 3, 6))]);
        }
    }

    [Test]
    public void Two_restores_of_one_backup_are_two_clusters()
    {
        var disk = new Backup().OnDisk();
        var one = BackupRestore.Run(disk, Backup.Plan(), incarnation: 1);
        var two = BackupRestore.Run(disk, Backup.Plan("/srv/other"), incarnation: 2);
        Assert.That(two.ClusterId, Is.Not.EqualTo(one.ClusterId));
    }

    [Test]
    public void A_directory_that_is_not_empty_is_refused_and_left_as_it_is()
    {
        var disk = new Backup().OnDisk();
        BackupRestore.Run(disk, Backup.Plan(), incarnation: 1);
        Assert.That(() => BackupRestore.Run(disk, Backup.Plan(), incarnation: 2), Throws.TypeOf<BackupException>().With.Message.Contains("data directory of 'n1' already"));
        Open(disk).Dispose();

        Assert.That(() => BackupRestore.Run(disk, Backup.Plan("/srv"), incarnation: 2), Throws.TypeOf<BackupException>().With.Message.Contains("not empty: it holds backup"));
        Assert.That(disk.List("/srv"), Is.EqualTo(new[] { "backup", "data" }));
    }

    [Test]
    public void A_damaged_backup_leaves_no_directory_that_could_be_started()
    {
        var whole = new Backup().Bytes();
        for (var offset = 0; offset < whole.Length; offset += 3)
        {
            var disk = new Backup().OnDisk(whole);
            disk.FlipBit(Backup.Path, offset, 1);
            Assert.That(() => BackupRestore.Run(disk, Backup.Plan(), incarnation: 1), Throws.TypeOf<BackupException>().With.Message.StartsWith(Backup.Path));
            Assert.That(disk.DirectoryExists(Root), Is.False);
        }
    }

    /// <summary>Power is lost before each operation of a restore: what is there afterwards is the whole of it, or is refused, or can be made again.</summary>
    [Test]
    public void An_interrupted_restore_is_never_started_as_an_empty_cluster()
    {
        var (refused, again, whole) = (0, 0, 0);
        for (var stopAt = 0L; whole == 0; stopAt++)
        {
            var disk = new Backup().OnDisk();
            var first = disk.Operations;
            disk.Inject = operation => operation.Kind != DiskOperationKind.Read && operation.Number - first >= stopAt ? DiskFault.CrashBefore : DiskFault.None;
            try
            {
                BackupRestore.Run(disk, Backup.Plan(), incarnation: 4711);
                whole++;
            }
            catch (SimulatedCrashException)
            {
                // The process is gone with its machine.
            }
            disk.LosePower();
            switch (StartAfter(disk))
            {
                case Found.Refused: refused++; break;
                case Found.Empty: again++; break;
                case Found.Restored: break;
            }
        }
        Assert.That(refused, Is.GreaterThan(5));
        Assert.That(again, Is.GreaterThan(0));
    }

    [Test]
    public void A_full_disk_is_told_and_what_was_written_is_given_back()
    {
        var full = 0;
        for (var done = false; !done;)
        {
            var disk = new Backup().OnDisk();
            var left = full++;
            disk.Inject = operation => operation.TakesSpace && left-- == 0 ? DiskFault.Full : DiskFault.None;
            try
            {
                BackupRestore.Run(disk, Backup.Plan(), incarnation: 1);
                done = true;
            }
            catch (BackupException e)
            {
                Assert.That(e.Message, Does.Contain("full").IgnoreCase);
                disk.Inject = null;
                Assert.That(BackupRestore.Run(disk, Backup.Plan(), incarnation: 1).Keys, Is.EqualTo(3), "and it can be done again");
            }
        }
        Assert.That(full, Is.GreaterThan(6), "every operation that takes space was refused once");
    }

    private enum Found
    {
        Refused,
        Empty,
        Restored,
    }

    private static Found StartAfter(SimulatedDisk disk)
    {
        try
        {
            using var directory = Open(disk);
            if (!directory.Identity.IsFormed)
            {
                Assert.That(disk.List(Root + "/wal").Concat(disk.List(Root + "/snap")), Is.Empty, "a directory that can be formed anew holds nothing of a backup");
                return Found.Empty;
            }
            var recovered = directory.Recover(out var log);
            log.Dispose();
            Assert.That(recovered.Snapshot, Is.Not.Null);
            return Found.Restored;
        }
        catch (StorageRefusedException)
        {
            return Found.Refused;
        }
    }
}
