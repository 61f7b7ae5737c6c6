using Consensus.Node.Formation;
using Consensus.Storage.Backups;
using Consensus.Storage.Encryption;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Backups;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>Backups that are sealed where they are written down, and directories that are restored from them.</summary>
public sealed class SealedBackupTests
{
    private static KeyRing Keys(string text = Make.KeyFile) => KeyRing.Of(text);

    [Test]
    public void A_backup_that_is_sealed_on_its_way_tells_the_same_and_names_its_key()
    {
        var backup = new Backup(keys: 3_000);
        var plain = BackupFile.Inspect(backup.OnDisk(), Backup.Path);
        var disk = Saved(backup);
        var summary = BackupFile.Inspect(disk, Backup.Path, keys: Keys());
        Assert.That(summary.KeyId, Is.EqualTo("k1"));
        Assert.That(summary with { KeyId = null, SizeBytes = 0, Members = [] }, Is.EqualTo(plain with { SizeBytes = 0, Members = [] }));
        Assert.That(disk.Contents(Backup.Path).AsSpan().IndexOf("v2999"u8), Is.EqualTo(-1));
    }

    [Test]
    public void Without_its_key_it_is_refused_by_sentence()
    {
        var disk = Saved(new Backup());
        Assert.That(() => BackupFile.Inspect(disk, Backup.Path), Throws.TypeOf<BackupException>().With.Message.EqualTo(
            $"{Backup.Path} is encrypted with the key k1, and no key file was given: "
            + "consensusd takes --encryption-key FILE, consensusctl --key-file FILE"));
        Assert.That(() => BackupFile.Inspect(disk, Backup.Path, keys: Keys(Make.SecondKeyLine)), Throws.TypeOf<BackupException>()
            .With.Message.Contains("which the key file does not hold"));
        Assert.That(() => BackupRestore.Run(disk, Backup.Plan(), incarnation: 1), Throws.TypeOf<BackupException>()
            .With.Message.Contains("no key file was given"));
        Assert.That(disk.DirectoryExists("/srv/data"), Is.False);
    }

    [Test]
    public void A_key_file_that_says_plain_seals_no_backup()
    {
        var disk = new Backup().OnDisk();
        Assert.That(() => BackupTarget.Create(disk, "/srv/other", Keys("plain\n" + Make.KeyFile)), Throws.TypeOf<BackupException>()
            .With.Message.Contains("put a key first there"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void What_comes_damaged_or_cut_short_is_told_and_nothing_is_left(bool isCut)
    {
        var backup = new Backup();
        var bytes = backup.Bytes();
        bytes[^30] ^= (byte)(isCut ? 0 : 1);
        bytes = isCut ? bytes[..^1] : bytes;
        var disk = backup.OnDisk();
        using (var target = BackupTarget.Create(disk, "/srv/other", Keys()))
        {
            target.Write(bytes);
            Assert.That(target.Complete, Throws.TypeOf<BackupException>().With.Message.StartsWith("what came is damaged before offset"));
        }
        Assert.That(disk.List("/srv"), Is.EqualTo(new[] { "backup" }));
    }

    [Test]
    public void A_directory_restored_with_a_key_is_sealed_from_its_first_byte_on()
    {
        var backup = new Backup(keys: 50);
        var disk = Saved(backup);
        BackupRestore.Run(disk, Backup.Plan() with { Keys = Keys(), DirectoryKeys = Keys(Make.SecondKeyLine) }, incarnation: 1);
        foreach (var under in new[] { "wal", "snap" })
        {
            var path = $"/srv/data/{under}/{disk.List($"/srv/data/{under}").Single()}";
            Assert.That(disk.Contents(path)[8], Is.EqualTo(2), path);
        }
        var options = OpenMember.Sealed(Make.SecondKeyLine);
        using var directory = DataDirectory.Open(disk, "/srv/data", "n1", ClusterIdentity.TokenDigest("token"), () => 1, options);
        directory.Recover(out var log);
        log.Dispose();
        Assert.That((options.Keys!.Files.KeysInUse, options.Keys.Files.PlainSegments, options.Keys.Files.PlainSnapshots),
            Is.EqualTo(((string[])["k2"], 0, 0)));
    }

    private static SimulatedDisk Saved(Backup backup)
    {
        var disk = backup.OnDisk();
        using var target = BackupTarget.Create(disk, Backup.Path, Keys());
        foreach (var chunk in backup.Bytes().Chunk(1000))
        {
            target.Write(chunk);
        }
        target.Complete();
        return disk;
    }
}
