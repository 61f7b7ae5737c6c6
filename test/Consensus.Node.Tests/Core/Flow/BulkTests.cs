using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core.Flow;

/// <summary>Large commands beside urgent ones, at every place where they meet in the core.</summary>
public sealed class BulkTests
{
    private const int Large = 1_500_000;
    private static readonly Key Job = Key.FromText("job");

    [Test]
    public void Leader_proposes_what_the_window_lets_it_and_an_urgent_command_passes_the_rest()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var puts = Enumerable.Range(0, 30).Select(i => leader.Send(LargePut(i))).ToList();
        leader.Turn(cluster.Now + 1);
        Assert.That(Of("uncommitted", leader), Is.InRange(Large, leader.Core.ProposalWindowBytes));
        var renewal = leader.Send(Renewal());
        leader.Turn(cluster.Now + 2);
        cluster.Until(() => puts.All(IsAnswered) && IsAnswered(renewal), "all are answered");
        var order = Logged(leader);
        Assert.That(order.FindIndex(command => command is RenewLeasesCommand), Is.LessThan(4), "the window is 4 MiB, which is two of them");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>(), "what waited was proposed when there was room");
    }

    [Test]
    public void Bulk_waits_for_a_follower_that_works_but_is_behind_and_small_commands_do_not()
    {
        var cluster = new CoreCluster(3, with: options => options with
        {
            Raft = options.Raft with { MaxInflightBytes = 2 << 20, LeastInflightBytes = 2 << 20 },
        });
        cluster.UntilReady();
        var leader = cluster.Leader;
        var slow = cluster.Followers.Last();
        var first = leader.Core.Status.LastIndex;
        // It acknowledges the first of them over and over: it works, and it is behind.
        cluster.OnTheWay = (from, _, message) => from == slow && message is RaftPeerMessage { Message: Raft.AppendResponse response }
            ? new RaftPeerMessage(response with { MatchIndex = LogIndex.Min(response.MatchIndex, first) })
            : message;
        var puts = Enumerable.Range(0, 10).Select(i => leader.Send(LargePut(i))).ToList();
        cluster.Run(500_000);
        Assert.That(puts.Count(IsAnswered), Is.InRange(1, 3));
        var small = leader.Send(Put("small", 10));
        cluster.Run(100_000);
        Assert.That(IsAnswered(small), Is.True);
        cluster.Until(() => puts.All(IsAnswered), "it is waited for no longer");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
    }

    [Test]
    public void Leader_whose_own_disk_is_slow_proposes_no_more_than_it_writes_though_the_others_commit_it()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        leader.IsDiskStuck = true;
        var puts = Enumerable.Range(0, 30).Select(i => leader.Send(LargePut(i))).ToList();
        for (var steps = 0; steps < 20; steps++)
        {
            cluster.Run(5_000);
            Assert.That(leader.Core.UnsettledBytes, Is.LessThanOrEqualTo(4 << 20));
        }
        leader.IsDiskStuck = false;
        cluster.Until(() => puts.All(IsAnswered), "all are answered");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
    }

    [Test]
    public void Small_commands_pass_large_ones_that_wait_for_room()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var puts = Enumerable.Range(0, 20).Select(i => leader.Send(LargePut(i))).ToList();
        var small = leader.Send(Put("small", 10));
        cluster.Until(() => puts.All(IsAnswered) && IsAnswered(small), "all are answered");
        Assert.That(Logged(leader).FindIndex(command => command is PutCommand { Value.Length: 10 }), Is.LessThan(3));
    }

    [Test]
    public void Urgent_commands_of_other_members_pass_their_bulk_that_waits_at_the_leader()
    {
        var cluster = new CoreCluster(3, with: options => options with { MaxForwardedBytes = 64 << 20 });
        cluster.UntilReady();
        var leader = cluster.Leader;
        var follower = cluster.Followers.First();
        var puts = Enumerable.Range(0, 15).Select(i => follower.Send(LargePut(i))).ToList();
        follower.Turn(cluster.Now + 1).ToList().ForEach(sent => leader.Inputs.Add(new PeerMessageInput(follower.Id, sent.Message)));
        leader.Turn(cluster.Now + 2);
        Assert.That(Of("foreign-requests", leader), Is.GreaterThan(10L * Large));
        var renewal = follower.Send(Renewal());
        cluster.Until(() => puts.All(IsAnswered) && IsAnswered(renewal), "all are answered");
        Assert.That(Logged(leader).FindIndex(command => command is RenewLeasesCommand), Is.LessThan(8));
        Assert.That(Of("foreign-requests", leader), Is.Zero);
    }

    [Test]
    public void Follower_has_so_many_bytes_on_their_way_to_the_leader_and_what_is_urgent_goes_in_frames_of_its_own()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var frames = new List<ForwardCommands>();
        cluster.OnTheWay = (_, _, message) =>
        {
            if (message is ForwardCommands forward)
            {
                frames.Add(forward);
            }
            return message;
        };
        var puts = Enumerable.Range(0, 30).Select(i => follower.Send(LargePut(i))).ToList();
        var renewal = follower.Send(Renewal());
        var before = frames.Count;
        cluster.Run(5_000);
        Assert.That(frames.Skip(before).Select(frame => frame.IsUrgent), Is.EqualTo(new[] { true, false, false }), "the urgent one came last and goes first");
        Assert.That(Of("forwarded", follower), Is.InRange(Large, 4 << 20));
        cluster.Until(() => puts.All(IsAnswered) && IsAnswered(renewal), "all are answered");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
        Assert.That(frames.Where(frame => frame.IsUrgent).SelectMany(frame => frame.Commands).Select(Decoded), Is.All.InstanceOf<RenewLeasesCommand>());
        Assert.That(frames.Select(frame => frame.Commands.Sum(command => (long)command.Payload.Length)), Is.All.LessThan((1 << 20) + Large));
        Assert.That(Of("forwarded", follower), Is.Zero);
    }

    [Test]
    public void Leader_refuses_what_it_has_no_room_to_keep_waiting_and_nothing_of_it_was_done()
    {
        var cluster = new CoreCluster(3, with: options => options with { MaxForwardedBytes = 64 << 20, MaxForeignBytes = 6 << 20 });
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var puts = Enumerable.Range(0, 20).Select(i => follower.Send(LargePut(i))).ToList();
        cluster.Until(() => puts.All(IsAnswered), "all are answered");
        var refused = puts.Where(put => put.Answer.Kind == AnswerKind.NotDone).ToList();
        Assert.That(refused, Has.Count.InRange(10, 18));
        Assert.That(refused.Select(put => put.Answer.Reason), Is.All.EqualTo(NotDoneReason.TooManyRequests));
        cluster.Until(() => cluster.Leader.Core.Revision() == 21 - refused.Count, "those and no others are there");
        cluster.Run(1_000_000);
        Assert.That(cluster.Leader.Core.Revision(), Is.EqualTo(21 - refused.Count));
    }

    [Test]
    public void What_waits_at_a_leader_that_steps_down_goes_back_and_is_done_by_the_next()
    {
        var cluster = new CoreCluster(3, with: options => options with { MaxForwardedBytes = 64 << 20 });
        cluster.UntilReady();
        var leader = cluster.Leader;
        var follower = cluster.Followers.First();
        var other = cluster.Followers.Last();
        var puts = Enumerable.Range(0, 15).Select(i => follower.Send(LargePut(i))).ToList();
        follower.Turn(cluster.Now + 1).ToList().ForEach(sent => leader.Inputs.Add(new PeerMessageInput(follower.Id, sent.Message)));
        leader.Turn(cluster.Now + 2);
        leader.Inputs.Add(new TransferInput(new PendingTransfer(other.Id)));
        cluster.Until(() => puts.All(IsAnswered), "all are answered");
        Assert.That(puts.Select(put => put.Answer.Outcome), Is.All.InstanceOf<PutDone>());
        Assert.That(Of("foreign-requests", leader), Is.Zero);
        cluster.Until(() => cluster.Leader.Core.Revision() == 16, "all are there");
        cluster.Run(1_000_000);
        Assert.That(cluster.Leader.Core.Revision(), Is.EqualTo(16), "each once, from revision 1 on");
    }

    [Test]
    public void What_waits_for_room_until_its_time_is_over_was_not_done_and_is_not_called_a_want_of_a_leader()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        // Its log is written nowhere else: nothing is committed, and no room comes.
        cluster.OnTheWay = (_, to, message) => to == leader && message is RaftPeerMessage { Message: Raft.AppendResponse } ? null : message;
        var puts = Enumerable.Range(0, 20).Select(i => leader.Send(LargePut(i))).ToList();
        cluster.Until(() => puts.All(IsAnswered), "all are answered");
        var notDone = puts.Where(put => put.Answer.Kind == AnswerKind.NotDone).ToList();
        Assert.That(notDone, Has.Count.EqualTo(18), "two were in the window");
        Assert.That(notDone.Select(put => put.Answer.Reason), Is.All.EqualTo(NotDoneReason.TooManyRequests));
    }

    [Test]
    public void Last_tenth_of_what_a_member_may_have_in_hand_is_for_urgent_requests([Values] bool countsBytes)
    {
        var cluster = new CoreCluster(3, with: options => countsBytes
            ? options with { MaxPendingBytes = 16 << 20 }
            : options with { MaxPendingCommands = 100 });
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.CutOff(follower);
        cluster.Run(3_000_000);
        var puts = Enumerable.Range(0, 200).Select(i => follower.Send(countsBytes ? LargePut(i) : Put($"k{i}", 10))).ToList();
        var small = countsBytes ? Enumerable.Range(0, 2_000).Select(i => follower.Send(Put($"s{i}", 1_000))).ToList() : [];
        var renewals = Enumerable.Range(0, 10).Select(_ => follower.Send(Renewal())).ToList();
        follower.Turn(cluster.Now + 1);
        Assert.That(puts.Count(put => !IsAnswered(put)), countsBytes ? Is.EqualTo(10) : Is.InRange(88, 90), "the member itself may have one or two");
        Assert.That(small.Count(IsAnswered), Is.EqualTo(countsBytes ? 1_922 : 0).Within(80));
        Assert.That(renewals.Count(IsAnswered), Is.Zero);
        Assert.That(Of("requests", follower), Is.LessThanOrEqualTo(countsBytes ? 16 << 20 : 64 << 20));
    }

    [Test]
    public void Requests_of_1_5_MiB_by_the_thousand_hold_no_more_than_the_budget()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.CutOff(follower);
        cluster.Run(3_000_000);
        // One value for all: what is counted is what the member would hold, not what this test does.
        var put = LargePut(0);
        var answered = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var pending = follower.Send(put);
            follower.Turn(cluster.Now + 1);
            answered += IsAnswered(pending) ? 1 : 0;
            Assert.That(Of("requests", follower), Is.LessThanOrEqualTo(64 << 20));
        }
        Assert.That(answered, Is.InRange(1_950, 1_965));
    }

    [Test]
    public void Log_that_was_forgotten_before_any_snapshot_held_it_makes_one_due_at_once()
    {
        var cluster = new CoreCluster(3, with: options => options with
        {
            SnapshotEntries = 1_000_000,
            SnapshotBytes = 1L << 40,
            Raft = options.Raft with { MaxLogBytes = 10 << 20, TrailingBytes = 2 << 20 },
        });
        cluster.UntilReady();
        var lost = cluster.Followers.Last();
        cluster.CutOff(lost);
        var puts = Enumerable.Range(0, 20).Select(i => cluster.Leader.Send(LargePut(i))).ToList();
        cluster.Until(() => puts.All(IsAnswered), "a majority goes on");
        Assert.That(cluster.Leader.Core.Status.FirstIndex.Value, Is.GreaterThan(5));
        Assert.That(cluster.Leader.Snapshots, Is.Not.Empty);
        Assert.That(cluster.Leader.Snapshots[^1].LastIndex, Is.GreaterThanOrEqualTo(cluster.Leader.Core.Status.FirstIndex.Previous));
        Assert.That(Of("log", cluster.Leader), Is.LessThanOrEqualTo(12 << 20));
    }

    [Test]
    public void Request_that_waits_in_line_holds_no_payload()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var first = follower.Send(Acquire(1));
        cluster.Until(() => IsAnswered(first), "the lock is held");
        var before = Of("requests", follower);
        var waits = Enumerable.Range(2, 100).Select(i => follower.Send(Acquire(i, waitMicros: 60_000_000, owner: new string('o', 200)))).ToList();
        cluster.Until(() => waits.All(wait => wait.Stage == PendingStage.Waiting), "all are in line");
        Assert.That(waits.Select(wait => wait.Payload.Length), Is.All.Zero);
        Assert.That(Of("requests", follower) - before, Is.EqualTo(100 * 300));
        Assert.That(Of("forwarded", follower), Is.Zero);
    }

    [Test]
    public void Acquire_that_waits_for_room_is_not_overtaken_by_its_own_end()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var follower = cluster.Followers.First();
        var holder = leader.Send(Acquire(1));
        cluster.Until(() => IsAnswered(holder), "the lock is held");
        // Nothing is committed for a while: the window is full, and the acquire waits at the leader.
        var isHeldUp = true;
        cluster.OnTheWay = (_, to, message) => isHeldUp && to == leader && message is RaftPeerMessage { Message: Raft.AppendResponse } ? null : message;
        Enumerable.Range(0, 700).ToList().ForEach(i => leader.Send(Put($"small-{i % 3}", 7_000)));
        cluster.Run(20_000);
        var acquire = follower.Send(Acquire(2, waitMicros: 600_000_000));
        cluster.Run(20_000);
        follower.Inputs.Add(new CommandCancelledInput(acquire));
        cluster.Run(20_000);
        isHeldUp = false;
        cluster.Run(3_000_000);
        Assert.That(leader.Core.Status.Counts.Waiters, Is.Zero);
        var commands = Logged(leader);
        Assert.That(
            commands.FindIndex(command => command is CancelWaitCommand),
            Is.GreaterThan(commands.FindLastIndex(command => command is AcquireCommand)));
    }

    private static long Of(string what, CoreMember member) => member.Core.Held.Single(held => held.What == what).Held;

    private static bool IsAnswered(PendingCommand pending) => pending.Stage == PendingStage.Answered;

    private static PutCommand LargePut(int number) => Put($"large-{number % 3}", Large);

    private static PutCommand Put(string key, int bytes) => new(Key.FromText(key), new byte[bytes], LeaseId.None, KeyCondition.None);

    private static RenewLeasesCommand Renewal() => new([new LeaseId(77)]);

    private static Command Decoded(ForwardedCommand command) => CommandCodec.Read(command.Payload).Command;

    private static List<Command> Logged(CoreMember member) =>
    [
        .. member.Persisted.SelectMany(request => request.Entries)
            .Where(entry => entry.Kind == EntryKind.Command)
            .Select(entry => CommandCodec.Read(entry.Payload).Command)
            .Where(command => command is not AnnounceMemberCommand),
    ];

    private static AcquireCommand Acquire(int lease, long waitMicros = 0, string? owner = null) =>
        new(Job, owner ?? $"owner-{lease}", 60_000_000, new LeaseId(lease), LeaseId.None, waitMicros);
}
