using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tests.Rules;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Snapshots;

/// <summary>What checksums cannot see: a whole snapshot that says what cannot be.</summary>
public sealed class DamagedSnapshotTests
{
    /// <summary>Something in every section.</summary>
    private static Machine Busy()
    {
        var machine = new Machine(Limits.Default with { MaxIdempotencyKeys = 1, IdempotencyKeepMicros = 1, MaxRememberedTokens = 1 });
        machine.Do(new AnnounceMemberCommand(new MemberId(1), "n1", 1, "http://n1", "n1:1", "1", 0) { Settings = [new SettingValue(Setting.MaxLeases, 5_000)] });
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second));
        var held = machine.Granted(Lock("l", "a", 1));
        machine.Queued(Lock("l", "b", 2, 600 * Second), "waits");
        machine.Granted(Shared("s", "a", 3));
        machine.Do(Release(machine.Granted(Lock("r", "a", 4))));
        machine.Do(Release(machine.Granted(Lock("r", "a", 4))));
        machine.Do(new NoteLeaderlessCommand(machine.Now, Second));
        machine.Do(new FenceCommand(Machine.Key("f"), held.Token));
        machine.Do(new DeleteCommand(Machine.Key("none"), KeyCondition.None), "brief");
        machine.Do(new PutCommand(Machine.Key("k"), new byte[] { 1 }, new LeaseId(90), KeyCondition.None), "dropped");
        machine.Do(new GrantLeaseCommand(new LeaseId(91), 60 * Second) { IsSession = true });
        machine.Do(new DeleteCommand(Machine.Key("none"), KeyCondition.None), session: new SessionRequest(new LeaseId(91), 1, 0));
        machine.Do(Release(machine.Granted(Lock("e", "a", 0, ttl: 0) with { SharedLease = new LeaseId(91) })));
        machine.Pass(Second);
        machine.Do(new PutCommand(Machine.Key("k"), new byte[] { 2 }, new LeaseId(90), KeyCondition.None), "kept");
        return machine;
    }

    [Test]
    public void Anything_that_is_said_twice_is_refused([Range(1, 18)] int kind)
    {
        var buffer = SnapshotBuffer.Of(Busy().View);
        ReplicatedState.Restore(Limits.Default, SnapshotBuffer.Of(Busy().View)).Verify();
        var at = buffer.Sections.FindIndex(section => section.Kind == kind);
        buffer.Sections.Insert(at + 1, buffer.Sections[at]);
        Assert.That(() => ReplicatedState.Restore(Limits.Default, buffer), Throws.TypeOf<WireFormatException>());
    }
}
