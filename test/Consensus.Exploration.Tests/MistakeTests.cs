using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Exploration.Search;
using Consensus.Exploration.Tests.Mistakes;
using Consensus.Raft.Membership;

namespace Consensus.Exploration.Tests;

/// <summary>A mistake that is made on purpose is found by the model that is for it, by a shortest way; the same bounds without the mistake keep every promise.</summary>
public sealed class MistakeTests
{
    private const int MostStates = 3_000_000;

    /// <summary>A cluster of one changes its only member: no majority of before has a member in common with one of after.</summary>
    private static readonly Model Replaced = AllModels.Membership with { Members = 2, Changes = [.. AllModels.Membership.Changes.Where(c => c is not AddMember { AsVoter: true })] };

    private static readonly (string Name, Model Model, Bounds Bounds, Wiring Wiring, string Promise)[] All =
    [
        ("a vote forgotten at a restart", AllModels.Elections with { PersistsAtOnce = true }, new Bounds { Term = 1, OnTheirWay = 4, Restarts = 1 }, new ForgetsItsVote(), "election safety"),
        ("acknowledged before the flush", AllModels.Elections, new Bounds { Term = 1, OnTheirWay = 4, Restarts = 1 }, new AcknowledgesBeforeFlush(), "durability"),
        ("entries of earlier terms counted", AllModels.Conflicts, new Bounds { Term = 5, OnTheirWay = 2, Losses = Bounds.AnyNumber }, new CountsEarlierTerms(), "leader completeness"),
        ("committed without a majority", AllModels.Elections with { PersistsAtOnce = true }, new Bounds { Term = 1, OnTheirWay = 3 }, new CommitsWithoutMajority(), "durability"),
        ("a configuration used once it is committed", Replaced, new Bounds { Term = 2, OnTheirWay = 2, Changes = 3 }, new UsesConfigurationsOnceCommitted(), "durability"),
        ("a read without a round", AllModels.Reads, new Bounds { Term = 2, OnTheirWay = 3, Reads = 1 }, new ReadsWithoutRound(), "linearizable reads"),
        ("an answer for the process before", AllModels.Reads, new Bounds { Term = 1, OnTheirWay = 3, Reads = 2, Proposals = 1, Restarts = 1 }, new TakesAnswersForTheProcessBefore(), "linearizable reads"),
    ];

    private static IEnumerable<TestCaseData> Mistakes() => All.Select((m, i) => new TestCaseData(i).SetArgDisplayNames(m.Name));

    [TestCaseSource(nameof(Mistakes))]
    public void A_mistake_is_found_by_the_model_that_is_for_it(int number)
    {
        var (_, model, bounds, wiring, promise) = All[number];
        var search = new ExhaustiveSearch(model, bounds, wiring, MostStates);
        var result = search.Run();
        TestContext.Out.WriteLine($"{result.States} states\n{result.Finding}");
        Assert.That(result.Finding?.What, Does.StartWith(promise));
    }
}
