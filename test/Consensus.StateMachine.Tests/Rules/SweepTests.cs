using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Those who wait when their right ends: nobody of them is granted anything any more, and each is told so, step by step.</summary>
internal sealed class SweepTests
{
    private const string Print = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private Machine _machine = null!;

    private void Form(Limits? limits = null)
    {
        _machine = new Machine(limits);
        _machine.Allow("a", Prefix(Verbs.Hold, Spaces.Locks, ""));
        _machine.Allow("b", Prefix(Verbs.Hold, Spaces.Locks, ""));
        _machine.Enable();
    }

    private Hold Granted(AcquireCommand ask, string principal) => ((HoldGranted)_machine.Do(ask, principal: principal)).Hold;

    private RequestId Waits(Command ask, string principal, string identity = "")
    {
        Assert.That(_machine.Do(ask, identity, principal: principal), Is.InstanceOf<HoldQueued>());
        return _machine.Last;
    }

    private void EndRightsOf(string principal) => _machine.Change(new PutPrincipalCommand(principal, [], IsDisabled: false));

    /// <summary>Expires as often as something is left over, and gives how often that was.</summary>
    private int Settle()
    {
        var steps = 0;
        for (; _machine.State.NextDeadline <= _machine.Now; steps++)
        {
            Assert.That(steps, Is.LessThan(1_000));
            Assert.That(_machine.State.HasDeadlines);
            _machine.Do(new ExpireCommand());
        }
        return steps;
    }

    [Test]
    public void Who_may_not_hold_it_any_more_is_passed_over_at_once_and_told_so_by_the_next_expiry()
    {
        Form();
        var hold = Granted(Lock("x", "o", 1), "b");
        var revoked = Waits(Lock("x", "w", 2, wait: 60 * Second), "a", "k");
        var next = Waits(Lock("x", "v", 3, wait: 60 * Second), "b");
        EndRightsOf("a");
        _machine.Do(Release(hold), principal: "b");
        Assert.That(_machine.GrantOf(next), Is.Not.Null, "the next one is granted with the release");
        Assert.That(_machine.OutcomesOf(revoked).Last(), Is.InstanceOf<HoldQueued>());
        _machine.RestoreFromSnapshot();
        Assert.That(Settle(), Is.EqualTo(1));
        Assert.That(_machine.OutcomesOf(revoked).Last(), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
        _machine.Change(new PutPrincipalCommand("a", ["a"], IsDisabled: false));
        Assert.That(
            _machine.Do(Lock("x", "w", 2, wait: 60 * Second), "k", principal: "a"), Is.InstanceOf<Forbidden>(),
            "and for good, under its key");
    }

    [Test]
    public void A_place_that_was_taken_with_a_revoked_certificate_is_passed_over_and_one_taken_over_with_another_is_not()
    {
        Form();
        var hold = Granted(Lock("x", "o", 1), "b");
        var stolen = Waits(Lock("x", "w", 2, wait: 60 * Second), $"a\u001fc:{Print}");
        Waits(Lock("x", "v", 3, wait: 60 * Second), $"a\u001fc:{Print}", "k");
        var rotated = Waits(Lock("x", "v", 3, wait: 60 * Second), "a\u001fj:k8s", "k");
        _machine.Change(new PutRevocationCommand(new Key(Convert.FromHexString(Print)), ""));
        _machine.RestoreFromSnapshot();
        _machine.Do(Release(hold), principal: "b");
        Settle();
        Assert.That(_machine.OutcomesOf(stolen).Last(), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.GrantOf(rotated), Is.Not.Null);
    }

    [Test]
    public void Very_many_at_the_head_of_a_line_cost_each_entry_its_step_and_no_more()
    {
        Form(new Limits { MaxObjectsPerStep = 20, MaxObjectsPerCommand = 50 });
        var hold = Granted(Lock("x", "o", 1), "b");
        var revoked = Enumerable.Range(0, 200).Select(i => Waits(Lock("x", "w", 10 + i, wait: 60 * Second), "a")).ToList();
        var next = Waits(Lock("x", "v", 2, wait: 60 * Second), "b");
        EndRightsOf("a");
        _machine.Do(Release(hold), principal: "b");
        Assert.That(_machine.Objects, Is.LessThan(60));
        Assert.That(_machine.GrantOf(next), Is.Null, "one entry does not look past so many");
        for (var steps = 0; _machine.State.NextDeadline <= _machine.Now; steps++)
        {
            Assert.That(steps, Is.LessThan(40));
            var seen = _machine.All.Count;
            _machine.Do(new ExpireCommand());
            Assert.That(_machine.Objects, Is.LessThan(150));
            Assert.That(_machine.All.Skip(seen).Count(item => item.Outcome is Forbidden), Is.LessThanOrEqualTo(10), "half a step");
        }
        Assert.That(_machine.GrantOf(next), Is.Not.Null);
        Assert.That(revoked.TrueForAll(request => _machine.OutcomesOf(request).Last() is Forbidden));
    }

    [Test]
    public void So_many_who_may_stay_are_looked_at_in_one_entry_and_keep_their_places()
    {
        Form(new Limits { MaxObjectsPerCommand = 50 });
        Granted(Lock("x", "o", 1), "b");
        var kept = Enumerable.Range(0, 120).Select(i => Waits(Lock("x", "w", 10 + i, wait: 60 * Second), "b")).ToList();
        var last = Waits(Lock("y", "o", 2, wait: 60 * Second) with { Name = Machine.Key("x") }, "a");
        EndRightsOf("a");
        Assert.That(Settle(), Is.EqualTo(3), "50 and 50 and the rest");
        Assert.That(_machine.View.Counts.Waiters, Is.EqualTo(120));
        Assert.That(kept.TrueForAll(request => _machine.OutcomesOf(request).Last() is HoldQueued));
        Assert.That(_machine.OutcomesOf(last).Last(), Is.InstanceOf<Forbidden>());
    }

    [Test]
    public void Who_waits_for_several_locks_and_may_not_hold_one_of_them_holds_up_none()
    {
        Form();
        var x = Granted(Lock("x", "o", 1), "b");
        Granted(Lock("y", "o", 2), "b");
        var several = Waits(WaitMany("w", 3, "x", "y"), "a");
        var next = Waits(Lock("x", "v", 4, wait: 60 * Second), "b");
        _machine.Change(new PutRoleCommand("a", [Prefix(Verbs.Hold, Spaces.Locks, "x")]));
        _machine.Do(Release(x), principal: "b");
        Assert.That(_machine.GrantOf(next), Is.Not.Null);
        Settle();
        Assert.That(_machine.OutcomesOf(several).Last(), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void A_retry_of_who_may_not_wait_any_more_is_refused_and_has_its_place_no_longer()
    {
        Form();
        Granted(Lock("x", "o", 1), "b");
        var first = Waits(Lock("x", "w", 2, wait: 60 * Second), "a", "k");
        EndRightsOf("a");
        Assert.That(_machine.Do(Lock("x", "w", 2, wait: 60 * Second), "k", principal: "a"), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.OutcomesOf(first).Last(), Is.InstanceOf<Forbidden>(), "every attempt is told");
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void A_hold_lives_to_its_deadline_and_is_not_renewed()
    {
        Form();
        var hold = Granted(Lock("x", "o", 1), "a");
        EndRightsOf("a");
        Assert.That(_machine.Do(Renew(hold), principal: "a"), Is.InstanceOf<Forbidden>());
        Settle();
        Assert.That(_machine.Look(hold).Holder, Is.Not.Null);
        _machine.Expire(61 * Second);
        Assert.That(_machine.Look(hold).Holder, Is.Null);
    }

    [Test]
    public void When_rights_begin_to_be_judged_those_who_waited_before_are_judged_too()
    {
        _machine = new Machine();
        _machine.Granted(Lock("x", "o", 1));
        var before = _machine.Queued(Lock("x", "w", 2, wait: 60 * Second));
        _machine.Enable();
        Settle();
        Assert.That(_machine.OutcomesOf(before).Last(), Is.InstanceOf<Forbidden>());
    }

    [Test]
    public void A_new_cluster_keeps_who_may_do_what_and_has_nobody_to_sweep()
    {
        Form();
        Granted(Lock("x", "o", 1), "b");
        Waits(Lock("x", "w", 2, wait: 60 * Second), "a");
        EndRightsOf("a");
        var revision = _machine.View.Policy.Revision;
        _machine.State.BeginNewCluster(1);
        _machine.State.Verify();
        Assert.That(_machine.State.NextDeadline, Is.EqualTo(ClusterTime.Never));
        Assert.That((_machine.View.Policy.IsEnabled, _machine.View.Policy.Revision), Is.EqualTo((true, revision)));
        Assert.That(_machine.Do(Lock("x", "w", 2), principal: "a"), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.Do(Lock("x", "w", 2), principal: "b"), Is.InstanceOf<HoldGranted>());
    }
}
