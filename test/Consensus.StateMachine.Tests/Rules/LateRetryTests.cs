using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Retries whose first answer is no longer kept.</summary>
public sealed class LateRetryTests
{
    private const long Minute = 60_000_000;
    private const long Day = 24 * 60 * Minute;

    private static PutCommand Put(string key) => new(Machine.Key(key), default, LeaseId.None, KeyCondition.None);

    [Test]
    public void A_retry_whose_answer_was_dropped_for_room_is_told_so_and_has_no_second_effect()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1 });
        machine.Do(Put("a"), "1");
        machine.Pass(Minute);
        Assert.That(machine.Do(Put("b"), "2"), Is.InstanceOf<PutDone>(), "takes the place of the first");
        var revision = machine.State.Revision;

        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<RetryTooLate>());
        Assert.That(machine.Do(Put("a"), "1", fingerprint: 2), Is.InstanceOf<RetryTooLate>(), "what it asked for is forgotten too");
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
        Assert.That(machine.View.GetKey(Machine.Key("a"))?.Version, Is.EqualTo(1));
    }

    [Test]
    public void A_retry_after_a_day_is_too_late_and_after_two_its_key_is_as_new()
    {
        var machine = new Machine();
        machine.Do(Put("a"), "1");
        machine.Pass(Day);
        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<PutDone>(), "answered, at most a day old");
        Assert.That(machine.View.GetKey(Machine.Key("a"))?.Version, Is.EqualTo(1));
        machine.Pass(1);
        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<RetryTooLate>());
        machine.Pass(Day);
        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<RetryTooLate>(), "a day after it was dropped");
        machine.Pass(1);
        Assert.That(((PutDone)machine.Do(Put("a"), "1")).Version, Is.EqualTo(2));
        Assert.That(machine.View.Counts.ForgottenKeys, Is.Zero);
    }

    [Test]
    public void Forgotten_identities_are_bounded_in_number_and_in_bytes()
    {
        foreach (var limits in new Limits[] { new() { MaxForgottenKeys = 2 }, new() { MaxForgottenBytes = 2 * (160 + 1) } })
        {
            var machine = new Machine(limits with { MaxIdempotencyKeys = 1 });
            for (var i = 1; i <= 4; i++)
            {
                machine.Do(Put("k"), $"{i}");
                machine.Pass(Minute);
            }
            Assert.That(machine.View.Counts.ForgottenKeys, Is.EqualTo(2));
            Assert.That(machine.Do(Put("k"), "2"), Is.InstanceOf<RetryTooLate>());
            Assert.That(machine.Do(Put("k"), "3"), Is.InstanceOf<RetryTooLate>());
            Assert.That(machine.Do(Put("k"), "1"), Is.InstanceOf<PutDone>(), "the oldest goes first");
        }
    }

    [Test]
    public void A_snapshot_carries_what_was_forgotten()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1 });
        machine.Do(Put("a"), "1");
        machine.Pass(Minute);
        machine.Do(Put("b"), "2");
        var before = machine.Snapshot();
        machine.RestoreFromSnapshot();
        Assert.That(machine.Snapshot(), Is.EqualTo(before));
        Assert.That(machine.Do(Put("a"), "1"), Is.InstanceOf<RetryTooLate>());
        machine.Pass(Day + 1);
        Assert.That(((PutDone)machine.Do(Put("a"), "1")).Version, Is.EqualTo(2), "its age was restored too");
    }

    [Test]
    public void A_snapshot_that_says_kept_and_forgotten_of_one_identity_is_refused()
    {
        var machine = new Machine(new Limits { MaxIdempotencyKeys = 1 });
        machine.Do(Put("a"), "1");
        machine.Pass(Minute);
        machine.Do(Put("b"), "2");
        var buffer = SnapshotBuffer.Of(machine.View);
        var forgotten = buffer.Sections.FindIndex(s => s.Kind == 11);
        var body = buffer.Sections[forgotten].Body;
        body[Array.IndexOf(body, (byte)'1')] = (byte)'2';
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<WireFormatException>());
    }
}
