using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>The past, changes and compaction, one sentence each.</summary>
public sealed class HistoryRuleTests
{
    private static readonly Key A = Machine.Key("a");

    private static PutCommand Put(string key, int bytes = 1, long lease = 0) =>
        new(Machine.Key(key), new byte[bytes], new LeaseId(lease), KeyCondition.None);

    private static Revision? Due(Machine machine) => machine.State.CompactionDue(machine.Now, out _);

    [Test]
    public void A_change_tells_what_was_and_what_became_and_shares_it_with_the_keys()
    {
        var machine = new Machine();
        machine.Do(Put("a", bytes: 3));
        machine.Do(Put("a", bytes: 5));
        machine.Do(new DeleteCommand(A, KeyCondition.None));
        var changes = machine.View.ChangesFrom(new Revision(1)).Cast<KeyChange>().ToList();
        Assert.That(changes.Select(c => (c.Revision.Value, c.Before?.Value.Length, c.After?.Value.Length)), Is.EqualTo(new (long, int?, int?)[] { (2, null, 3), (3, 3, 5), (4, 5, null) }));
        Assert.That(changes[1].Before, Is.SameAs(changes[0].After));
        Assert.That(machine.View.GetKeyAt(A, new Revision(3)), Is.SameAs(changes[1].After));
    }

    [Test]
    public void A_restored_history_shares_its_values_as_the_original_did()
    {
        var machine = new Machine();
        machine.Do(Put("a"));
        machine.Do(Put("a"));
        machine.Do(Put("b"));
        machine.RestoreFromSnapshot();
        var changes = machine.View.ChangesFrom(new Revision(1)).Cast<KeyChange>().ToList();
        Assert.That(changes[1].Before, Is.SameAs(changes[0].After));
        Assert.That(changes[1].After, Is.SameAs(machine.View.GetKey(A)));
        Assert.That(changes[2].After, Is.SameAs(machine.View.GetKey(Machine.Key("b"))));
    }

    [Test]
    public void The_end_of_a_lease_is_one_revision_of_changes()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(5), 1_000_000));
        machine.Do(Put("b", lease: 5));
        machine.Do(Put("a", lease: 5));
        machine.Pass(1_000_000);
        machine.Do(new ExpireCommand());
        var changes = machine.View.ChangesFrom(new Revision(4)).Cast<KeyChange>().ToList();
        Assert.That(changes.Select(c => (c.Revision.Value, c.Key.ToString(), c.After)), Is.EqualTo(new[] { (4L, "a", default(KeyRecord)), (4L, "b", null) }));
        Assert.That(machine.View.ListKeysAt(default, null, new Revision(3)).Select(k => k.Key.ToString()), Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void History_is_due_once_it_is_old_and_enough_or_overdue()
    {
        var machine = new Machine(new Limits { HistoryKeepMicros = 10_000_000 });
        machine.Do(Put("a"));
        machine.Do(Put("a"));
        machine.Pass(10_500_000);
        Assert.That(Due(machine), Is.Null, "two changes are worth no entry yet");
        machine.Pass(500_000);
        Assert.That(Due(machine), Is.EqualTo(new Revision(3)));
        for (var i = 0; i < 600; i++)
        {
            machine.Do(Put("a"));
        }
        machine.Do(new CompactCommand(Due(machine)!.Value));
        Assert.That(Due(machine), Is.Null);
        machine.Pass(10_000_000);
        Assert.That(Due(machine), Is.EqualTo(machine.State.Revision));
        machine.Do(new CompactCommand(Due(machine)!.Value));
        Assert.That((Due(machine), machine.View.Counts.Changes, machine.View.Counts.HistoryBytes), Is.EqualTo((default(Revision?), 0L, 0L)));
    }

    [Test]
    public void Each_entry_forgets_what_its_changes_push_beyond_the_bound_of_the_history()
    {
        const int Bound = 64_000, Change = 10_201;
        var machine = new Machine(new Limits { MaxHistoryBytes = Bound });
        for (var i = 0; i < 30; i++)
        {
            machine.Do(Put("a", bytes: 10_000));
            Assert.That(machine.View.Counts.HistoryBytes, Is.AtMost(Bound), $"put {i}");
        }
        Assert.That(machine.View.Counts.HistoryBytes, Is.GreaterThan(Bound - Change), "no more than it must");
        Assert.That(machine.View.ChangesFrom(machine.View.CompactRevision.Next).Count(), Is.EqualTo(Bound / Change));
        Assert.That(Due(machine), Is.Null);
    }

    [Test]
    public void What_an_entry_changed_itself_is_kept_until_the_next_one_however_large()
    {
        var machine = new Machine(new Limits { MaxHistoryBytes = 5_000 });
        foreach (var key in new[] { "a", "b", "c" })
        {
            machine.Do(Put(key, bytes: 10_000));
        }
        machine.Do(new DeletePrefixCommand(default));
        Assert.That((machine.View.CompactRevision.Next, machine.View.Counts.Changes), Is.EqualTo((machine.State.Revision, 3L)));
        machine.Do(Put("a"));
        Assert.That((machine.View.CompactRevision.Next, machine.View.Counts.Changes), Is.EqualTo((machine.State.Revision, 1L)));
    }

    [Test]
    public void One_entry_forgets_a_step_and_those_after_it_the_rest()
    {
        var machine = new Machine(new Limits { MaxHistoryBytes = 3_000, MaxObjectsPerStep = 5 });
        for (var i = 0; i < 14; i++)
        {
            machine.Do(Put("a", bytes: i == 13 ? 3_000 : 1));
        }
        machine.Do(Put("a", bytes: 1));
        Assert.That(machine.View.Counts.HistoryBytes, Is.GreaterThan(3_000));
        Assert.That(machine.View.Counts.Changes, Is.EqualTo(15 - 5));
        var upTo = Due(machine);
        Assert.That(upTo, Is.Not.Null);
        machine.Do(new CompactCommand(upTo!.Value));
        Assert.That(machine.View.Counts.HistoryBytes, Is.AtMost(3_000), "it is an entry after it, too");
    }

    [Test]
    public void Compaction_takes_as_much_as_one_command_may_touch_and_never_a_part_of_a_revision()
    {
        var machine = new Machine(new Limits { MaxObjectsPerCommand = 5 });
        foreach (var key in new[] { "a", "b", "c" })
        {
            machine.Do(Put(key));
        }
        machine.Do(new DeletePrefixCommand(default));
        Assert.That(machine.Do(new CompactCommand(new Revision(5))), Is.InstanceOf<Noted>());
        Assert.That((machine.View.CompactRevision.Value, machine.View.Counts.Changes), Is.EqualTo((4L, 3L)));
        machine.Do(new CompactCommand(new Revision(3)));
        Assert.That(machine.View.CompactRevision.Value, Is.EqualTo(4), "it never goes back");
        machine.Do(new CompactCommand(new Revision(long.MaxValue)));
        Assert.That((machine.View.CompactRevision, machine.View.Counts.Changes), Is.EqualTo((machine.State.Revision, 0L)));
        machine.Do(Put("a"));
        Assert.That(machine.View.ChangesFrom(new Revision(6)).Single().Revision.Value, Is.EqualTo(6));
    }

    [Test]
    public void A_revision_larger_than_one_command_may_touch_is_forgotten_whole()
    {
        var machine = new Machine(new Limits { MaxObjectsPerCommand = 2 });
        machine.Do(new GrantLeaseCommand(new LeaseId(5), 1_000_000));
        foreach (var key in new[] { "a", "b", "c" })
        {
            machine.Do(Put(key, lease: 5));
        }
        machine.Do(new RevokeLeaseCommand(new LeaseId(5)));
        machine.Do(new CompactCommand(machine.State.Revision));
        machine.Do(new CompactCommand(machine.State.Revision));
        Assert.That((machine.View.CompactRevision.Value, machine.View.Counts.Changes), Is.EqualTo((4L, 3L)));
        machine.Do(new CompactCommand(machine.State.Revision));
        Assert.That((machine.View.CompactRevision.Value, machine.View.Counts.Changes), Is.EqualTo((5L, 0L)));
    }

    [Test]
    public void What_is_forgotten_cannot_be_asked()
    {
        var machine = new Machine();
        machine.Do(Put("a"));
        machine.Do(Put("a"));
        machine.Do(new CompactCommand(new Revision(2)));
        var view = machine.View;
        Assert.That(view.GetKeyAt(A, new Revision(2))!.Version, Is.EqualTo(1), "right after the last forgotten revision is known");
        Assert.That(() => view.GetKeyAt(A, new Revision(1)), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => view.ListKeysAt(default, null, new Revision(4)), Throws.TypeOf<InvariantViolationException>(), "the future is not known");
        Assert.That(() => view.ChangesFrom(new Revision(2)), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void A_history_that_does_not_lead_to_the_keys_is_refused()
    {
        var machine = new Machine();
        machine.Do(Put("a"));
        machine.Do(Put("a"));
        var buffer = SnapshotBuffer.Of(machine.View);
        var at = buffer.Sections.FindIndex(s => s.Kind == 8);
        var history = V1.Snapshot.History.Parser.ParseFrom(buffer.Sections[at].Body);
        history.Items[1].Before.ModRevision = 1;
        buffer.Sections[at] = (8, Google.Protobuf.MessageExtensions.ToByteArray(history));
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void Changes_of_elections_stand_among_the_others_and_survive_a_snapshot()
    {
        var machine = new Machine();
        machine.Do(Put("a"));
        var leader = machine.Granted(Asks.Election("e", "o", 7, [2, 3]) with { LockDelayMicros = 12, MaxHoldMicros = 11, Metadata = new byte[] { 1 } });
        machine.Do(Asks.Release(leader));
        var bytes = machine.Snapshot();
        machine.RestoreFromSnapshot();
        Assert.That(machine.Snapshot(), Is.EqualTo(bytes));
        var changes = machine.View.ChangesFrom(new Revision(1)).ToList();
        Assert.That(changes.Select(c => (c.GetType().Name, c.Revision.Value)), Is.EqualTo(new[] { ("KeyChange", 2L), ("ElectionChange", 3L), ("ElectionChange", 4L) }));
        var restored = ((ElectionChange)changes[1]).Leader!;
        Assert.That(restored with { Metadata = leader.Metadata, Value = leader.Value }, Is.EqualTo(leader));
        Assert.That((restored.Metadata.ToArray(), restored.Value.ToArray()), Is.EqualTo((leader.Metadata.ToArray(), leader.Value.ToArray())));
        Assert.That(((ElectionChange)changes[2]).Leader, Is.Null);
    }

    [Test]
    public void Every_change_of_leader_and_of_value_is_told_and_nothing_else_of_holds()
    {
        var machine = new Machine();
        machine.Granted(Asks.Lock("e", "lock", 1));
        machine.Granted(Asks.Semaphore("e", "semaphore", 2, 1, 1));
        var first = machine.Granted(Asks.Election("e", "a", 3, [1]));
        machine.Queued(Asks.Election("e", "b", 4, [2], wait: 600 * Asks.Second));
        machine.Do(Asks.Renew(first));
        machine.Do(Asks.Renew(first) with { Value = new byte[] { 9 } });
        var second = ((HandedOver)machine.Do(Asks.HandOver(first, "b"))).Hold;
        machine.Queued(Asks.Election("e", "c", 5, [3], wait: 600 * Asks.Second));
        machine.Do(new RevokeLeaseCommand(second.Lease));
        machine.Do(new ReleaseHoldCommand(Machine.Key("e"), FencingToken.None, Force: true) { Space = HoldSpace.Election });
        var told = machine.View.ChangesFrom(new Revision(1)).Cast<ElectionChange>().Select(c => (c.Revision.Value - first.Token.Value, c.Leader?.Owner, c.Leader?.Value.Span[0]));
        Assert.That(told, Is.EqualTo(new (long, string?, byte?)[]
        {
            (0, "a", 1), (1, "a", 9), (2, null, null), (3, "b", 2), (4, null, null), (5, "c", 3), (6, null, null),
        }));
    }
}
