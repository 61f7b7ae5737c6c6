using Consensus.Peers.Trials;

namespace Consensus.Peers.Tests;

/// <summary>Which tables of trials speak for consensusd.</summary>
public sealed class VerdictTests
{
    private static readonly string[] Kinds = ["loss", "slow"];

    private static readonly string[] Systems = ["dotnext", "consensus"];

    private static readonly Judgement Clean = new(null, null, 0);

    private static TrialRow Passed(string system, string kind, int held = 10) => TrialRow.Of(system, kind) with { Held = held };

    /// <summary>All passed, but for what is put in the place of consensusd's slow ones.</summary>
    private static IReadOnlyList<string> With(TrialRow? slow)
    {
        TrialRow?[] rows = [Passed("dotnext", "loss"), Passed("consensus", "loss"), Passed("dotnext", "slow"), slow];
        return Verdict.Against([.. rows.OfType<TrialRow>()], Kinds, Systems);
    }

    [Test]
    public void What_was_held_without_a_fault_is_passed()
    {
        Assert.That(With(Passed("consensus", "slow")), Is.Empty);
        Assert.That(With(Passed("consensus", "slow", held: 1)), Is.Empty);
    }

    [Test]
    public void One_trial_that_consensusd_does_not_get_through_is_not_made_up_for_by_the_others()
    {
        var row = Passed("consensus", "slow", held: 9);
        Assert.That(With(row with { Failed = 1 }), Is.EqualTo(new[] { "1 trials of slow with consensus could not be held" }));
        Assert.That(With(row with { Undecided = 1 }), Is.EqualTo(new[] { "1 trials of slow with consensus could not be judged wholly" }));
        Assert.That(With(row with { Found = 1 }), Is.EqualTo(new[] { "1 trials of slow with consensus showed a broken promise" }));
        Assert.That(With(Passed("consensus", "slow", held: 0)), Is.EqualTo(new[] { "no trial of slow was held with consensus" }));
    }

    [Test]
    public void A_kind_that_was_asked_for_and_not_tried_is_not_passed()
    {
        Assert.That(With(null), Is.EqualTo(new[] { "slow was not tried with consensus" }));
        // Without a compiler there is no row of slow ones at all.
        Assert.That(Verdict.Against([], ["slow"], Systems), Has.Count.EqualTo(2));
        Assert.That(Verdict.Against([], ["slow"], ["dotnext"]), Is.EqualTo(new[] { "slow was not tried with dotnext" }));
    }

    [Test]
    public void What_the_others_do_is_only_told()
    {
        var other = TrialRow.Of("dotnext", "slow") with { Held = 1, Failed = 5, Found = 1, Undecided = 1 };
        Assert.That(Verdict.Against([other, Passed("consensus", "slow")], ["slow", "duplicate"], Systems), Is.Empty);
    }

    [Test]
    public void A_row_counts_its_trials()
    {
        var row = TrialRow.Of("consensus", "loss")
            .With(LossTrial.ResultOf(Clean, 0, 7, delayed: null))
            .With(LossTrial.ResultOf(Clean with { Undecided = 2 }, 0, 7, delayed: 3))
            .With(LossTrial.ResultOf(Clean with { Durability = "lost" }, 1, 7, delayed: 3));
        Assert.That((row.Held, row.Found, row.Durability, row.Linearizability, row.Undecided), Is.EqualTo((3, 1, 1, 0, 1)));
        Assert.That(row.Detail, Does.StartWith("1 of 7 acknowledged writes lost, 3 flushes delayed"));
    }

    [Test]
    public void A_trial_with_slow_flushes_of_which_none_was_slow_is_not_held()
    {
        Assert.That(() => LossTrial.ResultOf(Clean, 0, 7, delayed: 0), Throws.InstanceOf<TrialFailedException>());
        var broken = LossTrial.ResultOf(Clean with { Linearizability = "a" }, 1, 7, delayed: 0);
        Assert.That(broken.Found, Is.True, "a fault is one all the same");
    }

    [Test]
    public void A_fault_without_a_loss_is_said_to_be_one() =>
        Assert.That(
            LossTrial.ResultOf(Clean with { Linearizability = "a" }, 0, 7, delayed: null).Detail,
            Does.StartWith("0 of 7 acknowledged writes lost (some read missed a write that a later one showed)"));
}
