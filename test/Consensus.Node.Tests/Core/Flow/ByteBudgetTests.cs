using Consensus.Node.Core.Flow;

namespace Consensus.Node.Tests.Core.Flow;

public sealed class ByteBudgetTests
{
    [Test]
    public void Last_tenth_is_for_what_is_urgent()
    {
        var budget = new ByteBudget(1000);
        Assert.That(budget.TryHold(900, isUrgent: false), Is.True);
        Assert.That(budget.TryHold(1, isUrgent: false), Is.False);
        Assert.That(budget.TryHold(100, isUrgent: true), Is.True);
        Assert.That(budget.TryHold(1, isUrgent: true), Is.False);
        Assert.That(budget.Held, Is.EqualTo(1000), "what was refused is not held");
        budget.LetGo(200);
        Assert.That(budget.TryHold(100, isUrgent: false), Is.True);
    }

    [Test]
    public void Empty_budget_takes_what_is_larger_than_it_and_then_nothing_more()
    {
        var budget = new ByteBudget(1000);
        Assert.That(budget.TryHold(5000, isUrgent: false), Is.True);
        Assert.That(budget.TryHold(1, isUrgent: true), Is.False);
        budget.LetGo(5000);
        Assert.That(budget.Held, Is.Zero);
    }

    [Test]
    public void Threads_never_hold_more_than_the_limit_together()
    {
        var budget = new ByteBudget(10_000);
        long most = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (budget.TryHold(900, isUrgent: false))
                {
                    // Refused tries of others are in the counter for a moment, held ones for long.
                    InterlockedMax(ref most, 900 * Interlocked.Add(ref _holders, 1));
                    Interlocked.Add(ref _holders, -1);
                    budget.LetGo(900);
                }
            }
        });
        Assert.That(budget.Held, Is.Zero);
        Assert.That(most, Is.LessThanOrEqualTo(9_000));
    }

    private long _holders;

    private static void InterlockedMax(ref long target, long value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen)
        {
            var before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
            {
                return;
            }
            seen = before;
        }
    }
}
