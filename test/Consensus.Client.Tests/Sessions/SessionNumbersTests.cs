using Consensus.Client.Sessions;

namespace Consensus.Client.Tests.Sessions;

/// <summary>Which numbers a client gives its writes, and what it acknowledges.</summary>
internal sealed class SessionNumbersTests
{
    private SessionNumbers _numbers = null!;

    [SetUp]
    public void Start() => _numbers = new SessionNumbers("1f", _ => { }, _ => { });

    [Test]
    public void What_is_acknowledged_rises_over_answers_that_were_taken_and_over_no_gap()
    {
        var (first, second, third) = (Take(), Take(), Take());

        _numbers.Close(second);
        Assert.That(_numbers.Acked, Is.Zero, "the first is not answered");
        _numbers.Close(first);
        Assert.That(_numbers.Acked, Is.EqualTo(second));
        _numbers.Close(third);
        Assert.That(_numbers.Acked, Is.EqualTo(third));
        Assert.That(_numbers.Mark(Take()), Is.EqualTo(new WriteNumber("1f", third + 1, third)));
    }

    [Test]
    public void No_more_than_a_thousand_are_unacknowledged()
    {
        var first = Take();
        for (var i = 1; i < SessionNumbers.Most; i++)
        {
            _numbers.Close(Take());
        }
        Assert.That(_numbers.TryTake(out _), Is.False, "the first is not answered, and all others are behind it");

        _numbers.Close(first);
        Assert.That(_numbers.TryTake(out var next), Is.True);
        Assert.That(_numbers.Mark(next), Is.EqualTo(new WriteNumber("1f", SessionNumbers.Most + 1, SessionNumbers.Most)));
    }

    [Test]
    public void What_is_acknowledged_passes_a_number_that_stands_in_line_and_that_number_acknowledges_itself_never()
    {
        var waiting = Take();
        _numbers.Place(waiting);
        _numbers.Close(Take());

        Assert.That(_numbers.Acked, Is.EqualTo(2));
        Assert.That(_numbers.IsUnderWay(waiting), Is.True);
        Assert.That(_numbers.Mark(waiting), Is.EqualTo(new WriteNumber("1f", 1, 0)));

        _numbers.Close(waiting);
        _numbers.Place(waiting);
        Assert.That(_numbers.IsUnderWay(waiting), Is.False, "what is answered is not under way, whatever news of it comes late");
    }

    private long Take()
    {
        Assert.That(_numbers.TryTake(out var number), Is.True);
        return number;
    }
}
