using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Simulation.Tests.Checkers.Histories;
using static Consensus.Simulation.Tests.Checkers.HoldSteps;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>The checkers of what becomes of those whose client left, or whose process was lost.</summary>
public sealed class LeaverCheckerTests
{
    [Test]
    [SeenBy(Detachments.Name)]
    public void A_grant_to_who_is_about_to_be_detached_with_its_process_is_seen()
    {
        var attempt = new RequestId(new MemberId(2), 6, 1);
        var ask = Ask with { Owner = "a", WaitMicros = 9 };
        var (line, free) = (Info(HoldSpace.Lock, [], 0, null, InLine("a")), Info(HoldSpace.Lock, []));
        var (detached, granted) = (Info(HoldSpace.Lock, [], 0, null, InLine("a", isDetached: true)), Info(HoldSpace.Lock, [Held("a", 7)]));
        AppliedEntry Asks(RequestId request, SessionRequest session = default)
        {
            var operation = new Operation
            {
                Number = 1,
                Client = 1,
                Kind = OperationKind.AcquireHold,
                Object = "x",
                Command = ask,
                Session = session,
            };
            return Entry(ask, 0, new HoldQueued(new Revision(1), 1)) with { Asked = operation, Request = request };
        }

        Detachments AfterTheLoss(AppliedEntry asked)
        {
            var checker = new Detachments(_ => false);
            checker.Saw(asked, Step(free, line));
            checker.Saw(Entry(new DetachWaitersCommand(attempt.Member, attempt.Boot)), Step(line, line));
            return checker;
        }

        AfterTheLoss(Asks(attempt)).Saw(Entry(new ExpireCommand()), Step(line, detached));
        AfterTheLoss(Asks(attempt with { Boot = 7 })).Saw(Entry(new ExpireCommand()), Step(line, granted));
        AfterTheLoss(Asks(attempt, new SessionRequest(new LeaseId(1), 1, 0))).Saw(Entry(new ExpireCommand()), Step(line, granted));
        var again = AfterTheLoss(Asks(attempt));
        again.Saw(Asks(new RequestId(new MemberId(3), 8, 1)), Step(line, line));
        again.Saw(Entry(new ExpireCommand()), Step(line, granted));
        Breaks(Detachments.Name, () => AfterTheLoss(Asks(attempt)).Saw(Entry(new ExpireCommand()), Step(line, granted)));
    }

    [Test]
    [SeenBy(LeftHolds.Name)]
    public void A_hold_that_stands_though_its_client_left_is_seen_unless_it_was_told_or_nobody_knows_that_it_left()
    {
        const long Keep = 10_000_000;
        var asked = new RequestId(new MemberId(1), 1, 1);
        var again = asked with { Sequence = 2 };
        var held = new AppliedState().Do(new AcquireCommand(Name, "a", 60_000_000, new LeaseId(1), LeaseId.None, 0)).View;
        var operation = new Operation { Number = 1, Client = 1, Kind = OperationKind.AcquireHold, Object = "x", Command = Ask };

        void Left(bool isThere = true, bool isTold = false, bool isFree = false, bool isTooSoon = false, bool isCalm = true, bool isWell = false)
        {
            var time = 0L;
            var checker = new LeftHolds(() => time, Keep, _ => isThere, isCalm);
            var grant = Entry(Ask) with
            {
                Asked = operation,
                Granted = [(asked, operation, held.GetObject(Name).Holder!)],
                After = held,
                Request = asked,
            };
            checker.Saw(grant);
            checker.Left(asked, operation);
            if (isTold)
            {
                checker.Saw(grant with { Request = again, Granted = [] });
            }
            time = isTooSoon ? Keep : checker.WithinMicros;
            var after = isFree ? Empty : held;
            checker.Saw(Entry(new ExpireCommand()) with { After = after });
            if (isWell)
            {
                Assert.That(checker.AreOver(), Is.EqualTo(isFree || isTold || !isThere));
                checker.Judge();
            }
        }

        foreach (var isWell in new[] { false, true })
        {
            Left(isThere: false, isWell: isWell);
            Left(isTold: true, isWell: isWell);
            Left(isFree: true, isWell: isWell);
        }
        Left(isTooSoon: true);
        Left(isCalm: false);
        Breaks(LeftHolds.Name, () => Left());
        Breaks(LeftHolds.Name, () => Left(isCalm: false, isWell: true));
    }
}
