using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Where there is no room for a session's answers: nothing new is done, and what gives back, takes away or keeps alive is (rules 21, 24).</summary>
public sealed class FullSessionTests
{
    private static readonly LeaseId Session = new(50);

    private static PutCommand Put(string key) => new(Machine.Key(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static AcquireCommand Hold(string name) => Lock(name, "me", 0, ttl: 0) with { SharedLease = Session };

    private static Outcome Ask(Machine machine, long number, Command command, long acked = 0) => machine.Do(command, session: new SessionRequest(Session, number, acked));

    private static Machine Open(Limits limits)
    {
        var machine = new Machine(limits);
        machine.Do(new GrantLeaseCommand(Session, 600 * Second) { IsSession = true });
        return machine;
    }

    /// <summary>For one answer and the beginning of another.</summary>
    private static long Room()
    {
        var machine = Open(Limits.Default);
        Ask(machine, 1, Hold("l"));
        machine.View.Tables.Sessions.Sessions.TryGet(Session, out var session);
        return session.AnswerBytes + 1;
    }

    /// <summary>A session with a hold and a key under the numbers 1 and 2, which are all that it has room for.</summary>
    private static (Machine Machine, Hold Held) Full()
    {
        var machine = Open(Limits.Default with { MaxSessionBytes = Room() });
        var held = ((HoldGranted)Ask(machine, 1, Hold("l"))).Hold;
        Assert.That(Ask(machine, 2, Put("k")), Is.InstanceOf<PutDone>());
        return (machine, held);
    }

    [Test]
    public void A_new_effect_is_refused_until_answers_are_acknowledged_and_that_refusal_is_not_kept()
    {
        var (machine, _) = Full();
        foreach (var command in (Command[])[Put("x"), Hold("m"), new GrantLeaseCommand(new LeaseId(9), Second), new FenceCommand(Machine.Key("f"), new FencingToken(1))])
        {
            var refused = (SessionRefused)Ask(machine, 3, command);
            Assert.That((refused.Reason, refused.Limit), Is.EqualTo((SessionRefusal.Full, Room())), $"{command}");
        }
        Assert.That(machine.View.GetKey(Machine.Key("x")), Is.Null);
        Assert.That(Ask(machine, 3, Put("x"), acked: 2), Is.InstanceOf<PutDone>());
    }

    [Test]
    public void What_gives_back_or_keeps_alive_is_done_and_its_answer_is_not_kept()
    {
        var (machine, held) = Full();
        machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Second));
        machine.Do(Put("d"));
        Assert.That(Ask(machine, 3, new RenewLeasesCommand([Session])), Is.InstanceOf<LeasesRenewed>());
        Assert.That(((DeleteDone)Ask(machine, 4, new DeleteCommand(Machine.Key("d"), KeyCondition.None))).Deleted, Is.EqualTo(1));
        Assert.That(Ask(machine, 5, Release(held)), Is.InstanceOf<HoldReleased>());
        Assert.That(Ask(machine, 6, new RevokeLeaseCommand(new LeaseId(9))), Is.InstanceOf<LeaseRevoked>());

        machine.Do(Put("d"));
        machine.RestoreFromSnapshot();
        Assert.That(Ask(machine, 4, new DeleteCommand(Machine.Key("d"), KeyCondition.None)), Is.InstanceOf<RetryTooLate>());
        Assert.That(machine.View.GetKey(Machine.Key("d")), Is.Not.Null, "it is not done twice");
        Assert.That(Ask(machine, 5, Release(held)), Is.InstanceOf<HoldReleased>());
        foreach (var number in (long[])[3, 4, 5, 6])
        {
            Assert.That(machine.Do(new SettleCommand(Session, number)), Is.EqualTo(new Settled(machine.State.Revision, SettleResult.Done, null)), $"{number}");
        }
    }

    [Test]
    public void A_place_that_is_granted_while_the_session_is_full_is_kept_all_the_same()
    {
        var machine = Open(Limits.Default with { MaxSessionBytes = Room() });
        var held = machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        Assert.That(Ask(machine, 1, Hold("l") with { WaitMicros = 60 * Second }), Is.InstanceOf<HoldQueued>());
        Ask(machine, 2, Put("k"));
        Ask(machine, 3, Put("k"));
        machine.Do(Release(held));
        machine.Do(Release(machine.View.GetObject(Machine.Key("l")).Holder!));
        Assert.That(Ask(machine, 1, Hold("l") with { WaitMicros = 60 * Second }), Is.InstanceOf<ReplayedHoldGone>());
    }

    [Test]
    public void Answers_and_sessions_count_towards_the_quota()
    {
        var machine = Open(Limits.Default);
        var empty = new Machine().State.Counts.StateBytes;
        var session = machine.State.Counts.StateBytes;
        Ask(machine, 1, new DeleteCommand(Machine.Key("none"), KeyCondition.None));
        Assert.That(session, Is.GreaterThan(empty));
        Assert.That(machine.State.Counts.StateBytes, Is.GreaterThan(session));
        machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(machine.State.Counts.StateBytes, Is.EqualTo(empty));
    }

    [Test]
    public void While_the_quota_is_used_up_there_are_no_new_sessions_and_no_new_effects_under_old_ones_but_releases()
    {
        var quota = Filled(Limits.Default).Machine.State.Counts.StateBytes;
        var (machine, held) = Filled(Limits.Default with { MaxStateBytes = quota });
        Assert.That(machine.State.Counts.StateBytes, Is.EqualTo(quota));

        Assert.That(machine.Do(new GrantLeaseCommand(new LeaseId(60), Second) { IsSession = true }), Is.EqualTo(new QuotaExceeded(machine.State.Revision, quota)));
        Assert.That(machine.View.GetLease(new LeaseId(60)), Is.Null);
        Assert.That(Ask(machine, 4, new FenceCommand(Machine.Key("g"), new FencingToken(1))), Is.EqualTo(new SessionRefused(machine.State.Revision, Session, SessionRefusal.QuotaUsed, quota)));
        Assert.That(Ask(machine, 5, Release(held)), Is.InstanceOf<HoldReleased>());
        Assert.That(Ask(machine, 4, new FenceCommand(Machine.Key("g"), new FencingToken(1)), acked: 3), Is.InstanceOf<FencePassed>(), "with room again it is judged anew");
    }

    /// <summary>A session with three answers.</summary>
    private static (Machine Machine, Hold Held) Filled(Limits limits)
    {
        var machine = Open(limits);
        var held = ((HoldGranted)Ask(machine, 1, Hold("l"))).Hold;
        Assert.That(Ask(machine, 2, new FenceCommand(Machine.Key("f"), new FencingToken(1))), Is.InstanceOf<FencePassed>());
        Assert.That(Ask(machine, 3, new FenceCommand(Machine.Key("f"), new FencingToken(1))), Is.InstanceOf<FencePassed>());
        return (machine, held);
    }
}
