using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A request is taken back under its identity, whatever it was and however far it came.</summary>
internal sealed class WithdrawTests
{
    private static readonly WithdrawCommand Withdrawal = new(Machine.Key("r"));

    /// <summary>Each way to ask for a hold, with a wait where that can be.</summary>
    private static readonly AcquireCommand[] Asked =
    [
        Lock("x", "me", 100, 60 * Second) with { LockDelayMicros = 60 * Second },
        Shared("x", "me", 100, 60 * Second) with { LockDelayMicros = 60 * Second },
        Semaphore("x", "me", 100, 2, 3, 60 * Second) with { LockDelayMicros = 60 * Second },
        Election("x", "me", 100, "v"u8.ToArray(), 60 * Second) with { LockDelayMicros = 60 * Second },
        Lock("x", "me", 0, 60 * Second, ttl: 0) with { SharedLease = new LeaseId(7), LockDelayMicros = 60 * Second },
    ];

    /// <summary>In the way of what is asked for.</summary>
    private static AcquireCommand Other(AcquireCommand asked) =>
        asked with { Owner = "other", Mode = LockMode.Exclusive, OwnLease = new LeaseId(200), SharedLease = LeaseId.None, TtlMicros = 600 * Second, WaitMicros = 0 };

    private static Machine WithLease()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(7), 600 * Second));
        return machine;
    }

    private static DeleteCommand Delete(string key) => new(Machine.Key(key), KeyCondition.None);

    private static PutCommand Put(string key) => new(Machine.Key(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static WithdrawResult Withdraw(Machine machine) => ((Withdrawn)machine.Do(Withdrawal)).Result;

    private static void AssertWithdrawn(Machine machine, Command asked)
    {
        var revision = machine.State.Revision;
        Assert.That(machine.Do(asked, "r"), Is.EqualTo(new RequestWithdrawn(revision)));
        Assert.That(machine.Do(asked, "r", fingerprint: 2), Is.EqualTo(new RequestWithdrawn(revision)), "what was asked under it counts no more");
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
    }

    [TestCaseSource(nameof(Asked))]
    public void A_request_that_waits_gives_up_its_place_and_is_told_so(AcquireCommand asked)
    {
        var machine = WithLease();
        var other = machine.Granted(Other(asked));
        var request = machine.Queued(asked, "r");
        var behind = machine.Queued(Other(asked) with { OwnLease = new LeaseId(201), WaitMicros = 60 * Second });

        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn));
        Assert.That(machine.OutcomesOf(request).Last(), Is.InstanceOf<RequestWithdrawn>());
        Assert.That(machine.Look(other).WaiterCount, Is.EqualTo(1));
        Assert.That(machine.View.GetLease(new LeaseId(7)), Is.Not.Null);
        AssertWithdrawn(machine, asked);
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn), "again");
        machine.Do(Release(other));
        Assert.That(machine.GrantOf(request), Is.Null);
        Assert.That(machine.GrantOf(behind), Is.Not.Null);
    }

    [TestCaseSource(nameof(Asked))]
    public void What_was_granted_is_released_and_not_lost(AcquireCommand asked)
    {
        var machine = WithLease();
        var hold = machine.Granted(asked, "r");
        var behind = machine.Queued(Other(asked) with { WaitMicros = 60 * Second });

        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(machine.GrantOf(behind), Is.Not.Null, "no lockDelay keeps the next one waiting");
        Assert.That(machine.Look(hold).LastLoss, Is.Null);
        Assert.That(machine.Do(Release(hold)), Is.InstanceOf<HoldReleased>(), "it counts as released");
        Assert.That(machine.View.GetLease(new LeaseId(100)), Is.Null, "a lease of its own goes with it");
        Assert.That(machine.View.GetLease(new LeaseId(7)), Is.Not.Null, "another one stays");
        AssertWithdrawn(machine, asked);
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released), "again");
        Assert.That(machine.GrantOf(behind)!.Token, Is.EqualTo(machine.Look(hold).Holder!.Token), "what came after it is nobody's to give back");
    }

    [TestCaseSource(nameof(Asked))]
    public void What_was_granted_after_a_wait_is_released_too(AcquireCommand asked)
    {
        var machine = WithLease();
        var other = machine.Granted(Other(asked));
        var request = machine.Queued(asked, "r");
        machine.Do(Release(other));
        Assert.That(machine.GrantOf(request), Is.Not.Null);

        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(machine.Look(other).HolderCount, Is.Zero);
        AssertWithdrawn(machine, asked);
    }

    [TestCaseSource(nameof(Asked))]
    public void What_was_given_back_before_is_given_back(AcquireCommand asked)
    {
        var machine = WithLease();
        var hold = machine.Granted(asked, "r");
        machine.Do(Release(hold));
        var next = machine.Granted(Other(asked));

        var revision = machine.State.Revision;
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
        Assert.That(machine.Look(next).Holder!.Token, Is.EqualTo(next.Token));
        AssertWithdrawn(machine, asked);
    }

    [TestCaseSource(nameof(Asked))]
    public void An_attempt_that_arrives_after_the_withdrawal_does_nothing(AcquireCommand asked)
    {
        var machine = WithLease();
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn));
        machine.Pass(15 * Second);
        AssertWithdrawn(machine, asked);
        Assert.That(machine.View.GetObject(asked.Object).HolderCount, Is.Zero);
        machine.Pass((15 * Second) + 1);
        Assert.That(machine.Do(asked, "r"), Is.InstanceOf<HoldGranted>(), "no attempt is under way for longer");
    }

    [Test]
    public void A_detached_place_is_given_up_and_its_lost_request_is_told_nothing_twice()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "other", 1));
        var request = machine.Queued(Lock("x", "me", 2, 60 * Second), "r", member: 3);
        machine.Do(new DetachWaitersCommand(new MemberId(3), 1));
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn));
        Assert.That(machine.OutcomesOf(request).Last(), Is.InstanceOf<WaitDetached>());
        Assert.That(machine.View.Counts.Waiters, Is.Zero);
        AssertWithdrawn(machine, Lock("x", "me", 2, 60 * Second));
    }

    [Test]
    public void Whoever_waited_behind_a_withdrawn_place_is_granted_what_fits()
    {
        var machine = new Machine();
        machine.Granted(Shared("x", "reader", 1));
        machine.Queued(Lock("x", "writer", 2, 60 * Second), "r");
        var behind = machine.Queued(Shared("x", "late", 3, 60 * Second));
        Withdraw(machine);
        Assert.That(machine.GrantOf(behind), Is.Not.Null);
    }

    [Test]
    public void All_locks_of_a_multi_lock_are_released_that_still_stand()
    {
        var machine = new Machine();
        var many = (ManyGranted)machine.Do(Many("me", 100, "a", "b", "c") with { LockDelayMicros = 60 * Second }, "r");
        machine.Do(Release(many.Holds[1]));
        var next = machine.Granted(Lock("b", "other", 2));
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(many.Holds.Select(hold => machine.Look(hold).HolderCount), Is.EqualTo(new[] { 0, 1, 0 }));
        Assert.That(machine.Look(many.Holds[0]).LastLoss, Is.Null);
        Assert.That(machine.Look(next).Holder!.Token, Is.EqualTo(next.Token));
        AssertWithdrawn(machine, Many("me", 101, "a", "b", "c"));
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released), "again");
    }

    [Test]
    public void A_multi_lock_that_arrives_after_the_withdrawal_takes_nothing()
    {
        var machine = new Machine();
        Withdraw(machine);
        AssertWithdrawn(machine, Many("me", 100, "a", "b"));
        Assert.That(machine.View.Counts.HoldsInUse, Is.Zero);
    }

    [Test]
    public void A_lease_is_revoked_with_all_that_it_carries()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(7), 60 * Second), "r");
        machine.Do(new PutCommand(Machine.Key("k"), default, new LeaseId(7), KeyCondition.None));
        machine.Granted(Lock("x", "me", 0, ttl: 0) with { SharedLease = new LeaseId(7) });
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(machine.View.GetLease(new LeaseId(7)), Is.Null);
        Assert.That(machine.View.GetKey(Machine.Key("k")), Is.Null);
        Assert.That(machine.View.Counts.HoldsInUse, Is.Zero);
        AssertWithdrawn(machine, new GrantLeaseCommand(new LeaseId(8), 60 * Second));
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released), "again");
    }

    [Test]
    public void A_lease_that_ended_is_given_back_and_one_that_arrives_late_is_not_granted()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(7), Second), "r");
        machine.Expire(Second);
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));

        machine.Do(new WithdrawCommand(Machine.Key("other")));
        Assert.That(machine.Do(new GrantLeaseCommand(new LeaseId(8), Second), "other"), Is.InstanceOf<RequestWithdrawn>());
        Assert.That(machine.View.Counts.Leases, Is.Zero);
    }

    private static IEnumerable<TestCaseData> Lasting()
    {
        yield return Case("put", _ => new PutCommand(Machine.Key("k"), new byte[] { 1 }, LeaseId.None, KeyCondition.None));
        yield return Case("delete", machine =>
        {
            machine.Do(new PutCommand(Machine.Key("k"), default, LeaseId.None, KeyCondition.None));
            return new DeleteCommand(Machine.Key("k"), KeyCondition.None);
        });
        yield return Case("transaction", _ => new TxnCommand([], [new TxnPut(Machine.Key("k"), default, LeaseId.None)], []));
        yield return Case("release", machine => Release(machine.Granted(Lock("x", "me", 1))));
        yield return Case("revocation", machine =>
        {
            machine.Do(new GrantLeaseCommand(new LeaseId(7), 60 * Second));
            return new RevokeLeaseCommand(new LeaseId(7));
        });
        yield return Case("fence", machine => new FenceCommand(Machine.Key("f"), machine.Granted(Lock("x", "me", 1)).Token));
        yield return Case("hand-over", machine =>
        {
            var hold = machine.Granted(Lock("x", "me", 1));
            machine.Queued(Lock("x", "next", 2, 60 * Second));
            return HandOver(hold, "next");
        });
        yield return Case("proclamation", machine => Renew(machine.Granted(Election("x", "me", 1, "old"u8.ToArray()))) with { Value = "new"u8.ToArray() });

        static TestCaseData Case(string name, Func<Machine, Command> make) => new TestCaseData(make).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Lasting))]
    public void An_effect_of_another_kind_stays_and_its_retry_finds_its_answer(Func<Machine, Command> make)
    {
        var machine = new Machine();
        var command = make(machine);
        var first = machine.Do(command, "r");
        var revision = machine.State.Revision;
        Assert.That(machine.Do(Withdrawal), Is.EqualTo(new Withdrawn(revision, WithdrawResult.Done)));
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
        Assert.That(machine.Do(command, "r").GetType(), Is.EqualTo(first.GetType()));
        Assert.That(machine.Do(Withdrawal), Is.EqualTo(new Withdrawn(revision, WithdrawResult.Done)), "again");
    }

    [TestCaseSource(nameof(Lasting))]
    public void A_late_attempt_of_another_kind_does_nothing(Func<Machine, Command> make)
    {
        var machine = new Machine();
        var command = make(machine);
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn));
        AssertWithdrawn(machine, command);
    }

    [Test]
    public void What_is_no_longer_known_is_said_to_be_too_late()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1 });
        machine.Granted(Lock("x", "me", 1, ttl: 600 * Second), "r");
        machine.Pass(60 * Second);
        machine.Do(new PutCommand(Machine.Key("k"), default, LeaseId.None, KeyCondition.None), "another");
        Assert.That(machine.Do(Withdrawal), Is.InstanceOf<RetryTooLate>());
        Assert.That(machine.View.Counts.HoldsInUse, Is.EqualTo(1));
    }

    [Test]
    public void A_withdrawal_passes_whatever_is_full()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1, MaxIdempotencyBytes = 1, MaxObjects = 1, MaxLeases = 1, MaxStateBytes = 500 });
        var hold = machine.Granted(Lock("x", "me", 1), "r");
        Assert.That(machine.Do(Lock("y", "me", 2), "another"), Is.InstanceOf<BoundReached>(), "it is full");
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Released));
        Assert.That(machine.Look(hold).HolderCount, Is.Zero);
        Assert.That(machine.Do(new WithdrawCommand(Machine.Key("another"))), Is.InstanceOf<Withdrawn>());
    }

    [Test]
    public void Marks_are_bounded_in_number_and_in_bytes_and_the_oldest_go_first()
    {
        var machine = new Machine(new Limits { MaxWithdrawals = 2 });
        foreach (var key in (string[])["1", "2", "1", "3"])
        {
            machine.Do(new WithdrawCommand(Machine.Key(key)));
        }
        Assert.That(machine.View.Counts.BriefAnswers, Is.EqualTo(2));
        Assert.That(machine.Do(Lock("x", "me", 1), "1"), Is.InstanceOf<RequestWithdrawn>(), "withdrawn again, it was as new");
        Assert.That(machine.Do(Lock("x", "me", 1), "3"), Is.InstanceOf<RequestWithdrawn>());
        Assert.That(machine.Do(Lock("x", "me", 1), "2"), Is.InstanceOf<HoldGranted>());
    }

    [Test]
    public void Refusals_however_many_push_no_withdrawal_out()
    {
        var machine = new Machine(new Limits { MaxBriefAnswers = 2, MaxBriefBytes = 1_000 });
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Withdrawn));
        for (var i = 0; i < 20; i++)
        {
            machine.Do(Delete("nothing"), $"no {i}");
        }
        AssertWithdrawn(machine, Lock("x", "me", 1));
    }

    [Test]
    public void What_succeeded_with_nothing_to_do_is_done_and_its_retry_is_told_the_same()
    {
        var machine = new Machine();
        Assert.That(machine.Do(Delete("nothing"), "r"), Is.InstanceOf<DeleteDone>());
        Assert.That(Withdraw(machine), Is.EqualTo(WithdrawResult.Done));
        machine.Do(Put("nothing"));
        Assert.That(machine.Do(Delete("nothing"), "r"), Is.InstanceOf<DeleteDone>().With.Property("Deleted").EqualTo(0));
        Assert.That(machine.View.GetKey(Machine.Key("nothing")), Is.Not.Null);
    }

    [Test]
    public void A_snapshot_carries_what_was_withdrawn()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "me", 1), "r");
        Withdraw(machine);
        machine.Do(new WithdrawCommand(Machine.Key("never")));
        var before = machine.Snapshot();
        machine.RestoreFromSnapshot();
        Assert.That(machine.Snapshot(), Is.EqualTo(before));
        AssertWithdrawn(machine, Lock("x", "me", 2));
        Assert.That(machine.Do(Lock("x", "me", 2), "never"), Is.InstanceOf<RequestWithdrawn>());
        machine.Pass((15 * Second) + 1);
        Assert.That(machine.Do(Lock("x", "me", 2), "never"), Is.InstanceOf<HoldGranted>(), "its age was restored too");
        AssertWithdrawn(machine, Lock("x", "me", 3));
    }

    [Test]
    public void A_snapshot_that_says_kept_and_brief_of_one_identity_is_refused()
    {
        var machine = new Machine();
        machine.Do(new PutCommand(Machine.Key("k"), default, LeaseId.None, KeyCondition.None), "1");
        machine.Do(new WithdrawCommand(Machine.Key("2")));
        var buffer = SnapshotBuffer.Of(machine.View);
        var body = buffer.Sections.Find(s => s.Kind == 12).Body;
        body[Array.IndexOf(body, (byte)'2')] = (byte)'1';
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void Another_principals_request_of_the_same_key_is_another_request()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "me", 1), "r");
        Assert.That(((Withdrawn)machine.Do(Withdrawal, principal: "somebody")).Result, Is.EqualTo(WithdrawResult.Withdrawn));
        Assert.That(machine.View.Counts.HoldsInUse, Is.EqualTo(1));
    }
}
