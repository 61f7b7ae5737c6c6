using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A store that is full to the last byte: what adds to it is refused, whatever it adds; what takes away, gives back or keeps alive is done (rule 24).</summary>
internal sealed class QuotaTests
{
    private const long Quota = 20_000;

    private static readonly Key Filler = Machine.Key("filler");

    /// <summary>One of everything, and a key with a value that takes what is left.</summary>
    internal sealed class Full
    {
        public Full()
        {
            Machine.Do(new GrantLeaseCommand(new LeaseId(1), 60 * Second));
            Held = Machine.Granted(Lock("held", "me", 2));
            Waiting = Machine.Queued(Lock("held", "you", 3, wait: 60 * Second));
            Machine.Granted(Shared("both", "me", 4));
            Leader = Machine.Granted(Election("e", "me", 5, new byte[10]));
            Machine.Do(Fence("f", 1));
            Machine.Do(Put("a", 10));
            Machine.Do(Put("b", 10));
            Machine.Do(Put("filler", 0));
            Machine.Do(Put("filler", (int)(Quota - Machine.State.Counts.StateBytes)));
            Assert.That(Machine.State.Counts.StateBytes, Is.EqualTo(Quota));
        }

        public Machine Machine { get; } = new(new Limits { MaxStateBytes = Quota });

        public Hold Held { get; }

        public RequestId Waiting { get; }

        public Hold Leader { get; }
    }

    private static PutCommand Put(string key, int bytes) => new(Machine.Key(key), new byte[bytes], LeaseId.None, KeyCondition.None);

    private static FenceCommand Fence(string resource, long token) => new(Machine.Key(resource), new FencingToken(token));

    private static TxnCommand Txn(params TxnOperation[] operations) => new([], [.. operations], []);

    private static TxnPut TxnPut(string key, int bytes) => new(Machine.Key(key), new byte[bytes], LeaseId.None);

    private static IEnumerable<TestCaseData> Additions()
    {
        yield return Of("a key", _ => Put("c", 0));
        yield return Of("a longer value", _ => Put("a", 11));
        yield return Of("a lease for a key that had none", _ => Put("a", 10) with { Lease = new LeaseId(1) });
        yield return Of("a key in a transaction", _ => Txn(TxnPut("c", 0)));
        yield return Of("a lock", _ => Lock("l", "a", 9));
        yield return Of("a lock under a lease that there is", _ => Lock("l", "a", 0) with { SharedLease = new LeaseId(1) });
        yield return Of("a waiting place", _ => Lock("held", "a", 9, wait: Second));
        yield return Of("a shared hold", _ => Shared("both", "a", 9));
        yield return Of("permits", _ => Semaphore("s", "a", 9, 1, 2));
        yield return Of("a leadership", _ => Election("e2", "a", 9, []));
        yield return Of("several locks", _ => Many("a", 9, "x", "y"));
        yield return Of("several locks under a lease that there is", _ => Many("a", 0, "x", "y") with { SharedLease = new LeaseId(1) });
        yield return Of("a lease", _ => new GrantLeaseCommand(new LeaseId(9), Second));
        yield return Of("a fence", _ => Fence("g", 1));
        yield return Of("a longer value of an election", full => Renew(full.Leader) with { Value = new byte[11] });
    }

    private static IEnumerable<TestCaseData> Others()
    {
        yield return Of("a put of a shorter value", _ => Put("a", 9));
        yield return Of("a put of a value as long", _ => Put("a", 10));
        yield return Of("a transaction that makes room first", _ => Txn(new TxnDelete(Machine.Key("a"), IsPrefix: false), TxnPut("c", 10)));
        yield return Of("a delete", _ => new DeleteCommand(Filler, KeyCondition.None));
        yield return Of("a delete of a prefix", _ => new DeletePrefixCommand(default));
        yield return Of("a release", full => Release(full.Held));
        yield return Of("a release by force", full => Release(full.Held, force: true));
        yield return Of("a renewal", full => Renew(full.Held));
        yield return Of("a renewal with a value as long", full => Renew(full.Leader) with { Value = new byte[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } });
        yield return Of("a renewal of leases", _ => new RenewLeasesCommand([new LeaseId(1)]));
        yield return Of("the end of a lease", _ => new RevokeLeaseCommand(new LeaseId(2)));
        yield return Of("a hand-over", full => HandOver(full.Held, "you"));
        yield return Of("the end of a wait", full => CancelWaitCommand.Of(full.Held.Object, full.Waiting, CancelReason.Disconnected));
        yield return Of("a withdrawal", _ => new WithdrawCommand(Machine.Key("id")));
        yield return Of("a fence that is raised", _ => Fence("f", 2));
        yield return Of("a fence that is reset", _ => new ResetFenceCommand(Machine.Key("f")));
        yield return Of("a setting", _ => new PutSettingCommand(Setting.QuotaBytes, 1L << 30));
        yield return Of("what the leader expires", _ => new ExpireCommand());
        yield return Of("what a member tells of itself", _ => new AnnounceMemberCommand(new MemberId(1), "n1", 2, "http://127.0.0.1:1", "127.0.0.1:2", "1", 0));
    }

    [TestCaseSource(nameof(Additions))]
    public void A_full_store_refuses(Func<Full, Command> ask)
    {
        var full = new Full();
        var (counts, revision) = (full.Machine.State.Counts, full.Machine.State.Revision);
        Assert.That(full.Machine.Do(ask(full)), Is.EqualTo(new QuotaExceeded(revision, Quota)));
        Assert.That((full.Machine.State.Counts, full.Machine.State.Revision), Is.EqualTo((counts, revision)));
        full.Machine.Do(new DeleteCommand(Filler, KeyCondition.None));
        Assert.That(full.Machine.Do(ask(full)), Is.Not.InstanceOf<QuotaExceeded>(), "there is room");
    }

    [TestCaseSource(nameof(Others))]
    public void A_full_store_takes(Func<Full, Command> ask)
    {
        var full = new Full();
        full.Machine.Pass(60 * Second);
        Assert.That(full.Machine.Do(ask(full)), Is.Not.InstanceOf<QuotaExceeded>().And.Not.InstanceOf<BoundReached>());
    }

    [Test]
    public void What_a_hold_or_a_place_under_a_session_takes_beside_counts_before_it_is_there([Values] bool waits, [Values] bool many)
    {
        var session = new LeaseId(50);
        Command Ask() => many && !waits
            ? Many("me", 0, "x", "y") with { SharedLease = session, TtlMicros = 0 }
            : Lock(waits ? "held" : "x", "me", 0, waits ? 60 * Second : 0, ttl: 0) with { SharedLease = session };
        Machine Begin(long quota)
        {
            var machine = new Machine(new Limits { MaxStateBytes = quota });
            machine.Do(new GrantLeaseCommand(session, 60 * Second) { IsSession = true });
            machine.Granted(Lock("held", "you", 1));
            return machine;
        }
        var free = Begin(Quota);
        free.Do(Ask());
        var needed = free.State.Counts.StateBytes;
        var full = Begin(needed - 1);
        Assert.That(full.Do(Ask()), Is.InstanceOf<QuotaExceeded>());
        Assert.That(Begin(needed).Do(Ask()), Is.Not.InstanceOf<QuotaExceeded>());
    }

    [Test]
    public void Names_owners_and_losses_of_locks_that_nobody_holds_fill_the_store()
    {
        var machine = new Machine(new Limits { MaxStateBytes = 100_000 });
        var owner = new string('o', 1_000);
        var done = 0;
        while (done < 1_000 && machine.Do(Lock($"{new string('n', 900)}{done}", owner, done + 1)) is HoldGranted granted)
        {
            machine.Do(Release(granted.Hold, force: true));
            done++;
        }
        Assert.That(done, Is.InRange(10, 100));
        Assert.That(machine.State.Counts.HoldsInUse, Is.Zero);
    }

    [Test]
    public void Holds_with_an_end_with_metadata_and_lost_ones_count_the_same_once_they_are_restored()
    {
        var full = new Full();
        full.Machine.Do(new DeleteCommand(Filler, KeyCondition.None));
        full.Machine.Granted(Lock("l", "me", 6) with { MaxHoldMicros = 60 * Second });
        full.Machine.Granted(Lock("m", "me", 7) with { LockDelayMicros = 60 * Second, Metadata = new byte[7] });
        full.Machine.RestoreFromSnapshot();
        full.Machine.Expire(120 * Second);
        full.Machine.RestoreFromSnapshot();
    }

    private static TestCaseData Of(string name, Func<Full, Command> ask) => new TestCaseData(ask).SetArgDisplayNames(name);
}
