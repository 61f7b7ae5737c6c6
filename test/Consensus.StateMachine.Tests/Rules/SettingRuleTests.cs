using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Snapshots;
using Consensus.StateMachine.Wire;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>The bounds that an operator may change: a part of the replicated state, and never of what a member was started with.</summary>
internal sealed class SettingRuleTests
{
    private const long MiB = 1 << 20;

    private static PutSettingCommand Set(Setting setting, long value) => new(setting, value);

    private static AnnounceMemberCommand Announce(long member, params SettingValue[] settings) =>
        new(new MemberId(member), $"n{member}", 1, "http://127.0.0.1:1", "127.0.0.1:2", "1", 0) { Settings = [.. settings] };

    /// <summary>What a member with these bounds brings to a new cluster.</summary>
    private static SettingValue[] All(Limits limits) => [.. SettingDefinition.All.Select(definition => new SettingValue(definition.Setting, definition.ValueIn(limits)))];

    private static PutCommand Put(string key, int bytes) => new(Machine.Key(key), new byte[bytes], LeaseId.None, KeyCondition.None);

    /// <summary>So many locks under one lease.</summary>
    private static void Hold(Machine machine, int count)
    {
        machine.Do(new GrantLeaseCommand(new LeaseId(1), 600 * Second));
        foreach (var names in Enumerable.Range(0, count).Select(i => $"l{i}").Chunk(128))
        {
            var ask = Many("me", 0, names) with { SharedLease = new LeaseId(1) };
            Assert.That(machine.Do(ask), Is.InstanceOf<ManyGranted>());
        }
    }

    [Test]
    public void Every_setting_has_a_name_of_its_own_and_a_default_within_its_range()
    {
        Assert.That(SettingDefinition.All.Select(definition => definition.Setting), Is.EqualTo(Enum.GetValues<Setting>()));
        Assert.That(SettingDefinition.All.Select(definition => definition.Name), Is.Unique);
        foreach (var definition in SettingDefinition.All)
        {
            Assert.That(definition.Takes(definition.Default), Is.True, definition.Name);
            var changed = definition.In(Limits.Default, definition.Most);
            Assert.That(SettingDefinition.All.Where(other => other.ValueIn(changed) != other.Default).ToList(), Is.EqualTo(new[] { definition }));
            Assert.That(definition.ValueIn(changed), Is.EqualTo(definition.Most));
        }
    }

    [Test]
    public void A_value_outside_the_range_is_refused_and_its_ends_are_taken()
    {
        var machine = new Machine();
        foreach (var definition in SettingDefinition.All)
        {
            foreach (var outside in (long[])[definition.Least - 1, definition.Most + 1])
            {
                Assert.That(machine.Do(Set(definition.Setting, outside)), Is.EqualTo(new SettingOutOfRange(machine.State.Revision, definition.Setting)));
            }
            Assert.That(definition.ValueIn(machine.State.Limits), Is.EqualTo(definition.Default), "nothing was done");
            foreach (var end in (long[])[definition.Least, definition.Most])
            {
                Assert.That(machine.Do(Set(definition.Setting, end)), Is.EqualTo(new SettingPut(machine.State.Revision, definition.Setting, end)));
                Assert.That((definition.ValueIn(machine.State.Limits), definition.ValueIn(machine.View.Limits)), Is.EqualTo((end, end)));
            }
        }
    }

    [Test]
    public void What_is_judged_after_it_in_the_log_is_judged_by_it()
    {
        var machine = new Machine(new Limits { MaxObjects = 1, MaxStateBytes = 2_000 });
        machine.Granted(Lock("a", "me", 1));
        Assert.That(machine.Do(Lock("b", "me", 2)), Is.InstanceOf<BoundReached>());
        Assert.That(machine.Do(Put("k", 2_000)), Is.InstanceOf<QuotaExceeded>());
        machine.Do(Set(Setting.MaxObjects, 1_000));
        machine.Do(Set(Setting.QuotaBytes, 256 * MiB));
        Assert.That(machine.Do(Lock("b", "me", 2)), Is.InstanceOf<HoldGranted>());
        Assert.That(machine.Do(Put("k", 2_000)), Is.InstanceOf<PutDone>());
        Assert.That(machine.State.Counts.QuotaBytes, Is.EqualTo(256 * MiB));
    }

    [Test]
    public void A_bound_below_what_is_used_refuses_what_comes_and_drops_nothing()
    {
        var machine = new Machine();
        Hold(machine, 1_100);
        machine.Do(Set(Setting.MaxObjects, 1_000));
        var refused = (BoundReached)machine.Do(Lock("one more", "me", 9));
        Assert.That((refused.Bound, refused.Limit), Is.EqualTo((BoundKind.Locks, 1_000L)));
        Assert.That(machine.State.Counts.HoldsInUse, Is.EqualTo(1_100));
        Assert.That(machine.Do(new ReleaseHoldCommand(Machine.Key("l0"), FencingToken.None, Force: true)), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Do(Lock("one more", "me", 9)), Is.InstanceOf<BoundReached>(), "there are still more");
        Assert.That(machine.Do(Lock("l1", "you", 9, wait: Second)), Is.InstanceOf<HoldQueued>(), "that adds no lock");
    }

    [Test]
    public void A_shorter_history_is_cut_to_little_by_little()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 5 });
        for (var i = 0; i < 21; i++)
        {
            machine.Do(Put("k", (int)MiB));
        }
        machine.Do(Set(Setting.HistoryBytes, 8 * MiB));
        Assert.That(machine.State.Counts.Changes, Is.EqualTo(16), "no entry forgets more than one may");
        machine.Do(new ExpireCommand());
        machine.Do(new ExpireCommand());
        Assert.That(machine.State.Counts.HistoryBytes, Is.LessThanOrEqualTo(8 * MiB));
        Assert.That(machine.View.GetKey(Machine.Key("k"))!.Value.Length, Is.EqualTo(MiB));
    }

    [Test]
    public void The_first_announcement_of_a_cluster_brings_its_settings_and_no_later_one_does()
    {
        var machine = new Machine();
        machine.Do(Announce(1, All(new Limits { MaxObjects = 3, MaxStateBytes = 5_000 })));
        machine.Do(Announce(2, All(new Limits { MaxObjects = 7, MaxStateBytes = 9_000 })));
        Assert.That((machine.State.Limits.MaxObjects, machine.State.Limits.MaxStateBytes), Is.EqualTo((3L, 5_000L)));
        machine.Do(Set(Setting.MaxObjects, 2_000));
        machine.Do(Announce(1, All(new Limits { MaxObjects = 3 })));
        Assert.That(machine.State.Limits.MaxObjects, Is.EqualTo(2_000));
    }

    [Test]
    public void What_was_set_before_the_first_announcement_stays_and_all_others_come_with_it()
    {
        var machine = new Machine();
        machine.Do(Set(Setting.MaxLeases, 5_000));
        machine.Do(Announce(1, All(Limits.Default with { MaxLeases = 7_000, MaxFences = 8_000 })));
        Assert.That((machine.View.Limits.MaxLeases, machine.View.Limits.MaxFences), Is.EqualTo((5_000, 8_000)));
        Assert.That(machine.View.Tables.Settings.Count, Is.EqualTo(SettingDefinition.All.Length));
    }

    [Test]
    public void Members_with_different_bounds_of_their_own_judge_alike()
    {
        Machine[] members = [new Machine(new Limits { MaxObjects = 1, MaxStateBytes = 1_000, MaxHistoryBytes = 500 }), new Machine()];
        var outcomes = members.Select(member =>
        {
            member.Do(Announce(1, All(new Limits { MaxObjects = 2, MaxStateBytes = 5_000, MaxHistoryBytes = 1_000 })));
            Command[] commands = [Lock("a", "me", 1), Lock("b", "me", 2), Lock("c", "me", 3), Put("k", 500), Put("k", 600), Put("k", 3_000), Put("k", 20_000)];
            return commands.Select(command => member.Do(command).GetType()).ToList();
        }).ToList();
        Assert.That(outcomes[0], Is.EqualTo(outcomes[1]));
        Assert.That(outcomes[0], Does.Contain(typeof(BoundReached)).And.Contain(typeof(QuotaExceeded)));
        Assert.That(members[0].State.Hash, Is.EqualTo(members[1].State.Hash));
        Assert.That(members[0].State.Counts, Is.EqualTo(members[1].State.Counts));
    }

    [Test]
    public void A_snapshot_carries_the_settings_to_whoever_restores_it()
    {
        var machine = new Machine();
        machine.Do(Announce(1, All(Limits.Default)));
        machine.Do(Set(Setting.QuotaBytes, 300 * MiB));
        var restored = ReplicatedState.Restore(new Limits { MaxStateBytes = 1, MaxObjects = 1 }, SnapshotBuffer.Of(machine.View));
        restored.Verify();
        Assert.That((restored.Limits.MaxStateBytes, restored.Limits.MaxObjects), Is.EqualTo((300 * MiB, Limits.Default.MaxObjects)));
        Assert.That(restored.Hash, Is.EqualTo(machine.State.Hash));
    }

    [Test]
    public void A_backup_that_becomes_a_new_cluster_keeps_them()
    {
        var machine = new Machine();
        machine.Do(Announce(1, All(Limits.Default)));
        machine.Do(Set(Setting.QuotaBytes, 300 * MiB));
        machine.State.BeginNewCluster(unixSeconds: 1_000_000);
        machine.RestoreFromSnapshot();
        machine.Do(Announce(2, All(Limits.Default)));
        Assert.That(machine.State.Limits.MaxStateBytes, Is.EqualTo(300 * MiB));
    }

    [Test]
    public void The_hash_of_a_state_tells_its_settings()
    {
        var (one, other) = (new Machine(), new Machine());
        one.Do(Announce(1, All(Limits.Default)));
        other.Do(Announce(1, All(Limits.Default)));
        Assert.That(one.View.Digest, Is.EqualTo(other.View.Digest));
        other.Do(Set(Setting.MaxFences, 1_000));
        one.Do(Set(Setting.MaxFences, 1_001));
        Assert.That(one.View.Digest, Is.Not.EqualTo(other.View.Digest));
    }

    [Test]
    public void A_retry_is_told_what_the_first_attempt_was_and_changes_nothing()
    {
        var machine = new Machine();
        var first = machine.Do(Set(Setting.MaxLeases, 5_000), "id");
        machine.Do(Set(Setting.MaxLeases, 6_000));
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Set(Setting.MaxLeases, 5_000), "id"), Is.EqualTo(first));
        Assert.That(machine.State.Limits.MaxLeases, Is.EqualTo(6_000));
        var refused = machine.Do(Set(Setting.MaxLeases, 1), "no");
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Set(Setting.MaxLeases, 1), "no"), Is.EqualTo(refused).And.InstanceOf<SettingOutOfRange>());
    }

    [TestCase(0)]
    [TestCase(99)]
    public void A_setting_that_this_version_does_not_know_stops_whoever_applies_it(long number)
    {
        Assert.That(() => CommandCodec.Read(Encode(38, writer => writer.Int64(1, number))), Throws.TypeOf<WireFormatException>());
        Assert.That(
            () => CommandCodec.Read(Encode(29, writer =>
            {
                var start = writer.BeginMessage(8);
                writer.Int64(1, number);
                writer.EndMessage(start);
            })),
            Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void A_snapshot_with_a_setting_that_this_version_does_not_know_is_refused()
    {
        var machine = new Machine();
        machine.Do(Set(Setting.MaxLeases, 5_000));
        var buffer = SnapshotBuffer.Of(machine.View);
        var at = buffer.Sections.FindIndex(section => section.Kind == SectionKind.Settings);
        var writer = new WireWriter();
        var start = writer.BeginMessage(1);
        writer.Int64(1, 99);
        writer.Int64(2, 5_000);
        writer.EndMessage(start);
        buffer.Sections[at] = (SectionKind.Settings, writer.ToArray());
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<WireFormatException>().With.Message.Contains("99"));
    }

    private static byte[] Encode(int field, Action<WireWriter> body)
    {
        var writer = new WireWriter();
        var start = writer.BeginMessage(field);
        body(writer);
        writer.EndMessage(start);
        return writer.ToArray();
    }
}
