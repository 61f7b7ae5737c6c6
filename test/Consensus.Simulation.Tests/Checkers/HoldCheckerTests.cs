using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Simulation.Tests.Checkers.Histories;
using static Consensus.Simulation.Tests.Checkers.HoldSteps;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Each checker of what the log does with holds, on steps that are right and on ones that break its promise.</summary>
public sealed class HoldCheckerTests
{
    [Test]
    [SeenBy(HoldsFit.Name)]
    public void Holds_that_may_not_stand_together_are_seen()
    {
        void After(HoldSpace space, long permits, params Hold[] holders) =>
            new HoldsFit().Saw(Entry(Ask), Step(Info(space, [], permits), Info(space, holders, permits)));

        After(HoldSpace.Lock, 0, Held("a", 1, LockMode.Shared), Held("b", 2, LockMode.Shared));
        After(HoldSpace.Semaphore, 3, Held("a", 1, count: 1), Held("b", 2, count: 2));
        Breaks(HoldsFit.Name, () => After(HoldSpace.Lock, 0, Held("a", 1, LockMode.Shared), Held("b", 2)));
        Breaks(HoldsFit.Name, () => After(HoldSpace.Election, 0, Held("a", 1), Held("b", 2)));
        Breaks(HoldsFit.Name, () => After(HoldSpace.Semaphore, 3, Held("a", 1, count: 2), Held("b", 2, count: 2)));
    }

    [Test]
    [SeenBy(HoldsFit.Name)]
    public void A_token_that_is_not_above_all_before_it_is_seen()
    {
        var fit = new HoldsFit();
        fit.Granted(Entry(Ask), [Held("b", 6), Held("a", 5)]);
        fit.Granted(Entry(Ask), [Held("c", 7)]);
        Breaks(HoldsFit.Name, () => fit.Granted(Entry(Ask), [Held("d", 7)]));
    }

    [Test]
    [SeenBy(LockDelays.Name)]
    public void A_grant_to_another_within_a_lock_delay_is_seen()
    {
        static LockDelays Lost(Command how, long delay = 100)
        {
            var delays = new LockDelays();
            delays.Saw(Entry(how, stamp: 1_000), Step([Held("a", 1, delay: delay)], []));
            return delays;
        }

        static void Granted(LockDelays delays, string owner, long stamp) => delays.Saw(Entry(Ask, stamp), Step([], [Held(owner, 2)]));

        Granted(Lost(new ExpireCommand()), "a", 1_050);
        Granted(Lost(new ExpireCommand()), "b", 1_100);
        Granted(Lost(new ReleaseHoldCommand(Name, new FencingToken(1), Force: false)), "b", 1_001);
        Granted(Lost(new ExpireCommand(), delay: 0), "b", 1_001);
        Breaks(LockDelays.Name, () => Granted(Lost(new ExpireCommand()), "b", 1_099));
        Breaks(LockDelays.Name, () => Granted(Lost(new ReleaseHoldCommand(Name, default, Force: true)), "b", 1_001));
        Breaks(LockDelays.Name, () => new LockDelays().Saw(Entry(new ExpireCommand()), Step([Held("a", 1, delay: 100)], [Held("b", 2)])));
        var broken = Lost(new ExpireCommand());
        var force = new ReleaseHoldCommand(Name, default, Force: true);
        var isAsked = new Operation { Number = 1, Client = 1, Kind = OperationKind.ReleaseHold, Object = "x", Command = force };
        broken.Saw(Entry(force, 1_001) with { Asked = isAsked }, Step([], []));
        Granted(broken, "b", 1_002);
        var ended = Lost(new ExpireCommand());
        ended.Saw(Entry(force, 1_001), Step([], []));
        Breaks(LockDelays.Name, () => Granted(ended, "b", 1_002));
    }

    [Test]
    [SeenBy(LockDelays.Name)]
    public void A_delay_of_a_shared_hold_that_a_grant_to_another_ended_is_seen()
    {
        static LockDelays Lost(LockMode mode)
        {
            var delays = new LockDelays();
            delays.Saw(Entry(new ExpireCommand(), 1_000), Step([Held("a", 1, mode, delay: 100), Held("b", 2, mode)], [Held("b", 2, mode)]));
            return delays;
        }

        static LockDelays Granted(LockDelays delays, long stamp, params Hold[] after)
        {
            delays.Saw(Entry(Ask, stamp), Step([Held("b", 2, LockMode.Shared)], after));
            return delays;
        }

        var shared = Held("c", 3, LockMode.Shared);
        Granted(Granted(Lost(LockMode.Shared), 1_001, Held("b", 2, LockMode.Shared), shared), 1_100, Held("d", 4));
        Granted(Granted(Lost(LockMode.Shared), 1_001, Held("a", 3, LockMode.Shared)), 1_002, Held("d", 4));
        Breaks(LockDelays.Name, () => Granted(Granted(Lost(LockMode.Shared), 1_001, shared), 1_099, Held("d", 4)));
        Breaks(LockDelays.Name, () => Granted(Lost(LockMode.Exclusive), 1_099, shared));
    }

    [Test]
    [SeenBy(LockDelays.Name)]
    public void Lost_permits_that_are_given_to_another_are_seen()
    {
        static LockDelays Lost()
        {
            var delays = new LockDelays();
            delays.Saw(Entry(new ExpireCommand(), 1_000), Step(Info(HoldSpace.Semaphore, [Held("a", 1, count: 2, delay: 100)], 3), Info(HoldSpace.Semaphore, [], 3)));
            return delays;
        }

        static LockDelays Granted(LockDelays delays, long stamp, Hold[] before, params Hold[] after)
        {
            delays.Saw(Entry(Ask, stamp), Step(Info(HoldSpace.Semaphore, before, 3), Info(HoldSpace.Semaphore, after, 3)));
            return delays;
        }

        var (one, two) = (Held("b", 2), Held("c", 3, count: 2));
        Granted(Granted(Lost(), 1_001, [], one), 1_100, [one], one, two);
        Granted(Granted(Lost(), 1_001, [], Held("a", 2, count: 2)), 1_002, [], one, two);
        Breaks(LockDelays.Name, () => Granted(Lost(), 1_001, [], two));
        Breaks(LockDelays.Name, () => Granted(Granted(Lost(), 1_001, [], one), 1_099, [one], one, two));
        Breaks(LockDelays.Name, () => Granted(Granted(Lost(), 1_001, [], Held("a", 2)), 1_002, [], one, two));
    }

    [Test]
    [SeenBy(MaxHolds.Name)]
    public void A_hold_that_outlives_its_bound_or_ends_by_it_too_early_is_seen()
    {
        static MaxHolds Held200()
        {
            var holds = new MaxHolds();
            holds.Saw(Entry(Ask), Step([], [Held("a", 1, until: 200)]));
            return holds;
        }

        var tooLong = new HoldLoss(new FencingToken(1), "a", LossReason.HeldTooLong, new Revision(2));
        var end = Step(Info(HoldSpace.Lock, [Held("a", 1, until: 200)]), Info(HoldSpace.Lock, [], loss: tooLong));
        var ended = Held200();
        ended.Saw(Entry(new ExpireCommand(), 200), end);
        ended.HealedAt(ClusterTime.Zero);
        ended.Passed(Entry(new ExpireCommand(), 10_000_000));
        Held200().Passed(Entry(Ask, 10_000_000));
        Held200().Passed(Entry(new ExpireCommand(), 199));
        Breaks(MaxHolds.Name, () => Held200().Passed(Entry(new ExpireCommand(), 200)));
        var healed = Held200();
        healed.HealedAt(new ClusterTime(300));
        healed.Passed(Entry(Ask, 300 + MaxHolds.SlackMicros));
        Breaks(MaxHolds.Name, () => healed.Passed(Entry(Ask, 301 + MaxHolds.SlackMicros)));
        Breaks(MaxHolds.Name, () => Held200().Saw(Entry(new ExpireCommand(), 199), end));
    }

    [Test]
    [SeenBy(HoldEnds.Name)]
    public void A_hold_that_ends_without_a_reason_is_seen()
    {
        static void Ends(Command how, long stamp = 1_000) => HoldEnds.Saw(Entry(how, stamp), Step([Held("a", 1, until: 500)], []));

        Ends(new ReleaseHoldCommand(Name, new FencingToken(1), Force: false));
        Ends(new ReleaseHoldCommand(Name, default, Force: true));
        Ends(new HandOverCommand(Name, new FencingToken(1), "b"));
        Ends(new RevokeLeaseCommand(new LeaseId(1)));
        Ends(new ExpireCommand(), stamp: 500);
        Breaks(HoldEnds.Name, () => Ends(new ExpireCommand(), stamp: 499));
        Breaks(HoldEnds.Name, () => Ends(new ReleaseHoldCommand(Name, new FencingToken(2), Force: false)));
        Breaks(HoldEnds.Name, () => Ends(new RevokeLeaseCommand(new LeaseId(2))));
        Breaks(HoldEnds.Name, () => Ends(Ask));
    }

    [Test]
    [SeenBy(HandOvers.Name)]
    public void A_hand_over_to_another_or_by_halves_is_seen()
    {
        var command = new HandOverCommand(Name, new FencingToken(1), "b");
        var waits = Info(HoldSpace.Lock, [Held("a", 1)], 0, null, InLine("c"), InLine("b"));
        AppliedEntry Over(string to) => Entry(command, outcome: new HandedOver(new Revision(3), Held(to, 3)));

        HandOvers.Saw(Over("b"), Step(waits, Info(HoldSpace.Lock, [Held("b", 3)])));
        HandOvers.Saw(Entry(command, outcome: new NoSuchWaiter(new Revision(1), "b")), Step(waits, waits));
        Breaks(HandOvers.Name, () => HandOvers.Saw(Over("c"), Step(waits, Info(HoldSpace.Lock, [Held("c", 3)]))));
        Breaks(HandOvers.Name, () => HandOvers.Saw(Over("b"), Step(waits, Info(HoldSpace.Lock, []))));
        Breaks(HandOvers.Name, () => HandOvers.Saw(
            Entry(command, outcome: new NoSuchWaiter(new Revision(1), "b")), Step(waits, Info(HoldSpace.Lock, []))));
    }

    [Test]
    [SeenBy(GrantOrder.Name)]
    public void Who_is_passed_though_it_could_be_granted_is_seen()
    {
        static void Grants(string owner, WaiterInfo[] before, params WaiterInfo[] after) => new GrantOrder().Saw(
            Entry(new CancelWaitCommand(Name, RequestId.None, CancelReason.Disconnected)),
            Step(Info(HoldSpace.Lock, [], 0, null, before), Info(HoldSpace.Lock, [Held(owner, 2, LockMode.Shared)], 0, null, after)));

        var (writer, reader) = (InLine("w"), InLine("r", LockMode.Shared));
        Grants("r", [reader, writer], writer);
        Grants("r", [InLine("w", until: 0), reader], InLine("w", until: 0));
        Grants("r", [InLine("w", isDetached: true), reader], InLine("w", isDetached: true));
        Breaks(GrantOrder.Name, () => Grants("r", [writer, reader], writer));
        Breaks(GrantOrder.Name, () => Grants("n", [writer], writer));
    }

    [Test]
    [SeenBy(GrantOrder.Name)]
    public void Who_waits_though_it_fits_is_seen()
    {
        static void Ends(Hold[] left, WaiterInfo first) => new GrantOrder().Saw(
            Entry(new ReleaseHoldCommand(Name, new FencingToken(1), Force: false)),
            Step(Info(HoldSpace.Lock, [Held("a", 1, LockMode.Shared), .. left], 0, null, first), Info(HoldSpace.Lock, left, 0, null, first)));

        Ends([Held("b", 2, LockMode.Shared)], InLine("w"));
        Breaks(GrantOrder.Name, () => Ends([], InLine("w")));
        Breaks(GrantOrder.Name, () => Ends([Held("b", 2, LockMode.Shared)], InLine("r", LockMode.Shared)));
    }

    /// <summary>The first refusal was given while a lock delay lasted; the entry that tells it again looks for nobody.</summary>
    [Test]
    [SeenBy(GrantOrder.Name)]
    public void A_refusal_that_leaves_one_waiting_who_fits_is_seen_unless_it_is_told_again()
    {
        var asked = new Operation
        {
            Number = 1,
            Client = 1,
            Kind = OperationKind.AcquireHold,
            Object = "x",
            Command = Ask,
            Session = new SessionRequest(new LeaseId(1), 1, 0),
        };
        var refusal = Entry(Ask, 0, new HoldRefused(new Revision(1), null, 0, 0)) with { Asked = asked };
        var waiting = Info(HoldSpace.Lock, [], 0, null, InLine("w"));
        var delayed = waiting with { Delays = [new("b", new ClusterTime(5), new FencingToken(1), LockMode.Exclusive, 1)] };
        var told = new GrantOrder();
        told.Saw(refusal, Step(delayed, delayed));
        told.Saw(Entry(new CancelWaitCommand(Name, RequestId.None, CancelReason.Disconnected)), Step(waiting, waiting));
        told.Saw(refusal, Step(waiting, waiting));
        Breaks(GrantOrder.Name, () => new GrantOrder().Saw(refusal, Step(waiting, waiting)));
    }

    [Test]
    [SeenBy(Places.Name)]
    public void A_place_that_another_request_of_its_lease_takes_and_a_grant_of_what_was_not_asked_for_are_seen()
    {
        static Operation Asks(string owner, long lease = 1, LockMode mode = LockMode.Exclusive, long wait = 5) => new()
        {
            Number = 1,
            Client = 1,
            Kind = OperationKind.AcquireHold,
            Object = "x",
            Command = new AcquireCommand(Name, owner, 0, LeaseId.None, new LeaseId(lease), wait) { Mode = mode },
        };

        static AppliedEntry Of(Operation asked, Outcome outcome, params Operation?[] takenOver) =>
            Entry(asked.Command!, outcome: outcome) with { Asked = asked, TakenOver = takenOver };

        static AppliedEntry Grants(Operation asked, Hold hold) => Entry(Ask) with { Granted = [(RequestId.None, asked, hold)] };

        var (one, other) = (Asks("a"), Asks("b"));
        var queued = new HoldQueued(new Revision(1), 1);
        Places.Saw(Of(one, queued));
        Places.Saw(Of(one, queued, one));
        Places.Saw(Of(Asks("a", wait: 0), new HoldRefused(new Revision(1), null, 0, 0)));
        Places.Saw(Grants(one, Held("a", 2)));
        Breaks(Places.Name, () => Places.Saw(Of(other, queued, one)));
        Breaks(Places.Name, () => Places.Saw(Of(one, queued, [null])));
        Breaks(Places.Name, () => Places.Saw(Of(Asks("a", wait: 0), queued)));
        Breaks(Places.Name, () => Places.Saw(Grants(other, Held("a", 2))));
        Breaks(Places.Name, () => Places.Saw(Grants(Asks("a", lease: 2), Held("a", 2))));
        Breaks(Places.Name, () => Places.Saw(Grants(Asks("a", mode: LockMode.Shared), Held("a", 2))));
    }

    [Test]
    [SeenBy(MultiLocks.Name)]
    public void Half_of_several_locks_is_seen()
    {
        var command = new AcquireManyCommand([Name, Key.FromText("y")], "a", 1, LeaseId.None, LeaseId.None);
        var (x, y) = (Held("a", 2), Held("a", 3) with { Name = Key.FromText("y") });
        var both = new ManyGranted(new Revision(3), [x, y]);
        MultiLocks.Saw(Entry(command, outcome: both), [Step([], [x]), Step([], [y])]);
        MultiLocks.Saw(Entry(command, outcome: new HoldRefused(new Revision(1), null, 0, 0)), [Step([], [])]);
        Breaks(MultiLocks.Name, () => MultiLocks.Saw(Entry(command, outcome: both), [Step([], [x])]));
        Breaks(MultiLocks.Name, () => MultiLocks.Saw(Entry(command, outcome: new HoldRefused(new Revision(1), null, 0, 0)), [Step([], [x])]));
    }

    private static StateView After(params Command[] commands)
    {
        var state = new AppliedState();
        foreach (var command in commands)
        {
            state.Do(command, stampMicros: 1);
        }
        return state.View;
    }

    [Test]
    [SeenBy(WaitingMultiLocks.Name)]
    public void A_wait_for_several_locks_in_one_line_with_one_of_them_held_or_for_what_is_free_is_seen()
    {
        var y = Key.FromText("y");
        var several = new AcquireManyCommand([Name, y], "a", 1_000, new LeaseId(7), LeaseId.None) { WaitMicros = 1_000 };
        static AcquireCommand One(Key name, string owner, long lease, long wait = 0) => new(
            name, owner, 1_000, new LeaseId(lease), LeaseId.None, wait);

        static void Waits(AcquireManyCommand asked, StateView after, params HoldStep[] steps) => new WaitingMultiLocks().Saw(
            Entry(asked, outcome: new HoldQueued(new Revision(1), 1)) with { After = after }, [Step([], []), .. steps]);

        var ended = Step([Held("h", 1)], []);
        Waits(several, After(One(Name, "h", 1), several));
        Waits(several, After(One(Name, "h", 1), several), ended);
        Waits(several, After(several), ended);
        Breaks(WaitingMultiLocks.Name, () => Waits(several, After(One(Name, "h", 1), One(Name, "a", 2, 1_000))));
        Breaks(WaitingMultiLocks.Name, () => Waits(several, After(One(Name, "h", 1), One(y, "a", 2), several)));
        // Another lease of its id keeps it from being granted.
        var free = After(
            One(Name, "h", 1), several, new GrantLeaseCommand(new LeaseId(7), 1_000), new ReleaseHoldCommand(Name, default, Force: true));
        Waits(several, free);
        Breaks(WaitingMultiLocks.Name, () => Waits(several, free, ended));
    }

    [Test]
    [SeenBy(WaitingMultiLocks.Name)]
    public void Half_of_what_was_waited_for_is_seen_in_whichever_entry_it_is_granted()
    {
        var asked = new Operation
        {
            Number = 1,
            Client = 1,
            Kind = OperationKind.AcquireMany,
            Object = "x",
            Command = new AcquireManyCommand([Name, Key.FromText("y")], "a", 1, LeaseId.None, LeaseId.None) { WaitMicros = 5 },
        };
        var (x, y) = (Held("a", 2), Held("a", 3) with { Name = Key.FromText("y") });
        void Grants(params Hold[] holds) => new WaitingMultiLocks().Saw(
            Entry(new ExpireCommand()) with { Granted = [.. holds.Select(hold => (RequestId.None, asked, hold))] }, []);

        Grants(x, y);
        Grants(y, x);
        Breaks(WaitingMultiLocks.Name, () => Grants(x));
        Breaks(WaitingMultiLocks.Name, () => Grants(x with { Token = new FencingToken(4) }, y));
    }

    [Test]
    [SeenBy(PermitChanges.Name)]
    public void A_limit_of_a_semaphore_that_was_not_asked_or_is_below_what_is_out_is_seen()
    {
        static void Changed(long asked, Outcome outcome, long before, long after, params Hold[] holders) => new PermitChanges().Saw(
            Entry(new ChangePermitsCommand(Name, asked), 0, outcome), Step(
                Info(HoldSpace.Semaphore, holders, before), Info(HoldSpace.Semaphore, holders, after)));

        var (revision, held) = (new Revision(9), Held("a", 1, count: 3));
        Changed(3, new PermitsChanged(revision, 3, 5, 3), 5, 3, held);
        Changed(2, new PermitsOut(revision, 5, 3), 5, 5, held);
        Changed(2, new SemaphoreUnused(revision), 0, 0);
        Breaks(PermitChanges.Name, () => Changed(2, new PermitsChanged(revision, 2, 5, 3), 5, 2, held));
        Breaks(PermitChanges.Name, () => Changed(3, new PermitsChanged(revision, 4, 5, 3), 5, 4, held));
        Breaks(PermitChanges.Name, () => Changed(3, new PermitsOut(revision, 5, 3), 5, 5, held));
        Breaks(PermitChanges.Name, () => Changed(2, new PermitsOut(revision, 5, 3), 5, 2, held));
        Breaks(PermitChanges.Name, () => Changed(4, new SemaphoreUnused(revision), 5, 5, held));
        Breaks(PermitChanges.Name, () => new PermitChanges().Saw(
            Entry(new ReleaseHoldCommand(Name, default, Force: true)), Step(
                Info(HoldSpace.Semaphore, [held], 5), Info(HoldSpace.Semaphore, [], 5))));
    }

    [Test]
    [SeenBy(Detachments.Name)]
    public void A_detach_that_does_not_name_the_attempt_that_has_the_place_is_seen()
    {
        var (early, late) = (new RequestId(new MemberId(1), 5, 1), new RequestId(new MemberId(2), 6, 1));
        var ask = Ask with { Owner = "a", WaitMicros = 9 };
        var operation = new Operation { Number = 1, Client = 1, Kind = OperationKind.AcquireHold, Object = "x", Command = ask };
        HeldObject Line(bool isDetached) => Info(HoldSpace.Lock, [], 0, null, InLine("a", isDetached: isDetached));
        void Lets(Command command, Func<RequestId, bool> isOver)
        {
            var checker = new Detachments(isOver);
            foreach (var attempt in (RequestId[])[early, late])
            {
                checker.Saw(
                    Entry(ask, 0, new HoldQueued(new Revision(1), 1)) with { Asked = operation, Request = attempt },
                    Step(Line(false), Line(false)));
            }
            checker.Saw(Entry(command), Step(Line(false), Line(true)));
        }

        Lets(new DetachRequestsCommand([late]), _ => true);
        Lets(new DetachWaitersCommand(late.Member, late.Boot), _ => false);
        Lets(new AnnounceMemberCommand(late.Member, "", 7, "", "", "", 0), _ => false);
        Breaks(Detachments.Name, () => Lets(new DetachRequestsCommand([early]), _ => true));
        Breaks(Detachments.Name, () => Lets(new DetachRequestsCommand([late]), request => request == early));
        Breaks(Detachments.Name, () => Lets(new DetachWaitersCommand(early.Member, early.Boot), _ => false));
        Breaks(Detachments.Name, () => Lets(new AnnounceMemberCommand(late.Member, "", late.Boot, "", "", "", 0), _ => false));
        Breaks(Detachments.Name, () => Lets(new ExpireCommand(), _ => true));
    }
}
