using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 21: while there is no room to keep what came of a request, what gives back, takes away or keeps alive is done all the same, and nothing twice.</summary>
public sealed class FullTableTests
{
    private static readonly LeaseId Lease = new(90);

    private static PutCommand Put(string key, string value = "") => new(Machine.Key(key), System.Text.Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None);

    private static DeleteCommand Delete(string key) => new(Machine.Key(key), KeyCondition.None);

    /// <summary>With a lease, a lock, a leader, a fence and two keys; <see cref="Fill"/> fills its table.</summary>
    private static (Machine Machine, Hold Lock, Hold Leader) Prepare()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 3 });
        machine.Do(new GrantLeaseCommand(Lease, 600 * Second));
        var hold = machine.Granted(Lock("l", "h", 1, ttl: 600 * Second));
        var leader = machine.Granted(Election("e", "c", 2, [1]) with { TtlMicros = 600 * Second });
        machine.Do(Put("a/1"));
        machine.Do(Put("a/2"));
        machine.Do(new FenceCommand(Machine.Key("f"), hold.Token));
        return (machine, hold, leader);
    }

    private static void Fill(Machine machine)
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.That(machine.Do(Put("full"), $"full{i}"), Is.InstanceOf<PutDone>());
        }
    }

    /// <summary>What is done whatever is full, what it is answered, and what the same request is told when it comes again.</summary>
    private static IEnumerable<TestCaseData> Passing()
    {
        yield return Case("release", (l, _) => Release(l), typeof(HoldReleased), typeof(HoldReleased));
        yield return Case("release by force of one hold", (l, _) => Release(l, force: true), typeof(HoldReleased), typeof(NotHolder));
        yield return Case("break by force", (l, _) => new ReleaseHoldCommand(l.Name, FencingToken.None, Force: true), typeof(HoldReleased), typeof(RetryTooLate));
        yield return Case("resign", (_, e) => Release(e), typeof(HoldReleased), typeof(HoldReleased));
        yield return Case("renew", (l, _) => Renew(l), typeof(HoldRenewed), typeof(HoldRenewed));
        yield return Case("proclaim", (_, e) => Renew(e) with { Value = new byte[] { 2 } }, typeof(HoldRenewed), typeof(RetryTooLate));
        yield return Case("keep alive", (_, _) => new RenewLeasesCommand([Lease]), typeof(LeasesRenewed), typeof(LeasesRenewed));
        yield return Case("revoke", (_, _) => new RevokeLeaseCommand(Lease), typeof(LeaseRevoked), typeof(LeaseMissing));
        yield return Case("delete", (_, _) => Delete("a/1"), typeof(DeleteDone), typeof(RetryTooLate));
        yield return Case("delete a prefix", (_, _) => new DeletePrefixCommand(Machine.Key("a/")), typeof(DeleteDone), typeof(RetryTooLate));
        yield return Case("reset a fence", (_, _) => new ResetFenceCommand(Machine.Key("f")), typeof(FenceReset), typeof(RetryTooLate));
        yield return Case("change a setting", (_, _) => new PutSettingCommand(Setting.MaxLeases, 5_000), typeof(SettingPut), typeof(RetryTooLate));
        yield return Case("hand over", (l, _) => HandOver(l, "next"), typeof(HandedOver), typeof(RetryTooLate));
        yield return Case(
            "delete in a transaction",
            (_, _) => new TxnCommand([], [new TxnDelete(Machine.Key("a/"), IsPrefix: true)], []),
            typeof(TxnDone),
            typeof(RetryTooLate));
        yield return Case("read in a transaction", (_, _) => new TxnCommand([], [new TxnGet(default, IsPrefix: true, 0)], []), typeof(TxnDone), typeof(TxnDone));

        static TestCaseData Case(string name, Func<Hold, Hold, Command> make, Type first, Type again) =>
            new TestCaseData(make, first, again).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Passing))]
    public void What_gives_back_takes_away_or_keeps_alive_is_done_unkept_and_once(Func<Hold, Hold, Command> make, Type first, Type again)
    {
        var (machine, hold, leader) = Prepare();
        machine.Queued(Lock("l", "next", 3, 600 * Second));
        Fill(machine);
        var command = make(hold, leader);
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(first));
        Assert.That(machine.View.Counts.IdempotencyKeys, Is.EqualTo(3), "unkept");
        machine.Do(Put("a/1", "of another"));
        machine.Do(new FenceCommand(Machine.Key("f"), hold.Token));
        machine.RestoreFromSnapshot();
        var revision = machine.State.Revision;
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(again));
        Assert.That(machine.State.Revision, Is.EqualTo(revision), "no second effect");
        Assert.That(machine.View.GetFence(Machine.Key("f")), Is.EqualTo(hold.Token));
    }

    [TestCaseSource(nameof(Passing))]
    public void What_was_done_unkept_is_done_to_whoever_withdraws_it(Func<Hold, Hold, Command> make, Type first, Type again)
    {
        var (machine, hold, leader) = Prepare();
        machine.Queued(Lock("l", "next", 3, 600 * Second));
        Fill(machine);
        var command = make(hold, leader);
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(first));
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(again));
        machine.RestoreFromSnapshot();
        var isRenewal = command is RenewLeasesCommand or RenewHoldCommand { Value: null };
        var expected = new Withdrawn(machine.State.Revision, isRenewal ? WithdrawResult.Withdrawn : WithdrawResult.Done);
        Assert.That(machine.Do(new WithdrawCommand(Machine.Key("k"))), Is.EqualTo(expected));
        machine.Pass(15 * Second);
        Assert.That(machine.Do(new WithdrawCommand(Machine.Key("k"))), Is.EqualTo(expected), "again");
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(isRenewal ? typeof(RequestWithdrawn) : again));
    }

    [TestCaseSource(nameof(Passing))]
    public void What_was_done_unkept_is_done_to_whoever_withdraws_it_long_after(Func<Hold, Hold, Command> make, Type first, Type again)
    {
        var (machine, hold, leader) = Prepare();
        machine.Queued(Lock("l", "next", 3, 600 * Second));
        Fill(machine);
        var command = make(hold, leader);
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(first));
        machine.Pass(300 * Second);
        var hadNoEffect = command is RenewLeasesCommand or RenewHoldCommand { Value: null } or TxnCommand { Success: [TxnGet] };
        var expected = new Withdrawn(machine.State.Revision, hadNoEffect ? WithdrawResult.Withdrawn : WithdrawResult.Done);
        Assert.That(machine.Do(new WithdrawCommand(Machine.Key("k"))), Is.EqualTo(expected));
        Assert.That(machine.Do(command, "k"), Is.InstanceOf(hadNoEffect ? typeof(RequestWithdrawn) : again));
    }

    [Test]
    public void Another_release_under_the_key_of_an_unkept_one_is_remembered_once()
    {
        var (machine, hold, leader) = Prepare();
        var third = machine.Granted(Lock("third", "h", 3, ttl: 600 * Second));
        Fill(machine);
        machine.Do(Release(hold), "k");
        machine.Do(Release(third), "k");
        Assert.That(machine.View.Counts.ForgottenKeys, Is.EqualTo(1));
        machine.RestoreFromSnapshot();
        machine.Pass(60 * Second);
        Assert.That(machine.Do(Release(leader), "k"), Is.InstanceOf<HoldReleased>());
        machine.RestoreFromSnapshot();
        Assert.That(machine.View.Tables.Answers.Forgotten.All().Any(item => item.Key.IdempotencyKey == Machine.Key("k")), Is.False, "it is kept now");
    }

    [Test]
    public void What_was_done_unkept_twice_under_one_key_does_not_keep_others_from_being_forgotten()
    {
        var (machine, hold, leader) = Prepare();
        Fill(machine);
        machine.Do(Release(hold), "k");
        machine.Do(Release(leader), "k");
        machine.Do(Delete("a/1"), "d");
        Assert.That(machine.View.Counts.ForgottenKeys, Is.EqualTo(2));
        for (var day = 0; day < 2; day++)
        {
            // On the first what filled the table is dropped, and is older than these.
            machine.Pass((24 * 3600 * Second) + 1);
            machine.Do(new WithdrawCommand(Machine.Key("none")));
        }
        Assert.That(machine.View.Counts.ForgottenKeys, Is.Zero);
    }

    [Test]
    public void The_key_of_what_was_done_unkept_and_had_better_not_be_done_twice_is_good_for_nothing_else()
    {
        var (machine, hold, _) = Prepare();
        Fill(machine);
        machine.Do(Delete("a/1"), "k");
        Assert.That(machine.Do(Release(hold), "k"), Is.InstanceOf<RetryTooLate>());
        machine.Do(new RevokeLeaseCommand(Lease), "r");
        Assert.That(machine.Do(Delete("a/2"), "r"), Is.InstanceOf<RetryTooLate>());
        Assert.That((machine.Look(hold).HolderCount, machine.View.GetKey(Machine.Key("a/2")) is null), Is.EqualTo((1, false)));
    }

    [Test]
    public void A_snapshot_that_says_of_a_forgotten_outcome_what_nobody_knows_is_refused()
    {
        var (machine, _, _) = Prepare();
        Fill(machine);
        machine.Do(Delete("a/1"), "k");
        var buffer = SnapshotBuffer.Of(machine.View);
        var body = buffer.Sections.Find(section => section.Kind == 11).Body;
        Assert.That(body[^1], Is.EqualTo(1), "its last field is the kind");
        body[^1] = 3;
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<Consensus.Primitives.Wire.WireFormatException>());
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        yield return Case("put", _ => Put("b"));
        yield return Case("acquire", _ => Lock("free", "o", 5));
        yield return Case("acquire and wait", _ => Lock("l", "o", 5, 60 * Second));
        yield return Case("acquire several", _ => Many("o", 5, "m1", "m2"));
        yield return Case("grant a lease", _ => new GrantLeaseCommand(new LeaseId(5), Second));
        yield return Case("raise a fence", l => new FenceCommand(Machine.Key("g"), l.Token));
        yield return Case("put in a transaction", _ => new TxnCommand([], [new TxnDelete(Machine.Key("a/1"), IsPrefix: false), new TxnPut(Machine.Key("b"), default, LeaseId.None)], []));
        yield return Case("put in the other branch", _ => new TxnCommand([], [], [new TxnPut(Machine.Key("b"), default, LeaseId.None)]));

        static TestCaseData Case(string name, Func<Hold, Command> make) => new TestCaseData(make).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Refused))]
    public void What_would_have_a_new_effect_is_refused_until_the_oldest_may_go_and_is_told_when(Func<Hold, Command> make)
    {
        var (machine, hold, _) = Prepare();
        machine.Do(Put("full"), "oldest");
        machine.Pass(20 * Second);
        machine.Do(Put("full"), "full1");
        machine.Do(Put("full"), "full2");
        machine.Pass(15 * Second);
        var refused = (BoundReached)machine.Do(make(hold), "k");
        Assert.That((refused.Bound, refused.Limit, refused.RetryAfterMicros), Is.EqualTo((BoundKind.IdempotencyKeys, 3L, 25 * Second)));
        machine.Pass((25 * Second) - 1);
        Assert.That(((BoundReached)machine.Do(make(hold), "another")).RetryAfterMicros, Is.EqualTo(1));
        Assert.That(((BoundReached)machine.Do(make(hold), "another")).RetryAfterMicros, Is.EqualTo((15 * Second) + 1), "under this key its answer stays until then");
        machine.Pass(1);
        Assert.That(machine.Do(make(hold), "yet another"), Is.Not.InstanceOf<BoundReached>());
    }

    [Test]
    public void A_waiting_request_that_comes_again_finds_its_place_though_the_table_is_full()
    {
        var (machine, hold, _) = Prepare();
        var waiter = machine.Queued(Lock("l", "w", 5, 600 * Second), "k");
        Fill(machine);
        var again = machine.Queued(Lock("l", "w", 6, 600 * Second), "k");
        Assert.That(machine.OutcomesOf(waiter).Last(), Is.InstanceOf<WaitTakenOver>());
        machine.Do(Release(hold), "release");
        Assert.That(((HoldGranted)machine.Do(Lock("l", "w", 7, 600 * Second), "k")).Hold.Token, Is.EqualTo(machine.GrantOf(again)!.Token), "a grant is kept in any case");
    }

    [Test]
    public void Transactions_that_read_as_much_as_they_may_do_not_fill_the_table()
    {
        // 33 answers of 2 MiB were 66 MiB, of 64 that are kept.
        var machine = new Machine();
        machine.Do(new PutCommand(Machine.Key("large/1"), new byte[1 << 20], LeaseId.None, KeyCondition.None));
        machine.Do(new PutCommand(Machine.Key("large/2"), new byte[(1 << 20) - 100], LeaseId.None, KeyCondition.None));
        var hold = machine.Granted(Lock("l", "h", 1, ttl: 600 * Second), "acquire");
        for (var i = 0; i < 40; i++)
        {
            var txn = new TxnCommand([], [new TxnPut(Machine.Key("small"), new byte[] { (byte)i }, LeaseId.None), new TxnGet(Machine.Key("large/"), IsPrefix: true, 0)], []);
            var outcome = machine.Do(txn, $"txn{i}");
            Assert.That((outcome as TxnDone)?.Results.OfType<TxnGetResult>().Single().Items.Length, Is.EqualTo(2), $"the transaction {i}: {outcome}");
        }
        Assert.That(machine.Do(Put("b"), "put"), Is.InstanceOf<PutDone>());
        Assert.That(machine.Do(Release(hold), "release"), Is.InstanceOf<HoldReleased>());
    }
}
