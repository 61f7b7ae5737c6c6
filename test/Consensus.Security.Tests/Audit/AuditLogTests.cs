using Consensus.Security.Audit;
using Consensus.Server.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>The log on a disk that fails, is full or does not answer.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class AuditLogTests : AuditLogTest
{
    [Test]
    public void A_restart_goes_on_with_the_chain()
    {
        using (var log = Opened())
        {
            log.Add(Record());
        }
        using (Opened())
        {
        }
        Assert.That(Events(), Is.EqualTo(new[] { "start", "request", "stop", "start", "stop" }));
        Assert.That(Files(), Has.Length.EqualTo(1));
        AssertWhole();
    }

    [Test]
    public async Task What_is_waited_for_is_flushed_before_it_is_told()
    {
        var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        using var log = Opened(file);
        log.Add(Record("before"));
        var asked = log.WriteAsync(Record("intent"));
        Assert.That((asked.IsCompleted, file.Flushes), Is.EqualTo((false, 0)));
        log.Turn();
        var written = await asked;
        Assert.That((written.Trouble, written.Sequence, file.Flushes), Is.EqualTo(((string?)null, 3L, 1)));
        Assert.That(Records(LogPath)[2].GetProperty("name").GetString(), Is.EqualTo("intent"));
    }

    [Test]
    public void What_nobody_waits_for_is_flushed_within_a_second()
    {
        var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        using var log = Opened(file);
        log.Add(Record());
        log.Turn();
        Assert.That(file.Flushes, Is.Zero);
        Second(log);
        Second(log);
        Assert.That(file.Flushes, Is.EqualTo(1));
    }

    [Test]
    public async Task A_full_disk_holds_nobody_and_is_a_gap_in_the_chain_once_there_is_room()
    {
        var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        using var log = Opened(file);
        file.Fault = "No space left on device";
        log.Add(Record("lost"));
        var asked = log.WriteAsync(Record("intent"));
        log.Turn();
        Assert.That((await asked).Trouble, Does.Contain("No space left"));
        Assert.That(log.Alarm, Does.Contain("cannot be written").And.Contain("No space left").And.Contain("2 records are not in it"));
        Assert.That(log.Add(Record("lost too")), Is.False, "nothing is kept for later");
        Assert.That(log.HeldBytes, Is.Zero);
        var refused = log.WriteAsync(Record("refused"));
        Assert.That(refused.IsCompleted, Is.True, "what is known is told at once");
        Assert.That((await refused).Trouble, Does.Contain("No space left"));
        Second(log);
        Assert.That(log.Trouble, Is.Not.Null, "it was tried again, and is full still");
        file.Fault = null;
        log.Turn();
        Assert.That(log.Trouble, Is.Not.Null, "not before the next second");
        Second(log);
        Assert.That((log.Trouble, log.Alarm, log.Dropped), Is.EqualTo(((string?)null, (string?)null, 4L)));
        log.Add(Record("after"));
        log.Turn();
        Assert.That(Events(), Is.EqualTo(new[] { "start", "dropped", "request" }));
        Assert.That(Records(LogPath)[1].GetProperty("count").GetInt64(), Is.EqualTo(4));
        Assert.That(Said.Select(said => said.IsWarning), Is.EqualTo(new[] { true, false }), "it is said once, and once that it is over");
        AssertWhole();
    }

    [Test]
    public void What_a_full_disk_took_the_half_of_is_no_half_line()
    {
        var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        using var log = Opened(file);
        file.Fault = "No space left on device";
        file.WritesHalf = true;
        log.Add(Record("lost"));
        log.Turn();
        Assert.That(File.ReadAllText(LogPath), Does.Not.EndWith("\n"));
        file.Fault = null;
        Second(log);
        Assert.That(Events(), Is.EqualTo(new[] { "start", "dropped" }));
        AssertWhole();
    }

    [Test]
    public async Task A_flush_that_fails_refuses_whoever_waits_for_it()
    {
        var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        using var log = Opened(file);
        file.FlushFault = "Input/output error";
        var asked = log.WriteAsync(Record("intent"));
        log.Turn();
        Assert.That(await asked, Is.EqualTo(new AuditWritten(0, "Input/output error")));
        Assert.That(log.Trouble, Is.EqualTo("Input/output error"));
        file.FlushFault = null;
        Second(log);
        Assert.That(log.Trouble, Is.Null);
        AssertWhole();
    }

    [Test]
    public async Task A_disk_that_does_not_answer_is_waited_for_two_seconds_and_by_nobody_after_that()
    {
        using var file = new FaultyAuditFile(new AuditFile(LogPath, "n1"));
        var log = Log(file);
        log.Open("1", "admin");
        log.Start((what, failure) => Assert.Fail($"{what}: {failure}"));
        Patience.Until(() => log.Written == 1, "it is written");
        file.Hold();
        var asked = log.WriteAsync(Record("stuck")).AsTask();
        Patience.Until(() => file.IsHolding, "the disk has it");
        Assert.That(log.Add(Record("ordinary")), Is.True, "who does not wait goes on");
        Clock.Advance(AuditLog.WaitLimit);
        Assert.That((await asked.InTimeAsync()).Trouble, Does.Contain("has not taken a line for 2 s"));
        var next = log.WriteAsync(Record("next"));
        Assert.That(next.IsCompleted, Is.True);
        Assert.That(((await next).Trouble, log.Alarm), Is.Not.EqualTo(((string?)null, (string?)null)));
        file.Release();
        Patience.Until(() => log is { Trouble: null, HeldBytes: 0 }, "it goes on");
        log.Dispose();
        Assert.That(Events(), Is.EqualTo(new[] { "start", "request", "request", "dropped", "stop" }).Or.EqualTo(
            new[] { "start", "request", "dropped", "request", "stop" }));
        AssertWhole();
    }

    [Test]
    public void The_queue_is_bounded_in_records_and_in_bytes()
    {
        using var log = Opened(mostHeld: 1 << 30);
        for (var i = 0; i < AuditLog.MostWaiting; i++)
        {
            Assert.That(log.Add(new AuditRecord(AuditEvent.Request, DateTimeOffset.UnixEpoch)), Is.True);
        }
        Assert.That(log.Add(Record()), Is.False);
        Assert.That(log.Alarm, Does.Contain("too slowly: ").And.Contain("records are not in it"));
        var dropped = log.Dropped;
        log.Turn();
        Assert.That((log.HeldBytes, log.Alarm), Is.EqualTo((0L, (string?)null)));
        Assert.That(
            Records(LogPath).Single(record => record.GetProperty("event").GetString() == "dropped").GetProperty("count").GetInt64(),
            Is.EqualTo(dropped));

        using var small = new AuditLog(new AuditFile(LogPath + "2", "n1"), "n1", "c1", Clock, 10_000, (_, _) => { });
        while (small.Add(Record(new string('x', 128))))
        {
            Assert.That(small.HeldBytes, Is.LessThanOrEqualTo(10_000));
        }
    }
}
