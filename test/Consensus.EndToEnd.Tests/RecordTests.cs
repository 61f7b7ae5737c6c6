using System.Text;
using Consensus.Chaos.Clients;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.EndToEnd.Tests;

/// <summary>What process chaos records of a round, told by hand: as it should be, and with one mistake each.</summary>
public sealed class RecordTests
{
    private const long Second = 1_000_000;
    private static readonly LeaseId Lease = new(77);

    private readonly List<(long Revision, Change[] Changes)> _messages = [];
    private long _now;
    private long _number;
    private Record _record = null!;
    private string _mistake = "";

    [Test]
    public void A_history_as_it_should_be_is_believed() => Assert.DoesNotThrow(Tell("").Check);

    [TestCase("an acknowledged write is not told", Chronicle.Name)]
    [TestCase("another version of a write is told", Chronicle.Name)]
    [TestCase("a write that nobody asked for is told", Chronicle.Name)]
    [TestCase("a write that was refused is told", FinalAnswers.Name)]
    [TestCase("the end of a key is told that nobody asked for", Chronicle.Name)]
    [TestCase("a read sees what is over", Chronicle.Name)]
    [TestCase("a transaction does the other branch", Transactions.Name)]
    [TestCase("a prefix is deleted in part", Transactions.Name)]
    [TestCase("a read of all keys misses one", Transactions.Name)]
    [TestCase("a watch misses a revision", WatchOrder.Name)]
    [TestCase("a watch is told a revision twice", WatchOrder.Name)]
    [TestCase("a watch is told in another order", WatchOrder.Name)]
    [TestCase("a watch is told half a revision", WatchOrder.Name)]
    [TestCase("a watch goes on behind what it was not told", WatchOrder.Name)]
    [TestCase("a watch begins on an old state", WatchOrder.Name)]
    [TestCase("young history is forgotten", WatchOrder.Name)]
    [TestCase("a watch of an election begins with another leader", Chronicle.Name)]
    [TestCase("a writer beside a reader", HoldersFit.Name)]
    [TestCase("a writer while a reader is seen to hold", HoldsByRevision.Name)]
    [TestCase("more permits than there are", HoldersFit.Name)]
    [TestCase("more permits are seen than there are", HoldsByRevision.Name)]
    [TestCase("some of several locks", HoldsByRevision.Name)]
    [TestCase("a token twice", TokensIncrease.Name)]
    [TestCase("a refused one holds", HoldsByRevision.Name)]
    [TestCase("a leader that nobody is told of", Chronicle.Name)]
    [TestCase("a value that nobody proclaimed", Chronicle.Name)]
    [TestCase("a hand-over that is not told", Chronicle.Name)]
    [TestCase("a guarded write after the release", GuardedWrites.Name)]
    [TestCase("a fence goes back", Fences.Name)]
    [TestCase("the keys of a lease end early", LeasePromise.Name)]
    [TestCase("a keep-alive is refused early", LeasePromise.Name)]
    [TestCase("a second effect of one request", RetryOnce.Name)]
    [TestCase("a no becomes a yes", FinalAnswers.Name)]
    [TestCase("what was withdrawn is seen to wait", Withdrawals.Name)]
    [TestCase("what was withdrawn is done when it comes again", Withdrawals.Name)]
    [TestCase("what was withdrawn had written", Withdrawals.Name)]
    public void A_mistake_in_a_recorded_history_is_seen(string mistake, string checker)
    {
        var record = Tell(mistake);
        Assert.That(Assert.Throws<SimulationFailureException>(record.Check)!.Checker, Is.EqualTo(checker));
    }

    private Record Tell(string mistake)
    {
        (_mistake, _now, _number) = (mistake, 0, 0);
        _messages.Clear();
        _record = new Record(new Revision(1), () => _now);
        TellKeys();
        TellLocks();
        TellSemaphore();
        TellElection();
        TellFence();
        TellWithdrawal();
        TellLease();
        TellWatches();
        return _record;
    }

    private bool Wrong(string mistake) => _mistake == mistake;

    private void TellKeys()
    {
        var put = Answer(Ask(OperationKind.Put, "r1-k0", value: "v1"), Put("r1-k0", 2, 2, 1));
        if (!Wrong("an acknowledged write is not told"))
        {
            Say(2, Written("r1-k0", "v1", 2, 2, Wrong("another version of a write is told") ? 2 : 1));
        }
        var changed = Key.FromText("r1-k0");
        _record.ToldAgain(put, Wrong("a second effect of one request") ? Put("r1-k0", 2, 3, 2) : Put("r1-k0", 2, 2, 1));
        var both = new TxnCommand(
            [new TxnCompare(CompareTarget.Version, CompareOperator.Equal, changed, 1)],
            [new TxnPut(Key.FromText("r1-t0"), "x"u8.ToArray(), LeaseId.None), new TxnPut(Key.FromText("r1-t1"), "y"u8.ToArray(), LeaseId.None)],
            []);
        Answer(
            Ask(OperationKind.Transaction, "r1-t", both),
            new TxnDone(new Revision(3), !Wrong("a transaction does the other branch"), [PutResult("r1-t0", 3), PutResult("r1-t1", 3)]));
        Say(3, Written("r1-t0", "x", 3, 3, 1), Written("r1-t1", "y", 3, 3, 1));
        Look(OperationKind.ReadKeys, "r1-t", new ReadResult(3)
        {
            Items = Wrong("a read of all keys misses one") ? [Item("r1-t0", "x", 3)] : [Item("r1-t0", "x", 3), Item("r1-t1", "y", 3)],
        });
        var all = new TxnCommand([], [new TxnDelete(Key.FromText("r1-t"), IsPrefix: true)], []);
        Answer(Ask(OperationKind.Transaction, "r1-t", all), new TxnDone(new Revision(4), true, [new TxnDeleteResult(Wrong("a prefix is deleted in part") ? 1 : 2)]));
        Say(4, Gone("r1-t0", 4), Gone("r1-t1", 4));
        var refused = Answer(
            Ask(OperationKind.Put, "r1-k0", value: "v2", condition: new KeyCondition(KeyConditionKind.Absent)), new ConditionFailed(new Revision(4), new Revision(2)));
        _record.ToldAgain(refused, Wrong("a no becomes a yes") ? Put("r1-k0", 2, 5, 2) : new ConditionFailed(new Revision(4), new Revision(2)));
        if (Wrong("a write that was refused is told"))
        {
            Say(5, Written("r1-k0", "v2", 2, 5, 2));
        }
        if (Wrong("a write that nobody asked for is told"))
        {
            Say(5, Written("r1-k1", "v9", 5, 5, 1));
        }
        if (Wrong("the end of a key is told that nobody asked for"))
        {
            Say(5, Gone("r1-k0", 5));
        }
        else
        {
            Look(OperationKind.Read, "r1-k0", Wrong("a read sees what is over") ? new ReadResult(5) : new ReadResult(Wrong("a write that was refused is told") ? 4 : 5, "v1", 2, 1));
        }
    }

    private void TellLocks()
    {
        var name = ObjectName.Lock(Key.FromText("r1-h0"));
        var reader = Grant(name, 6, 1, LockMode.Shared, ttl: 10 * Second);
        Grant(name, 7, 2, Wrong("a writer beside a reader") ? LockMode.Exclusive : LockMode.Shared, ttl: 10 * Second);
        var refused = Ask(OperationKind.AcquireHold, "r1-h0", Acquire(name, LockMode.Exclusive, Second), name, client: 3);
        Answer(refused, new HoldRefused(new Revision(7), reader, 0, 0));
        if (Wrong("a refused one holds"))
        {
            Look(OperationKind.ReadHold, "r1-h0", new ReadResult(7) { Holders = [HoldOf(name, refused.Owner, 7, LockMode.Shared)] }, name);
        }
        var guard = new TxnCompare(CompareTarget.Hold, CompareOperator.Equal, name.Name, 7);
        Answer(
            Ask(OperationKind.Transaction, "r1-t", new TxnCommand([guard], [new TxnPut(Key.FromText("r1-t3"), "z"u8.ToArray(), LeaseId.None)], [])),
            new TxnDone(new Revision(8), true, [PutResult("r1-t3", 8)]));
        Say(8, Written("r1-t3", "z", 8, 8, 1));
        Release(name, 6, 9);
        Release(name, 7, 10);
        Grant(name, 11, 3);
        if (Wrong("a guarded write after the release"))
        {
            Answer(
                Ask(OperationKind.Transaction, "r1-t", new TxnCommand([guard], [new TxnDelete(Key.FromText("r1-t3"), IsPrefix: false)], [])),
                new TxnDone(new Revision(13), true, [new TxnDeleteResult(1)]));
            Say(13, Gone("r1-t3", 13));
        }
        if (Wrong("a writer while a reader is seen to hold"))
        {
            var other = ObjectName.Lock(Key.FromText("r1-h1"));
            // So short that nobody believes in it any more: only revisions tell.
            Grant(other, 14, 1, LockMode.Shared, ttl: 1);
            Grant(other, 15, 2, LockMode.Exclusive, ttl: 1);
            Look(OperationKind.ReadHold, "r1-h1", new ReadResult(16) { Holders = [HoldOf(other, "c1-x", 14, LockMode.Shared)] }, other);
        }
        var many = new AcquireManyCommand([Key.FromText("r1-m0"), Key.FromText("r1-m1")], "", Second, LeaseId.None, LeaseId.None);
        var asked = Ask(OperationKind.AcquireMany, "r1-m0", many);
        Hold One(string lockName, long token) => HoldOf(ObjectName.Lock(Key.FromText(lockName)), asked.Owner, token);
        Answer(asked, new ManyGranted(new Revision(21), Wrong("some of several locks") ? [One("r1-m0", 20)] : [One("r1-m0", 20), One("r1-m1", Wrong("a token twice") ? 20 : 21)]));
    }

    private void TellSemaphore()
    {
        var name = ObjectName.Semaphore(Key.FromText("r1-s0"));
        Grant(name, 22, 1, count: 2);
        Grant(name, 23, 2, count: Wrong("more permits than there are") ? 2 : 1);
        Look(OperationKind.ReadHold, "r1-s0", new ReadResult(23)
        {
            Holders = [HoldOf(name, "a", 22) with { Count = 2 }, HoldOf(name, "b", 23) with { Count = Wrong("more permits are seen than there are") ? 2 : 1 }],
            Permits = 3,
        }, name);
    }

    private void TellElection()
    {
        var name = ObjectName.Election(Key.FromText("r1-e0"));
        var session = new WatchSession("e", new WatchTarget(WatchKind.Election, name.Name, false), new Revision(24), new Revision(23), new Revision(23));
        _record.Opened(session);
        var first = Grant(name, 24, 1);
        Elected(session, 24, Wrong("a leader that nobody is told of") ? HoldOf(name, "somebody", 30) : first);
        var proclaims = Ask(OperationKind.RenewHold, "r1-e0", new RenewHoldCommand(name.Name, first.Token) { Space = HoldSpace.Election, Value = "new"u8.ToArray() }, name, token: 24);
        Answer(proclaims, new HoldRenewed(new Revision(25), first));
        Elected(session, 25, first with { Value = Encoding.UTF8.GetBytes(Wrong("a value that nobody proclaimed") ? "old" : "new") });
        var waits = Ask(OperationKind.AcquireHold, "r1-e0", Acquire(name, LockMode.Exclusive, Second), name, client: 2);
        var next = HoldOf(name, waits.Owner, 26) with { Value = Encoding.UTF8.GetBytes(waits.Owner) };
        var over = Ask(OperationKind.HandOver, "r1-e0", new HandOverCommand(name.Name, first.Token, waits.Owner) { Space = HoldSpace.Election }, name, token: 24);
        Answer(over, new HandedOver(new Revision(26), next));
        Answer(waits, new HoldGranted(new Revision(26), next, 0));
        if (!Wrong("a hand-over that is not told"))
        {
            Elected(session, 26, next);
        }
        var late = new WatchSession("l", new WatchTarget(WatchKind.Election, name.Name, false), new Revision(27), new Revision(26), new Revision(26));
        late.Present(new Revision(26), Wrong("a watch of an election begins with another leader") ? first : next);
        _record.Opened(late);
    }

    private void TellFence()
    {
        Operation Pass(long token) => Ask(OperationKind.Fence, "r1-f0", new FenceCommand(Key.FromText("r1-f0"), new FencingToken(token)), token: token);

        Answer(Pass(20), new FencePassed(new Revision(26), new FencingToken(20)));
        Answer(Pass(11), Wrong("a fence goes back") ? new FencePassed(new Revision(26), new FencingToken(11)) : new FenceStale(new Revision(26), new FencingToken(20)));
    }

    private void TellWithdrawal()
    {
        var name = ObjectName.Lock(Key.FromText("r1-h1"));
        var lost = Ask(OperationKind.AcquireHold, "r1-h1", Acquire(name, LockMode.Exclusive, Second), name, client: 4);
        Lose(lost);
        Withdraw(lost);
        _record.ToldAgain(lost, Wrong("what was withdrawn is done when it comes again")
            ? new HoldGranted(new Revision(27), HoldOf(name, lost.Owner, 27), 0)
            : new RequestWithdrawn(new Revision(26)));
        Look(OperationKind.ReadHold, "r1-h1", new ReadResult(26) { Holders = [], Waiters = Wrong("what was withdrawn is seen to wait") ? [lost.Owner] : [] }, name);
        var put = Ask(OperationKind.Put, "r1-k2", value: "v7");
        Lose(put);
        Withdraw(put);
        if (Wrong("what was withdrawn had written"))
        {
            Say(27, Written("r1-k2", "v7", 27, 27, 1));
        }
    }

    private void TellLease()
    {
        Answer(Ask(OperationKind.GrantLease, "", new GrantLeaseCommand(LeaseId.None, Second)), new LeaseGranted(new Revision(27), Lease, Second));
        var put = new TxnPut(Key.FromText("r1-t2"), "w"u8.ToArray(), Lease);
        Answer(
            Ask(OperationKind.Transaction, "r1-t", new TxnCommand([], [put], [])),
            new TxnDone(new Revision(28), true, [new TxnPutResult(put.Key, new Revision(28), new Revision(28), 1, Lease)]));
        Say(28, new KeyChange(new Revision(28), put.Key, null, new KeyRecord(put.Value, new Revision(28), new Revision(28), 1, Lease)));
        if (Wrong("a keep-alive is refused early"))
        {
            Answer(Ask(OperationKind.RenewLeases, "", new RenewLeasesCommand([Lease])), new LeasesRenewed(new Revision(28), [new LeaseRenewal(Lease, 0, default)]));
        }
        _now += Wrong("the keys of a lease end early") ? Second / 2 : Second;
        Say(29, Gone("r1-t2", 29));
    }

    /// <summary>One that comes late, and makes the mistakes.</summary>
    private void TellWatches()
    {
        var view = Wrong("a watch begins on an old state") ? 28 : 29;
        var session = new WatchSession("w", new WatchTarget(WatchKind.Prefix, Key.FromText("r1-"), false), new Revision(2), new Revision(view), new Revision(29));
        _record.Opened(session);
        if (Wrong("a watch is told in another order"))
        {
            _messages.Reverse(0, 2);
        }
        foreach (var (revision, changes) in _messages)
        {
            if (revision == 4 && Wrong("a watch misses a revision"))
            {
                continue;
            }
            if (revision == 4 && Wrong("a watch goes on behind what it was not told"))
            {
                session.PassedOver(new Revision(4));
                continue;
            }
            session.Told(new Revision(revision), revision == 4 && Wrong("a watch is told half a revision") ? changes[..1] : changes);
            if (revision == 4 && Wrong("a watch is told a revision twice"))
            {
                session.Told(new Revision(revision), changes);
            }
        }
        if (Wrong("young history is forgotten"))
        {
            session.Compacted(new Revision(20), new Revision(25));
        }
    }

    private void Say(long revision, params Change[] changes)
    {
        _now += 10;
        _messages.Add((revision, changes));
        _record.Told(new Revision(revision), changes);
    }

    private void Elected(WatchSession session, long revision, Hold leader)
    {
        _now += 10;
        Change[] changes = [new ElectionChange(new Revision(revision), leader.Name, leader)];
        session.Told(new Revision(revision), changes);
        _record.Told(new Revision(revision), changes);
    }

    private Operation Ask(
        OperationKind kind, string name, Command? command = null, ObjectName of = default, string value = "", KeyCondition condition = default, long token = 0, int client = 1)
    {
        _now += 10;
        return _record.Invoke(() => new Operation
        {
            Number = ++_number,
            Client = client,
            Kind = kind,
            Object = name,
            Name = of,
            Command = command switch
            {
                AcquireCommand acquire => acquire with { Owner = OwnerOf(client), Value = of.Space == HoldSpace.Election ? Encoding.UTF8.GetBytes(OwnerOf(client)) : default },
                AcquireManyCommand many => many with { Owner = OwnerOf(client) },
                _ => command,
            },
            Value = value,
            Condition = condition,
            Token = token,
            HasIdentity = true,
            Attempts = 1,
        });
    }

    private string OwnerOf(int client) => $"c{client}-{_number}";

    private Operation Answer(Operation operation, Outcome outcome)
    {
        _now += 10;
        _record.Return(operation, OperationStatus.Done, outcome, null);
        return operation;
    }

    private void Lose(Operation operation)
    {
        operation.HadUnknownAttempt = true;
        _record.Return(operation, OperationStatus.Unknown, null, null);
    }

    private void Withdraw(Operation operation)
    {
        _now += 10;
        var withdrawal = _record.Invoke(() => new Operation
        {
            Number = ++_number,
            Client = operation.Client,
            Kind = OperationKind.Withdraw,
            Object = operation.Owner,
            Command = new WithdrawCommand(Key.FromText(operation.Owner)),
            Withdraws = operation,
        });
        Answer(withdrawal, new Withdrawn(new Revision(26), WithdrawResult.Withdrawn));
    }

    private void Look(OperationKind kind, string name, ReadResult seen, ObjectName of = default)
    {
        var read = Ask(kind, name, of: of);
        _now += 10;
        _record.Return(read, OperationStatus.Done, null, seen);
    }

    private Hold Grant(ObjectName name, long token, int client, LockMode mode = LockMode.Exclusive, long count = 1, long ttl = Second)
    {
        var operation = Ask(OperationKind.AcquireHold, name.Name.ToString(), Acquire(name, mode, ttl, count), name, client: client);
        var hold = HoldOf(name, operation.Owner, token, mode) with { Count = count, TtlMicros = ttl, Value = ((AcquireCommand)operation.Command!).Value };
        Answer(operation, new HoldGranted(new Revision(token), hold, 0));
        return hold;
    }

    private void Release(ObjectName name, long token, long revision) => Answer(
        Ask(OperationKind.ReleaseHold, name.Name.ToString(), new ReleaseHoldCommand(name.Name, new FencingToken(token), Force: false) { Space = name.Space }, name, token: token),
        new HoldReleased(new Revision(revision)));

    private static AcquireCommand Acquire(ObjectName name, LockMode mode, long ttl, long count = 1) =>
        new(name.Name, "", ttl, LeaseId.None, LeaseId.None, 0) { Space = name.Space, Mode = mode, Count = count, Permits = name.Space == HoldSpace.Semaphore ? 3 : 0 };

    private static Hold HoldOf(ObjectName name, string owner, long token, LockMode mode = LockMode.Exclusive) =>
        new(name.Name, owner, new FencingToken(token), new LeaseId(1_000 + token), Second, new Revision(token), default) { Space = name.Space, Mode = mode };

    private static PutDone Put(string key, long created, long revision, long version) =>
        new(new Revision(revision), Key.FromText(key), new Revision(created), new Revision(revision), version, LeaseId.None);

    private static TxnPutResult PutResult(string key, long revision) => new(Key.FromText(key), new Revision(revision), new Revision(revision), 1, LeaseId.None);

    private static KeyChange Written(string key, string value, long created, long revision, long version) => new(
        new Revision(revision), Key.FromText(key), null, new KeyRecord(Encoding.UTF8.GetBytes(value), new Revision(created), new Revision(revision), version, LeaseId.None));

    private static KeyChange Gone(string key, long revision) => new(new Revision(revision), Key.FromText(key), null, null);

    private static KeyItem Item(string key, string value, long revision) =>
        new(Key.FromText(key), new KeyRecord(Encoding.UTF8.GetBytes(value), new Revision(revision), new Revision(revision), 1, LeaseId.None));
}
