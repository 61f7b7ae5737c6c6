using Consensus.Node.Core;
using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>A client that is gone leaves neither a place in a line nor a hold behind, whatever becomes of the command that says so.</summary>
public sealed class RequestEndTests
{
    private static readonly Key Job = Key.FromText("job");

    private CoreCluster _cluster = null!;
    private PendingCommand _holder = null!;
    private bool _isHeldUp;

    private static AcquireCommand Acquire(long lease, long waitMicros = 0) =>
        new(Job, "owner", 600_000_000, new LeaseId(lease), LeaseId.None, waitMicros);

    /// <summary>The leader's log has room for a few commands, and somebody holds the lock.</summary>
    [SetUp]
    public void A_lock_that_is_held()
    {
        _cluster = new CoreCluster(3, with: options => options with { Raft = options.Raft with { MaxUncommittedBytes = 4_000 } });
        _cluster.OnTheWay = (_, _, message) => _isHeldUp && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        _isHeldUp = false;
        _cluster.UntilReady();
        _holder = _cluster.Leader.Send(Acquire(5));
        _cluster.Until(() => _holder.Stage == PendingStage.Answered, "the lock is granted");
    }

    [Test]
    public void A_cancel_that_is_refused_because_too_much_waits_is_logged_when_there_is_room([Values] bool atTheLeader)
    {
        var asked = atTheLeader ? _cluster.Leader : _cluster.Followers.First();
        var wait = Wait(asked);
        FillTheLog();
        asked.Inputs.Add(new CommandCancelledInput(wait));
        _cluster.Run(500_000);
        Assert.That(wait.Stage, Is.EqualTo(PendingStage.Answered));
        Assert.That(_cluster.Leader.Core.Status.Counts.Waiters, Is.EqualTo(1));
        _isHeldUp = false;
        _cluster.Until(() => _cluster.Leader.Core.Status.Counts.Waiters == 0, "the place is given up");
    }

    [Test]
    public void What_was_granted_to_a_client_that_is_gone_goes_back_though_it_is_refused_at_first()
    {
        var leader = _cluster.Leader;
        FillTheLog();
        leader.Inputs.Add(new HoldAbandonedInput(ObjectName.Lock(Job), _holder.Request, HasKey: false));
        _cluster.Run(500_000);
        Assert.That(leader.Core.Status.Counts.HoldsInUse, Is.EqualTo(1));
        _isHeldUp = false;
        _cluster.Until(() => _cluster.Leader.Core.Status.Counts.HoldsInUse == 0, "the hold is given back");
    }

    [Test]
    public void A_place_under_a_key_is_detached_when_its_connection_breaks_and_given_up_after_its_time()
    {
        var asked = _cluster.Followers.First();
        var wait = Wait(asked, withIdentity: true);
        asked.Inputs.Add(new CommandCancelledInput(wait));
        _cluster.Until(() => Waiters.Single().Detached, "the place is detached");
        _cluster.Until(() => Waiters.IsEmpty, "nobody asked for it again");
        Assert.That(_cluster.Leader.Core.Revision(), Is.EqualTo(2), "nothing was granted, nor given back");
    }

    [Test]
    public void What_was_granted_under_a_key_and_not_told_stands_for_a_while_and_is_given_back_then([Values] bool wasAnswered)
    {
        var asked = _cluster.Followers.First();
        var wait = Wait(asked, withIdentity: true);
        var release = _cluster.Leader.Send(new ReleaseHoldCommand(Job, Token, Force: false));
        if (wasAnswered)
        {
            _cluster.Until(() => wait.Stage == PendingStage.Answered, "it is granted");
            asked.Inputs.Add(new HoldAbandonedInput(ObjectName.Lock(Job), wait.Request, HasKey: true));
        }
        else
        {
            // Its client goes while the grant is on its way.
            _cluster.Until(() => release.Stage == PendingStage.Answered, "the leader has granted it");
            Assert.That(wait.Stage, Is.EqualTo(PendingStage.Waiting));
            asked.Inputs.Add(new CommandCancelledInput(wait));
        }
        _cluster.Run(8_000_000);
        Assert.That(_cluster.Leader.Core.View.Counts.HoldsInUse, Is.EqualTo(1), "whoever asks again finds it");
        _cluster.Until(() => _cluster.Leader.Core.View.Counts.HoldsInUse == 0, "it is given back");
    }

    [Test]
    public void What_was_granted_under_a_key_and_told_to_a_later_attempt_is_not_given_back()
    {
        var asked = _cluster.Leader;
        var wait = Wait(asked, withIdentity: true);
        asked.Send(new ReleaseHoldCommand(Job, Token, Force: false));
        _cluster.Until(() => wait.Stage == PendingStage.Answered, "it is granted");
        asked.Inputs.Add(new HoldAbandonedInput(ObjectName.Lock(Job), wait.Request, HasKey: true));
        var again = asked.SendAgain(wait, Acquire(6, waitMicros: 600_000_000));
        _cluster.Until(() => again.Stage == PendingStage.Answered, "its retry is told");
        Assert.That(again.Answer.Outcome, Is.InstanceOf<StateMachine.Outcomes.HoldGranted>());
        _cluster.Run(15_000_000);
        Assert.That(_cluster.Leader.Core.View.Counts.HoldsInUse, Is.EqualTo(1));
    }

    [Test]
    public void A_client_that_goes_while_nobody_leads_for_longer_than_a_request_may_take_gives_up_its_place()
    {
        var asked = _cluster.Leader;
        var wait = Wait(asked);
        var others = _cluster.Followers.ToList();
        others.ForEach(_cluster.Kill);
        _cluster.Until(() => asked.Core.Leader.IsNone, "it leads no more");
        asked.Inputs.Add(new CommandCancelledInput(wait));
        _cluster.Run(7_000_000);
        others.ForEach(other => _cluster.Restart(other, othersNotice: true));
        _cluster.Until(() => asked.Core.Status.Ready, "there is a leader again");
        _cluster.Until(() => asked.Core.Status.Counts.Waiters == 0, "the place is given up");
    }

    [Test]
    public void The_detachment_of_many_requests_at_a_stop_is_urgent()
    {
        const int Many = 600;
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.Leader.Send(Acquire(5));
        var waits = Enumerable.Range(0, Many).Select(i => follower.Send(Acquire(100 + i, waitMicros: 600_000_000), withIdentity: true)).ToList();
        cluster.Until(() => waits.TrueForAll(wait => wait.Stage == PendingStage.Waiting), "all wait");
        List<ForwardCommands> forwarded = [];
        cluster.OnTheWay = (from, _, message) =>
        {
            if (from == follower && message is ForwardCommands commands)
            {
                forwarded.Add(commands);
            }
            return message;
        };
        follower.Inputs.Add(new StopInput(new PendingStop()));
        cluster.Until(() => waits.TrueForAll(wait => wait.Stage == PendingStage.Answered), "all are detached");
        Assert.That(forwarded.Select(frame => frame.Lane).Distinct(), Is.EqualTo(new[] { CommandLane.Urgent }));
        Assert.That(forwarded.SelectMany(frame => frame.Commands).Count(), Is.LessThan(10), "and not one for each of them");
    }

    [Test]
    public void Of_requests_for_several_locks_only_so_many_are_detached_by_one_entry()
    {
        const int Names = 100;
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        leader.Send(Acquire(5));
        var others = Enumerable.Range(1, Names - 1).Select(i => Key.FromText($"job{i}"));
        var ask = new AcquireManyCommand([Job, .. others], "owner", 600_000_000, new LeaseId(9), LeaseId.None) { WaitMicros = 600_000_000 };
        var asks = Enumerable.Range(0, 12).Select(i => ask with { OwnLease = new LeaseId(100 + i) });
        var waits = asks.Select(one => follower.Send(one, withIdentity: true)).ToList();
        cluster.Until(() => waits.TrueForAll(wait => wait.Stage == PendingStage.Waiting), "all wait");
        follower.Inputs.Add(new StopInput(new PendingStop()));
        cluster.Until(() => waits.TrueForAll(wait => wait.Stage == PendingStage.Answered), "all are detached");
        var detached = leader.Persisted.SelectMany(request => request.Entries)
            .Where(entry => entry.Kind == EntryKind.Command)
            .Select(entry => CommandCodec.Read(entry.Payload).Command)
            .OfType<DetachRequestsCommand>().Select(detach => detach.Requests.Length);
        Assert.That(detached, Is.EqualTo([5, 5, 2]));
    }

    private System.Collections.Immutable.ImmutableArray<WaiterInfo> Waiters => _cluster.Leader.Core.View.GetObject(Job).Waiters;

    private FencingToken Token => _cluster.Leader.Core.View.GetObject(Job).Holder!.Token;

    private PendingCommand Wait(CoreMember member, bool withIdentity = false)
    {
        var wait = member.Send(Acquire(6, waitMicros: 600_000_000), withIdentity);
        _cluster.Until(() => wait.Stage == PendingStage.Waiting && _cluster.Leader.Core.Status.Counts.Waiters == 1, "it waits");
        return wait;
    }

    /// <summary>Nothing is committed from now on, and the leader takes nothing more.</summary>
    private void FillTheLog()
    {
        _isHeldUp = true;
        var releases = Enumerable.Range(0, 100).Select(_ => _cluster.Leader.Send(new ReleaseHoldCommand(Key.FromText("other"), new FencingToken(1), Force: false))).ToList();
        _cluster.Until(() => releases.Exists(one => one is { Stage: PendingStage.Answered, Answer.Reason: NotDoneReason.TooManyRequests }), "the log is full");
    }
}
