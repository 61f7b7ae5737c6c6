using System.Text;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Checkers that go by answers alone, where nobody sees the log: each on a history that is right and on one that is not.</summary>
public sealed class AnswerCheckerTests
{
    private static readonly Key Name = Key.FromText("x");
    private long _number;

    private Operation Asked(OperationKind kind, Command? command, Outcome? outcome, long from = 0, long to = 10, HoldSpace space = HoldSpace.Lock, long token = 0) => new()
    {
        Number = ++_number,
        Client = 1,
        Kind = kind,
        Object = "x",
        Name = new ObjectName(space, Name),
        Command = command,
        Token = token,
        HasIdentity = true,
        InvokedAt = from,
        ReturnedAt = to,
        Status = outcome is null ? OperationStatus.Unknown : OperationStatus.Done,
        Outcome = outcome,
    };

    private Operation Granted(long token, LockMode mode = LockMode.Exclusive, HoldSpace space = HoldSpace.Lock, long count = 1) => Asked(
        OperationKind.AcquireHold,
        new AcquireCommand(Name, "", 1, LeaseId.None, LeaseId.None, 0) { Space = space, Mode = mode, Count = count, Permits = 3 },
        new HoldGranted(new Revision(token), HoldOf("", token, mode, space, count), 0),
        space: space);

    private Operation Renewed(long token, long revision) => Asked(
        OperationKind.RenewHold, new RenewHoldCommand(Name, new FencingToken(token)), new HoldRenewed(new Revision(revision), HoldOf("", token)), token: token);

    private Operation Seen(long view, params Hold[] holders)
    {
        var read = Asked(OperationKind.ReadHold, null, null, 50, 60);
        (read.Status, read.Seen) = (OperationStatus.Done, new ReadResult(view) { Holders = holders, Permits = 3 });
        return read;
    }

    private static Hold HoldOf(string owner, long token, LockMode mode = LockMode.Exclusive, HoldSpace space = HoldSpace.Lock, long count = 1) =>
        new(Name, owner, new FencingToken(token), new LeaseId(token), 1, new Revision(token), default) { Space = space, Mode = mode, Count = count };

    [Test]
    [SeenBy(HoldsByRevision.Name)]
    public void Holds_that_stand_together_by_their_revisions_and_may_not_are_seen()
    {
        static void Check(params Operation[] operations) => HoldsByRevision.Check(operations);

        Check(Granted(5), Renewed(5, 6), Granted(7));
        Check(Granted(5, LockMode.Shared), Seen(8, HoldOf("", 5, LockMode.Shared)), Granted(7, LockMode.Shared));
        Check(Granted(5, space: HoldSpace.Semaphore, count: 2), Granted(6, space: HoldSpace.Semaphore));
        Breaks(HoldsByRevision.Name, () => Check(Granted(5), Renewed(5, 7), Granted(7)));
        Breaks(HoldsByRevision.Name, () => Check(Granted(5, LockMode.Shared), Seen(8, HoldOf("", 5, LockMode.Shared)), Granted(7)));
        Breaks(HoldsByRevision.Name, () => Check(Seen(8, HoldOf("a", 5, LockMode.Shared), HoldOf("b", 6))));
        var released = Asked(OperationKind.ReleaseHold, new ReleaseHoldCommand(Name, new FencingToken(5), Force: false), new HoldReleased(new Revision(6)), token: 5);
        Check(Granted(5), Renewed(5, 5), released);
        Breaks(HoldsByRevision.Name, () => Check(Granted(5), released, Renewed(5, 8)));
    }

    [Test]
    [SeenBy(HoldsByRevision.Name)]
    public void Whoever_was_refused_and_holds_all_the_same_is_seen()
    {
        var refused = Granted(5);
        refused.Outcome = new HoldRefused(new Revision(4), HoldOf("other", 3), 0, 0);
        var asked = new Operation
        {
            Number = refused.Number,
            Client = 1,
            Kind = OperationKind.AcquireHold,
            Object = "x",
            Name = refused.Name,
            Command = (AcquireCommand)refused.Command! with { Owner = refused.Owner },
            Status = OperationStatus.Done,
            Outcome = refused.Outcome,
            ReturnedAt = 10,
        };
        HoldsByRevision.Check([asked, Seen(8, HoldOf("other", 3))]);
        Breaks(HoldsByRevision.Name, () => HoldsByRevision.Check([asked, Seen(8, HoldOf(asked.Owner, 5))]));
    }

    [Test]
    [SeenBy(Chronicle.Name)]
    [SeenBy(RetryOnce.Name)]
    public void What_is_told_and_what_is_answered_are_held_against_each_other()
    {
        static Chronicle Told(string value, long revision)
        {
            var chronicle = new Chronicle();
            var record = new KeyRecord(Encoding.UTF8.GetBytes(value), new Revision(revision), new Revision(revision), 1, LeaseId.None);
            chronicle.Told(new Revision(revision), [new KeyChange(new Revision(revision), Key.FromText("k"), null, record)], 20);
            return chronicle;
        }

        static void Check(Chronicle chronicle, params Operation[] operations) => chronicle.Check(operations, (_, _) => Assert.Fail("no lease ended"));

        // The first revision of a hand-made put is 1.
        Check(Told("a", 1), Put("k", "a", 0, 10, 1, 1), ReadOf("k", 11, 20, "a", 1, 1));
        Check(Told("a", 1), LostPut("k", "a", 0));
        Breaks(Chronicle.Name, () => Check(new Chronicle(), Put("k", "a", 0, 10, 1, 1)));
        Breaks(Chronicle.Name, () => Check(Told("b", 1), Put("k", "a", 0, 10, 1, 1), LostPut("k", "b", 0)));
        Breaks(Chronicle.Name, () => Check(Told("a", 1)));
        Breaks(Chronicle.Name, () => Check(Told("a", 1), LostPut("k", "a", 21)));
        Breaks(Chronicle.Name, () => Check(Told("a", 1), LostPut("k", "a", 0), ReadOf("k", 11, 20, null, view: 1)));
        var twice = Told("a", 1);
        var again = new KeyRecord("a"u8.ToArray(), new Revision(1), new Revision(4), 2, LeaseId.None);
        twice.Told(new Revision(4), [new KeyChange(new Revision(4), Key.FromText("k"), null, again)], 20);
        Breaks(RetryOnce.Name, () => Check(twice, Put("k", "a", 0, 10, 1, 1)));
    }

    [Test]
    [SeenBy(Transactions.Name)]
    public void A_retry_of_a_transaction_may_be_told_that_what_it_read_is_left_out_and_nothing_else_of_it()
    {
        var key = Key.FromText("k");
        var before = new KeyRecord("a"u8.ToArray(), new Revision(2), new Revision(2), 1, LeaseId.None);
        var after = new KeyRecord("b"u8.ToArray(), new Revision(2), new Revision(3), 2, LeaseId.None);
        var command = new TxnCommand([], [new TxnGet(key, IsPrefix: false, 0), new TxnPut(key, after.Value, LeaseId.None)], []);
        void Check(TxnResult read, long version = 2)
        {
            var put = new TxnPutResult(key, after.CreateRevision, after.ModRevision, version, LeaseId.None);
            var chronicle = new Chronicle();
            chronicle.Told(before.ModRevision, [new KeyChange(before.ModRevision, key, null, before)], 20);
            chronicle.Told(after.ModRevision, [new KeyChange(after.ModRevision, key, null, after)], 20);
            var told = Asked(OperationKind.Transaction, command, new TxnDone(after.ModRevision, true, [read, put]));
            chronicle.Check([LostPut("k", "a", 0), told], (_, _) => Assert.Fail("no lease ended"));
        }

        Check(new TxnGetResult([new KeyItem(key, before)], 1));
        // How much was left out is not told.
        Check(new TxnGetNotKept(0, 0));
        Breaks(Transactions.Name, () => Check(new TxnGetResult([], 0)));
        Breaks(Transactions.Name, () => Check(new TxnGetResult([new KeyItem(key, after)], 1)));
        Breaks(Transactions.Name, () => Check(new TxnGetNotKept(0, 0), version: 3));
    }

    [Test]
    [SeenBy(FinalAnswers.Name)]
    public void An_answer_that_turns_when_the_request_comes_again_is_seen()
    {
        var refused = Granted(5);
        var granted = refused.Outcome!;
        refused.Outcome = new HoldRefused(new Revision(4), HoldOf("other", 3), 0, 0);
        refused.ToldAgain.Add(refused.Outcome);
        FinalAnswers.CheckToldAgain([refused]);
        refused.ToldAgain.Add(granted);
        Breaks(FinalAnswers.Name, () => FinalAnswers.CheckToldAgain([refused]));
        var done = Granted(5);
        done.ToldAgain.Add(new ReplayedHoldGone(new Revision(7), null));
        FinalAnswers.CheckToldAgain([done]);
        done.ToldAgain.Add(new HoldRefused(new Revision(8), null, 0, 0));
        Breaks(FinalAnswers.Name, () => FinalAnswers.CheckToldAgain([done]));
    }

    private Operation WithdrawalOf(Operation lost) => new()
    {
        Number = ++_number + 1_000_000,
        Client = 1,
        Kind = OperationKind.Withdraw,
        Object = lost.Owner,
        Withdraws = lost,
        Status = OperationStatus.Done,
        Outcome = new Withdrawn(new Revision(4), WithdrawResult.Withdrawn),
        InvokedAt = 20,
        ReturnedAt = 30,
    };

    [Test]
    [SeenBy(Withdrawals.Name)]
    public void An_effect_of_what_answers_call_withdrawn_is_seen()
    {
        var none = new HashSet<Operation>();
        var put = LostPut("k", "a", 0);
        var withdrawal = WithdrawalOf(put);
        put.ToldAgain.Add(new RequestWithdrawn(new Revision(4)));
        Withdrawals.CheckAnswers([put, withdrawal], none);
        Breaks(Withdrawals.Name, () => Withdrawals.CheckAnswers([put, withdrawal], new HashSet<Operation> { put }));
        put.ToldAgain.Add(new ConditionFailed(new Revision(4), new Revision(2)));
        Breaks(Withdrawals.Name, () => Withdrawals.CheckAnswers([put, withdrawal], none));
        put.ToldAgain.Clear();
        withdrawal.Outcome = new Withdrawn(new Revision(4), WithdrawResult.Released);
        Breaks(Withdrawals.Name, () => Withdrawals.CheckAnswers([put, withdrawal], none));
    }

    [Test]
    [SeenBy(Withdrawals.Name)]
    public void What_a_wait_came_to_may_be_told_after_it_was_taken_back_and_nothing_else()
    {
        foreach (var waits in new[] { true, false })
        {
            var lost = new Operation
            {
                Number = ++_number + 1_000_000,
                Client = 1,
                Kind = OperationKind.AcquireHold,
                Object = "x",
                WaitMicros = waits ? 1_000_000 : 0,
                Status = OperationStatus.Unknown,
            };
            var withdrawal = WithdrawalOf(lost);
            void Check() => Withdrawals.CheckAnswers([lost, withdrawal], new HashSet<Operation>());
            lost.ToldAgain.Add(new HoldRefused(new Revision(3), null, 0, 0));
            if (waits)
            {
                Check();
                lost.ToldAgain.Add(Grant("x", 1, 0, 1, 5).Outcome!);
            }
            Breaks(Withdrawals.Name, Check);
        }
    }
}
