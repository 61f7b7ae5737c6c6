using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class HandOverTests
{
    [Test]
    public void The_named_waiter_gets_the_lock_past_those_before_it_in_one_step()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        var first = machine.Queued(Lock("l", "b", 2, 60 * Second));
        var named = machine.Queued(Lock("l", "c", 3, 60 * Second));
        var same = machine.Queued(Lock("l", "c", 4, 60 * Second));
        var given = (HandedOver)machine.Do(HandOver(hold, "c"));
        Assert.That((given.Hold.Owner, given.Hold.Token.Value), Is.EqualTo(("c", hold.Token.Value + 2)), "a release and a grant");
        Assert.That(machine.GrantOf(named)!.Token, Is.EqualTo(given.Hold.Token));
        Assert.That((machine.GrantOf(first), machine.GrantOf(same)), Is.EqualTo(((Hold?)null, (Hold?)null)));
        Assert.That(machine.Do(Release(hold)), Is.InstanceOf<HoldReleased>(), "it was given up, not lost");
        Assert.That(machine.View.GetLease(hold.Lease), Is.Null, "its own lease went with it");
    }

    [Test]
    public void Nothing_is_done_when_nobody_of_that_name_could_have_it_now()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Queued(Lock("l", "b", 2, 1 * Second));
        machine.Queued(Lock("l", "c", 3, 60 * Second), "k", member: 2);
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        var revision = machine.State.Revision;
        machine.Pass(1 * Second);
        foreach (var to in new[] { "b", "c", "nobody" })
        {
            Assert.That(((NoSuchWaiter)machine.Do(HandOver(hold, to))).Owner, Is.EqualTo(to));
        }
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
        Assert.That(machine.Look(hold).Holder!.Token, Is.EqualTo(hold.Token));
    }

    [Test]
    public void Only_a_present_holder_hands_over()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Queued(Lock("l", "b", 2, 60 * Second));
        machine.Do(Release(hold, force: true));
        Assert.That(((NotHolder)machine.Do(HandOver(hold, "b"))).Loss!.Reason, Is.EqualTo(LossReason.Forced));
    }

    [Test]
    public void A_shared_or_counted_hold_goes_to_one_who_fits_after_the_release_alone()
    {
        var machine = new Machine();
        var reader = machine.Granted(Shared("l", "a", 1));
        machine.Granted(Shared("l", "b", 2));
        machine.Queued(Lock("l", "writer", 3, 60 * Second));
        machine.Queued(Shared("l", "reader", 4, 60 * Second));
        Assert.That(machine.Do(HandOver(reader, "writer")), Is.InstanceOf<NoSuchWaiter>(), "another reader holds");
        Assert.That(machine.Do(HandOver(reader, "reader")), Is.InstanceOf<HandedOver>());

        var two = machine.Granted(Semaphore("s", "a", 11, 2, 3));
        machine.Granted(Semaphore("s", "b", 12, 1, 3));
        machine.Queued(Semaphore("s", "three", 13, 3, 3, 60 * Second));
        var one = machine.Queued(Semaphore("s", "one", 14, 1, 3, 60 * Second));
        Assert.That(machine.Do(HandOver(two, "three")), Is.InstanceOf<NoSuchWaiter>());
        Assert.That(((HandedOver)machine.Do(HandOver(two, "one"))).Hold.Token, Is.EqualTo(machine.GrantOf(one)!.Token));
    }

    [Test]
    public void One_may_hand_over_to_who_waits_under_the_same_lease()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Do(Lock("l", "b", 0, 60 * Second) with { OwnLease = LeaseId.None, SharedLease = hold.Lease });
        var given = (HandedOver)machine.Do(HandOver(hold, "b"));
        Assert.That(given.Hold.Lease, Is.EqualTo(hold.Lease));
        machine.Do(Release(given.Hold));
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)), "the lease goes with its last hold");
    }

    [Test]
    public void A_retried_hand_over_is_told_the_first_answer_and_hands_nothing_over_again()
    {
        var machine = new Machine();
        var hold = machine.Granted(Election("e", "a", 1, [1]));
        machine.Queued(Election("e", "b", 2, [2], 60 * Second));
        var given = (HandedOver)machine.Do(HandOver(hold, "b"), "k");
        machine.Queued(Election("e", "b", 3, [2], 60 * Second));
        machine.RestoreFromSnapshot();
        Assert.That(((HandedOver)machine.Do(HandOver(hold, "b"), "k")).Hold.Token, Is.EqualTo(given.Hold.Token));
        machine.Do(Release(given.Hold));
        var again = (HandedOver)machine.Do(HandOver(hold, "b"), "k");
        Assert.That((again.Hold.Token, again.Hold.Owner, again.Revision), Is.EqualTo((given.Hold.Token, "b", given.Revision)), "also when that hold is gone");
    }

    [Test]
    public void A_hold_is_not_handed_over_to_who_waits_for_several_but_to_a_place_of_the_same_owner_for_it_alone()
    {
        var machine = new Machine();
        var x = machine.Granted(Lock("x", "h", 1));
        machine.Granted(Lock("y", "h", 2));
        machine.Queued(WaitMany("a", 9, "x", "y"));
        var refused = (NoSuchWaiter)machine.Do(HandOver(x, "a"), "k");
        Assert.That(refused.WaitsForSeveral);
        Assert.That(((NoSuchWaiter)machine.Do(HandOver(x, "a"), "k")).WaitsForSeveral, "told again");
        Assert.That(((NoSuchWaiter)machine.Do(HandOver(x, "nobody"))).WaitsForSeveral, Is.False);
        var alone = machine.Queued(Lock("x", "a", 3, 60 * Second));
        Assert.That(machine.Do(HandOver(x, "a")), Is.InstanceOf<HandedOver>());
        Assert.That(machine.Look(x).Holder, Is.EqualTo(machine.GrantOf(alone)));
    }

    [Test]
    public void A_hold_is_handed_over_to_who_asked_for_this_one_lock_as_for_several()
    {
        var machine = new Machine();
        var x = machine.Granted(Lock("x", "h", 1));
        var waiting = machine.Queued(WaitMany("a", 9, "x"));
        Assert.That(((HandedOver)machine.Do(HandOver(x, "a"))).Hold, Is.EqualTo(machine.GrantsOf(waiting)!.Single()));
    }
}
