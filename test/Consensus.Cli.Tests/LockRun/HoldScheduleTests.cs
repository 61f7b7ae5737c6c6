using Consensus.Cli.LockRun;
using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.Tests.LockRun;

internal sealed class HoldScheduleTests
{
    private static IEnumerable<TimeSpan> Ttls()
    {
        yield return TimeSpan.FromSeconds(1);
        yield return TimeSpan.FromMilliseconds(1_234);
        yield return TimeSpan.FromSeconds(15);
        yield return TimeSpan.FromMinutes(10);
        yield return TimeSpan.FromDays(365);
    }

    [TestCaseSource(nameof(Ttls))]
    public void Two_renewals_come_before_SIGTERM_before_SIGKILL_before_the_deadline(TimeSpan ttl)
    {
        foreach (var schedule in new[] { new HoldSchedule(ttl), new HoldSchedule(ttl, HoldSchedule.LongestGrace(ttl)) })
        {
            var lease = new LeaseSchedule(ttl, LeaseSchedule.Checked(schedule.Notice, ttl));
            var terminateAt = lease.SafeUntil(TimeSpan.Zero);
            var killAt = terminateAt + schedule.Grace;

            Assert.That(2 * lease.RenewEvery, Is.LessThan(terminateAt));
            Assert.That(terminateAt, Is.LessThan(killAt));
            Assert.That(killAt, Is.LessThan(0.99 * ttl));
            Assert.That(killAt + schedule.Margin, Is.EqualTo(0.99 * ttl).Within(TimeSpan.FromTicks(2)));
        }
    }

    [TestCase(15, null, 3.75, 0.75)]
    [TestCase(60, null, 5, 1)]
    [TestCase(60, 6, 1.5, 0.3)]
    [TestCase(15, 7_200, 3.75, 0.75)]
    public void Grace_and_margin_are_parts_of_the_shorter_of_TTL_and_maxHold(int ttl, int? maxHold, double grace, double margin)
    {
        var longest = maxHold is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var schedule = new HoldSchedule(TimeSpan.FromSeconds(ttl), null, longest);

        Assert.That((schedule.Grace.TotalSeconds, schedule.Margin.TotalSeconds), Is.EqualTo((grace, margin)));
    }

    [Test]
    public void The_boot_clock_goes_forward()
    {
        var clock = BootTimeProvider.Instance;
        var before = clock.SinceStart();

        Assert.That(before, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(clock.SinceStart(), Is.GreaterThanOrEqualTo(before));
    }
}
