using Consensus.Simulation.Checkers;
using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>
/// The checkers are checked: each mistake that the promises rest on not being made is made on purpose, around production code, and the checker that must see it
/// does. The same seed, wired rightly, keeps every promise.
/// </summary>
public sealed class BrokenVariantTests
{
    private const ulong SearchedSeeds = 300;

    private static IEnumerable<TestCaseData> Variants => BrokenVariants.All.Select(v => new TestCaseData(v).SetArgDisplayNames(v.ToString()));

    [TestCaseSource(nameof(Variants))]
    public void A_mistake_is_seen_and_the_same_seed_wired_rightly_keeps_every_promise(object variant)
    {
        var broken = (BrokenVariant)variant;
        var seed = FirstSeed(broken, broken.Seed, broken.Window, out var others);
        Assert.That(seed, Is.Not.Null, $"\"{broken.Checker}\" saw nothing in {broken.Window} seeds from {broken.Seed}; {string.Join("; ", others)}");
        Assert.That(RunResult.Of(broken.PlanOf(seed!.Value)).Failure, Is.Null, $"seed {seed}, wired rightly");
    }

    [TestCaseSource(nameof(Variants))]
    [Explicit("By hand: looks for the seed to write into the table.")]
    public void First_seed_at_which_a_mistake_is_seen(object variant)
    {
        var broken = (BrokenVariant)variant;
        TestContext.Out.WriteLine($"{broken}: seed {FirstSeed(broken, 1, SearchedSeeds, out var others)}");
        TestContext.Out.WriteLine(string.Join('\n', others));
    }

    private static ulong? FirstSeed(BrokenVariant broken, ulong from, ulong count, out SortedDictionary<string, string> others)
    {
        others = [];
        for (var seed = from; seed < from + count; seed++)
        {
            var failure = RunResult.Of(broken.PlanOf(seed), broken.Wiring(), new WatchOptions(broken.Checker)).Failure;
            if (failure?.Checker == broken.Checker)
            {
                return seed;
            }
            if (failure is not null)
            {
                others[failure.Checker] = failure.Message;
            }
        }
        return null;
    }
}
