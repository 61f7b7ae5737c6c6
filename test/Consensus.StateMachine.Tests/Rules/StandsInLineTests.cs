using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Which acquires would only stand in line, were they logged now: whose place or hold is there already would not.</summary>
public sealed class StandsInLineTests
{
    private static readonly LeaseId Session = new(50);

    private static bool WouldStandInLine(Machine machine, AcquireCommand asked, long onTheWay = 0, SessionRequest session = default)
    {
        var envelope = new CommandEnvelope(asked, default, session.IsNone ? default : new byte[16]) { Session = session };
        return machine.State.WouldStandInLine(envelope, onTheWay);
    }

    [Test]
    public void Candidate_of_an_election_stands_behind_those_that_were_before_it()
    {
        var machine = new Machine();
        AcquireCommand Candidate(long lease) => Election("e", "c", lease, [1], wait: 60 * Second);
        machine.Do(Candidate(1));
        Assert.That(WouldStandInLine(machine, Candidate(2)), Is.False, "it would be the next");
        machine.Queued(Candidate(2));
        Assert.That(WouldStandInLine(machine, Candidate(3)), Is.True);
        Assert.That(WouldStandInLine(machine, Candidate(3), onTheWay: 1), Is.False, "the leader may be about to resign");
        Assert.That(WouldStandInLine(machine, Candidate(3) with { Name = Machine.Key("f") }), Is.False);
    }

    /// <summary>The next number is asked under for the first time.</summary>
    [TestCase(true, 0)]
    [TestCase(false, 0)]
    [TestCase(false, 1, Description = "What is acknowledged is forgotten, but for the hold.")]
    public void Number_of_a_session_is_told_of_its_hold(bool atOnce, long acked)
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
        var before = atOnce ? null : machine.Granted(Lock("l", "you", 1));
        var mine = Lock("l", "me", 0, wait: 60 * Second, ttl: 0) with { SharedLease = Session };
        machine.Do(mine, session: new SessionRequest(Session, 1, 0));
        if (before is not null)
        {
            machine.Do(Release(before));
        }
        machine.Queued(Lock("l", "other", 2, wait: 60 * Second));
        machine.Do(new RenewLeasesCommand([Session]), session: new SessionRequest(Session, 2, acked));
        Assert.That(WouldStandInLine(machine, mine, session: new SessionRequest(Session, 1, 0)), Is.False);
        Assert.That(WouldStandInLine(machine, mine, session: new SessionRequest(Session, 3, acked)), Is.True);
    }

    [Test]
    public void Number_of_a_session_that_has_its_place_takes_it_again_at_once()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
        machine.Granted(Lock("l", "you", 1));
        var mine = Lock("l", "me", 0, wait: 60 * Second, ttl: 0) with { SharedLease = Session };
        machine.Do(mine, session: new SessionRequest(Session, 1, 0));
        Assert.That(WouldStandInLine(machine, mine, session: new SessionRequest(Session, 1, 0)), Is.False);
        Assert.That(WouldStandInLine(machine, mine, session: new SessionRequest(Session, 2, 0)), Is.True);
    }
}
