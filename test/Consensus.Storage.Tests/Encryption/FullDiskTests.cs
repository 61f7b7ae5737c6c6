using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>A sealed log begins a new segment at each start, and does so on a full disk too.</summary>
public sealed class FullDiskTests
{
    /// <summary>What is left by somebody else's files, or by a log that grew until nothing was left.</summary>
    [TestCase(0L, TestName = "Full_but_for_what_the_last_segment_has_not_used")]
    [TestCase(1536L << 10, TestName = "Full_but_for_less_than_a_segment")]
    public void A_sealed_member_starts_on_a_full_disk(long freeBytes)
    {
        var disk = new SimulatedDisk(1);
        var options = OpenMember.Sealed() with { SegmentBytes = 4 << 20 };
        var entries = freeBytes == 0 ? 1 : 40;
        using (var member = OpenMember.Start(disk, options: options))
        {
            for (var index = 1; index <= entries; index++)
            {
                member.Append(Make.Entry(index, 1, freeBytes == 0 ? 24 : 100_000));
            }
        }
        var full = new ScarceDisk(disk, roomBytes: (4 << 20) + freeBytes);
        for (var restart = 1; restart <= 3; restart++)
        {
            using var member = OpenMember.Start(full, options: options);
            Assert.That(member.Recovered.Entries, Has.Count.EqualTo(entries));
            member.Append(Make.Entry(++entries, 1));
        }
        using var again = OpenMember.Start(disk, options: options);
        Assert.That(again.Recovered.Entries, Has.Count.EqualTo(entries));
    }

    [Test]
    public void A_start_on_a_full_disk_that_is_interrupted_anywhere_loses_nothing([Values] bool hasTornTail)
    {
        var options = OpenMember.Sealed() with { SegmentBytes = 64 << 10 };
        for (var stop = 0; ; stop++)
        {
            var disk = new SimulatedDisk(1);
            using (var member = OpenMember.Start(disk, options: options))
            {
                member.Append(Make.Entry(1, 1));
                member.Append(Make.Entry(2, 1));
            }
            if (hasTornTail)
            {
                var torn = LogMap.Of(disk).LastFrame;
                var contents = disk.Contents(torn.Path);
                contents[torn.End - 1] ^= 1;
                disk.Replace(torn.Path, contents);
            }
            var full = new ScarceDisk(disk, roomBytes: 64 << 10);
            var from = (long?)null;
            disk.Inject = operation =>
                operation.Number - (from ??= operation.Number) == stop ? DiskFault.CrashAfter : DiskFault.None;
            var wasStopped = false;
            try
            {
                OpenMember.Start(full, options: options).Dispose();
            }
            catch (SimulatedCrashException)
            {
                wasStopped = true;
            }
            disk.LosePower();
            disk.Inject = _ => DiskFault.None;
            using var again = OpenMember.Start(full, options: options);
            Assert.That(again.Recovered.Entries, Has.Count.EqualTo(hasTornTail ? 1 : 2), $"stopped after {stop} operations");
            if (!wasStopped)
            {
                Assert.That(stop, Is.GreaterThan(5));
                return;
            }
        }
    }
}
