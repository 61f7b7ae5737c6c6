using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class MultiLockTests
{
    [Test]
    public void All_are_granted_with_tokens_of_their_own_under_one_lease()
    {
        var machine = new Machine();
        var granted = (ManyGranted)machine.Do(Many("a", 1, "z", "x", "y"));
        Assert.That(granted.Holds.Select(h => (h.Name.ToString(), h.Token.Value)), Is.EqualTo([("z", 2), ("x", 3), ("y", 4)]), "in the order asked");
        Assert.That((granted.Revision.Value, machine.View.Counts.HoldsInUse, machine.View.Counts.Leases), Is.EqualTo((4, 3, 1)));
    }

    [Test]
    public void None_is_granted_when_one_is_held_or_waited_for_and_the_first_such_is_named()
    {
        var machine = new Machine();
        machine.Granted(Lock("c", "b", 1));
        machine.Granted(Shared("b", "b", 2));
        var revision = machine.State.Revision;
        var refused = (HoldRefused)machine.Do(Many("a", 9, "a", "c", "b"));
        Assert.That((refused.Name, refused.Holder!.Name), Is.EqualTo((Machine.Key("c"), Machine.Key("c"))));
        Assert.That((machine.State.Revision, machine.View.Counts.HoldsInUse, machine.View.Counts.Leases), Is.EqualTo((revision, 2, 2)));
    }

    [Test]
    public void The_first_release_does_not_end_the_others_and_the_last_ends_the_lease()
    {
        var machine = new Machine();
        var holds = ((ManyGranted)machine.Do(Many("a", 1, "x", "y", "z"))).Holds;
        var waiter = machine.Queued(Lock("x", "b", 2, 60 * Second));
        machine.Do(Release(holds[0]));
        Assert.That(machine.GrantOf(waiter), Is.Not.Null);
        machine.Do(Release(holds[1], force: true));
        Assert.That(machine.Do(Renew(holds[2])), Is.InstanceOf<HoldRenewed>());
        machine.Do(Release(holds[2]));
        Assert.That(machine.View.GetLease(holds[0].Lease), Is.Null);
    }

    [Test]
    public void The_lease_of_a_multi_lock_that_expires_takes_all_of_them()
    {
        var machine = new Machine();
        var holds = ((ManyGranted)machine.Do(Many("a", 1, "x", "y"))).Holds;
        machine.Expire(60 * Second);
        Assert.That(holds.Select(h => ((NotHolder)machine.Do(Renew(h))).Loss!.Reason), Is.All.EqualTo(LossReason.Expired));
    }

    [Test]
    public void Names_given_twice_too_many_or_not_at_all_are_refused()
    {
        var machine = new Machine(new Limits { MaxHoldsPerCommand = 3 });
        Assert.That(((KeyWrittenTwice)machine.Do(Many("a", 1, "x", "y", "x"))).Key, Is.EqualTo(Machine.Key("x")));
        Assert.That(machine.Do(Many("a", 1)), Is.InstanceOf<KeyWrittenTwice>());
        Assert.That(machine.Do(Many("a", 1, "a", "b", "c", "d")), Is.InstanceOf<TooManyObjects>());
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)));
    }

    [Test]
    public void Bounds_are_judged_for_all_of_them_together()
    {
        var machine = new Machine(new Limits { MaxObjects = 2, MaxLeases = 1, MaxAttachmentsPerLease = 2, MaxStateBytes = 1_000 });
        Assert.That(((BoundReached)machine.Do(Many("a", 1, "x", "y", "z"))).Bound, Is.EqualTo(BoundKind.Locks));
        Assert.That(machine.Do(Many("a", 1, "x", "y") with { Metadata = new byte[50] }), Is.InstanceOf<QuotaExceeded>());
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second));
        Assert.That(((BoundReached)machine.Do(Many("a", 1, "x"))).Bound, Is.EqualTo(BoundKind.Leases));
        var under = Many("a", 0, "x", "y") with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90) };
        Assert.That(machine.Do(under with { Names = [.. under.Names, Machine.Key("z")] }), Is.InstanceOf<BoundReached>());
        Assert.That(machine.Do(under with { SharedLease = new LeaseId(91) }), Is.InstanceOf<LeaseMissing>());
        Assert.That(machine.Do(under), Is.InstanceOf<ManyGranted>());
    }

    [Test]
    public void A_retry_gets_the_same_holds_until_one_of_them_is_gone()
    {
        var machine = new Machine();
        var first = (ManyGranted)machine.Do(Many("a", 1, "x", "y"), "k");
        machine.RestoreFromSnapshot();
        var again = (ManyGranted)machine.Do(Many("a", 2, "x", "y"), "k");
        Assert.That(again.Holds.Select(h => h.Token), Is.EqualTo(first.Holds.Select(h => h.Token)));
        machine.Do(new ReleaseHoldCommand(Machine.Key("y"), FencingToken.None, Force: true));
        Assert.That(((ReplayedHoldGone)machine.Do(Many("a", 3, "x", "y"), "k")).Loss!.Reason, Is.EqualTo(LossReason.Forced));
    }

    [Test]
    public void Holds_that_nobody_was_told_of_are_given_back_one_by_one()
    {
        var machine = new Machine();
        var granted = (ManyGranted)machine.Do(Many("a", 1, "x", "y"));
        var request = machine.Last;
        foreach (var hold in granted.Holds)
        {
            machine.Do(CancelWaitCommand.Of(hold.Object, request, CancelReason.Disconnected));
        }
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)));
    }
}
