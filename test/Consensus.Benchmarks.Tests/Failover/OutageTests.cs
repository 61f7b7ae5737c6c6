using System.Diagnostics;
using Consensus.Benchmarks.Failover;

namespace Consensus.Benchmarks.Tests.Failover;

internal sealed class OutageTests
{
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    [Test]
    public void A_kill_is_over_with_the_first_success_of_a_put_that_was_begun_after_it()
    {
        var outage = Begun(LeaderEnd.Kill, 100);
        Assert.That(Success(outage, begun: 99, now: 101), Is.Null);
        Assert.That(Success(outage, begun: 105, now: 160), Is.EqualTo(60));
    }

    [Test]
    public void Nothing_counts_before_the_signal() =>
        Assert.That(new Outage(LeaderEnd.Kill).OnSuccess(1, 2), Is.Null);

    [Test]
    public void A_stop_is_the_longest_time_without_a_success_until_the_leader_is_gone()
    {
        var outage = Begun(LeaderEnd.Stop, 100);
        Assert.That(Success(outage, begun: 99, now: 101), Is.Null);
        Assert.That(Success(outage, begun: 102, now: 119), Is.Null);
        Assert.That(Success(outage, begun: 119, now: 122), Is.Null);
        outage.LeaderIsGone(125 * Millisecond);
        Assert.That(Success(outage, begun: 124, now: 126), Is.Null);
        Assert.That(Success(outage, begun: 125, now: 127), Is.EqualTo(18));
    }

    [Test]
    public void The_leader_is_gone_from_the_first_time_it_was_seen_so()
    {
        var outage = Begun(LeaderEnd.Stop, 100);
        outage.LeaderIsGone(110 * Millisecond);
        outage.LeaderIsGone(130 * Millisecond);
        Assert.That(Success(outage, begun: 120, now: 125), Is.EqualTo(25));
    }

    private static Outage Begun(LeaderEnd way, long ms)
    {
        var outage = new Outage(way);
        outage.Begin(ms * Millisecond);
        return outage;
    }

    private static double? Success(Outage outage, long begun, long now) => outage.OnSuccess(begun * Millisecond, now * Millisecond)?.TotalMilliseconds;
}
