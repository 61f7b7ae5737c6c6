using System.Diagnostics;
using Consensus.Security.Audit;
using Consensus.Server.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>The file of the log, which somebody else moves, cuts, reads or puts there.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class AuditFileTests : AuditLogTest
{
    [Test]
    public void Only_its_user_may_read_it()
    {
        using var log = Opened();
        Assert.That(File.GetUnixFileMode(LogPath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(
            File.GetUnixFileMode(Path.GetDirectoryName(LogPath)!),
            Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
    }

    [Test]
    public void A_moved_and_a_deleted_file_are_gone_on_with_in_a_new_one_and_it_is_told()
    {
        using var log = Opened();
        File.Move(LogPath, LogPath + ".0000000007");
        Second(log);
        Assert.That(Events(), Is.EqualTo(new[] { "start", "reopened" }));
        AssertWhole();
        Assert.That(
            Said.Single(),
            Is.EqualTo((true, $"the audit log {LogPath} was moved or deleted; it goes on in a new file, or behind what is left")));
        File.Delete(LogPath);
        Second(log);
        log.Add(Record());
        log.Turn();
        Assert.That(Records(LogPath).Select(record => record.GetProperty("seq").GetInt64()), Is.EqualTo(new[] { 3L, 4L }));
        Assert.That(AuditVerification.Verify(Files()).Wrong.Single(), Does.StartWith("record 2 is missing between"));
    }

    [Test]
    public void A_file_that_was_cut_while_it_was_open_says_what_is_missing()
    {
        using var log = Opened();
        for (var i = 0; i < 4; i++)
        {
            log.Add(Record());
        }
        log.Turn();
        var lines = File.ReadAllLines(LogPath);
        using (var file = new FileStream(LogPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(lines.Take(3).Sum(line => line.Length + 1));
        }
        Second(log);
        Assert.That(Events(), Is.EqualTo(new[] { "start", "request", "reopened" }));
        Assert.That(File.ReadLines(LogPath).ElementAt(3), Does.Contain("\"after\":5,\"head\":"), "what it stood at is there");
        Assert.That(AuditVerification.Verify(Files()).Wrong.Single(), Does.Contain("records 3 to 5 are missing"));
    }

    [Test]
    public void A_file_that_was_emptied_and_written_to_before_anybody_looked_goes_on_and_can_be_opened_again()
    {
        using (var log = Opened())
        {
            log.Add(Record());
            log.Turn();
            File.WriteAllText(LogPath, "");
            log.Add(Record());
            log.Turn();
            Second(log);
            log.Add(Record());
            log.Turn();
            Assert.That((log.Trouble, log.Dropped), Is.EqualTo(((string?)null, 0L)));
            Assert.That(AuditVerification.Verify(Files()).Wrong, Is.Not.Empty);
        }
        using var again = Opened();
        Assert.That(again.Trouble, Is.Null);
    }

    [Test]
    public async Task A_pipe_that_nobody_reads_is_refused_at_the_start_and_held_by_nobody_later()
    {
        using var log = Opened();
        File.Delete(LogPath);
        Assert.That(Run("mkfifo", LogPath), Is.Zero);
        log.Add(Record());
        Second(log);
        Assert.That(log.Dropped, Is.EqualTo(1), "what waited meanwhile is counted");
        Assert.That(log.Trouble, Does.Contain("is no file but a pipe"));
        Assert.That(log.Add(Record()), Is.False);
        Assert.That((await log.WriteAsync(Record())).Trouble, Does.Contain("pipe"));
        Assert.That(() => Log().Open("1", "admin"), Throws.InstanceOf<IOException>().With.Message.Contains("is no file but a pipe"));
        File.Delete(LogPath);
        Second(log);
        Assert.That((log.Trouble, File.Exists(LogPath)), Is.EqualTo(((string?)null, true)));
        Assert.That(Records(LogPath)[0].GetProperty("event").GetString(), Is.EqualTo("dropped"));
    }

    [Test]
    public void APlace_that_may_not_be_written_is_a_sentence()
    {
        var file = new AuditFile("/proc/consensus/audit.log", "n1");
        Assert.That(() => file.Open(out _), Throws.InstanceOf<IOException>().Or.InstanceOf<UnauthorizedAccessException>());
        Assert.That(
            () => new AuditFile(Place.Path, "n1").Open(out _),
            Throws.InstanceOf<IOException>().With.Message.Contains(Place.Path));
    }

    [Test]
    public void What_is_no_audit_log_or_anothers_is_left_alone()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(LogPath)!);
        var text = new string('x', 2 * AuditLine.MostBytes) + "\n";
        foreach (var (content, sentence) in new[] { ("root:x:0:0\n", "something else"), (text, "something else"),
            ("{}\n", "something else") })
        {
            File.WriteAllText(LogPath, content);
            Assert.That(() => Log().Open("1", "admin"), Throws.InstanceOf<IOException>().With.Message.Contains(sentence));
            Assert.That(File.ReadAllText(LogPath), Is.EqualTo(content));
        }
        File.Delete(LogPath);
        using (Opened())
        {
        }
        Assert.That(
            () => new AuditFile(LogPath, "n2").Open(out _),
                Throws.InstanceOf<IOException>().With.Message.Contains("is the audit log of n1"));
        File.AppendAllText(LogPath, "edited\n");
        Assert.That(() => Log().Open("1", "admin"), Throws.InstanceOf<IOException>().With.Message.Contains("no record of an audit log"));
    }

    [Test]
    public void Whoever_reads_it_keeps_nobody_from_writing_it()
    {
        using (Opened())
        {
        }
        using var reader = AuditVerification.Open(LogPath);
        using var log = Opened();
        Assert.That(log.Written, Is.EqualTo(1));
        Assert.That(File.ReadAllText(LogPath), Does.EndWith("\n"), "who shares less reads it too");
    }

    [Test]
    public void Two_processes_do_not_write_one_file()
    {
        using var log = Opened();
        Assert.That(() => Log().Open("1", "admin"), Throws.InstanceOf<IOException>().With.Message.Contains("in use by another process"));
    }

    [Test]
    public void A_line_that_a_crash_cut_off_is_taken_away_and_told()
    {
        using (Opened())
        {
        }
        var whole = File.ReadAllText(LogPath);
        File.AppendAllText(LogPath, "{\"seq\":3,\"ti");
        using (Opened())
        {
        }
        Assert.That(File.ReadAllText(LogPath), Does.StartWith(whole));
        Assert.That(Records(LogPath)[2].GetProperty("detail").GetString(), Does.EndWith("12 bytes of an unfinished line were taken away"));
        AssertWhole();
        File.WriteAllText(LogPath, "{\"audit\":1,\"mem");
        using (Opened())
        {
        }
        AssertWhole();
    }

    [TestCase(40 << 10)]
    [TestCase(1 << 20)]
    public void What_a_crash_left_of_a_whole_write_is_taken_away_too(int bytes)
    {
        using (Opened())
        {
        }
        var whole = File.ReadAllText(LogPath);
        using (var file = File.OpenWrite(LogPath))
        {
            file.SetLength(whole.Length + bytes);
        }
        using (Opened())
        {
        }
        Assert.That(File.ReadAllText(LogPath), Does.StartWith(whole));
        Assert.That(Records(LogPath)[2].GetProperty("detail").GetString(), Does.EndWith($"{bytes} bytes of an unfinished line were taken away"));
        AssertWhole();
    }

    [Test]
    public void Full_files_are_moved_aside_ten_are_kept_and_the_chain_goes_through_all_of_them()
    {
        using (var log = Opened(rotateAt: 2_000))
        {
            for (var i = 0; i < 200; i++)
            {
                log.Add(Record());
                log.Turn();
            }
        }
        var files = Files();
        Assert.That(files, Has.Length.EqualTo(AuditFile.MostKept + 1));
        Assert.That(files.Select(file => new FileInfo(file).Length), Is.All.LessThanOrEqualTo(2_000));
        AssertWhole();
        var report = AuditVerification.Verify(files);
        Assert.That(report.Files.Zip(report.Files.Skip(1)).All(pair => pair.First.Last + 1 == pair.Second.First), Is.True);
        Assert.That(report.Files[^1].Last, Is.EqualTo(202));
    }

    [Test]
    public void A_crash_between_moving_aside_and_the_new_file_breaks_no_chain()
    {
        using (Opened())
        {
        }
        File.Move(LogPath, LogPath + ".0000000001");
        using (Opened())
        {
        }
        Assert.That(Files(), Has.Length.EqualTo(2));
        AssertWhole();
    }

    private static int Run(string program, string argument)
    {
        using var process = Process.Start(program, argument);
        process.WaitForExit();
        return process.ExitCode;
    }
}
