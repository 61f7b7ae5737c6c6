using System.IO.Pipelines;
using Consensus.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Consensus.Server.Tests.Http;

internal sealed class UnfinishedBodiesTests
{
    private const int Budget = 100_000;

    private readonly ManualClock _clock = new();
    private readonly Pipe _pipe = new();

    private UnfinishedBodies Create() => new(Budget, TimeSpan.FromSeconds(20), _clock);

    private UnfinishedBody Begin(UnfinishedBodies bodies) => bodies.Begin(new DefaultHttpContext(), _pipe.Reader)!;

    [Test]
    public void A_client_without_room_is_told_when_the_oldest_body_is_over_at_the_latest()
    {
        var bodies = Create();
        var oldest = Begin(bodies);
        Assert.That(bodies.SecondsUntilRoom(), Is.EqualTo(20));
        _clock.Advance(TimeSpan.FromSeconds(7.5));
        using var younger = Begin(bodies);
        Assert.That(bodies.SecondsUntilRoom(), Is.EqualTo(13));
        _clock.Advance(TimeSpan.FromSeconds(12.4));
        Assert.That(bodies.SecondsUntilRoom(), Is.EqualTo(1));
        oldest.Dispose();
        Assert.That(bodies.SecondsUntilRoom(), Is.EqualTo(8), "the other one is the oldest now");
    }

    [Test]
    public async Task A_body_whose_time_is_over_is_not_waited_for_any_longer()
    {
        using var body = Begin(Create());
        var read = _pipe.Reader.ReadAsync();
        _clock.Advance(TimeSpan.FromSeconds(19));
        Assert.That(read.IsCompleted, Is.False);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await read).IsCanceled, Is.True);
    }

    [Test]
    public void The_time_of_a_body_that_came_ends_nothing_that_is_read_after_it()
    {
        Begin(Create()).Dispose();
        var next = _pipe.Reader.ReadAsync();
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(next.IsCompleted, Is.False);
    }

    [Test]
    public void What_bodies_hold_is_counted_while_they_hold_it()
    {
        var bodies = Create();
        var first = Begin(bodies);
        var alone = bodies.HeldBytes;
        Assert.That(alone, Is.Positive, "the request itself");
        Assert.That(first.TryHold(60_000), Is.True);
        Assert.That(first.TryHold(60_000), Is.False);
        Assert.That((bodies.HeldBytes, bodies.Refused), Is.EqualTo((alone + 60_000, 1)));
        first.LetGo(60_000);
        Assert.That(first.TryHold(60_000), Is.True);
        first.Dispose();
        Assert.That((bodies.HeldBytes, bodies.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void A_quarter_is_kept_for_small_bodies()
    {
        var bodies = Create();
        using var large = Begin(bodies);
        Assert.That(large.TryHold(60_000), Is.True);
        using var small = Begin(bodies);
        Assert.That(small.TryHold(17_000), Is.False);
        Assert.That(small.TryHold(16_000), Is.True);
    }
}
