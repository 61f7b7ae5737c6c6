using System.Diagnostics;
using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Storage.Disk;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Disk;

/// <summary>The same storage on the machine's own disk.</summary>
[Platform("Linux")]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LinuxDiskTests
{
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerOnlyDirectory = OwnerOnlyFile | UnixFileMode.UserExecute;
    private static readonly StorageOptions Options = new() { SegmentBytes = 64 << 10 };

    [Test]
    public void Everything_is_recovered_from_a_real_directory()
    {
        using var temporary = new TemporaryDirectory();
        var path = temporary.Path + "/deep/data";
        var mark = Make.Mark(150, 1);
        using (var member = OpenMember.Start(new LinuxDisk(), path, Options))
        {
            member.Vote(1, 11);
            for (var i = 1; i <= 200; i++)
            {
                member.Append(Make.Entry(i, 1, 1000));
            }
            member.TakeSnapshot(mark);
            member.Compact(mark.LastIndex);
            member.Snapshots.RemoveOlderThan(mark);
        }
        Assert.That(Directory.GetFiles(path + "/wal"), Has.Length.EqualTo(2));
        using var again = OpenMember.Start(new LinuxDisk(), path, Options);
        Assert.That(again.Recovered.HardState, Is.EqualTo(Make.Vote(1, 11)));
        Assert.That(again.Recovered.Snapshot?.LastIndex, Is.EqualTo(mark.LastIndex));
        Assert.That(again.Recovered.Entries.Select(e => e.Index.Value), Is.EqualTo(Enumerable.Range(151, 50).Select(i => (long)i)));
        Assert.That(again.Recovered.Notes, Is.Empty);
        using var raw = again.Snapshots.OpenRaw(mark);
        Assert.That(raw.Length, Is.EqualTo(new FileInfo(OpenMember.SnapshotPath(mark, path)).Length));
    }

    [Test]
    public void A_file_that_is_gone_already_is_removed_without_a_failure()
    {
        using var temporary = new TemporaryDirectory();
        Assert.That(() => new LinuxDisk().Delete(temporary.Path + "/nothing"), Throws.Nothing);
        Assert.That(() => new LinuxDisk().Delete(temporary.Path), Throws.TypeOf<StorageFailedException>(), "what cannot be removed is one");
    }

    [TestCase(28, true, false)]
    [TestCase(122, true, false)]
    [TestCase(24, false, true)]
    [TestCase(23, false, true)]
    [TestCase(5, false, false)]
    public void What_passes_by_itself_is_told_from_what_does_not(int error, bool isFull, bool isOutOfFiles)
    {
        var failure = Libc.Failure("write", "/x", error);
        Assert.That((failure.IsDiskFull, failure.IsOutOfFiles, failure.MayPass), Is.EqualTo((isFull, isOutOfFiles, isFull || isOutOfFiles)));
    }

    [Test]
    public void Only_the_owner_can_enter_and_read()
    {
        using var temporary = new TemporaryDirectory();
        var path = temporary.Path + "/data";
        Directory.CreateDirectory(path, OwnerOnlyDirectory | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        using var member = OpenMember.Start(new LinuxDisk(), path, Options);
        member.Append(Make.Entry(1, 1));
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(1, 1), 1);

        foreach (var directory in new[] { path, path + "/wal", path + "/snap" })
        {
            Assert.That(File.GetUnixFileMode(directory), Is.EqualTo(OwnerOnlyDirectory), directory);
        }
        var files = Directory.GetFiles(path, "*", SearchOption.AllDirectories);
        Assert.That(files, Has.Length.EqualTo(4));
        foreach (var file in files)
        {
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(OwnerOnlyFile), file);
        }
    }

    [Test]
    public void A_segments_space_is_on_the_disk_before_it_is_used()
    {
        using var temporary = new TemporaryDirectory();
        using var member = OpenMember.Start(new LinuxDisk(), temporary.Path + "/data", Options);
        var segment = OpenMember.SegmentPath(1, temporary.Path + "/data");

        Assert.That(new FileInfo(segment).Length, Is.EqualTo(64 << 10));
        Assert.That(AllocatedBytes(segment), Is.GreaterThanOrEqualTo(64 << 10));
        member.Append(Make.Entry(1, 1, 5000));
        Assert.That(new FileInfo(segment).Length, Is.EqualTo(64 << 10), "appending changes no length");
    }

    [Test]
    public void A_second_open_of_the_directory_is_refused_while_the_first_lasts()
    {
        using var temporary = new TemporaryDirectory();
        var path = temporary.Path + "/data";
        using (OpenMember.Start(new LinuxDisk(), path, Options))
        {
            Assert.That(() => DataDirectory.Open(path, Make.Name, Make.Digest, Options),
                Throws.TypeOf<StorageRefusedException>().With.Message.EqualTo($"the data directory {path} is in use by another process"));
        }
        using var next = DataDirectory.Open(path, Make.Name, Make.Digest, Options);
        Assert.That(next.Identity.Incarnation, Is.EqualTo(Make.Incarnation));
    }

    [Test]
    public void Another_process_sees_the_lock()
    {
        using var temporary = new TemporaryDirectory();
        var path = temporary.Path + "/data";
        using (OpenMember.Start(new LinuxDisk(), path, Options))
        {
            Assert.That(Run("flock", "-n", path + "/lock", "true").ExitCode, Is.Not.EqualTo(0));
        }
        Assert.That(Run("flock", "-n", path + "/lock", "true").ExitCode, Is.EqualTo(0));
    }

    [Test]
    public void Two_new_directories_have_different_incarnations()
    {
        using var temporary = new TemporaryDirectory();
        using var one = DataDirectory.Open(temporary.Path + "/one", "n1", Make.Digest, Options);
        using var two = DataDirectory.Open(temporary.Path + "/two", "n1", Make.Digest, Options);

        Assert.That(one.Identity.Incarnation, Is.Positive);
        Assert.That(two.Identity.Incarnation, Is.Positive.And.Not.EqualTo(one.Identity.Incarnation));
    }

    [Test]
    public void One_append_is_one_pwrite_and_one_fdatasync_and_a_new_segment_is_synced_before_use()
    {
        using var temporary = new TemporaryDirectory();
        var disk = new RecordingDisk(new LinuxDisk());
        using var member = OpenMember.Start(disk, temporary.Path + "/data", Options);
        member.Vote(1, 11);
        disk.Calls.Clear();
        member.Log.Append([member.Request(vote: Make.Vote(2)), member.Request(entries: Make.Entries(1, 50, 1))]);
        Assert.That(disk.Calls, Is.EqualTo(new[] { "pwrite", "fdatasync" }));

        disk.Calls.Clear();
        member.Append(Make.Entry(51, 1, 70_000));
        Assert.That(disk.Calls, Is.EqualTo(new[] { "create", "fallocate", "pwrite", "fsync", "rename", "fsync directory", "pwrite", "fdatasync" }));
    }

    [Test]
    public void A_full_disk_is_reported_as_such()
    {
        using var full = new LinuxDisk().Open("/dev/full", writable: true);

        Assert.That(() => full.Write(0, new byte[10]), Throws.TypeOf<StorageFailedException>().With.Message.Contains("/dev/full: the disk is full"));
    }

    [Test]
    public void A_sync_that_the_kernel_refuses_is_reported()
    {
        // A device without storage cannot be synced: the kernel answers EINVAL, where .NET's own flush returns normally.
        using var device = new LinuxDisk().Open("/dev/null", writable: true);

        Assert.That(device.SyncData, Throws.TypeOf<StorageFailedException>().With.Message.StartsWith("cannot flush /dev/null"));
        Assert.That(device.Sync, Throws.TypeOf<StorageFailedException>());
    }

    [Test]
    public void A_missing_file_is_not_a_failure_of_the_disk()
    {
        using var temporary = new TemporaryDirectory();
        Assert.That(() => new LinuxDisk().Open(temporary.Path + "/none", writable: false), Throws.TypeOf<FileNotFoundException>());
    }

    [Test]
    public void A_new_file_does_not_take_an_old_ones_place_and_a_rename_does()
    {
        using var temporary = new TemporaryDirectory();
        var disk = new LinuxDisk();
        File.WriteAllText(temporary.Path + "/a", "old");
        Assert.That(() => disk.CreateNew(temporary.Path + "/a"), Throws.TypeOf<StorageFailedException>());
        using (var file = disk.CreateNew(temporary.Path + "/b"))
        {
            file.Write(0, "new"u8);
        }
        disk.Rename(temporary.Path + "/b", temporary.Path + "/a");
        Assert.That(File.ReadAllText(temporary.Path + "/a"), Is.EqualTo("new"));
        Assert.That(disk.List(temporary.Path), Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public void A_path_that_is_a_file_is_a_clear_refusal()
    {
        using var temporary = new TemporaryDirectory();
        File.WriteAllText(temporary.Path + "/data", "");

        Assert.That(() => DataDirectory.Open(temporary.Path + "/data", "n1", Make.Digest, Options),
            Throws.TypeOf<StorageRefusedException>().With.Message.StartsWith($"the data directory {temporary.Path}/data cannot be used"));
    }

    private static long AllocatedBytes(string path)
    {
        var (exitCode, output) = Run("stat", "-c", "%b", path);
        Assert.That(exitCode, Is.EqualTo(0));
        return long.Parse(output, CultureInfo.InvariantCulture) * 512;
    }

    private static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
