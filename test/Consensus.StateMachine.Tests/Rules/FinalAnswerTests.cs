using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>
/// A request that was answered and changed nothing never changes anything, though another attempt of it arrives late and could have an effect by then.
/// </summary>
internal sealed class FinalAnswerTests
{
    /// <param name="Command">Changes nothing at first.</param>
    /// <param name="Until">Makes the command one that has an effect.</param>
    internal sealed record Question(Command Command, Type Answer, Action Until);

    private static readonly Limits Small = new() { MaxObjects = 2, MaxObjectsPerCommand = 2, MaxWaitersPerObject = 1, MaxLeases = 6, MaxFences = 1, MaxStateBytes = 10_000, MaxTxnGetBytes = 4 };

    private static PutCommand Put(string key, int bytes = 0, KeyCondition condition = default) => new(Machine.Key(key), new byte[bytes], LeaseId.None, condition);

    private static DeleteCommand Delete(string key, KeyCondition condition = default) => new(Machine.Key(key), condition);

    private static TxnCommand Txn(params TxnOperation[] operations) => new([], [.. operations], []);

    private static IEnumerable<TestCaseData> Questions()
    {
        yield return Case("put if absent", machine =>
        {
            machine.Do(Put("k"));
            return new Question(Put("k", condition: new KeyCondition(KeyConditionKind.Absent)), typeof(ConditionFailed), () => machine.Do(Delete("k")));
        });
        yield return Case("delete of a revision", machine =>
        {
            machine.Do(Put("k"));
            return new Question(
                Delete("k", new KeyCondition(KeyConditionKind.ModRevisionIs, machine.State.Revision.Next)), typeof(ConditionFailed), () => machine.Do(Put("k")));
        });
        yield return Case("delete of nothing", machine => new Question(Delete("k"), typeof(DeleteDone), () => machine.Do(Put("k"))));
        yield return Case("delete of nothing with a prefix", machine =>
            new Question(new DeletePrefixCommand(Machine.Key("k")), typeof(DeleteDone), () => machine.Do(Put("k"))));
        yield return Case("put under a lease that is not there", machine => new Question(
            Put("k") with { Lease = new LeaseId(9) }, typeof(LeaseMissing), () => machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second))));
        yield return Case("put beyond the quota", machine =>
        {
            machine.Do(Put("k", 9_500));
            return new Question(Put("l", 400), typeof(QuotaExceeded), () => machine.Do(Delete("k")));
        });
        yield return Case("delete of too many", machine =>
        {
            machine.Do(Put("a"));
            machine.Do(Put("b"));
            machine.Do(Put("c"));
            return new Question(new DeletePrefixCommand(default), typeof(TooManyObjects), () => machine.Do(Delete("a")));
        });
        yield return Case("lease beyond the bound", machine =>
        {
            for (var id = 1; id <= Small.MaxLeases; id++)
            {
                machine.Do(new GrantLeaseCommand(new LeaseId(id), 60 * Second));
            }
            return new Question(new GrantLeaseCommand(new LeaseId(9), Second), typeof(BoundReached), () => machine.Do(new RevokeLeaseCommand(new LeaseId(1))));
        });
        yield return Case("revocation of no lease", machine => new Question(
            new RevokeLeaseCommand(new LeaseId(9)), typeof(LeaseMissing), () => machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second))));
        foreach (var ask in (AcquireCommand[])[Lock("x", "me", 1), Shared("x", "me", 1), Semaphore("x", "me", 1, 2, 3), Election("x", "me", 1, "v"u8.ToArray())])
        {
            yield return Case($"{ask.Object} that is held, {ask.Mode}", machine =>
            {
                var other = machine.Granted(ask with { Owner = "other", Mode = LockMode.Exclusive, OwnLease = new LeaseId(2) });
                return new Question(ask, typeof(HoldRefused), () => machine.Do(Release(other)));
            });
        }
        yield return Case("lock that is kept for another", machine =>
        {
            machine.Do(Release(machine.Granted(Lock("x", "other", 2) with { LockDelayMicros = Second }), force: true));
            return new Question(Lock("x", "me", 1), typeof(HoldRefused), () => machine.Do(new ReleaseHoldCommand(Machine.Key("x"), FencingToken.None, Force: true)));
        });
        yield return Case("multi-lock", machine =>
        {
            var other = machine.Granted(Lock("b", "other", 2));
            return new Question(Many("me", 1, "a", "b"), typeof(HoldRefused), () => machine.Do(Release(other)));
        });
        yield return Case("a name twice", machine => new Question(Many("me", 1, "a", "a"), typeof(KeyWrittenTwice), () => { }));
        yield return Case("lock under a lease that is not there", machine => new Question(
            Lock("x", "me", 0, ttl: 0) with { SharedLease = new LeaseId(9) }, typeof(LeaseMissing), () => machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second))));
        yield return Case("lock beyond the bound", machine =>
        {
            var held = machine.Granted(Lock("a", "other", 2));
            machine.Granted(Lock("b", "other", 3));
            return new Question(Lock("x", "me", 1), typeof(BoundReached), () => machine.Do(Release(held)));
        });
        yield return Case("place beyond the bound", machine =>
        {
            var held = machine.Granted(Lock("x", "other", 2));
            machine.Queued(Lock("x", "other", 3, 60 * Second));
            return new Question(Lock("x", "me", 1, 60 * Second), typeof(BoundReached), () => machine.Do(Release(held)));
        });
        yield return Case("semaphore of another size", machine =>
        {
            var held = machine.Granted(Semaphore("x", "other", 2, 1, 5));
            return new Question(Semaphore("x", "me", 1, 1, 3), typeof(PermitsMismatch), () => machine.Do(Release(held)));
        });
        yield return Case("a limit below what is out", machine =>
        {
            var held = machine.Granted(Semaphore("x", "other", 2, 3, 5));
            machine.Granted(Semaphore("x", "other", 3, 1, 5));
            return new Question(new ChangePermitsCommand(Machine.Key("x"), 2), typeof(PermitsOut), () => machine.Do(Release(held)));
        });
        yield return Case("the limit that it has already", machine =>
        {
            machine.Granted(Semaphore("x", "other", 2, 3, 5));
            return new Question(new ChangePermitsCommand(Machine.Key("x"), 5), typeof(PermitsChanged), () => machine.Do(new ChangePermitsCommand(Machine.Key("x"), 6)));
        });
        yield return Case("the limit of a semaphore that nobody uses", machine => new Question(
            new ChangePermitsCommand(Machine.Key("x"), 5), typeof(SemaphoreUnused), () => machine.Granted(Semaphore("x", "other", 2, 3, 4))));
        yield return Case("release of another's hold", machine =>
        {
            machine.Granted(Lock("x", "other", 2));
            return new Question(
                new ReleaseHoldCommand(Machine.Key("y"), machine.State.Revision.Next is var next ? new FencingToken(next.Value) : default, Force: false),
                typeof(NotHolder),
                () => machine.Granted(Lock("y", "other", 3)));
        });
        yield return Case("release of a lost hold", machine =>
        {
            var lost = machine.Granted(Lock("x", "me", 1));
            machine.Do(Release(lost, force: true));
            machine.Granted(Lock("x", "other", 2));
            return new Question(Release(lost), typeof(NotHolder), () => { });
        });
        yield return Case("release once more", machine =>
        {
            var held = machine.Granted(Lock("x", "me", 1));
            machine.Do(Release(held));
            return new Question(Release(held), typeof(HoldReleased), () => { });
        });
        yield return Case("hand-over to nobody", machine =>
        {
            var held = machine.Granted(Lock("x", "me", 1));
            return new Question(HandOver(held, "next"), typeof(NoSuchWaiter), () => machine.Queued(Lock("x", "next", 2, 60 * Second)));
        });
        yield return Case("proclamation of what was proclaimed", machine =>
        {
            var held = machine.Granted(Election("x", "me", 1, "old"u8.ToArray()));
            return new Question(
                Renew(held) with { Value = "old"u8.ToArray() }, typeof(HoldRenewed), () => machine.Do(Renew(held) with { Value = "new"u8.ToArray() }));
        });
        yield return Case("proclamation of a leader that is none", machine =>
        {
            var lost = machine.Granted(Election("x", "me", 1, "old"u8.ToArray()));
            machine.Do(Release(lost));
            return new Question(Renew(lost) with { Value = "new"u8.ToArray() }, typeof(NotHolder), () => { });
        });
        yield return Case("transaction whose compares fail", machine =>
        {
            machine.Do(Put("k"));
            var absent = new TxnCompare(CompareTarget.Exists, CompareOperator.Equal, Machine.Key("k"), 0);
            return new Question(
                new TxnCommand([absent], [new TxnPut(Machine.Key("k"), default, LeaseId.None)], [new TxnGet(Machine.Key("k"), IsPrefix: true, 0)]),
                typeof(TxnDone),
                () => machine.Do(Delete("k")));
        });
        yield return Case("transaction that deletes nothing", machine =>
            new Question(Txn(new TxnDelete(Machine.Key("k"), IsPrefix: false)), typeof(TxnDone), () => machine.Do(Put("k"))));
        yield return Case("transaction that reads too much", machine =>
        {
            machine.Do(Put("k", 10));
            return new Question(
                Txn(new TxnGet(Machine.Key("k"), IsPrefix: false, 0), new TxnPut(Machine.Key("l"), default, LeaseId.None)),
                typeof(AnswerTooLarge),
                () => machine.Do(Delete("k")));
        });
        yield return Case("transaction that writes a key twice", machine => new Question(
            Txn(new TxnPut(Machine.Key("k"), default, LeaseId.None), new TxnDelete(Machine.Key("k"), IsPrefix: false)), typeof(KeyWrittenTwice), () => { }));
        yield return Case("fence passed with the highest token", machine =>
        {
            machine.Do(Put("k"));
            machine.Do(new FenceCommand(Machine.Key("f"), new FencingToken(2)));
            return new Question(
                new FenceCommand(Machine.Key("f"), new FencingToken(2)), typeof(FencePassed), () => machine.Do(new ResetFenceCommand(Machine.Key("f"))));
        });
        yield return Case("fence with a lower token", machine =>
        {
            machine.Do(Put("k"));
            machine.Do(new FenceCommand(Machine.Key("f"), new FencingToken(2)));
            return new Question(
                new FenceCommand(Machine.Key("f"), new FencingToken(1)), typeof(FenceStale), () => machine.Do(new ResetFenceCommand(Machine.Key("f"))));
        });
        yield return Case("fence with a token that nobody was given", machine => new Question(
            new FenceCommand(Machine.Key("f"), new FencingToken(machine.State.Revision.Next.Value)), typeof(TokenFromFuture), () => machine.Do(Put("k"))));
        yield return Case("fence beyond the bound", machine =>
        {
            machine.Do(new FenceCommand(Machine.Key("g"), new FencingToken(1)));
            return new Question(
                new FenceCommand(Machine.Key("f"), new FencingToken(1)), typeof(BoundReached), () => machine.Do(new ResetFenceCommand(Machine.Key("g"))));
        });
        yield return Case("reset of no fence", machine => new Question(
            new ResetFenceCommand(Machine.Key("f")), typeof(FenceReset), () => machine.Do(new FenceCommand(Machine.Key("f"), new FencingToken(1)))));

        static TestCaseData Case(string name, Func<Machine, Question> ask) => new TestCaseData(ask).SetArgDisplayNames(name);
    }

    /// <summary>All that a client may be told of an outcome.</summary>
    private static string Told(Outcome outcome) => outcome switch
    {
        HoldRefused o => $"{o.Revision} held {o.Name} {o.Holder?.Owner} {o.Holder?.Token} {o.Holder?.Lease} {o.Waiters} {o.WaitedMicros} {o.DelayedUntil}",
        NotHolder o => $"{o.Revision} not {o.Loss?.Token} {o.Loss?.Reason} {o.Loss?.AtRevision} {o.Current?.Owner} {o.Current?.Token}",
        HoldRenewed o => $"{o.Revision} renewed {o.Hold.Token}",
        TxnDone o => $"{o.Revision} {o.Succeeded} {o.Results.Length}",
        _ => outcome.ToString()!,
    };

    /// <summary>The state but for how it remembers answers.</summary>
    private static byte[] Rest(Machine machine) =>
        [.. SnapshotBuffer.Of(machine.View).Sections.Where(section => section.Kind is not (1 or 6 or 12)).SelectMany(section => section.Body)];

    [TestCaseSource(nameof(Questions))]
    public void A_late_attempt_is_told_the_same_and_has_no_effect(Func<Machine, Question> ask)
    {
        foreach (var restores in (bool[])[false, true])
        {
            var machine = new Machine(Small);
            var question = ask(machine);
            var before = Rest(machine);
            var first = machine.Do(question.Command, "r");
            Assert.That(first, Is.TypeOf(question.Answer));
            Assert.That(Rest(machine), Is.EqualTo(before), "the answer changed nothing");
            question.Until();
            if (restores)
            {
                var snapshot = machine.Snapshot();
                machine.RestoreFromSnapshot();
                Assert.That(machine.Snapshot(), Is.EqualTo(snapshot));
            }
            machine.Pass(15 * Second);
            var until = Rest(machine);
            Assert.That(Told(machine.Do(question.Command, "r")), Is.EqualTo(Told(first)));
            Assert.That(Rest(machine), Is.EqualTo(until), "nor did its repetition");
            Assert.That(machine.Do(question.Command, "r", fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
            if (first is BoundReached or QuotaExceeded)
            {
                machine.Pass(1);
                Assert.That(Told(machine.Do(question.Command, "r")), Is.Not.EqualTo(Told(first)), "what was full is judged anew");
                continue;
            }
            machine.Pass(15 * Second);
            Assert.That(Told(machine.Do(question.Command, "r")), Is.EqualTo(Told(first)), "the attempt before may have been sent just before this answer");
            Assert.That(Rest(machine), Is.EqualTo(until));
        }
    }

    [Test]
    public void The_same_key_is_as_new_once_no_attempt_can_be_under_way()
    {
        var machine = new Machine();
        machine.Do(Delete("k"), "r");
        machine.Do(Put("k"));
        machine.Pass((15 * Second) + 1);
        Assert.That(machine.Do(Delete("k"), "r"), Is.EqualTo(new DeleteDone(machine.State.Revision, 1)));
        Assert.That(machine.View.Counts, Has.Property("BriefAnswers").EqualTo(0).And.Property("IdempotencyKeys").EqualTo(1));
    }

    [Test]
    public void A_fence_that_was_reset_is_not_raised_by_an_attempt_that_was_held_up()
    {
        var machine = new Machine();
        var token = machine.Granted(Lock("x", "me", 1)).Token;
        var pass = new FenceCommand(Machine.Key("f"), token);
        machine.Do(pass, "first");
        Assert.That(machine.Do(pass, "r"), Is.InstanceOf<FencePassed>());
        machine.Do(new ResetFenceCommand(Machine.Key("f")));
        Assert.That(machine.Do(pass, "r"), Is.InstanceOf<FencePassed>());
        Assert.That(machine.View.GetFence(Machine.Key("f")), Is.Null);
    }

    [Test]
    public void A_wait_that_is_over_is_final()
    {
        var machine = new Machine();
        var held = machine.Granted(Lock("x", "other", 1));
        var request = machine.Queued(Lock("x", "me", 2, 5 * Second), "r");
        machine.Expire(5 * Second);
        var told = machine.OutcomesOf(request).Last();
        machine.Do(Release(held));
        Assert.That(Told(machine.Do(Lock("x", "me", 3, 5 * Second), "r")), Is.EqualTo(Told(told)).And.Contain("5000000"));
        Assert.That(machine.View.Counts.HoldsInUse, Is.Zero);
    }

    [Test]
    public void A_wait_that_was_over_while_it_was_detached_is_final_and_asking_again_does_not_prolong_it()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "other", 1));
        machine.Queued(Lock("x", "me", 2, 5 * Second), "r", member: 3);
        machine.Do(new DetachWaitersCommand(new MemberId(3), 1));
        machine.Expire(5 * Second);
        Assert.That(machine.Do(Lock("x", "me", 3, 5 * Second), "r"), Is.InstanceOf<HoldRefused>());
        Assert.That(machine.View.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void A_place_that_was_given_up_because_it_was_detached_for_too_long_answers_nothing()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "other", 1));
        machine.Queued(Lock("x", "me", 2, 60 * Second), "r", member: 3);
        machine.Do(new DetachWaitersCommand(new MemberId(3), 1));
        machine.Expire(10 * Second);
        Assert.That(machine.View.Counts.Waiters, Is.Zero);
        machine.Queued(Lock("x", "me", 3, 60 * Second), "r");
    }

    [Test]
    public void A_place_that_nobody_asked_for_again_after_its_connection_broke_answers_nothing()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "other", 1));
        var request = machine.Queued(Lock("x", "me", 2, 60 * Second), "r");
        machine.Do(new CancelWaitCommand(Machine.Key("x"), request, CancelReason.Disconnected));
        machine.Expire(10 * Second);
        Assert.That(machine.View.Counts.Waiters, Is.Zero);
        machine.Queued(Lock("x", "me", 3, 60 * Second), "r");
    }

    [Test]
    public void A_wait_that_ended_with_its_lease_is_final()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(9), 5 * Second));
        var held = machine.Granted(Lock("x", "other", 1));
        var ask = Lock("x", "me", 0, 60 * Second, ttl: 0) with { SharedLease = new LeaseId(9) };
        machine.Queued(ask, "r");
        machine.Expire(5 * Second);
        machine.Do(Release(held));
        machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        Assert.That(machine.Do(ask, "r"), Is.InstanceOf<LeaseMissing>());
        Assert.That(machine.View.Counts.HoldsInUse, Is.Zero);
    }

    [Test]
    public void A_taken_lease_id_is_no_answer_for_another_is_drawn_under_the_same_identity()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        Assert.That(machine.Do(Lock("x", "me", 9), "r"), Is.InstanceOf<LeaseIdTaken>());
        Assert.That(machine.Do(Lock("x", "me", 10), "r"), Is.InstanceOf<HoldGranted>());
        Assert.That(machine.Do(new GrantLeaseCommand(new LeaseId(9), Second), "s"), Is.InstanceOf<LeaseIdTaken>());
        Assert.That(machine.Do(new GrantLeaseCommand(new LeaseId(11), Second), "s"), Is.InstanceOf<LeaseGranted>());
    }

    [Test]
    public void Renewals_are_judged_anew_each_time_and_take_no_room()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(9), 10 * Second));
        var held = machine.Granted(Lock("x", "me", 1, ttl: 10 * Second));
        foreach (var (command, answer) in (((Command, Type)[])[(new RenewLeasesCommand([new LeaseId(9)]), typeof(LeasesRenewed)), (Renew(held), typeof(HoldRenewed))]))
        {
            Assert.That(machine.Do(command, "r"), Is.TypeOf(answer));
            machine.Pass(Second);
            Assert.That(machine.Do(command, "r"), Is.TypeOf(answer));
        }
        Assert.That(machine.View.GetLease(new LeaseId(9))!.Deadline, Is.EqualTo(new ClusterTime(1_000_000 + (11 * Second))), "renewed again");
        machine.Do(Release(held));
        Assert.That(machine.Do(Renew(held), "s"), Is.InstanceOf<NotHolder>());
        Assert.That((machine.View.Counts.BriefAnswers, machine.View.Counts.IdempotencyKeys), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void What_is_refused_for_want_of_room_among_the_effects_stays_refused()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1, IdempotencyKeepMicros = 10 * Second });
        machine.Do(Put("a"), "1");
        Assert.That(machine.Do(Put("b"), "2"), Is.InstanceOf<BoundReached>());
        machine.Pass(10 * Second);
        Assert.That(machine.Do(Put("b"), "2"), Is.InstanceOf<BoundReached>());
        Assert.That(machine.Do(Put("b"), "3"), Is.InstanceOf<PutDone>(), "there is room by now");
    }

    [Test]
    public void An_attempt_of_a_request_that_waits_needs_no_room_of_its_own()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1 });
        var held = machine.Granted(Lock("x", "other", 1));
        var first = machine.Queued(Lock("x", "me", 2, 60 * Second), "r");
        machine.Do(Put("a"), "1");
        Assert.That(machine.Do(Put("b"), "2"), Is.InstanceOf<BoundReached>(), "it is full");
        var again = machine.Queued(Lock("x", "me", 3, 60 * Second), "r");
        machine.Do(Release(held));
        Assert.That(machine.GrantOf(again), Is.Not.Null, "it was told nothing else before");
        Assert.That(machine.OutcomesOf(first).Last(), Is.InstanceOf<WaitTakenOver>());
    }

    [Test]
    public void A_refusal_takes_no_room_among_the_effects_and_drops_none()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1, MaxBriefAnswers = 3 });
        machine.Do(Put("a"), "1");
        machine.Pass(60 * Second);
        for (var i = 0; i < 10; i++)
        {
            machine.Do(Delete("nothing"), $"no {i}");
        }
        Assert.That((machine.View.Counts.BriefAnswers, machine.View.Counts.IdempotencyKeys + machine.View.Counts.ForgottenKeys), Is.EqualTo((3L, 1L)));
        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<PutDone>().Or.InstanceOf<RetryTooLate>());
        Assert.That(machine.View.GetKey(Machine.Key("a"))!.Version, Is.EqualTo(1));
    }

    [Test]
    public void Bytes_are_counted_with_what_an_answer_carries()
    {
        var name = new string('n', 1000);
        var machine = new Machine(new Limits { MaxBriefBytes = 3_000 });
        machine.Granted(Lock(name, new string('o', 200), 1));
        for (var i = 0; i < 10; i++)
        {
            Assert.That(machine.Do(Lock(name, "me", 2), $"{i}"), Is.InstanceOf<HoldRefused>());
        }
        Assert.That(machine.View.Counts.BriefAnswers, Is.EqualTo(1), "each takes 1,600 bytes or more");
    }

    [Test]
    public void A_request_without_identity_is_not_remembered()
    {
        var machine = new Machine();
        machine.Do(Delete("k"));
        Assert.That(machine.View.Counts.BriefAnswers, Is.Zero);
    }

    [Test]
    public void After_a_burst_and_a_rest_no_command_pays_for_all_that_is_over()
    {
        var machine = new Machine();
        for (var i = 0; i < 500; i++)
        {
            machine.Do(Delete("nothing"), $"no {i}");
        }
        machine.Pass(16 * Second);
        var (commands, left) = (0, machine.View.Counts.BriefAnswers);
        while (left > 1)
        {
            machine.Do(Delete("nothing"), "the only one since");
            Assert.That(left - machine.View.Counts.BriefAnswers, Is.LessThanOrEqualTo(33));
            (commands, left) = (commands + 1, machine.View.Counts.BriefAnswers);
        }
        Assert.That(commands, Is.LessThan(30));
    }

    [Test]
    public void What_is_over_counts_no_more_though_it_was_not_taken_out_yet()
    {
        var machine = new Machine();
        for (var i = 0; i < 100; i++)
        {
            machine.Do(Delete("k"), $"no {i}");
        }
        machine.Pass(16 * Second);
        machine.Do(Put("k"));
        Assert.That(machine.Do(Delete("k"), "no 99"), Is.InstanceOf<DeleteDone>().With.Property("Deleted").EqualTo(1));
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Delete("k"), "no 99"), Is.InstanceOf<DeleteDone>().With.Property("Deleted").EqualTo(1), "its effect is told again");
    }

    [Test]
    public void A_full_table_says_when_the_same_key_may_come_again()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1, IdempotencyKeepMicros = 2 * Second });
        machine.Do(Put("a"), "1");
        Assert.That(((BoundReached)machine.Do(Put("b"), "2")).RetryAfterMicros, Is.EqualTo(2 * Second));
        machine.Pass(3 * Second);
        var again = (BoundReached)machine.Do(Put("b"), "2");
        Assert.That(again.RetryAfterMicros, Is.GreaterThan(0));
        machine.Pass(again.RetryAfterMicros);
        Assert.That(machine.Do(Put("b"), "2"), Is.InstanceOf<PutDone>());
    }

    [Test]
    public void A_refused_request_can_be_withdrawn()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "other", 1));
        machine.Do(Lock("x", "me", 2), "r");
        Assert.That(((Withdrawn)machine.Do(new WithdrawCommand(Machine.Key("r")))).Result, Is.EqualTo(WithdrawResult.Withdrawn));
        Assert.That(machine.Do(Lock("x", "me", 2), "r"), Is.InstanceOf<RequestWithdrawn>());
        Assert.That(machine.View.Counts.BriefAnswers, Is.EqualTo(1));
    }
}
