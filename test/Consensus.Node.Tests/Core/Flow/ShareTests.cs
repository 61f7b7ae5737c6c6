using Consensus.Node.Core;
using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Tests.Core.Flow;

/// <summary>Bulk among others: it is passed, but not for ever, and what cannot be taken soon is refused at once.</summary>
public sealed class ShareTests
{
    private const int Large = 1_000_000;

    [Test]
    public void Bulk_has_its_share_beside_small_commands_that_never_end([Values] bool atFollower)
    {
        var cluster = new CoreCluster(3, with: options => options with { LeastProposalBytes = 1 << 20, MostProposalBytes = 1 << 20 });
        cluster.UntilReady();
        var asked = atFollower ? cluster.Followers.First() : cluster.Leader;
        SmallFlood(asked, 2_000);
        cluster.Run(20_000);
        var put = asked.Send(Put("large", Large));
        for (var steps = 0; steps < 1_200 && !IsAnswered(put); steps++)
        {
            SmallFlood(asked, 100);
            cluster.Run(5_000);
        }
        Assert.That(IsAnswered(put), Is.True);
        Assert.That(put.Answer.Outcome, Is.InstanceOf<PutDone>());
        Assert.That(asked.Core.Held.Single(held => held.What == "requests").Held, Is.GreaterThan(1 << 20), "more small ones waited all the time");
    }

    [Test]
    public void Small_commands_do_not_wait_for_a_follower_that_is_behind_when_it_is_the_turn_of_bulk()
    {
        var cluster = new CoreCluster(3, with: options => options with
        {
            Raft = options.Raft with { MaxInflightBytes = 2 << 20, LeastInflightBytes = 2 << 20 },
        });
        cluster.UntilReady();
        var leader = cluster.Leader;
        var slow = cluster.Followers.Last();
        var first = leader.Core.Status.LastIndex;
        var isSlow = true;
        cluster.OnTheWay = (from, _, message) => isSlow && from == slow && message is RaftPeerMessage { Message: Raft.AppendResponse response }
            ? new RaftPeerMessage(response with { MatchIndex = LogIndex.Min(response.MatchIndex, first) })
            : message;
        Enumerable.Range(0, 4).ToList().ForEach(i => leader.Send(Put($"before-{i}", Large)));
        cluster.Run(100_000);
        var put = leader.Send(Put("large", Large));
        var small = Enumerable.Range(0, 1_500).Select(i => leader.Send(Put($"small-{i % 3}", 7_000))).ToList();
        cluster.Run(700_000);
        Assert.That(IsAnswered(put), Is.False, "it waits for the slow one");
        Assert.That(small.Count(IsAnswered), Is.EqualTo(1_500), "more than nine bytes for each of its own");
        isSlow = false;
        cluster.Until(() => IsAnswered(put), "the follower is level");
    }

    [Test]
    public void Small_commands_at_a_follower_do_not_wait_for_bulk_that_waits_at_the_leader_for_another()
    {
        var cluster = new CoreCluster(3, with: options => options with
        {
            Raft = options.Raft with { MaxInflightBytes = 2 << 20, LeastInflightBytes = 2 << 20 },
        });
        cluster.UntilReady();
        var (leader, asked, slow) = (cluster.Leader, cluster.Followers.First(), cluster.Followers.Last());
        var first = leader.Core.Status.LastIndex;
        var isSlow = true;
        cluster.OnTheWay = (from, _, message) => isSlow && from == slow && message is RaftPeerMessage { Message: Raft.AppendResponse response }
            ? new RaftPeerMessage(response with { MatchIndex = LogIndex.Min(response.MatchIndex, first) })
            : message;
        Enumerable.Range(0, 4).ToList().ForEach(i => leader.Send(Put($"before-{i}", Large)));
        cluster.Run(100_000);
        var puts = Enumerable.Range(0, 6).Select(i => asked.Send(Put($"large-{i}", 1_400_000))).ToList();
        cluster.Run(20_000);
        var small = Enumerable.Range(0, 2_500).Select(i => asked.Send(Put($"small-{i % 3}", 7_000))).ToList();
        cluster.Run(700_000);
        Assert.That(puts.Any(IsAnswered), Is.False, "they wait for the slow one");
        Assert.That(small.Count(IsAnswered), Is.EqualTo(2_500), "more than nine bytes for each of a large one");
        isSlow = false;
        cluster.Until(() => puts.All(IsAnswered), "the follower is level");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
    }

    [Test]
    public void Bulk_is_refused_while_the_first_that_waits_has_waited_for_its_time_and_other_commands_are_not([Values] bool atFollower)
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var asked = atFollower ? cluster.Followers.First() : leader;
        var isHeldUp = true;
        cluster.OnTheWay = (_, to, message) => isHeldUp && to == leader && message is RaftPeerMessage { Message: Raft.AppendResponse } ? null : message;
        var early = Enumerable.Range(0, 10).Select(i => asked.Send(Put($"early-{i}", Large))).ToList();
        cluster.Run(900_000);
        var between = asked.Send(Put("between", Large));
        cluster.Run(300_000);
        var late = asked.Send(Put("late", Large));
        var small = asked.Send(Put("small", 10));
        var renewal = asked.Send(new RenewLeasesCommand([new LeaseId(77)]));
        cluster.Run(10_000);
        Assert.That((late.Answer.Kind, late.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.TooManyRequests)));
        Assert.That(new[] { between, small, renewal }.Any(IsAnswered), Is.False);
        isHeldUp = false;
        cluster.Until(() => early.All(IsAnswered) && new[] { between, small, renewal }.All(IsAnswered), "all but the late one are done");
        Assert.That(early.Append(between).Append(small).Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
        var again = asked.Send(Put("late", Large));
        cluster.Until(() => IsAnswered(again), "it is asked for again");
        Assert.That(again.Answer.Outcome, Is.InstanceOf<PutDone>());
    }

    [Test]
    public void Bulk_that_waits_for_a_leader_is_not_refused_for_what_waits_longer()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.CutOff(follower);
        cluster.Run(3_000_000);
        var first = follower.Send(Put("first", Large));
        cluster.Run(1_500_000);
        var second = follower.Send(Put("second", Large));
        cluster.Run(10_000);
        Assert.That(IsAnswered(second), Is.False);
        cluster.Reconnect(follower);
        cluster.Until(() => IsAnswered(first) && IsAnswered(second), "both are answered");
        Assert.That(new[] { first, second }.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
    }

    [Test]
    public void Nothing_is_owed_to_bulk_for_what_left_before_it_came()
    {
        var lanes = new CommandLanes();
        for (var i = 0; i < 100; i++)
        {
            var early = Pending(CommandLane.Small, 8_000);
            lanes.Add(early);
            lanes.Leave(early);
        }
        var bulk = Pending(CommandLane.Bulk, 10_000);
        var small = Pending(CommandLane.Small, 8_000);
        lanes.Add(bulk);
        lanes.Add(small);
        Assert.That(lanes.Next(small, bulk), Is.SameAs(small));
    }

    [Test]
    public void Bulk_that_was_kept_back_for_long_is_owed_one_turn_and_no_more()
    {
        var lanes = new CommandLanes();
        var (first, second) = (Pending(CommandLane.Bulk, 10_000), Pending(CommandLane.Bulk, 10_000));
        lanes.Add(first);
        lanes.Add(second);
        for (var i = 0; i < 1_000; i++)
        {
            var passing = Pending(CommandLane.Small, 8_000);
            lanes.Add(passing);
            lanes.Leave(passing);
        }
        var small = Pending(CommandLane.Small, 8_000);
        lanes.Add(small);
        Assert.That(lanes.Next(small, first), Is.SameAs(first));
        lanes.Leave(first);
        Assert.That(lanes.Next(small, second), Is.SameAs(small));
    }

    [Test]
    public void Bulk_has_a_tenth_of_what_leaves_while_both_wait()
    {
        var lanes = new CommandLanes();
        var bytes = new long[3];
        lanes.Add(Pending(CommandLane.Small, 1_000));
        lanes.Add(Pending(CommandLane.Bulk, 100_000));
        for (var i = 0; i < 10_000; i++)
        {
            var next = lanes.Next(lanes.First(CommandLane.Small), lanes.First(CommandLane.Bulk))!;
            bytes[(int)next.Lane] += next.Bytes;
            lanes.Add(Pending(next.Lane, next.Payload.Length));
            lanes.Leave(next);
        }
        Assert.That(bytes[(int)CommandLane.Bulk] / (double)bytes.Sum(), Is.EqualTo(0.1).Within(0.01));
    }

    private static PendingCommand Pending(CommandLane lane, int bytes) => new(new RequestId(new MemberId(1), 1, 1), new byte[bytes], "", lane);

    private static void SmallFlood(CoreMember member, int count) => Enumerable.Range(0, count).ToList().ForEach(i => member.Send(Put($"small-{i % 3}", 7_000)));

    private static bool IsAnswered(PendingCommand pending) => pending.Stage == PendingStage.Answered;

    private static PutCommand Put(string key, int bytes) => new(Key.FromText(key), new byte[bytes], LeaseId.None, KeyCondition.None);
}
