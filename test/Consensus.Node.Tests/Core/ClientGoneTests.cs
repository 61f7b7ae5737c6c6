using System.Collections.Immutable;
using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>
/// What was granted to a client that left goes back whole, whatever becomes of a part of it, and what is remembered for that is bounded.
/// </summary>
public sealed class ClientGoneTests
{
    private const long LongTtl = 600_000_000;

    private static readonly ImmutableArray<Key> Names = [Key.FromText("a"), Key.FromText("b"), Key.FromText("c")];

    private static ReleaseHoldCommand Break(Key name) => new(name, FencingToken.None, Force: true);

    private static long GivenUpBytes(CoreMember member) => Held(member, "given-up");

    private static long RequestBytes(CoreMember member) => Held(member, "requests");

    private static long Held(CoreMember member, string what) => member.Core.Held.Single(held => held.What == what).Held;

    [Test]
    public void A_multi_lock_without_a_key_goes_back_whole_though_its_first_lock_is_broken_before_its_client_is_known_to_have_left()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        var pending = AskUnderALongLease(cluster, asked, withIdentity: false);
        cluster.Run(5_000);
        // The leader has it in its log, then the one, and only then the end of the other.
        cluster.Leader.Send(Break(Names[0]));
        asked.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == Names.Length - 1, "it is granted, and its first lock broken");
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 0, "it goes back");
        Assert.That(cluster.Leader.Core.View.GetLease(new LeaseId(8)), Is.Not.Null, "not because its lease ended");
    }

    [Test]
    public void A_multi_lock_whose_member_finds_its_grant_in_a_snapshot_goes_back_whole_though_its_first_lock_is_broken_by_then()
    {
        var cluster = new CoreCluster(
            3, with: options => options with { SnapshotEntries = 10, Raft = options.Raft with { TrailingEntries = 0 } });
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        var pending = AskUnderALongLease(cluster, asked, withIdentity: true);
        asked.Inputs.Add(new CommandCancelledInput(pending));
        cluster.CutOff(asked);
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == Names.Length, "it is granted");
        for (var i = 0; i < 50; i++)
        {
            cluster.Leader.Send(Break(Names[0]));
        }
        cluster.Until(() => cluster.Leader.Core.Status.SnapshotIndex > asked.Core.Status.LastIndex, "its member lacks what is forgotten");
        cluster.Reconnect(asked);
        cluster.Until(() => asked.Persisted.Exists(written => written.InstalledSnapshot is not null), "its member takes a snapshot");
        Assert.That(cluster.Leader.Core.View.Counts.HoldsInUse, Is.EqualTo(Names.Length - 1));
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 0, "nobody has asked for it again");
        Assert.That(cluster.Leader.Core.View.GetLease(new LeaseId(8)), Is.Not.Null, "not because its lease ended");
    }

    [Test]
    public void What_is_remembered_of_clients_that_left_is_bounded_in_bytes_and_the_oldest_goes_back_sooner()
    {
        const int Clients = 40;
        const long MostBytes = 3_000;
        var cluster = new CoreCluster(1, with: options => options with { MaxGivenUpBytes = MostBytes });
        cluster.UntilReady();
        var member = cluster.Leader;
        var most = 0L;
        for (var i = 0; i < Clients; i++)
        {
            var name = Key.FromText($"job{i}");
            var acquire = new AcquireCommand(name, "owner", LongTtl, new LeaseId(100 + i), LeaseId.None, 0);
            var pending = member.Send(acquire, withIdentity: true);
            cluster.Until(() => pending.Stage == PendingStage.Sent, "it is under way");
            member.Inputs.Add(new CommandCancelledInput(pending));
            cluster.Until(() => member.Core.View.GetObject(name).Holder is not null, "it is granted all the same");
            most = Math.Max(most, GivenUpBytes(member));
        }
        Assert.That(most, Is.InRange(MostBytes / 2, MostBytes));
        var (first, last) = (Key.FromText("job0"), Key.FromText($"job{Clients - 1}"));
        cluster.Until(() => member.Core.View.GetObject(first).Holder is null, "the first goes back");
        Assert.That(member.Core.View.GetObject(last).Holder, Is.Not.Null, "long before its time");
        cluster.Until(() => member.Core.View.Counts.HoldsInUse == 0, "all go back");
        Assert.That(GivenUpBytes(member), Is.Zero);
    }

    [Test]
    public void Of_a_client_that_left_nothing_is_remembered_once_it_is_known_what_came_of_its_request()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (holder, asked) = (cluster.Leader, cluster.Followers.First());
        holder.Send(new AcquireCommand(Names[1], "holder", LongTtl, new LeaseId(7), LeaseId.None, 0));
        var pending = AskUnderALongLease(cluster, asked, withIdentity: true, waitMicros: LongTtl);
        asked.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => GivenUpBytes(asked) > 0, "it is remembered");
        cluster.Until(() => cluster.Leader.Core.View.GetObject(Names[0]).Waiters.All(waiter => waiter.Detached), "its places are detached");
        cluster.Run(1_000_000);
        Assert.That(cluster.Leader.Core.View.Counts.Waiters, Is.EqualTo(Names.Length), "for whoever asks again");
        Assert.That(GivenUpBytes(asked), Is.Zero, "there is nothing to give back");
    }

    [Test]
    public void A_request_that_was_lost_on_its_way_is_not_remembered_beside_what_was_granted_and_not_told()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        var isLost = true;
        cluster.OnTheWay = (_, _, message) => isLost && message is ForwardCommands ? null : message;
        var pending = asked.Send(new AcquireCommand(Names[0], "owner", LongTtl, new LeaseId(8), LeaseId.None, 0), withIdentity: true);
        cluster.Until(() => pending.Stage == PendingStage.Sent, "it is on its way");
        cluster.Run(50_000);
        isLost = false;
        asked.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => GivenUpBytes(asked) > 0, "it is remembered");
        cluster.Run(1_000_000);
        Assert.That(GivenUpBytes(asked), Is.Zero);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void What_a_request_under_a_key_is_granted_after_its_client_was_told_that_nobody_knows_goes_back(bool waits)
    {
        var isHeldUp = false;
        var cluster = new CoreCluster(3);
        cluster.OnTheWay = (_, _, message) => isHeldUp && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        if (waits)
        {
            var held = cluster.Leader.Send(new AcquireCommand(Names[0], "other", LongTtl, new LeaseId(9), LeaseId.None, 0));
            cluster.Until(() => held.Stage == PendingStage.Answered, "another has it");
        }
        isHeldUp = true;
        var acquire = new AcquireCommand(Names[0], "owner", LongTtl, new LeaseId(8), LeaseId.None, waits ? LongTtl : 0);
        var pending = asked.Send(acquire, withIdentity: true);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "nobody can tell what came of it");
        Assert.That(pending.Answer.Kind, Is.EqualTo(AnswerKind.Unknown));
        isHeldUp = false;
        if (waits)
        {
            cluster.Until(() => cluster.Leader.Core.View.Counts.Waiters == 1, "it stands in line");
            cluster.Leader.Send(Break(Names[0]));
        }
        cluster.Until(() => cluster.Leader.Core.View.GetObject(Names[0]).Holder?.Owner == "owner", "it is granted all the same");
        cluster.Run(4_000_000);
        Assert.That(cluster.Leader.Core.View.Counts.HoldsInUse, Is.EqualTo(1), "whoever asks again finds it");
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 0, "nobody did");
        Assert.That(cluster.Leader.Core.View.GetLease(new LeaseId(8)), Is.Null);
    }

    [Test]
    public void A_place_under_a_key_whose_client_was_told_that_nobody_knows_is_given_up_when_nobody_asks_again()
    {
        var isHeldUp = false;
        var cluster = new CoreCluster(3);
        cluster.OnTheWay = (_, _, message) => isHeldUp && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        var held = cluster.Leader.Send(new AcquireCommand(Names[0], "other", LongTtl, new LeaseId(9), LeaseId.None, 0));
        cluster.Until(() => held.Stage == PendingStage.Answered, "another has it");
        isHeldUp = true;
        var pending = asked.Send(new AcquireCommand(Names[0], "owner", LongTtl, new LeaseId(8), LeaseId.None, LongTtl), withIdentity: true);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "nobody can tell what came of it");
        isHeldUp = false;
        cluster.Until(() => cluster.Leader.Core.View.Counts.Waiters == 1, "it stands in line");
        var isDetached = cluster.Leader.Core.View.GetObject(Names[0]).Waiters.Single().Detached;
        Assert.That(isDetached, Is.False, "it has its turn, should somebody ask again");
        cluster.Until(() => cluster.Leader.Core.View.Counts.Waiters == 0, "nobody did");
    }

    [Test]
    public void A_multi_lock_without_a_key_that_was_granted_in_a_snapshot_goes_back_whole_though_its_first_lock_is_broken_by_then()
    {
        var cluster = new CoreCluster(
            3, with: options => options with { SnapshotEntries = 10, Raft = options.Raft with { TrailingEntries = 0 } });
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        var held = cluster.Leader.Send(new AcquireCommand(Names[1], "other", LongTtl, new LeaseId(9), LeaseId.None, 0));
        cluster.Until(() => held.Stage == PendingStage.Answered, "another has one of them");
        var pending = AskUnderALongLease(cluster, asked, withIdentity: false, waitMicros: LongTtl);
        cluster.Until(() => pending.Stage == PendingStage.Waiting, "it waits");
        cluster.CutOff(asked);
        cluster.Leader.Send(Break(Names[1]));
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == Names.Length, "it is granted");
        for (var i = 0; i < 50; i++)
        {
            cluster.Leader.Send(Break(Names[0]));
        }
        cluster.Until(() => cluster.Leader.Core.Status.SnapshotIndex > asked.Core.Status.LastIndex, "its member lacks what is forgotten");
        cluster.Reconnect(asked);
        cluster.Until(() => asked.Persisted.Exists(written => written.InstalledSnapshot is not null), "its member takes a snapshot");
        cluster.Until(() => pending.Stage == PendingStage.Answered, "nobody can tell what came of it");
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 0, "it goes back");
        Assert.That(cluster.Leader.Core.View.GetLease(new LeaseId(8)), Is.Not.Null, "not because its lease ended");
    }

    [Test]
    public void What_ends_requests_counts_with_the_names_of_their_locks_until_it_is_applied()
    {
        const int Clients = 20;
        var isHeldUp = false;
        var cluster = new CoreCluster(3);
        cluster.OnTheWay = (_, _, message) => isHeldUp && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        cluster.UntilReady();
        var asked = cluster.Followers.First();
        isHeldUp = true;
        ImmutableArray<Key> Large(int client) =>
            [.. Enumerable.Range(0, 4).Select(i => Key.FromText($"{client}-{i}-" + new string('x', 1_000)))];
        var asking = Enumerable.Range(0, Clients)
            .Select(i => asked.Send(new AcquireManyCommand(Large(i), "o", LongTtl, new LeaseId(100 + i), LeaseId.None)))
            .ToList();
        cluster.Until(() => asking.TrueForAll(one => one.Stage == PendingStage.Sent), "all are on their way");
        asking.ForEach(one => asked.Inputs.Add(new CommandCancelledInput(one)));
        cluster.Until(() => asking.TrueForAll(one => one.Stage == PendingStage.Answered), "their clients left");
        // Longer than a command of the member's own may take: each is answered then, and is to be logged again.
        cluster.Run(6_000_000);
        Assert.That(RequestBytes(asked), Is.GreaterThan(Clients * 4_000));
        isHeldUp = false;
        cluster.Until(() => RequestBytes(asked) == 0, "what ends them is applied");
        Assert.That(cluster.Leader.Core.View.Counts, Has.Property("HoldsInUse").Zero.And.Property("Leases").Zero);
    }

    /// <returns>The request, on its way to the leader.</returns>
    private static PendingCommand AskUnderALongLease(CoreCluster cluster, CoreMember asked, bool withIdentity, long waitMicros = 0)
    {
        var lease = asked.Send(new GrantLeaseCommand(new LeaseId(8), LongTtl));
        cluster.Until(() => lease.Stage == PendingStage.Answered, "the lease is granted");
        var acquire = new AcquireManyCommand(Names, "o", 0, LeaseId.None, new LeaseId(8)) { WaitMicros = waitMicros };
        var pending = asked.Send(acquire, withIdentity);
        cluster.Until(() => pending.Stage == PendingStage.Sent, "it is on its way");
        return pending;
    }
}
