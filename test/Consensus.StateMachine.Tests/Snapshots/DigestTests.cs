using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tests.Policies;
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
        _machine.Allow("ann", Policing.All("a"));
        _machine.Change(new PutRevocationCommand(new Key(new byte[32]), ""));
        _machine.Change(new PutTokenCommand("abcdefghijk", new Key(new byte[32]), "ann", 4, 5));
        _machine.Do(Asks.Release(_machine.Granted(Asks.Lock("z", "a", 0, ttl: 0) with { SharedLease = new LeaseId(9) })));
        _machine.Enable();
    }

    [TestCase(2, "a lease")]
    [TestCase(3, "a key")]
    [TestCase(4, "an object with its hold")]
    [TestCase(5, "a waiter")]
    [TestCase(14, "a session")]
    [TestCase(17, "an answer of a session")]
    [TestCase(18, "what ended under a session")]
    [TestCase(20, "a role")]
    [TestCase(21, "a principal")]
    [TestCase(22, "a revocation")]
    [TestCase(23, "who is judged next")]
    [TestCase(24, "a token")]
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

    [TestCase("what is judged", "a snapshot that has not what its writer had")]
    [TestCase("how often it changed", "a snapshot that has not what its writer had")]
    [TestCase("a role", "a principal twice, or with a role that there is not")]
    [TestCase("a principal", "a snapshot with sections missing")]
    [TestCase("a lease's principal", "a snapshot that has not what its writer had")]
    [TestCase("a hold's principal", "a snapshot that has not what its writer had")]
    [TestCase("a waiter's credential", "a snapshot that has not what its writer had")]
    public void A_snapshot_in_which_who_may_do_what_is_missing_or_another_is_refused(string what, string message)
    {
        var buffer = SnapshotBuffer.Of(_machine.View);
        void Change(int kind, Func<byte[], byte[]> change)
        {
            var at = buffer.Sections.FindIndex(section => section.Kind == kind);
            buffer.Sections[at] = (kind, change(buffer.Sections[at].Body));
        }
        V1.Snapshot.Meta Meta(byte[] body) => V1.Snapshot.Meta.Parser.ParseFrom(body);
        switch (what)
        {
            case "what is judged":
                Change(1, body => new V1.Snapshot.Meta(Meta(body)) { AuthEnabled = false }.ToByteArray());
                break;
            case "how often it changed":
                Change(1, body => new V1.Snapshot.Meta(Meta(body)) { PolicyRevision = 2 }.ToByteArray());
                break;
            case "a role":
                buffer.Sections.RemoveAll(section => section.Kind == 20);
                break;
            case "a principal":
                buffer.Sections.RemoveAll(section => section.Kind == 21);
                break;
            case "a lease's principal":
                Change(2, body =>
                {
                    var leases = V1.Snapshot.Leases.Parser.ParseFrom(body);
                    leases.Items[0].Principal = "eve";
                    return leases.ToByteArray();
                });
                break;
            case "a hold's principal":
                Change(4, body =>
                {
                    var objects = V1.Snapshot.Objects.Parser.ParseFrom(body);
                    objects.Items[0].Hold.Principal = "eve";
                    return objects.ToByteArray();
                });
                break;
            default:
                Change(5, body =>
                {
                    var waiters = V1.Snapshot.Waiters.Parser.ParseFrom(body);
                    waiters.Items[0].Credential = "t:2";
                    return waiters.ToByteArray();
                });
                break;
        }
        Assert.That(
            () => ReplicatedState.Restore(Limits.Default, buffer), Throws.InstanceOf<WireFormatException>().With.Message.EqualTo(message));
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
            case 20:
                var roles = V1.Snapshot.Roles.Parser.ParseFrom(body);
                roles.Items[0].Rules[0].IsPrefix = false;
                return roles.ToByteArray();
            case 21:
                var principals = V1.Snapshot.Principals.Parser.ParseFrom(body);
                principals.Items[0].IsDisabled = true;
                return principals.ToByteArray();
            case 22:
                var revocations = V1.Snapshot.Revocations.Parser.ParseFrom(body);
                revocations.Items[0].Fingerprint = ByteString.CopyFrom(Enumerable.Repeat((byte)1, 32).ToArray());
                return revocations.ToByteArray();
            case 23:
                var sweeps = V1.Snapshot.Sweeps.Parser.ParseFrom(body);
                sweeps.Items[0].Sequence++;
                return sweeps.ToByteArray();
            case 24:
                var tokens = V1.Snapshot.Tokens.Parser.ParseFrom(body);
                tokens.Items[0].NotAfter++;
                return tokens.ToByteArray();
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
