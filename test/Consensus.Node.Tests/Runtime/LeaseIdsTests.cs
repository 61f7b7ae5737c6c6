using System.Collections.Concurrent;
using Consensus.Node.Runtime;

namespace Consensus.Node.Tests.Runtime;

/// <summary>Rule 17: nobody can guess a lease's id, from another one or from what it is made of.</summary>
public sealed class LeaseIdsTests
{
    private const int Threads = 4;
    private const int Each = 2_000;

    [Test]
    public void Ids_of_all_threads_are_positive_and_different()
    {
        var ids = Drawn();
        Assert.That(ids, Has.All.Positive);
        Assert.That(ids.Distinct().Count(), Is.EqualTo(Threads * Each));
    }

    [Test]
    public void Each_of_63_bits_is_set_in_about_half_of_all_ids_and_no_two_are_made_of_the_same_bytes()
    {
        var ids = Drawn();
        for (var bit = 0; bit < 63; bit++)
        {
            // 4,000 ± 45 is the standard deviation: this is more than twenty of them.
            Assert.That(ids.Count(id => (id >> bit & 1) == 1), Is.InRange(3_000, 5_000), $"bit {bit}");
        }
        const long SixBytes = (1L << 48) - 1;
        Assert.That(ids.SelectMany(id => new[] { id & SixBytes, (id >> 8) & SixBytes }).Distinct().Count(), Is.EqualTo(2 * ids.Length));
    }

    private static long[] Drawn()
    {
        var drawn = new ConcurrentQueue<long>();
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                drawn.Enqueue(LeaseIds.Next().Value);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => Assert.That(thread.Join(Patience.Limit), Is.True));
        return [.. drawn];
    }
}
