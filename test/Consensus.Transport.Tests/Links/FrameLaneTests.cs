using Consensus.Transport.Links;

namespace Consensus.Transport.Tests.Links;

/// <summary>What a lane says that it holds is what it holds.</summary>
public sealed class FrameLaneTests
{
    [Test]
    public void A_lane_holds_what_it_says_beforehand_and_that_is_all_of_its_segments()
    {
        var lane = new FrameLane();
        foreach (var size in new[] { 10, 60_000, 70_000, 10, 1_100_000, 5_000, 65_536, 1 })
        {
            var (before, cost) = (lane.HeldBytes, lane.Cost(size));
            Assert.That(lane.Add(size).Length, Is.EqualTo(size));
            Assert.That(lane.HeldBytes - before, Is.EqualTo(cost), $"a frame of {size} bytes");
        }
        var (said, held) = (lane.HeldBytes, 0L);
        while (lane.Take() is { } segment)
        {
            held += segment.Bytes.Length;
            Assert.That(said - held, Is.EqualTo(lane.HeldBytes));
        }
        Assert.That(said, Is.EqualTo(held));
        Assert.That((lane.IsEmpty, lane.HeldBytes), Is.EqualTo((true, 0L)));
    }
}
