using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>
/// A test of a cluster that judges rights: the principals are <c>a</c> and <c>b</c>, each with all of what begins with its letter, and both
/// may hold what begins with <c>shared/</c>.
/// </summary>
internal abstract class PolicedTest
{
    protected Machine Subject { get; set; } = null!;

    [SetUp]
    public void Begin()
    {
        Subject = new Machine();
        Form(Subject);
    }

    protected static void Form(Machine machine)
    {
        machine.Allow("a", All("a"), Prefix(Verbs.Hold, Spaces.Locks, "shared/"));
        machine.Allow("b", All("b"), Prefix(Verbs.Hold, Spaces.Locks, "shared/"));
        machine.Enable();
    }

    protected static PutCommand Put(string key, long lease = 0, KeyCondition condition = default) =>
        new(Machine.Key(key), "v"u8.ToArray(), new LeaseId(lease), condition);

    protected T Done<T>(Command command, string principal, string identity = "", SessionRequest session = default)
        where T : Outcome
    {
        var outcome = Subject.Do(command, identity, principal: principal, session: session);
        Assert.That(outcome, Is.InstanceOf<T>(), $"{command} by {principal}");
        return (T)outcome;
    }

    protected Hold Granted(AcquireCommand ask, string principal) => Done<HoldGranted>(ask, principal).Hold;

    protected void Lease(long id, string principal, bool isSession = false) =>
        Done<LeaseGranted>(new GrantLeaseCommand(new LeaseId(id), 60 * Second) { IsSession = isSession }, principal);

    protected RequestId Waits(AcquireCommand ask, string principal, string identity = "")
    {
        Done<HoldQueued>(ask, principal, identity);
        return Subject.Last;
    }
}
