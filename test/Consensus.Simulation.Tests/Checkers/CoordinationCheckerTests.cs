using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Checkers of transactions, of what clients believe to hold, of fences and of answers, each on a history that is right and on one that is not.</summary>
public sealed class CoordinationCheckerTests
{
    private static readonly Key Name = Key.FromText("x");
    private static readonly StateView Empty = new ReplicatedState(Limits.Default).TakeView();
    private readonly SimulatedClock _exact = new(0);
    private long _number;

    private Operation Asked(OperationKind kind, Command? command, long from, long to, Outcome? outcome, int client = 1, long token = 0, HoldSpace space = HoldSpace.Lock) => new()
    {
        Number = ++_number,
        Client = client,
        Kind = kind,
        Object = "x",
        Name = new ObjectName(space, Name),
        Command = command,
        Token = token,
        InvokedAt = from,
        InvokedClock = from,
        ReturnedAt = to,
        Status = OperationStatus.Done,
        Outcome = outcome,
    };

    private Operation Granted(int client, long from, long to, long token, HoldSpace space = HoldSpace.Lock, LockMode mode = LockMode.Exclusive, long count = 1, long maxHold = 0)
    {
        var command = new AcquireCommand(Name, "", 1_000_000, LeaseId.None, LeaseId.None, 0) { Space = space, Mode = mode, Count = count, Permits = 3, MaxHoldMicros = maxHold };
        var hold = new Hold(Name, "", new FencingToken(token), new LeaseId(token), 1_000_000, new Revision(token), ClusterTime.Never) { Space = space, Mode = mode, Count = count };
        return Asked(OperationKind.AcquireHold, command, from, to, new HoldGranted(new Revision(token), hold, 0), client, space: space);
    }

    private Operation Guarded(long token, long revision) => Asked(
        OperationKind.Transaction,
        new TxnCommand([new TxnCompare(CompareTarget.Hold, CompareOperator.Equal, Name, token)], [], []),
        50,
        60,
        new TxnDone(new Revision(revision), true, [new TxnDeleteResult(1)]));

    private Operation Fence(long token, long from, long to, Outcome outcome) =>
        Asked(OperationKind.Fence, new FenceCommand(Name, new FencingToken(token)), from, to, outcome, token: token);

    private Operation FenceRead(long highest, long from, long to)
    {
        var read = Asked(OperationKind.ReadFence, null, from, to, null);
        read.Seen = new ReadResult(100, Token: highest);
        return read;
    }

    [Test]
    [SeenBy(HoldersFit.Name)]
    public void Believers_that_do_not_fit_together_are_seen()
    {
        void Check(params Operation[] operations) => new HoldersFit(new ClockBounds()).Check(operations, _ => _exact, new Dictionary<long, long>());

        Check(Granted(1, 0, 10, 5, mode: LockMode.Shared), Granted(2, 0, 20, 6, mode: LockMode.Shared));
        Check(Granted(1, 0, 10, 5), Granted(2, 1, 990_001, 6));
        Check(Granted(1, 0, 10, 5, HoldSpace.Semaphore, count: 2), Granted(2, 0, 10, 6, HoldSpace.Semaphore));
        Check(Granted(1, 0, 10, 5, maxHold: 500), Granted(2, 1, 500, 6));
        Breaks(HoldersFit.Name, () => Check(Granted(1, 0, 10, 5), Granted(2, 1, 989_000, 6)));
        Breaks(HoldersFit.Name, () => Check(Granted(1, 0, 10, 5, mode: LockMode.Shared), Granted(2, 0, 20, 6)));
        Breaks(HoldersFit.Name, () => Check(Granted(1, 0, 10, 5, HoldSpace.Election), Granted(2, 0, 20, 6, HoldSpace.Election)));
        Breaks(HoldersFit.Name, () => Check(Granted(1, 0, 10, 5, HoldSpace.Semaphore, count: 2), Granted(2, 0, 10, 6, HoldSpace.Semaphore, count: 2)));
        Breaks(HoldersFit.Name, () => Check(Granted(1, 0, 10, 5), Renewal(5, 900_000, 900_010), Granted(2, 1_000_000, 1_100_000, 6)));
    }

    [Test]
    public void A_hold_that_was_given_up_or_broken_is_believed_no_longer()
    {
        var broken = new Dictionary<long, long> { [5] = 15 };
        new HoldersFit(new ClockBounds()).Check([Granted(1, 0, 10, 5), Granted(2, 1, 20, 6)], _ => _exact, broken);
        var released = Asked(OperationKind.ReleaseHold, new ReleaseHoldCommand(Name, new FencingToken(7), Force: false), 15, 30, null, token: 7);
        new HoldersFit(new ClockBounds()).Check([Granted(1, 0, 10, 7), released, Granted(2, 1, 20, 8)], _ => _exact, new Dictionary<long, long>());
    }

    [Test]
    [SeenBy(GuardedWrites.Name)]
    public void A_guarded_write_after_the_end_of_its_hold_is_seen()
    {
        var released = Asked(
            OperationKind.ReleaseHold, new ReleaseHoldCommand(Name, new FencingToken(5), Force: false), 20, 30, new HoldReleased(new Revision(8)), token: 5);
        var lost = Asked(
            OperationKind.RenewHold,
            new RenewHoldCommand(Name, new FencingToken(5)),
            20,
            30,
            new NotHolder(new Revision(9), new HoldLoss(new FencingToken(5), "", LossReason.Expired, new Revision(8)), null),
            token: 5);
        GuardedWrites.Check([Granted(1, 0, 10, 5), Guarded(5, 7), released]);
        GuardedWrites.Check([Granted(1, 0, 10, 5), Guarded(5, 6), Granted(2, 0, 10, 7)]);
        GuardedWrites.Check([Granted(1, 0, 10, 5), Guarded(5, 7), lost]);
        GuardedWrites.Check([Granted(1, 0, 10, 5, mode: LockMode.Shared), Granted(2, 0, 10, 6, mode: LockMode.Shared), Guarded(5, 7)]);
        Breaks(GuardedWrites.Name, () => GuardedWrites.Check([Granted(1, 0, 10, 5), released, Guarded(5, 9)]));
        Breaks(GuardedWrites.Name, () => GuardedWrites.Check([Granted(1, 0, 10, 5), Granted(2, 0, 10, 7), Guarded(5, 8)]));
        Breaks(GuardedWrites.Name, () => GuardedWrites.Check([Granted(1, 0, 10, 5), lost, Guarded(5, 9)]));
        Breaks(GuardedWrites.Name, () => GuardedWrites.Check([Guarded(5, 4)]));
    }

    [Test]
    [SeenBy(Fences.Name)]
    public void A_mark_that_goes_back_and_a_token_below_it_that_passes_are_seen()
    {
        static FencePassed Passed(long highest) => new(new Revision(100), new FencingToken(highest));
        static FenceStale Stale(long highest) => new(new Revision(100), new FencingToken(highest));

        Fences.Check([Fence(5, 0, 10, Passed(5)), Fence(5, 11, 20, Passed(5)), Fence(4, 21, 30, Stale(5)), FenceRead(5, 31, 40)]);
        Fences.Check([Fence(5, 0, 10, Passed(5)), Fence(7, 5, 20, Passed(7)), Fence(6, 6, 20, Passed(6))]);
        Breaks(Fences.Name, () => Fences.Check([Fence(5, 0, 10, Passed(5)), Fence(4, 11, 20, Passed(4))]));
        Breaks(Fences.Name, () => Fences.Check([Fence(5, 0, 10, Passed(5)), FenceRead(0, 11, 20)]));
        Breaks(Fences.Name, () => Fences.Check([Fence(5, 0, 10, Passed(5)), Fence(6, 11, 20, Stale(7))]));
    }

    [Test]
    [SeenBy(Answers.Name)]
    public void An_answer_that_is_not_what_the_log_says_is_seen()
    {
        var request = new RequestId(new MemberId(1), 1, 1);
        var answers = new Answers();
        answers.Resolved(request, new FenceStale(new Revision(7), new FencingToken(5)));
        var operation = Fence(4, 0, 10, new FenceStale(new Revision(7), new FencingToken(5)));
        operation.AnsweredRequest = request;
        answers.Answered(operation);
        operation.Outcome = new FencePassed(new Revision(7), new FencingToken(4));
        Breaks(Answers.Name, () => answers.Answered(operation));
    }

    [Test]
    [SeenBy(Answers.Name)]
    public void An_attempt_that_was_answered_as_not_done_and_had_an_effect_is_seen()
    {
        var request = new RequestId(new MemberId(1), 1, 1);
        var operation = Fence(4, 0, 10, new FencePassed(new Revision(7), new FencingToken(4)));
        operation.NotDone.Add(request);
        var answers = new Answers();
        answers.CheckNotDone([operation]);
        answers.Resolved(request, new FenceStale(new Revision(7), new FencingToken(5)));
        answers.CheckNotDone([operation]);
        answers.Resolved(request, new FencePassed(new Revision(7), new FencingToken(4)));
        Breaks(Answers.Name, () => answers.CheckNotDone([operation]));
    }

    [Test]
    [SeenBy(Transactions.Name)]
    public void A_transaction_that_came_to_something_else_and_a_read_of_what_was_not_there_are_seen()
    {
        var command = new TxnCommand([], [new TxnPut(Name, "v"u8.ToArray(), LeaseId.None)], []);
        var record = new KeyRecord("v"u8.ToArray(), new Revision(2), new Revision(2), 1, LeaseId.None);
        var right = new TxnDone(new Revision(2), true, [new TxnPutResult(Name, new Revision(2), new Revision(2), 1, LeaseId.None)]);
        AppliedEntry Entry(Outcome outcome) => new(new LogIndex(1), ClusterTime.Zero, command, null, outcome, [], Empty, After());
        Change[] changes = [new KeyChange(new Revision(2), Name, null, record)];

        var transactions = new Transactions("x");
        transactions.Applied(Entry(right), changes);
        transactions.CheckReads([ReadOfAll(2, (Name, record)), ReadOfAll(1)]);
        Breaks(Transactions.Name, () => transactions.CheckReads([ReadOfAll(2)]));
        Breaks(Transactions.Name, () => transactions.CheckReads([ReadOfAll(1, (Name, record))]));
        Breaks(Transactions.Name, () => new Transactions("x").Applied(Entry(right with { Succeeded = false }), changes));
        Breaks(Transactions.Name, () => new Transactions("x").Applied(Entry(right), []));
    }

    private Operation Renewal(long token, long from, long to) => Asked(
        OperationKind.RenewHold,
        new RenewHoldCommand(Name, new FencingToken(token)),
        from,
        to,
        new HoldRenewed(new Revision(token), new Hold(Name, "", new FencingToken(token), new LeaseId(token), 1_000_000, new Revision(token), ClusterTime.Never)),
        token: token);

    private Operation ReadOfAll(long view, params (Key Key, KeyRecord Record)[] items)
    {
        var read = Asked(OperationKind.ReadKeys, null, 0, 10, null);
        read.Seen = new ReadResult(view) { Items = [.. items.Select(item => new KeyItem(item.Key, item.Record))] };
        return read;
    }

    /// <summary>A state at revision 2.</summary>
    private static StateView After() =>
        new AppliedState().Do(new PutCommand(Name, "v"u8.ToArray(), LeaseId.None, KeyCondition.None), stampMicros: 0).View;
}
