using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tests.Rules;
using Google.Protobuf;

namespace Consensus.StateMachine.Tests.Snapshots;

/// <summary>A snapshot's counts tell what is missing; only its digest tells what is another.</summary>
public sealed class DigestTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Fill()
    {
        _machine = new Machine();
        _machine.Do(new PutCommand(Machine.Key("k"), "value"u8.ToArray(), LeaseId.None, KeyCondition.None));
        _machine.Granted(Asks.Lock("l", "a", 5));
        _machine.Queued(Asks.Lock("l", "b", 6, 60 * Asks.Second));
        _machine.Do(new GrantLeaseCommand(new LeaseId(9), 60 * Asks.Second) { IsSession = true });
        _machine.Do(new DeleteCommand(Machine.Key("none"), KeyCondition.None), session: new SessionRequest(new LeaseId(9), 1, 0));
        _machine.Do(Asks.Release(_machine.Granted(Asks.Lock("z", "a", 0, ttl: 0) with { SharedLease = new LeaseId(9) })));
    }

    [TestCase(2, "a lease")]
    [TestCase(3, "a key")]
    [TestCase(4, "an object with its hold")]
    [TestCase(5, "a waiter")]
    [TestCase(14, "a session")]
    [TestCase(17, "an answer of a session")]
    [TestCase(18, "what ended under a session")]
    public void A_snapshot_with_one_number_or_letter_changed_is_refused(int kind, string what)
    {
        var buffer = SnapshotBuffer.Of(_machine.View);
        var at = buffer.Sections.FindIndex(section => section.Kind == kind);
        buffer.Sections[at] = (kind, Changed(kind, buffer.Sections[at].Body));

        Assert.That(
            () => ReplicatedState.Restore(Limits.Default, buffer),
            Throws.InstanceOf<WireFormatException>().With.Message.EqualTo("a snapshot that has not what its writer had"),
            what);
    }

    [Test]
    public void A_state_that_was_restored_has_the_hash_of_the_one_that_was_saved()
    {
        var restored = ReplicatedState.Restore(Limits.Default, SnapshotBuffer.Of(_machine.View));

        Assert.That(restored.Hash, Is.EqualTo(_machine.State.Hash));
        Assert.That(restored.TakeView().Hash, Is.EqualTo(_machine.View.Hash));
    }

    private static byte[] Changed(int kind, byte[] body)
    {
        switch (kind)
        {
            case 2:
                var leases = V1.Snapshot.Leases.Parser.ParseFrom(body);
                leases.Items[0].TtlMicros++;
                return leases.ToByteArray();
            case 3:
                var keys = V1.Snapshot.Keys.Parser.ParseFrom(body);
                keys.Items[0].Value = ByteString.CopyFrom("other"u8);
                return keys.ToByteArray();
            case 4:
                var objects = V1.Snapshot.Objects.Parser.ParseFrom(body);
                objects.Items[0].Hold.Owner = "c";
                return objects.ToByteArray();
            case 14:
                var sessions = V1.Snapshot.Sessions.Parser.ParseFrom(body);
                sessions.Items[0].Highest++;
                return sessions.ToByteArray();
            case 17:
                var answers = V1.Snapshot.SessionAnswers.Parser.ParseFrom(body);
                answers.Items[0].Nothing.Revision++;
                return answers.ToByteArray();
            case 18:
                var ends = V1.Snapshot.SessionEnds.Parser.ParseFrom(body);
                ends.Items[0].Reason++;
                return ends.ToByteArray();
            default:
                var waiters = V1.Snapshot.Waiters.Parser.ParseFrom(body);
                waiters.Items[0].WaitDeadlineMicros++;
                return waiters.ToByteArray();
        }
    }
}
