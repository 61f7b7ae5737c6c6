using Consensus.Client;
using Consensus.Client.Testing;
using Consensus.Client.Transport;

namespace Consensus.Cli.Tests.Client;

/// <summary>What an operation that must end in time gives each attempt.</summary>
internal sealed class SettleDeadlineTests
{
    private readonly ManualTimeProvider _time = new();

    private SettleDeadline Begin(double? seconds, double wait = 0) => new(
        new ConsensusClientOptions { TimeProvider = _time, SettlesWithin = seconds is { } limit ? TimeSpan.FromSeconds(limit) : null },
        TimeSpan.FromSeconds(wait),
        _time.GetTimestamp());

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    [Test]
    public void Without_a_limit_each_attempt_has_its_usual_time()
    {
        var end = Begin(null, wait: 2);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.That(
            (end.OfAttempt(2, Seconds(2)).TotalSeconds, end.OfAttempt(2, Seconds(1)).TotalSeconds, end.HasTimeForAnother),
            Is.EqualTo((8, 7, true)),
            "what it waits in one slice, and no more");
        Assert.That(end.Shorten(Seconds(1)), Is.EqualTo(Seconds(1)));
    }

    [Test]
    public void The_last_endpoint_has_all_that_is_left_and_the_others_a_second_or_their_share()
    {
        var end = Begin(4);
        Assert.That((end.OfAttempt(3).TotalSeconds, end.OfAttempt(1).TotalSeconds, end.OfAttempt(0).TotalSeconds), Is.EqualTo((1, 2, 4)));
        _time.Advance(TimeSpan.FromSeconds(3.5));
        Assert.That((end.OfAttempt(3).TotalSeconds, end.OfAttempt(-1).TotalSeconds), Is.EqualTo((0.5, 0.5)));
    }

    [Test]
    public void A_wait_is_not_shared_and_counts_beyond_the_limit()
    {
        var end = Begin(1, wait: 60);
        Assert.That((end.OfAttempt(2, Seconds(60)).TotalSeconds, end.OfAttempt(2, Seconds(20)).TotalSeconds), Is.EqualTo((61, 26)));
        _time.Advance(Seconds(60));
        Assert.That((end.OfAttempt(2, Seconds(20)).TotalSeconds, end.HasTimeForAnother), Is.EqualTo((1, true)));
    }

    [Test]
    public void No_attempt_begins_when_the_time_is_over_and_a_pause_leaves_time_for_one()
    {
        var end = Begin(2);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((end.HasTimeForAnother, end.Shorten(TimeSpan.FromSeconds(2)).TotalSeconds), Is.EqualTo((true, 0.75)));
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.That(end.HasTimeForAnother, Is.False);
    }
}
