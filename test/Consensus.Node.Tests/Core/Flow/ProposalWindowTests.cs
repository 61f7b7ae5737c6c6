using Consensus.Node.Core.Flow;
using Consensus.Primitives;

namespace Consensus.Node.Tests.Core.Flow;

public sealed class ProposalWindowTests
{
    private const long MiB = 1 << 20;
    private const long Target = 100_000;

    [TestCase(2, TestName = "Window_follows_a_slow_disk_down")]
    [TestCase(30, TestName = "Window_follows_a_usual_disk")]
    [TestCase(150, TestName = "Window_follows_a_fast_disk_up")]
    public void What_is_in_the_window_is_settled_within_about_the_target(long mibASecond)
    {
        var run = new Flood(mibASecond * MiB);
        run.Until(20_000_000);
        var seconds = run.Window.Bytes / (double)(mibASecond * MiB);
        // Below its least a window is not made for any disk, and above its most for none.
        var (least, most) = (MiB / (double)(mibASecond * MiB), 16 * MiB / (double)(mibASecond * MiB));
        Assert.That(seconds, Is.InRange(Math.Min(Math.Max(least, 0.05), most), Math.Min(Math.Max(least, 0.21), most)));
    }

    [Test]
    public void Window_becomes_small_when_a_disk_becomes_slow()
    {
        var run = new Flood(100 * MiB);
        run.Until(5_000_000);
        Assert.That(run.Window.Bytes, Is.GreaterThan(8 * MiB));
        run.Rate = 10 * MiB;
        run.Until(25_000_000);
        Assert.That(run.Window.Bytes, Is.LessThan(3 * MiB));
    }

    [Test]
    public void Window_that_keeps_nothing_waiting_does_not_grow()
    {
        var window = new ProposalWindow(MiB, 16 * MiB, Target);
        for (var i = 1; i <= 100; i++)
        {
            Assert.That(window.HasRoom(0, 300), Is.True);
            window.Proposed(new LogIndex(i), i * 10_000);
            window.Settled(new LogIndex(i), (i * 10_000) + 1_000);
        }
        Assert.That(window.Bytes, Is.EqualTo(4 * MiB));
    }

    [Test]
    public void What_is_larger_than_the_window_goes_alone()
    {
        var window = new ProposalWindow(1000, 1000, Target);
        Assert.That(window.HasRoom(0, 5000), Is.True);
        Assert.That(window.HasRoom(251, 5000), Is.False);
        Assert.That(window.HasRoom(600, 400), Is.True);
        Assert.That(window.HasRoom(600, 401), Is.False);
    }

    [TestCase(1000)]
    [TestCase(5000)]
    public void What_is_as_large_as_the_window_or_larger_goes_beside_small_commands_that_never_end(long bytes)
    {
        var window = new ProposalWindow(1000, 1000, Target);
        Assert.That(window.HasRoom(250, bytes), Is.True);
    }

    [Test]
    public void Entry_of_a_lost_leadership_says_nothing_of_the_next()
    {
        var window = new ProposalWindow(MiB, 16 * MiB, Target);
        window.Proposed(new LogIndex(5), 0);
        window.Restart();
        window.Settled(new LogIndex(9), 60_000_000);
        Assert.That(window.Bytes, Is.EqualTo(4 * MiB));
    }

    /// <summary>Entries of 1 MiB, more than a disk of so many bytes a second takes, each committed when the disk has written all before it.</summary>
    private sealed class Flood(long rate)
    {
        private readonly Queue<long> _due = new();
        private long _now;
        private long _diskFreeAt;
        private long _proposed;
        private long _committed;

        public long Rate { get; set; } = rate;

        public ProposalWindow Window { get; } = new(MiB, 16 * MiB, Target);

        public void Until(long micros)
        {
            while (_now < micros)
            {
                while (_due.TryPeek(out var due) && due <= _now)
                {
                    _due.Dequeue();
                    _committed++;
                }
                Window.Settled(new LogIndex(_committed), _now);
                while (Window.HasRoom(_due.Count * MiB, MiB))
                {
                    _diskFreeAt = Math.Max(_now, _diskFreeAt) + (MiB * 1_000_000 / Rate);
                    _due.Enqueue(_diskFreeAt + 3_000);
                    Window.Proposed(new LogIndex(++_proposed), _now);
                }
                _now = _due.Peek();
            }
        }
    }
}
