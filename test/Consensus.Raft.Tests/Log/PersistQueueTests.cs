using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Log;

public sealed class PersistQueueTests
{
    [Test]
    public void Writes_become_durable_in_order()
    {
        var queue = new PersistQueue();
        Assert.That(queue.Add(new LogIndex(3), hasHardState: true, now: 0), Is.EqualTo(1));
        Assert.That(queue.Add(new LogIndex(5), hasHardState: false, now: 0), Is.EqualTo(2));
        Assert.That(queue.Complete(1, now: 0), Is.EqualTo(new LogIndex(3)));
        Assert.That(queue.HoldsHardState, Is.False);
        Assert.That(queue.Complete(1, now: 0), Is.EqualTo(LogIndex.Zero), "told twice");
        Assert.That(queue.Complete(2, now: 0), Is.EqualTo(new LogIndex(5)));
        Assert.That(queue.IsEmpty, Is.True);
    }

    [Test]
    public void Sequence_that_was_never_handed_over_ends_the_process() =>
        Assert.That(() => new PersistQueue().Complete(1, 0), Throws.TypeOf<InvariantViolationException>());

    [Test]
    public void Cut_reaches_the_writes_under_way_only()
    {
        var queue = new PersistQueue();
        queue.Add(new LogIndex(5), false, 0);
        queue.Clamp(new LogIndex(2));
        queue.Add(new LogIndex(3), false, 0);
        Assert.That(queue.Complete(1, 0), Is.EqualTo(new LogIndex(2)));
        Assert.That(queue.Complete(2, 0), Is.EqualTo(new LogIndex(3)));
    }

    [Test]
    public void Disk_stalls_when_something_waits_and_nothing_finishes()
    {
        var queue = new PersistQueue();
        Assert.That(queue.IsStalled(now: 500, ticks: 100), Is.False, "nothing waits");
        queue.Add(new LogIndex(1), false, now: 500);
        queue.Add(new LogIndex(2), false, now: 550);
        Assert.That(queue.IsStalled(now: 599, ticks: 100), Is.False);
        Assert.That(queue.IsStalled(now: 600, ticks: 100), Is.True);
        queue.Complete(1, now: 600);
        Assert.That(queue.IsStalled(now: 699, ticks: 100), Is.False, "it moved");
        Assert.That(queue.IsStalled(now: 700, ticks: 100), Is.True);
    }
}
