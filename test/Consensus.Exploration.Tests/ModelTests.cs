using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Exploration.Search;

namespace Consensus.Exploration.Tests;

public sealed class ModelTests
{
    private const int MoreThanThereAre = 2_000_000;

    private static IEnumerable<string> Names() => AllModels.InOrder.Select(m => m.Name);

    [TestCaseSource(nameof(Names))]
    public void Every_state_within_the_small_bounds_keeps_every_promise(string name)
    {
        var model = AllModels.InOrder.Single(m => m.Name == name);
        var result = new ExhaustiveSearch(model, model.Small, new Wiring(), MoreThanThereAre).Run();
        TestContext.Out.WriteLine($"{result.States} states, {result.Transitions} steps between them");
        Assert.That(result.Finding, Is.Null, result.Finding?.ToString());
        // A search in which next to nothing happens would find nothing.
        Assert.That(result.IsComplete, Is.True);
        Assert.That(result.States, Is.GreaterThan(10_000));
    }

    [TestCaseSource(nameof(Names))]
    public void Walks_beyond_the_bounds_keep_every_promise(string name)
    {
        var walks = new RandomWalks(AllModels.InOrder.Single(m => m.Name == name), new Wiring(), seed: 7);
        for (var i = 0; i < 40; i++)
        {
            var finding = walks.Walk(200);
            Assert.That(finding, Is.Null, finding?.ToString());
        }
    }

    [Test]
    public void A_search_that_its_limit_ends_says_so()
    {
        var result = new ExhaustiveSearch(AllModels.Elections, AllModels.Elections.Small, new Wiring(), maxStates: 100).Run();
        Assert.That(result.IsComplete, Is.False);
        Assert.That(result.States, Is.InRange(100, 200));
    }
}
