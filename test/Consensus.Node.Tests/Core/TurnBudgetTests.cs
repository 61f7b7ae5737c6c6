using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>However much is committed, one turn applies no more than its budget (rule 9).</summary>
public sealed class TurnBudgetTests
{
    /// <summary>An entry of a small put costs about this many units.</summary>
    private const long UnitsOfAPut = 6;

    private static PutCommand Put(int key, int bytes = 1) => new(Key.FromText($"k{key}"), new byte[bytes], LeaseId.None, KeyCondition.None);

    [Test]
    public void A_turn_applies_no_more_than_its_budget_and_the_rest_follows_without_a_wait()
    {
        var cluster = new CoreCluster(1, turnUnits: 10 * UnitsOfAPut);
        cluster.UntilReady();
        var member = cluster.Leader;
        var puts = Enumerable.Range(0, 500).Select(i => member.Send(Put(i))).ToList();
        var (turns, before) = (0, member.Core.AppliedIndex);
        while (puts.Any(put => put.Stage != PendingStage.Answered))
        {
            member.Turn(cluster.Now + (++turns * 100));
            Assert.That(member.Core.AppliedIndex - before, Is.LessThanOrEqualTo(11));
            if (member.Core.AppliedIndex.Value < member.Core.Status.CommitIndex.Value)
            {
                Assert.That(member.Core.NextWakeMicros, Is.LessThanOrEqualTo(cluster.Now + (turns * 100)), "the next turn is due at once");
            }
            before = member.Core.AppliedIndex;
            Assert.That(turns, Is.LessThan(1_000));
        }
        Assert.That(turns, Is.GreaterThan(45));
    }

    [Test]
    public void Large_values_and_many_objects_cost_more_than_small_ones()
    {
        Assert.That(AppliedInOneTurn(_ => Put(1, 100_000)), Is.LessThan(AppliedInOneTurn(i => Put(i))));
    }

    [Test]
    public void One_command_that_costs_more_than_a_turn_may_is_applied_whole()
    {
        var cluster = new CoreCluster(1, turnUnits: 1);
        cluster.UntilReady();
        var put = cluster.Leader.Send(Put(1, 1 << 20));
        cluster.Until(() => put.Stage == PendingStage.Answered, "it is applied");
        Assert.That(put.Answer.Outcome, Is.InstanceOf<PutDone>());
    }

    [Test]
    public void While_committed_entries_wait_a_member_is_not_ready_and_a_read_waits_for_them()
    {
        var cluster = new CoreCluster(1, turnUnits: 10 * UnitsOfAPut);
        cluster.UntilReady();
        var member = cluster.Leader;
        var puts = Enumerable.Range(0, 100).Select(i => member.Send(Put(i))).ToList();
        member.Turn(cluster.Now + 100);
        var read = member.Read();
        member.Turn(cluster.Now + 200);
        Assert.That((member.Core.Status.Ready, read.Answer.View), Is.EqualTo((false, (StateView?)null)));
        cluster.Until(() => read.Answer.View is not null, "the read is answered");
        Assert.That(read.Answer.View!.GetKey(Key.FromText("k99")), Is.Not.Null);
        Assert.That((member.Core.Status.Ready, puts.All(put => put.Stage == PendingStage.Answered)), Is.EqualTo((true, true)));
    }

    [Test]
    public void A_leader_expires_nothing_while_a_renewal_may_wait_to_be_applied()
    {
        var cluster = new CoreCluster(1, turnUnits: 10 * UnitsOfAPut);
        cluster.UntilReady();
        var member = cluster.Leader;
        var granted = member.Send(new GrantLeaseCommand(new LeaseId(7), 1_000_000));
        cluster.Until(() => granted.Stage == PendingStage.Answered, "the lease is granted");
        cluster.Run(900_000);
        Enumerable.Range(0, 400).ToList().ForEach(i => member.Send(Put(i)));
        var now = cluster.Now + 10_000;
        // Proposed before the renewal, which would pass them else.
        member.Turn(now);
        var renewal = member.Send(new RenewLeasesCommand([new LeaseId(7)]));
        while (renewal.Stage != PendingStage.Answered)
        {
            // The old deadline passes while the puts before the renewal are applied.
            member.Turn(now += 10_000);
        }
        Assert.That(now, Is.GreaterThan(cluster.Now + 100_000), "else the deadline had not come");
        Assert.That(Commands(member).OfType<ExpireCommand>(), Is.Empty);
        Assert.That(((LeasesRenewed)renewal.Answer.Outcome!).Renewals[0].TtlMicros, Is.EqualTo(1_000_000));
    }

    [Test]
    public void A_start_applies_what_its_log_knows_to_be_committed_before_the_first_turn()
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(Put(1)));
        var entries = Enumerable.Range(1, 200).Select(i => new Entry
        {
            Term = new Term(1),
            Index = new LogIndex(i),
            Kind = EntryKind.Command,
            Stamp = new ClusterTime(i),
            Request = new RequestId(new MemberId(1), 5, i),
            Payload = writer.ToArray(),
        }).ToList();
        var member = CoreMember.Recovered(3, entries, commit: 150, turnUnits: UnitsOfAPut);
        Assert.That(member.Core.AppliedIndex, Is.EqualTo(new LogIndex(150)));
        Assert.That(member.Core.View.GetKey(Key.FromText("k1"))!.Version, Is.EqualTo(150));
    }

    [Test]
    public void A_snapshot_that_fell_due_while_a_start_applied_is_asked_for_in_the_first_turns()
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(Put(1)));
        var entries = Enumerable.Range(1, 20_000).Select(i => new Entry
        {
            Term = new Term(1),
            Index = new LogIndex(i),
            Kind = EntryKind.Command,
            Stamp = new ClusterTime(i),
            Request = new RequestId(new MemberId(1), 5, i),
            Payload = writer.ToArray(),
        }).ToList();
        var member = CoreMember.Recovered(1, entries, commit: 20_000, turnUnits: 5_000);
        for (var turn = 1; turn < 4_000 && member.Snapshots.Count == 0; turn++)
        {
            member.Turn(turn * 1_000);
        }
        Assert.That(member.Snapshots, Has.Count.EqualTo(1));
    }

    private static long AppliedInOneTurn(Func<int, Command> command)
    {
        var cluster = new CoreCluster(1, turnUnits: 50 * UnitsOfAPut);
        cluster.UntilReady();
        var member = cluster.Leader;
        for (var i = 0; i < 200; i++)
        {
            member.Send(command(i));
        }
        member.Turn(cluster.Now + 100);
        var before = member.Core.AppliedIndex;
        member.Turn(cluster.Now + 200);
        return member.Core.AppliedIndex - before;
    }

    private static IEnumerable<Command> Commands(CoreMember member) => member.Persisted
        .SelectMany(request => request.Entries)
        .Where(entry => entry.Kind == EntryKind.Command)
        .Select(entry => CommandCodec.Read(entry.Payload).Command);
}
