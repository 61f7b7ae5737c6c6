using Consensus.Client.Holding;

namespace Consensus.Client.Tests.Holding;

/// <summary>What one hold by a lease of its own makes of the answers to its renewals.</summary>
internal sealed class KeptHoldTests
{
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(200);

    [Test]
    public void A_renewal_that_tells_a_shorter_TTL_makes_it_safe_for_no_longer_than_that()
    {
        var hold = Hold(TimeSpan.FromSeconds(20), null);
        Renew(hold, 10, 12);

        Assert.That(hold.SafeUntil, Is.EqualTo(TimeSpan.FromSeconds(10 + (0.99 * 12)) - Margin));
        Assert.That(hold.NextRenewalAt, Is.EqualTo(TimeSpan.FromSeconds(14)));
    }

    [Test]
    public void A_renewal_never_makes_it_safe_for_less()
    {
        var hold = Hold(TimeSpan.FromSeconds(20), null);
        var before = hold.SafeUntil;
        Renew(hold, 5, 3);

        Assert.That(hold.SafeUntil, Is.EqualTo(before));
    }

    /// <param name="toldMs">What the answer says is left: less than at the send, by what the request took.</param>
    [TestCase(1_900)]
    [TestCase(2_000)]
    public void When_a_renewal_has_told_what_is_left_of_its_longest_time_that_is_why_it_is_over(int toldMs)
    {
        var hold = Hold(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8));
        Renew(hold, 3, 4);
        Assert.That(HoldKeeper.WhyOver(hold), Is.EqualTo("No renewal was answered in time."));
        Renew(hold, 6, toldMs / 1000.0);

        Assert.That(HoldKeeper.WhyOver(hold), Does.Contain("held for 8 s at most (maxHold)"));
        var next = TimeSpan.FromSeconds(6 + (4 / 3.0));
        Assert.That(hold.NextRenewalAt, Is.EqualTo(next).Within(TimeSpan.FromTicks(2)), "no more often towards its end");
    }

    private static void Renew(KeptHold hold, double sentAt, double ttl) =>
        hold.Extend(TimeSpan.FromSeconds(sentAt), TimeSpan.FromSeconds(ttl), ToUtc);

    private static KeptHold Hold(TimeSpan ttl, TimeSpan? maxHold) => new(
        new LeaseSchedule(ttl, Margin, maxHold), TimeSpan.Zero, TimeSpan.Zero, ToUtc,
        static (_, _) => throw new NotSupportedException());

    private static DateTimeOffset ToUtc(TimeSpan instant) => DateTimeOffset.UnixEpoch + instant;
}
