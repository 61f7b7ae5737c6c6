using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Each checker of histories, on one that is right and on one that breaks its promise.</summary>
public sealed class HistoryCheckerTests
{
    private readonly SimulatedClock _exact = new(0);

    [Test]
    [SeenBy(OneHolder.Name)]
    public void Two_that_believe_to_hold_a_lock_at_once_are_seen()
    {
        var checker = new OneHolder(new ClockBounds());
        checker.Check([Grant("l", 1, 0, 10, 5), Released("l", 1, 20, 30, 5), Grant("l", 2, 15, 40, 7)], _ => _exact);
        checker.Check([Grant("l", 1, 0, 10, 5), Grant("l", 2, 1, 990_001, 7)], _ => _exact);
        checker.Check([Grant("l", 1, 0, 10, 5), Grant("other", 2, 0, 10, 7)], _ => _exact);
        Breaks(OneHolder.Name, () => checker.Check([Grant("l", 1, 0, 10, 5), Grant("l", 2, 1, 989_000, 7)], _ => _exact));
        Breaks(OneHolder.Name, () => checker.Check(
            [Grant("l", 1, 0, 10, 5), Renewed("l", 1, 900_000, 900_010, 5), Grant("l", 2, 1_000_000, 1_100_000, 7)], _ => _exact));
    }

    [Test]
    public void Two_holders_are_excused_by_a_leaders_clock_that_ran_too_fast()
    {
        var fast = new SimulatedClock(0);
        fast.SetRate(0, 100_000);
        var bounds = new ClockBounds();
        bounds.BeginsToLead(0, fast, 0);
        new OneHolder(bounds).Check([Grant("l", 1, 0, 10, 5), Grant("l", 2, 1, 950_000, 7)], _ => _exact);
    }

    [Test]
    [SeenBy(TokensIncrease.Name)]
    public void A_token_that_does_not_rise_or_is_given_twice_is_seen()
    {
        TokensIncrease.Check([Grant("l", 1, 0, 10, 5), Grant("m", 2, 11, 20, 6), Grant("m", 2, 1, 30, 4)]);
        Breaks(TokensIncrease.Name, () => TokensIncrease.Check([Grant("l", 1, 0, 10, 5), Grant("m", 2, 11, 20, 4)]));
        Breaks(TokensIncrease.Name, () => TokensIncrease.Check([Grant("l", 1, 0, 10, 5), Grant("m", 2, 5, 20, 5)]));
    }

    [Test]
    [SeenBy(LeasePromise.Name)]
    public void A_lease_that_ends_before_its_holders_deadline_is_seen_whichever_is_known_first()
    {
        var inTime = new LeasePromise(new ClockBounds());
        inTime.Acknowledged(Grant("l", 1, 0, 10, 5), _exact);
        inTime.SeenExpired(5, 990_000);
        Assert.That(inTime.Judged, Is.EqualTo(1));

        var early = new LeasePromise(new ClockBounds());
        early.Acknowledged(Grant("l", 1, 0, 10, 5), _exact);
        Breaks(LeasePromise.Name, () => early.SeenExpired(5, 989_999));

        var late = new LeasePromise(new ClockBounds());
        late.SeenExpired(5, 989_999);
        Breaks(LeasePromise.Name, () => late.Acknowledged(Grant("l", 1, 0, 10, 5), _exact));
    }

    [Test]
    [SeenBy(LeasePromise.Name)]
    public void A_renewal_and_the_time_waited_move_the_promise()
    {
        var renewed = new LeasePromise(new ClockBounds());
        renewed.Acknowledged(Grant("l", 1, 0, 10, 5), _exact);
        renewed.Acknowledged(Renewed("l", 1, 500_000, 500_010, 5), _exact);
        Breaks(LeasePromise.Name, () => renewed.SeenExpired(5, 1_480_000));

        var waited = new LeasePromise(new ClockBounds());
        waited.Acknowledged(Grant("l", 1, 0, 700_000, 5, waited: 600_000), _exact);
        Breaks(LeasePromise.Name, () => waited.SeenExpired(5, 1_580_000));
    }

    [TestCase(5_100, true)]
    [TestCase(4_900, false)]
    public void Only_clocks_beyond_the_promised_half_percent_excuse_an_early_end(int leaderRate, bool isExcused)
    {
        var leader = new SimulatedClock(0);
        leader.SetRate(0, leaderRate);
        var bounds = new ClockBounds();
        bounds.BeginsToLead(0, leader, 100_000);
        var leases = new LeasePromise(bounds);
        leases.Acknowledged(Grant("l", 1, 0, 10, 5), _exact);
        void End() => leases.SeenExpired(5, 900_000);
        if (isExcused)
        {
            End();
            Assert.That(leases.Excused, Is.EqualTo(1));
        }
        else
        {
            Breaks(LeasePromise.Name, End);
        }
    }

    [Test]
    public void A_clock_out_of_bounds_excuses_nothing_while_its_member_does_not_lead()
    {
        var follower = new SimulatedClock(0);
        follower.SetRate(0, 100_000);
        var bounds = new ClockBounds();
        bounds.BeginsToLead(0, follower, 0);
        bounds.CeasesToLead(0, 50_000);
        var leases = new LeasePromise(bounds);
        var granted = Grant("l", 1, 60_000, 60_010, 5);
        leases.Acknowledged(granted, _exact);
        Breaks(LeasePromise.Name, () => leases.SeenExpired(5, 900_000));
    }

    [Test]
    [SeenBy(LeasesEnd.Name)]
    public void A_lease_that_stands_when_its_time_is_over_is_seen_unless_nobody_led()
    {
        var leases = new LeasesEnd();
        leases.Stands("l", 5, 1_000_000, 100);
        leases.Stands("l", 5, 1_000_000, 3_005_100);
        leases.Stands("l", 6, 1_000_000, 3_005_100);
        Breaks(LeasesEnd.Name, () => leases.Stands("l", 5, 1_000_000, 3_005_101));
        leases.Uncounted(50_000);
        leases.Stands("l", 5, 1_000_000, 3_055_100);
        Breaks(LeasesEnd.Name, () => leases.Stands("l", 5, 1_000_000, 3_055_101));
    }

    [Test]
    [SeenBy(Progress.Name)]
    public void What_was_not_reached_in_time_is_seen()
    {
        Progress.Reached(true, 1, static () => "");
        Breaks(Progress.Name, () => Progress.Reached(false, 1, static () => "anything"));
    }

    [Test]
    [SeenBy(RevisionsIncrease.Name)]
    public void An_answer_from_before_one_that_had_returned_is_seen()
    {
        RevisionsIncrease.Check([Put("k", "a", 0, 10, 2, 1), ReadOf("k", 5, 20, null, view: 1), ReadOf("k", 11, 20, "a", 2, 1)]);
        Breaks(RevisionsIncrease.Name, () => RevisionsIncrease.Check([Put("k", "a", 0, 10, 2, 1), ReadOf("j", 11, 20, null, view: 1)]));
    }

    [Test]
    [SeenBy(RevisionsIncrease.Name)]
    public void A_stale_read_may_be_old_but_not_invented()
    {
        RevisionsIncrease.Check([Put("k", "a", 0, 10, 2, 1), ReadOf("k", 11, 20, null, view: 1, stale: true)]);
        Breaks(RevisionsIncrease.Name, () => RevisionsIncrease.Check([Put("k", "a", 0, 10, 2, 1), ReadOf("k", 11, 20, "b", 3, 2, stale: true)]));
        Breaks(RevisionsIncrease.Name, () => RevisionsIncrease.Check([ReadOf("k", 0, 5, "a", 2, 1, stale: true), Put("k", "a", 6, 10, 2, 1)]));
    }

    [Test]
    [SeenBy(RevisionsIncrease.Name)]
    [SeenBy(ObjectHistories.Name)]
    public void What_was_answered_as_not_done_and_is_seen_later_is_seen()
    {
        var refused = LostPut("k", "a", 0);
        refused.Status = OperationStatus.NotDone;
        Breaks(RevisionsIncrease.Name, () => RevisionsIncrease.Check([refused, ReadOf("k", 11, 20, "a", 2, 1, stale: true)]));
        Breaks(ObjectHistories.Name, () => ObjectHistories.Check([refused, ReadOf("k", 11, 20, "a", 2, 1)], _ => 0));
    }

    [Test]
    [SeenBy(RetryOnce.Name)]
    public void A_second_effect_of_one_request_is_seen()
    {
        PutDone Done(long revision) => new(new Revision(revision), Key.FromText("k"), new Revision(1), new Revision(revision), 1, LeaseId.None);
        var retries = new RetryOnce();
        retries.Effect("a", Done(5));
        retries.Effect("a", Done(5));
        retries.Effect("b", Done(6));
        retries.Effect("a", new ConditionFailed(new Revision(7), new Revision(5)));
        Breaks(RetryOnce.Name, () => retries.Effect("a", Done(8)));
        var confused = LostPut("k", "x", 0);
        confused.Outcome = new IdempotencyMismatch(new Revision(5));
        Breaks(RetryOnce.Name, () => retries.Answered(confused));
    }

    [Test]
    [SeenBy(FinalAnswers.Name)]
    public void An_effect_after_an_answer_without_one_is_seen_while_an_attempt_can_be_under_way()
    {
        var (held, granted) = (Held("l", 1, 0, 10, "other", 4), Grant("l", 1, 0, 10, 5));
        var released = Released("l", 1, 0, 10, 5);
        FinalAnswers Told(Operation operation, Outcome outcome, bool isChanged = false)
        {
            var checker = new FinalAnswers(Limits.Default);
            checker.Resolved(operation, outcome, isChanged, new ClusterTime(0));
            return checker;
        }

        Told(held, held.Outcome!).Resolved(held, held.Outcome!, false, new ClusterTime(1));
        Told(held, held.Outcome!).Resolved(granted, granted.Outcome!, true, new ClusterTime(1));
        Told(held, held.Outcome!).Resolved(held, granted.Outcome!, true, new ClusterTime(15_000_001));
        Told(held, new WaitDetached(new Revision(4))).Resolved(held, granted.Outcome!, true, new ClusterTime(1));
        Told(granted, granted.Outcome!, true).Resolved(granted, granted.Outcome!, false, new ClusterTime(1));
        Told(released, released.Outcome!, true).Resolved(released, new NotHolder(new Revision(9), null, null), false, new ClusterTime(1));
        Breaks(FinalAnswers.Name, () => Told(held, held.Outcome!).Resolved(held, granted.Outcome!, true, new ClusterTime(15_000_000)));
        Breaks(FinalAnswers.Name, () => Told(released, released.Outcome!).Resolved(released, released.Outcome!, true, new ClusterTime(1)));
        Breaks(FinalAnswers.Name, () => Told(granted, granted.Outcome!, true).Resolved(granted, held.Outcome!, false, new ClusterTime(1)));
    }

    [Test]
    [SeenBy(Withdrawals.Name)]
    public void What_is_held_or_done_under_a_withdrawn_request_is_seen()
    {
        var empty = new ReplicatedState(Limits.Default).TakeView();
        var (asked, put) = (LostAcquire("l", 1, 0), LostPut("k", "x", 0));
        var grant = Grant("l", 1, 0, 10, 5).Outcome!;
        Withdrawals After(WithdrawResult result, Operation operation, params Outcome[] before)
        {
            var checker = new Withdrawals(Limits.Default);
            foreach (var outcome in before)
            {
                checker.Resolved(operation, outcome, isChanged: true, new ClusterTime(0));
            }
            checker.Withdrawn(operation, new Withdrawn(new Revision(6), result), empty);
            return checker;
        }

        After(WithdrawResult.Withdrawn, asked).Resolved(asked, new RequestWithdrawn(new Revision(6)), isChanged: true, new ClusterTime(1));
        After(WithdrawResult.Withdrawn, asked).Resolved(asked, grant, isChanged: true, new ClusterTime(15_000_001));
        After(WithdrawResult.Released, asked, grant).Resolved(asked, new RetryTooLate(new Revision(6)), isChanged: true, new ClusterTime(1));
        After(WithdrawResult.Done, put, Put("k", "x", 0, 10, 5, 1).Outcome!);
        Breaks(Withdrawals.Name, () => After(WithdrawResult.Withdrawn, asked).Resolved(asked, grant, isChanged: true, new ClusterTime(15_000_000)));
        Breaks(Withdrawals.Name, () => After(WithdrawResult.Released, asked, grant).Resolved(asked, grant, isChanged: true, new ClusterTime(60_000_000)));
        Breaks(Withdrawals.Name, () => After(WithdrawResult.Withdrawn, asked, grant));
        Breaks(Withdrawals.Name, () => After(WithdrawResult.Done, asked, grant));
        Breaks(Withdrawals.Name, () => After(WithdrawResult.Released, put, Put("k", "x", 0, 10, 5, 1).Outcome!));
        foreach (var effect in new Outcome[]
        {
            Put("k", "x", 0, 10, 5, 1).Outcome!, new DeleteDone(new Revision(5), 1), new LeaseRevoked(new Revision(5), new LeaseId(7), 0, 0), new HoldReleased(new Revision(5)),
            new FenceReset(new Revision(5), Existed: true), new FencePassed(new Revision(5), new FencingToken(3)),
        })
        {
            Breaks(Withdrawals.Name, () => After(WithdrawResult.Withdrawn, put, effect));
        }
    }

    [Test]
    [SeenBy(SessionAnswers.Name)]
    public void A_number_of_a_session_with_two_answers_is_seen()
    {
        var (session, put) = (new LeaseId(5), new PutDone(new Revision(7), Key.FromText("k"), new Revision(7), new Revision(7), 1, LeaseId.None));
        var never = new Settled(new Revision(9), SettleResult.NotDone, null);
        var checker = new SessionAnswers();
        checker.Acknowledged(session, 3);
        checker.Told(session, 4, put);
        checker.Told(session, 4, new Settled(new Revision(9), SettleResult.Done, put));
        checker.Told(session, 3, new RetryTooLate(new Revision(9)));
        checker.Told(session, 5, never);
        checker.Told(session, 5, new RequestWithdrawn(new Revision(9)));
        checker.Told(new LeaseId(6), 4, never);
        Assert.That((checker.Count, checker.Fenced), Is.EqualTo((3, 2)));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 4, put with { ModRevision = new Revision(8) }));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 4, never));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 5, put));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 4, new ConditionFailed(new Revision(7), new Revision(7))));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 4, new RetryTooLate(new Revision(9))));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 4, new IdempotencyMismatch(new Revision(9))));
    }

    [Test]
    [SeenBy(SessionAnswers.Name)]
    public void A_number_of_a_session_that_is_granted_twice_is_seen()
    {
        var session = new LeaseId(5);
        static HoldGranted Granted(long token, long told) => new(new Revision(told), HoldOf("x", "a", token, 1), 0);
        var checker = new SessionAnswers();
        checker.Told(session, 1, Granted(7, 7));
        checker.Told(session, 1, Granted(7, 9));
        checker.Told(session, 1, new ReplayedHoldGone(new Revision(12), null));
        checker.Told(session, 2, new ReplayedHoldGone(new Revision(12), null));
        checker.Told(session, 2, new Settled(new Revision(13), SettleResult.Done, Granted(8, 10)));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 1, Granted(8, 8)));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 2, Granted(9, 9)));
        Breaks(SessionAnswers.Name, () => checker.Told(session, 1, new Settled(new Revision(13), SettleResult.NotDone, null)));
    }

    [Test]
    [SeenBy(SessionLives.Name)]
    public void A_session_that_is_told_to_live_after_its_end_is_seen()
    {
        var checker = new SessionLives();
        checker.Told(new LeaseId(5), isAlive: true, 10, 20);
        checker.Told(new LeaseId(5), isAlive: false, 30, 40);
        checker.Told(new LeaseId(5), isAlive: true, 35, 50);
        checker.Told(new LeaseId(6), isAlive: true, 45, 50);
        Breaks(SessionLives.Name, () => checker.Told(new LeaseId(5), isAlive: true, 41, 50));
    }
}
