using Consensus.Storage.Backups;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Backups;

public sealed class BackupFileTests
{
    [Test]
    public void A_backup_tells_what_it_holds()
    {
        var backup = new Backup(keys: 3_000);
        var disk = backup.OnDisk();
        var progress = new List<(long Done, long All)>();
        var summary = BackupFile.Inspect(disk, Backup.Path, (done, all) => progress.Add((done, all)));
        Assert.That(summary with { Members = [] }, Is.EqualTo(new BackupSummary(
            Backup.Path,
            backup.Bytes().Length,
            Make.Cluster.ToString(),
            backup.State.AppliedIndex.Value,
            5,
            backup.State.Revision.Value,
            3_001,
            2,
            1,
            0,
            0,
            1_000,
            backup.State.Hash.ToString(),
            [])));
        Assert.That(summary.Members, Is.EqualTo(new[] { "n1", "n2", "n3" }));
        Assert.That(progress.Select(step => step.Done), Is.Ordered.Ascending);
        Assert.That(progress[^1], Is.EqualTo((summary.SizeBytes, summary.SizeBytes)));
    }

    [Test]
    public void A_flipped_bit_anywhere_is_found_and_the_file_is_named()
    {
        var whole = new Backup().Bytes();
        for (var offset = 0; offset < whole.Length; offset++)
        {
            var disk = new Backup().OnDisk(whole);
            disk.FlipBit(Backup.Path, offset, offset % 8);
            Assert.That(() => BackupFile.Inspect(disk, Backup.Path), Throws.TypeOf<BackupException>().With.Message.StartsWith(Backup.Path), $"at {offset}");
        }
    }

    [Test]
    public void A_file_that_is_cut_anywhere_is_found()
    {
        var backup = new Backup();
        var whole = backup.Bytes();
        for (var length = 0; length < whole.Length; length++)
        {
            var disk = backup.OnDisk(whole[..length]);
            Assert.That(() => BackupFile.Inspect(disk, Backup.Path), Throws.TypeOf<BackupException>(), $"at {length}");
        }
        Assert.That(() => BackupFile.Inspect(backup.OnDisk([.. whole, 0]), Backup.Path), Throws.TypeOf<BackupException>());
    }

    [Test]
    public void What_is_no_backup_and_what_is_missing_are_told_by_name()
    {
        var disk = new Backup().OnDisk("something else altogether"u8.ToArray());
        Assert.That(() => BackupFile.Inspect(disk, Backup.Path), Throws.TypeOf<BackupException>().With.Message.EqualTo($"{Backup.Path} is no snapshot of a Consensus cluster"));
        Assert.That(() => BackupFile.Inspect(disk, "/srv/other"), Throws.TypeOf<BackupException>().With.Message.Contains("there is no /srv/other"));
    }

    [Test]
    public void A_file_on_its_way_has_its_name_only_when_it_is_whole()
    {
        var whole = new Backup().Bytes();
        var disk = new SimulatedDisk(1);
        disk.CreateDirectory("/srv");
        disk.SyncDirectory("/");
        using (var target = BackupTarget.Create(disk, Backup.Path))
        {
            target.Write(whole.AsSpan(0, 100));
            Assert.That(disk.FileExists(Backup.Path), Is.False);
        }
        Assert.That(disk.List("/srv"), Is.Empty, "what was not completed is removed");

        using (var target = BackupTarget.Create(disk, Backup.Path))
        {
            target.Write(whole.AsSpan(0, whole.Length - 1));
            Assert.That(target.Complete, Throws.TypeOf<BackupException>());
        }
        Assert.That(disk.List("/srv"), Is.Empty, "nor is what does not come to its end");

        using (var target = BackupTarget.Create(disk, Backup.Path))
        {
            target.Write(whole);
            Assert.That(target.Complete().SizeBytes, Is.EqualTo(whole.Length));
        }
        disk.LosePower();
        Assert.That(disk.Contents(Backup.Path), Is.EqualTo(whole), "and then it is durable");
        Assert.That(disk.List("/srv"), Is.EqualTo(new[] { "backup" }));
    }

    [Test]
    public void A_backup_is_replaced_by_the_next_one_and_nothing_else_is()
    {
        var (first, second) = (new Backup(1), new Backup(2));
        var disk = first.OnDisk();
        using (var target = BackupTarget.Create(disk, Backup.Path))
        {
            target.Write(second.Bytes());
            target.Complete();
        }
        Assert.That(disk.Contents(Backup.Path), Is.EqualTo(second.Bytes()));
        disk.Replace(Backup.Path, "#!/bin/sh"u8);
        Assert.That(() => BackupTarget.Create(disk, Backup.Path), Throws.TypeOf<BackupException>().With.Message.Contains("not overwritten"));
        Assert.That(() => BackupTarget.Create(disk, "/nowhere/backup"), Throws.TypeOf<BackupException>().With.Message.Contains("no directory /nowhere"));
        Assert.That(() => BackupTarget.Create(disk, "/srv"), Throws.TypeOf<BackupException>().With.Message.Contains("is a directory"));
    }
}
