using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Tests.Core;

/// <summary>Acquires that will only stand in line wait a moment for company at the leader, and nothing else does.</summary>
public sealed class CompanyTests
{
    private const long CompanyMicros = 1_000;
    private const long MinuteMicros = 60_000_000;

    private static readonly Key Job = Key.FromText("job");
    private static readonly LeaseId Shared = new(77);

    /// <summary>What keeps an acquire from being one that will only stand in line.</summary>
    public enum Reason
    {
        Free,
        NobodyInLine,
        WaitsForNobody,
        WantsToShare,
        OfASemaphore,
        HasItsPlace,
        HasItsHold,
    }

    private static PutCommand Put => new(Key.FromText("a"), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static AcquireCommand Acquire(long lease, long waitMicros = MinuteMicros) =>
        new(Job, "owner", MinuteMicros, new LeaseId(lease), LeaseId.None, waitMicros);

    private static AcquireCommand UnderShared => new(Job, "owner", 0, LeaseId.None, Shared, MinuteMicros);

    private static CoreCluster Ready(int size = 3)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        return cluster;
    }

    /// <summary>Somebody has the lock, and so many stand in its line.</summary>
    private static FencingToken HoldTheLock(CoreCluster cluster, int inLine, Func<long, AcquireCommand>? acquire = null)
    {
        acquire ??= lease => Acquire(lease);
        var holder = cluster.Leader.Send(acquire(100));
        cluster.Until(() => holder.Stage == PendingStage.Answered, "the lock is granted");
        for (var i = 0; i < inLine; i++)
        {
            var waits = cluster.Leader.Send(acquire(101 + i));
            cluster.Until(() => waits.Stage == PendingStage.Waiting, "somebody stands in line");
        }
        Settle(cluster);
        return ((HoldGranted)holder.Answer.Outcome!).Hold.Token;
    }

    private static void Settle(CoreCluster cluster) => cluster.Until(() => cluster.Members.All(IsSettled), "all is applied");

    private static bool IsSettled(CoreMember member) => member.Core.UnsettledBytes == 0 && member.Core.UnappliedBytes == 0;

    /// <summary>The frame with which a follower forwards a command, at once.</summary>
    private static ForwardCommands Forwarded(CoreMember follower, Command command, long now)
    {
        follower.Send(command);
        return follower.Turn(now).Select(frame => frame.Message).OfType<ForwardCommands>().Single();
    }

    private static bool IsCommitAlone(PeerMessage message) => message is RaftPeerMessage { Message: AppendRequest { Entries.Count: 0 } };

    private static int EntriesOfTheNewest(CoreMember member, int before) => member.Persisted.Skip(before).Single().Entries.Count;

    [Test]
    public void Acquires_that_will_only_stand_in_line_wait_a_moment_for_company_at_the_leader()
    {
        var cluster = Ready();
        HoldTheLock(cluster, inLine: 1);
        var (start, leader, follower) = (cluster.Now, cluster.Leader, cluster.Followers.First());
        var before = leader.Persisted.Count;
        var acquire = leader.Send(Acquire(6));
        leader.Turn(start);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Queued));
        Assert.That(leader.Core.NextWakeMicros, Is.EqualTo(start + CompanyMicros), "the loop wakes for it");
        leader.Inputs.Add(new PeerMessageInput(follower.Id, Forwarded(follower, Acquire(7), start)));
        leader.Turn(start + 400);
        Assert.That(leader.Persisted, Has.Count.EqualTo(before), "nothing is written yet");
        Assert.That(leader.Core.NextWakeMicros, Is.EqualTo(start + CompanyMicros));
        leader.Turn(start + CompanyMicros);
        Assert.That(EntriesOfTheNewest(leader, before), Is.EqualTo(2), "the second does not make the first wait longer");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Acquire_that_waits_for_company_goes_with_the_next_command_whoever_asked_for_it(bool atTheLeader)
    {
        var cluster = Ready();
        HoldTheLock(cluster, inLine: 1);
        var (start, leader) = (cluster.Now, cluster.Leader);
        var (one, other) = (cluster.Followers.First(), cluster.Followers.Last());
        var before = leader.Persisted.Count;
        leader.Inputs.Add(new PeerMessageInput(one.Id, Forwarded(one, Acquire(6), start)));
        leader.Turn(start);
        Assert.That(leader.Persisted, Has.Count.EqualTo(before));
        if (atTheLeader)
        {
            leader.Send(Put);
        }
        else
        {
            leader.Inputs.Add(new PeerMessageInput(other.Id, Forwarded(other, Put, start)));
        }
        leader.Turn(start + 100);
        Assert.That(EntriesOfTheNewest(leader, before), Is.EqualTo(2));
    }

    [Test]
    public void Release_goes_at_once_and_takes_with_it_who_waits_for_company()
    {
        var cluster = Ready();
        var token = HoldTheLock(cluster, inLine: 2);
        var (start, leader) = (cluster.Now, cluster.Leader);
        var before = leader.Persisted.Count;
        var acquire = leader.Send(Acquire(6));
        leader.Turn(start);
        var release = leader.Send(new ReleaseHoldCommand(Job, token, Force: false));
        leader.Turn(start + 1);
        Assert.That((release.Stage, acquire.Stage), Is.EqualTo((PendingStage.Sent, PendingStage.Sent)));
        Assert.That(EntriesOfTheNewest(leader, before), Is.EqualTo(2));
    }

    [Test]
    public void Acquire_that_is_not_sure_to_stand_in_line_waits_for_nobody([Values] Reason reason)
    {
        var cluster = Ready();
        var leader = cluster.Leader;
        PendingCommand? first = null;
        if (reason == Reason.OfASemaphore)
        {
            HoldTheLock(cluster, inLine: 1, OfSemaphore);
        }
        else if (reason != Reason.Free)
        {
            if (reason == Reason.HasItsHold)
            {
                first = leader.Send(Acquire(5), withIdentity: true);
                cluster.Until(() => first.Stage == PendingStage.Answered, "the lock is granted");
            }
            HoldTheLockUnless(first is not null, cluster, inLine: reason == Reason.NobodyInLine ? 0 : 1);
        }
        if (reason == Reason.HasItsPlace)
        {
            first = leader.Send(Acquire(5), withIdentity: true);
            cluster.Until(() => first.Stage == PendingStage.Waiting, "it stands in line");
        }
        Settle(cluster);
        Command command = reason switch
        {
            Reason.WaitsForNobody => Acquire(6, waitMicros: 0),
            Reason.WantsToShare => Acquire(6) with { Mode = LockMode.Shared },
            Reason.OfASemaphore => OfSemaphore(6),
            _ => Acquire(6),
        };
        var acquire = first is null ? leader.Send(command) : leader.SendAgain(first, command);
        leader.Turn(cluster.Now);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Sent));
        if (first is null)
        {
            var forwarded = Forwarded(cluster.Followers.First(), command, cluster.Now).Commands.Single();
            Assert.That(forwarded.StandsInLine, Is.False, "nor does another member say that it will");
        }
    }

    private static AcquireCommand OfSemaphore(long lease) => Acquire(lease) with { Space = HoldSpace.Semaphore, Permits = 1 };

    private static void HoldTheLockUnless(bool isHeld, CoreCluster cluster, int inLine)
    {
        if (!isHeld)
        {
            HoldTheLock(cluster, inLine);
            return;
        }
        var waits = cluster.Leader.Send(Acquire(101));
        cluster.Until(() => waits.Stage == PendingStage.Waiting, "somebody stands in line");
    }

    /// <summary>A release is on its way: it may be for the only one in line, and then for this one.</summary>
    [TestCase(1, PendingStage.Sent)]
    [TestCase(2, PendingStage.Queued)]
    public void Acquire_waits_for_company_only_behind_more_than_there_are_commands_on_their_way(int inLine, PendingStage then)
    {
        var cluster = Ready();
        var token = HoldTheLock(cluster, inLine);
        var leader = cluster.Leader;
        leader.Send(new ReleaseHoldCommand(Job, token, Force: false));
        leader.Turn(cluster.Now);
        var acquire = leader.Send(Acquire(6));
        leader.Turn(cluster.Now + 1);
        Assert.That(acquire.Stage, Is.EqualTo(then));
    }

    /// <summary>One entry ends the hold and all who stand in line: more than one command was taken to free.</summary>
    [Test]
    public void Acquire_waits_for_company_no_longer_than_somebody_has_the_lock()
    {
        var cluster = Ready(size: 1);
        var leader = cluster.Leader;
        var lease = leader.Send(new GrantLeaseCommand(Shared, MinuteMicros));
        cluster.Until(() => lease.Stage == PendingStage.Answered, "there is a lease");
        HoldTheLock(cluster, inLine: 2, _ => UnderShared);
        var now = cluster.Now;
        leader.Send(new RevokeLeaseCommand(Shared));
        leader.Turn(now);
        var acquire = leader.Send(Acquire(6));
        leader.Turn(now + 100);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Queued));
        Assert.That(leader.Core.NextWakeMicros, Is.EqualTo(now + 100), "the revocation was applied in this turn");
        leader.Turn(now + 100);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Sent));
    }

    /// <summary>
    /// A follower gathers what comes while two frames of commands are unsettled at the leader, and an acquire that waits for company is
    /// settled late.
    /// </summary>
    [Test]
    public void Release_does_not_wait_at_a_follower_for_acquires_that_stand_in_line()
    {
        var cluster = Ready();
        var token = HoldTheLock(cluster, inLine: 1);
        var (now, follower) = (cluster.Now, cluster.Followers.First());
        Assert.That(Forwarded(follower, Acquire(6), now).Commands.Single().StandsInLine, Is.True);
        Assert.That(Forwarded(follower, Acquire(7), now + 1).Commands.Single().StandsInLine, Is.True);
        Assert.That(Forwarded(follower, new ReleaseHoldCommand(Job, token, Force: false), now + 2).Commands, Has.Count.EqualTo(1));
    }

    /// <summary>Its member hears of it with the next entries, or a tick later: nobody waits there to be told of a place in line.</summary>
    [TestCase(true, 0)]
    [TestCase(false, 1)]
    public void Commit_of_what_only_stands_in_line_is_not_hurried_to_its_member(bool standsInLine, int told)
    {
        var cluster = Ready();
        HoldTheLock(cluster, inLine: 1);
        var (now, leader, asked) = (cluster.Now, cluster.Leader, cluster.Followers.First());
        var other = cluster.Followers.Last();
        leader.Inputs.Add(new PeerMessageInput(asked.Id, Forwarded(asked, standsInLine ? Acquire(6) : Put, now)));
        var then = now + CompanyMicros;
        List<(MemberId To, PeerMessage Message)> appends = [.. leader.Turn(now), .. leader.Turn(then), .. leader.Turn(then)];
        foreach (var (_, message) in appends.Where(frame => frame.To == other.Id))
        {
            other.Inputs.Add(new PeerMessageInput(leader.Id, message));
        }
        other.Turn(now);
        foreach (var (_, message) in other.Turn(now).Where(frame => frame.To == leader.Id))
        {
            leader.Inputs.Add(new PeerMessageInput(other.Id, message));
        }
        var applied = leader.Core.AppliedIndex;
        var tells = leader.Turn(then).Count(frame => frame.To == asked.Id && IsCommitAlone(frame.Message));
        Assert.That((leader.Core.AppliedIndex - applied, tells), Is.EqualTo((1, told)));
    }
}
