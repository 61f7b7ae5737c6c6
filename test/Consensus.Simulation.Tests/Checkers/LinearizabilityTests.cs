using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Commands;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>The search and its models, on histories that are right, wrong, or only possible because an answer was lost.</summary>
public sealed class LinearizabilityTests
{
    private static Verdict OfKey(params Operation[] operations) => Linearizability.Check(new KeyModel(), KeyModel.CallsOf(operations));

    private static Verdict OfLock(params Operation[] operations) =>
        Linearizability.Check(new LockModel(), LockModel.CallsOf(operations, o => o.InvokedAt + (o.TtlMicros / 100 * 99)));

    [Test]
    public void Answers_in_order_are_linearizable() =>
        Assert.That(OfKey(Put("k", "a", 0, 10, 2, 1), ReadOf("k", 11, 20, "a", 2, 1), Put("k", "b", 21, 30, 3, 2)), Is.EqualTo(Verdict.Linearizable));

    [Test]
    [SeenBy(ObjectHistories.Name)]
    public void A_read_that_misses_an_acknowledged_write_is_not() =>
        Assert.That(OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 20, 3, 2), ReadOf("k", 21, 30, "a", 2, 1, view: 3)), Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    public void A_read_that_overlaps_a_write_may_see_it_or_not()
    {
        Assert.That(OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 40, 3, 2), ReadOf("k", 20, 30, "a", 2, 1)), Is.EqualTo(Verdict.Linearizable));
        Assert.That(OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 40, 3, 2), ReadOf("k", 20, 30, "b", 3, 2)), Is.EqualTo(Verdict.Linearizable));
    }

    [Test]
    public void Two_reads_in_a_row_do_not_go_back_while_a_write_is_under_way() =>
        Assert.That(
            OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 60, 3, 2), ReadOf("k", 20, 30, "b", 3, 2), ReadOf("k", 31, 40, "a", 2, 1, view: 3)),
            Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    public void A_write_without_an_answer_may_have_happened_at_any_later_time_or_never()
    {
        Assert.That(OfKey(LostPut("k", "x", 0), Put("k", "a", 1, 10, 2, 1), ReadOf("k", 11, 20, "x", 3, 2)), Is.EqualTo(Verdict.Linearizable));
        Assert.That(OfKey(LostPut("k", "x", 0), Put("k", "a", 1, 10, 2, 1), ReadOf("k", 11, 20, "a", 2, 1)), Is.EqualTo(Verdict.Linearizable));
        Assert.That(OfKey(Put("k", "a", 1, 10, 2, 1), ReadOf("k", 11, 20, "x", 3, 2), LostPut("k", "x", 21)), Is.EqualTo(Verdict.NotLinearizable));
    }

    [Test]
    [SeenBy(ObjectHistories.Name)]
    public void A_write_that_had_two_effects_is_not_linearizable() =>
        Assert.That(
            OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 20, 3, 2), ReadOf("k", 21, 30, "a", 4, 3)),
            Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    [SeenBy(ObjectHistories.Name)]
    public void Two_compare_and_sets_on_one_revision_cannot_both_succeed()
    {
        var onTwo = new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(2));
        Assert.That(
            OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 30, 3, 2, onTwo), Put("k", "c", 12, 31, 4, 3, onTwo)),
            Is.EqualTo(Verdict.NotLinearizable));
        Assert.That(OfKey(Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 30, 3, 2, onTwo)), Is.EqualTo(Verdict.Linearizable));
    }

    [Test]
    public void A_revision_that_goes_back_is_not_linearizable() =>
        Assert.That(OfKey(Put("k", "a", 0, 10, 5, 1), Put("k", "b", 11, 20, 4, 2)), Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    public void A_hundred_writes_without_answers_do_not_multiply_the_search()
    {
        var operations = Enumerable.Range(0, 100).Select(i => LostPut("k", $"x{i}", i)).ToList();
        operations.Add(Put("k", "a", 200, 210, 20, 30));
        operations.Add(ReadOf("k", 220, 230, "a", 20, 30));
        Assert.That(OfKey([.. operations]), Is.EqualTo(Verdict.Linearizable));
        operations.Add(Put("k", "b", 240, 250, 30, 200));
        Assert.That(OfKey([.. operations]), Is.EqualTo(Verdict.NotLinearizable), "there were not so many writes");
    }

    [Test]
    public void A_lock_is_granted_again_after_its_release_or_its_lease()
    {
        Assert.That(OfLock(Grant("l", 1, 0, 10, 5), Released("l", 1, 20, 30, 5), Grant("l", 2, 31, 40, 7)), Is.EqualTo(Verdict.Linearizable));
        Assert.That(OfLock(Grant("l", 1, 0, 10, 5), Grant("l", 2, 20, 1_500_000, 7)), Is.EqualTo(Verdict.Linearizable), "answered after the lease's end");
    }

    [Test]
    [SeenBy(ObjectHistories.Name)]
    public void A_lock_granted_to_two_is_not_linearizable() =>
        Assert.That(OfLock(Grant("l", 1, 0, 10, 5), Grant("l", 2, 20, 30, 7)), Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    public void A_token_that_goes_back_is_not_linearizable() =>
        Assert.That(OfLock(Grant("l", 1, 0, 10, 5), Released("l", 1, 20, 30, 5), Grant("l", 2, 31, 40, 4)), Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    [SeenBy(ObjectHistories.Name)]
    public void A_hold_is_not_renewed_after_another_was_granted() =>
        Assert.That(
            OfLock(Grant("l", 1, 0, 10, 5), Grant("l", 2, 1_000_000, 1_000_010, 7), Renewed("l", 1, 1_000_020, 1_000_030, 5)),
            Is.EqualTo(Verdict.NotLinearizable));

    [Test]
    public void A_grant_whose_answer_was_lost_explains_that_others_saw_it()
    {
        var lost = LostAcquire("l", 1, 0);
        Assert.That(OfLock(lost, Held("l", 2, 10, 20, lost.Owner, 5), Grant("l", 3, 30, 40, 6)), Is.EqualTo(Verdict.Linearizable));
        Assert.That(OfLock(Held("l", 2, 10, 20, "nobody", 5), Grant("l", 3, 30, 40, 6)), Is.EqualTo(Verdict.NotLinearizable));
    }

    [Test]
    public void A_search_that_is_given_too_few_steps_says_so() =>
        Assert.That(
            Linearizability.Check(new KeyModel(), KeyModel.CallsOf([Put("k", "a", 0, 10, 2, 1), Put("k", "b", 11, 20, 3, 2)]), maxSteps: 1),
            Is.EqualTo(Verdict.Undecided));
}
