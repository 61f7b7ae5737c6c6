using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A lease is renewed whole, and only while all that it keeps may be held.</summary>
internal sealed class KeptHoldTests : PolicedTest
{
    /// <summary>Of a lease that is the session of several holds.</summary>
    private static AcquireCommand Under(long lease, AcquireCommand ask) =>
        ask with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = new LeaseId(lease) };

    [TestCase(true)]
    [TestCase(false)]
    public void A_hold_that_may_not_be_held_any_more_is_not_kept_by_another_of_its_lease(bool isSession)
    {
        Lease(5, "a", isSession);
        var lost = Granted(Under(5, Lock("a/x", "o", 0)), "a");
        var kept = Granted(Under(5, Lock("shared/y", "o", 0)), "a");
        var deadline = Subject.View.GetLease(new LeaseId(5))!.Deadline;
        Subject.Change(new PutRoleCommand("a", [Prefix(Verbs.Hold, Spaces.Locks, "shared/")]));
        foreach (var restored in new[] { false, true })
        {
            Subject.Pass(Second);
            Assert.That(Subject.Refuses(Renew(kept), "a").Missing, Is.EqualTo(Access.To(lost.Object, Verbs.Hold)));
            Assert.That(Subject.Refuses(new RenewLeasesCommand([new LeaseId(5)]), "a").Missing,
                Is.EqualTo(Access.To(lost.Object, Verbs.Hold)));
            var many = Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5), new LeaseId(6)]), "a").Renewals;
            Assert.That((many[0].Alive, many[0].IsForbidden), Is.EqualTo((false, true)));
            Subject.RestoreFromSnapshot();
        }
        Assert.That(Subject.View.GetLease(new LeaseId(5))!.Deadline, Is.EqualTo(deadline), "and neither does it end early");
        Done<HoldReleased>(Release(lost, force: true), Local);
        Done<HoldRenewed>(Renew(kept), "a");
        Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5)]), "a");
    }

    [Test]
    public void A_hold_that_is_renewed_no_more_stands_to_its_deadline()
    {
        Lease(5, "a");
        var hold = Granted(Under(5, Lock("a/x", "o", 0)), "a");
        Granted(Under(5, Lock("shared/y", "o", 0)), "a");
        Subject.Change(new PutRoleCommand("a", [Prefix(Verbs.Hold, Spaces.Locks, "shared/")]));
        Subject.Expire(60 * Second - 1);
        Assert.That(Subject.View.GetObject(hold.Object).Holder?.Token, Is.EqualTo(hold.Token));
        Subject.Expire(1);
        Assert.That(Subject.View.GetObject(hold.Object).Holder, Is.Null);
    }

    [Test]
    public void What_others_hold_on_a_lease_is_kept_by_who_may_break_it_and_not_named_to_who_may_not()
    {
        Subject.Change(new PutPrincipalCommand("op", ["operator"], IsDisabled: false));
        Subject.Allow("c", Prefix(Verbs.Break | Verbs.Hold, Spaces.Locks, "shared/"));
        Lease(5, "a");
        Granted(Under(5, Lock("a/x", "o", 0)), "a");
        var shared = Granted(Under(5, Lock("shared/y", "o", 0)), "a");
        Done<HoldRenewed>(Renew(shared), "c");
        Subject.Change(new PutRoleCommand("a", []));
        var refused = Subject.Refuses(Renew(shared), "c");
        Assert.That((refused.Reason, refused.Missing), Is.EqualTo((DenialReason.NotOwner, default(Access))));
        Subject.Pass(Second);
        Assert.That(Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5)]), "op").Renewals[0].Alive);
        Done<HoldRenewed>(Renew(shared), "op");
    }

    [Test]
    public void Many_holds_of_a_lease_are_judged_once_by_each_policy()
    {
        Lease(5, "a");
        var renewal = new RenewLeasesCommand([new LeaseId(5)]);
        for (var i = 0; i < 20; i++)
        {
            Granted(Under(5, Lock($"a/{i}", "o", 0)), "a");
        }
        long Judged(string principal = "a")
        {
            Subject.Do(renewal, principal: principal);
            return Subject.Light;
        }
        Assert.That((Judged(), Judged()), Is.EqualTo((20, 0)));
        Granted(Under(5, Lock("shared/x", "o", 0)), "a");
        Assert.That((Judged(), Judged()), Is.EqualTo((1, 0)), "one more");
        Subject.Change(new PutRoleCommand("others", []));
        Assert.That((Judged(), Judged()), Is.EqualTo((21, 0)), "another policy");
        Subject.RestoreFromSnapshot();
        Assert.That((Judged(), Judged()), Is.EqualTo((21, 0)), "which is remembered by nobody else");
        Subject.Change(new PutRoleCommand("a", [All("a")]));
        Assert.That((Judged(), Judged()), Is.EqualTo((21, 1)), "the last is not to be held any more");
        Done<LeaseRevoked>(new RevokeLeaseCommand(new LeaseId(5)), "a");
    }

    [Test]
    public void One_command_keeps_no_more_holds_than_it_may_judge_and_leaves_the_other_leases()
    {
        Subject = new Machine(new Limits { MaxObjectsPerCommand = 10 });
        Form(Subject);
        foreach (var lease in new[] { 5, 6, 7 })
        {
            Lease(lease, "a");
            for (var i = 0; i < (lease < 7 ? 8 : 0); i++)
            {
                Granted(Under(lease, Lock($"a/{lease}/{i}", "o", 0)), "a");
            }
        }
        (bool Alive, bool IsLeft)[] Renewals(params long[] ids) =>
            [.. Done<LeasesRenewed>(new RenewLeasesCommand([.. ids.Select(id => new LeaseId(id))]), "a")
                .Renewals.Select(one => (one.Alive, one.IsLeft))];
        Assert.That(Renewals(5, 6, 7), Is.EqualTo(new[] { (true, false), (false, true), (false, true) }));
        Assert.That(Renewals(6, 7), Is.EqualTo(new[] { (true, false), (true, false) }));
    }

    [Test]
    public void A_lease_that_was_made_for_a_hold_does_not_keep_it_for_who_may_not_hold_it_any_more()
    {
        Granted(Lock("a", "o", 5), "a");
        Granted(Lock("shared/x", "o", 6), "a");
        Subject.Change(new PutRoleCommand("a", [Prefix(Verbs.Hold, Spaces.Locks, "shared/")]));
        Assert.That(Subject.Refuses(new RenewLeasesCommand([new LeaseId(5)]), "a").Missing.Name, Is.EqualTo(Machine.Key("a")));
        Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(6)]), "a");
    }
}
