using Consensus.Cli.LockRun;
using Consensus.Client;

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
    public void Renewals_come_before_SIGTERM_before_SIGKILL_before_the_deadline_before_the_lease_expires(TimeSpan ttl)
    {
        var schedule = new HoldSchedule(ttl);
        var sentAt = TimeSpan.FromSeconds(1_000);
        var deadline = schedule.Deadline(sentAt, ttl, sentAt);

        Assert.That(sentAt + (2 * schedule.RenewEvery), Is.LessThan(schedule.TerminateAt(deadline)));
        Assert.That(schedule.TerminateAt(deadline), Is.LessThan(schedule.KillAt(deadline)));
        Assert.That(schedule.KillAt(deadline), Is.LessThan(deadline));
        Assert.That(deadline, Is.EqualTo(sentAt + (0.99 * ttl)));
    }

    [TestCaseSource(nameof(Ttls))]
    public void The_longest_grace_still_leaves_room_for_two_renewals(TimeSpan ttl)
    {
        var schedule = new HoldSchedule(ttl, HoldSchedule.LongestGrace(ttl));

        Assert.That(2 * schedule.RenewEvery, Is.LessThan(schedule.TerminateAt(schedule.Deadline(TimeSpan.Zero, ttl, TimeSpan.Zero))));
    }

    [Test]
    public void Time_spent_in_the_queue_counts_for_the_holder()
    {
        var schedule = new HoldSchedule(TimeSpan.FromSeconds(10));
        var grantedAt = HoldSchedule.GrantedAt(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));

        Assert.That(schedule.Deadline(grantedAt, schedule.Ttl, grantedAt), Is.EqualTo(TimeSpan.FromSeconds(5 + (0.99 * 30))).Within(TimeSpan.FromTicks(2)));
    }

    [Test]
    public void No_renewal_leads_beyond_the_end_of_a_maxHold_which_counts_from_the_first_send_and_the_wait()
    {
        var schedule = new HoldSchedule(TimeSpan.FromSeconds(15), maxHold: TimeSpan.FromSeconds(6));
        var grantedAt = HoldSchedule.GrantedAt(TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(10));
        var end = TimeSpan.FromSeconds(100 + (0.99 * 16));

        Assert.That(schedule.Deadline(grantedAt, schedule.Ttl, grantedAt), Is.EqualTo(end).Within(TimeSpan.FromTicks(2)));
        Assert.That(schedule.Deadline(TimeSpan.FromSeconds(115), schedule.Ttl, grantedAt), Is.EqualTo(schedule.EndAt(grantedAt)));
        Assert.That(schedule.TerminateAt(end), Is.GreaterThan(grantedAt), "there is time to work in");
        Assert.That(schedule.Margin, Is.EqualTo(TimeSpan.FromSeconds(6) / 20));
    }

    [Test]
    public void Towards_the_end_of_a_maxHold_it_is_not_renewed_more_often()
    {
        var schedule = new HoldSchedule(TimeSpan.FromSeconds(15), maxHold: TimeSpan.FromMinutes(1));

        Assert.That(schedule.NextRenewal(TimeSpan.FromSeconds(55), TimeSpan.FromSeconds(3)), Is.EqualTo(TimeSpan.FromSeconds(60)));
        Assert.That(new HoldSchedule(TimeSpan.FromSeconds(15)).NextRenewal(TimeSpan.FromSeconds(55), TimeSpan.FromSeconds(3)), Is.EqualTo(TimeSpan.FromSeconds(56)));
    }

    [Test]
    public void A_maxHold_above_the_TTL_leaves_the_lease_its_deadline()
    {
        var schedule = new HoldSchedule(TimeSpan.FromSeconds(15), maxHold: TimeSpan.FromHours(2));

        Assert.That(schedule.Deadline(TimeSpan.FromSeconds(1_000), schedule.Ttl, TimeSpan.Zero), Is.EqualTo(TimeSpan.FromSeconds(1_000 + (0.99 * 15))));
        Assert.That(schedule.Deadline(TimeSpan.FromHours(2), schedule.Ttl, TimeSpan.Zero), Is.EqualTo(0.99 * TimeSpan.FromHours(2)));
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
