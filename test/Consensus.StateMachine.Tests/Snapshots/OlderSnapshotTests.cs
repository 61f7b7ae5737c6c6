using Consensus.StateMachine.Tests.Rules;
using Google.Protobuf;

namespace Consensus.StateMachine.Tests.Snapshots;

/// <summary>Snapshots of the time when all holds were exclusive, and a hold said whether its lease was its own.</summary>
public sealed class OlderSnapshotTests
{
    [Test]
    public void A_hold_is_read_with_its_own_lease()
    {
        var machine = new Machine();
        var hold = machine.Granted(Asks.Lock("l", "a", 5));
        var waiter = machine.Queued(Asks.Lock("l", "b", 6, 60 * Asks.Second));
        var buffer = SnapshotBuffer.Of(machine.View);
        var leases = V1.Snapshot.Leases.Parser.ParseFrom(Take(buffer, 2));
        var locks = V1.Snapshot.Objects.Parser.ParseFrom(Take(buffer, 4));
        var held = locks.Items.Single().Hold;
        (held.OwnsLease, held.Count) = (true, 0);
        leases.Items.Single().IsOwn = false;
        buffer.Sections.Insert(1, (2, leases.ToByteArray()));
        buffer.Sections.Insert(2, (4, locks.ToByteArray()));

        var restored = ReplicatedState.Restore(Limits.Default, buffer);

        Assert.That(SnapshotBuffer.Of(restored.TakeView()).Bytes(), Is.EqualTo(machine.Snapshot()), "and written anew as any other");
        Assert.That(restored.TakeView().GetObject(hold.Object).Holder, Is.EqualTo(machine.View.GetObject(hold.Object).Holder));
        Assert.That(machine.GrantOf(waiter), Is.Null);
    }

    private static byte[] Take(SnapshotBuffer buffer, int kind)
    {
        var at = buffer.Sections.FindIndex(s => s.Kind == kind);
        var body = buffer.Sections[at].Body;
        buffer.Sections.RemoveAt(at);
        return body;
    }
}
