using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Several may hold one object: each lost hold has a lock delay of its own.</summary>
public sealed class SharedDelayTests
{
    /// <summary>Of a hold that expires after a second, unless it is renewed.</summary>
    private static AcquireCommand Lost(AcquireCommand ask, long delay) => ask with { TtlMicros = 1 * Second, LockDelayMicros = delay };

    private static HoldRefused Refused(Machine machine, Command ask) => (HoldRefused)machine.Do(ask);

    [Test]
    public void A_shared_grant_to_another_ends_no_delay_and_who_wants_it_exclusively_waits_for_it()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 20 * Second));
        machine.Expire(1 * Second);
        var until = machine.Now.PlusMicros(20 * Second);
        machine.Pass(2 * Second);
        var reader = machine.Granted(Shared("l", "b", 2));
        Assert.That(machine.Look(reader).DelayedUntil, Is.EqualTo(until), "readers do not wait for a reader that was lost");
        var refused = Refused(machine, Lock("l", "c", 3));
        Assert.That((refused.DelayedUntil, refused.DelayLeftMicros), Is.EqualTo(((ClusterTime?)until, 18 * Second)));
        Assert.That(Refused(machine, Many("c", 3, "l")).DelayedUntil, Is.EqualTo(until));
        machine.Do(Release(reader));
        var writer = machine.Queued(Lock("l", "c", 3, 60 * Second));
        machine.RestoreFromSnapshot();
        machine.Expire((18 * Second) - 1);
        Assert.That(machine.GrantOf(writer), Is.Null);
        machine.Expire(1);
        Assert.That(machine.GrantOf(writer), Is.Not.Null);
    }

    [Test]
    public void Who_wants_it_shared_waits_for_what_others_lost_exclusively()
    {
        var machine = new Machine();
        machine.Granted(Lost(Lock("l", "a", 1), 10 * Second));
        var reader = machine.Queued(Shared("l", "b", 2, 60 * Second));
        machine.Expire(1 * Second);
        Assert.That(machine.GrantOf(reader), Is.Null);
        Assert.That(Refused(machine, Shared("l", "c", 3)).DelayedUntil, Is.EqualTo(machine.Now.PlusMicros(10 * Second)));
        machine.Granted(Shared("l", "a", 3));
        Assert.That(machine.GrantOf(reader), Is.Not.Null, "what its owner took back is not kept back any more, and readers stand beside it");
    }

    [Test]
    public void Who_wants_it_exclusively_waits_for_the_last_of_all_delays_of_others()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 10 * Second));
        machine.Granted(Lost(Shared("l", "b", 2), 3 * Second));
        machine.Expire(1 * Second);
        var writer = machine.Queued(Lock("l", "c", 3, 60 * Second));
        var own = machine.Queued(Lock("l", "a", 4, 60 * Second));
        machine.Expire(3 * Second);
        Assert.That(machine.GrantOf(writer), Is.Null, "one is over, the other is not");
        Assert.That(machine.GrantOf(own), Is.Not.Null, "only its own was left, so it passes who waited before it");
        machine.Do(Release(machine.GrantOf(own)!));
        Assert.That(machine.GrantOf(writer), Is.Not.Null, "it was taken back");
    }

    [Test]
    public void Who_comes_back_waits_for_what_others_lost()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 10 * Second));
        machine.Granted(Lost(Shared("l", "b", 2), 10 * Second));
        machine.Expire(1 * Second);
        Assert.That(Refused(machine, Lock("l", "a", 3)).DelayedUntil, Is.EqualTo(machine.Now.PlusMicros(10 * Second)));
        machine.Granted(Shared("l", "a", 3));
    }

    [Test]
    public void Each_grant_to_the_owner_takes_back_one_of_the_holds_that_it_lost()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 10 * Second));
        machine.Granted(Lost(Shared("l", "a", 2), 5 * Second));
        machine.Expire(1 * Second);
        machine.Do(Release(machine.Granted(Shared("l", "a", 3))));
        Assert.That(Refused(machine, Lock("l", "c", 4)).DelayedUntil, Is.EqualTo(machine.Now.PlusMicros(10 * Second)), "the one that ends first was taken back");
        machine.Do(Release(machine.Granted(Lock("l", "a", 3))));
        machine.Granted(Lock("l", "c", 4));
    }

    [Test]
    public void A_reader_behind_a_writer_that_waits_for_a_delay_does_not_pass_it()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 10 * Second));
        machine.Expire(1 * Second);
        var writer = machine.Queued(Lock("l", "w", 2, 60 * Second));
        Assert.That(machine.Do(Shared("l", "r", 3)), Is.InstanceOf<HoldRefused>());
        var reader = machine.Queued(Shared("l", "r", 3, 60 * Second));
        machine.Expire(10 * Second);
        Assert.That((machine.GrantOf(writer) is not null, machine.GrantOf(reader) is null), Is.EqualTo((true, true)));
    }

    [Test]
    public void Lost_permits_stay_taken_until_their_delay_is_over()
    {
        var machine = new Machine();
        machine.Granted(Lost(Semaphore("s", "a", 1, 2, 3), 10 * Second));
        machine.Expire(1 * Second);
        var until = machine.Now.PlusMicros(10 * Second);
        Assert.That(Refused(machine, Semaphore("s", "b", 2, 2, 3)).DelayedUntil, Is.EqualTo(until));
        var rest = machine.Granted(Semaphore("s", "b", 2, 1, 3));
        Assert.That(Refused(machine, Semaphore("s", "c", 3, 1, 3)).DelayedUntil, Is.Null, "b may release the one that is not kept back at any time");
        var waits = machine.Queued(Semaphore("s", "c", 3, 2, 3, 60 * Second));
        var back = machine.Granted(Semaphore("s", "a", 4, 1, 3));
        Assert.That(machine.Look(back).Delays.Select(d => (d.Owner, d.Count, d.Until)), Is.EqualTo(new[] { ("a", 1L, until) }), "one of two was taken back");
        machine.RestoreFromSnapshot();
        machine.Do(Release(back));
        Assert.That(machine.GrantOf(waits), Is.Null, "one held by b, one kept for a: one is left, and it waits for two");
        machine.Do(Release(rest));
        Assert.That(machine.GrantOf(waits), Is.Not.Null);
        Assert.That(Refused(machine, Semaphore("s", "d", 5, 1, 3)).Holder, Is.Not.Null);
        machine.Expire(10 * Second);
        machine.Granted(Semaphore("s", "d", 5, 1, 3));
    }

    [Test]
    public void Who_lost_permits_passes_those_who_wait_with_as_many_as_it_lost_and_no_more()
    {
        var machine = new Machine();
        machine.Granted(Lost(Semaphore("s", "a", 1, 2, 4), 10 * Second));
        var other = machine.Granted(Semaphore("s", "b", 2, 1, 4));
        var first = machine.Queued(Semaphore("s", "c", 3, 3, 4, 60 * Second));
        machine.Expire(1 * Second);
        Assert.That(machine.Do(Semaphore("s", "a", 4, 3, 4)), Is.InstanceOf<HoldRefused>(), "three are more than it lost");
        var back = machine.Granted(Semaphore("s", "a", 4, 2, 4));
        machine.Do(Release(other));
        Assert.That(machine.GrantOf(first), Is.Null);
        machine.Do(Release(back));
        Assert.That(machine.GrantOf(first), Is.Not.Null);
    }

    [Test]
    public void The_limit_of_a_semaphore_stays_in_force_while_permits_are_kept_back()
    {
        var machine = new Machine();
        machine.Granted(Lost(Semaphore("s", "a", 1, 3, 3), 10 * Second));
        machine.Expire(1 * Second);
        Assert.That(((PermitsMismatch)machine.Do(Semaphore("s", "b", 2, 1, 9))).Permits, Is.EqualTo(3));
        machine.Expire(10 * Second);
        machine.Granted(Semaphore("s", "b", 2, 1, 9));
    }

    [Test]
    public void A_hand_over_gives_nothing_that_is_kept_for_another()
    {
        var machine = new Machine();
        machine.Granted(Lost(Semaphore("s", "a", 1, 1, 3), 10 * Second));
        var held = machine.Granted(Semaphore("s", "b", 2, 1, 3));
        machine.Expire(1 * Second);
        machine.Granted(Semaphore("s", "d", 3, 1, 3));
        machine.Queued(Semaphore("s", "c", 4, 2, 3, 60 * Second));
        Assert.That(machine.Do(HandOver(held, "c")), Is.InstanceOf<NoSuchWaiter>(), "one would be free, two are wanted");
        machine.Queued(Semaphore("s", "e", 5, 1, 3, 60 * Second));
        Assert.That(((HandedOver)machine.Do(HandOver(held, "e"))).Hold.Owner, Is.EqualTo("e"), "the permit that is handed over was never lost");
    }

    [Test]
    public void Beyond_so_many_lost_holds_the_last_covers_the_others_and_nobody_waits_for_less()
    {
        var machine = new Machine(new Limits { MaxDelaysPerLock = 2 });
        machine.Granted(Lost(Shared("l", "a", 1), 5 * Second));
        machine.Granted(Lost(Shared("l", "b", 2), 20 * Second));
        machine.Granted(Lost(Shared("l", "c", 3), 10 * Second));
        var last = machine.Granted(Lost(Shared("l", "a", 4), 7 * Second));
        machine.Expire(1 * Second);
        var start = machine.Now;
        Assert.That(
            machine.Look(last).Delays.Select(d => (d.Owner, d.Until - start)),
            Is.EqualTo(new[] { ("a", 7 * Second), (HoldDelay.Nobody, 20 * Second) }),
            "those of one owner together, then the rest");
        machine.RestoreFromSnapshot();
        Assert.That(Refused(machine, Lock("l", "b", 5)).DelayedUntil, Is.EqualTo(start.PlusMicros(20 * Second)), "it stands for several: nobody takes it back");
        machine.Expire(20 * Second - 1);
        Assert.That(machine.Do(Lock("l", "b", 5)), Is.InstanceOf<HoldRefused>());
        machine.Expire(1);
        machine.Granted(Lock("l", "b", 5));
    }

    [Test]
    public void A_release_by_force_of_what_nobody_holds_ends_all_delays()
    {
        var machine = new Machine();
        machine.Granted(Lost(Shared("l", "a", 1), 5 * Second));
        machine.Granted(Lost(Shared("l", "b", 2), 20 * Second));
        machine.Expire(1 * Second);
        machine.Do(new ReleaseHoldCommand(Machine.Key("l"), FencingToken.None, Force: true));
        machine.Granted(Lock("l", "c", 3));
    }
}
