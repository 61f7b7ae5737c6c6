using System.Text;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class ElectionTests
{
    private static readonly byte[] One = Encoding.UTF8.GetBytes("http://one");
    private static readonly byte[] Two = Encoding.UTF8.GetBytes("http://two");

    [Test]
    public void The_leaders_value_is_kept_with_its_hold()
    {
        var machine = new Machine();
        var leader = machine.Granted(Election("e", "one", 1, One));
        var next = machine.Queued(Election("e", "two", 2, Two, 60 * Second));
        Assert.That(machine.Look(leader).Holder!.Value.ToArray(), Is.EqualTo(One));
        Assert.That(machine.Do(Election("e", "three", 3, Two) with { Mode = LockMode.Shared }), Is.InstanceOf<HoldRefused>(), "an election knows no modes");
        machine.Do(Release(leader));
        Assert.That(machine.GrantOf(next)!.Value.ToArray(), Is.EqualTo(Two));
    }

    [Test]
    public void Another_value_takes_a_revision_and_the_same_or_none_does_not()
    {
        var machine = new Machine();
        var leader = machine.Granted(Election("e", "one", 1, One));
        var revision = machine.State.Revision;
        machine.Do(Renew(leader));
        machine.Do(Renew(leader) with { Value = One });
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
        Assert.That(machine.Look(leader).Holder!.Value.ToArray(), Is.EqualTo(One), "a renewal without a value leaves it");
        var renewed = (HoldRenewed)machine.Do(Renew(leader) with { Value = Two });
        Assert.That((renewed.Revision, renewed.Hold.Token), Is.EqualTo((revision.Next, leader.Token)));
        Assert.That(machine.Look(leader).Holder!.Value.ToArray(), Is.EqualTo(Two));
        machine.Do(Renew(leader) with { Value = ReadOnlyMemory<byte>.Empty });
        Assert.That(machine.Look(leader).Holder!.Value.Length, Is.Zero);
    }

    [Test]
    public void A_value_proclaimed_to_a_retry_is_not_proclaimed_again()
    {
        var machine = new Machine();
        var leader = machine.Granted(Election("e", "one", 1, default!));
        var first = (HoldRenewed)machine.Do(Renew(leader) with { Value = One }, "k");
        machine.Do(Renew(leader) with { Value = Two });
        var again = (HoldRenewed)machine.Do(Renew(leader) with { Value = One }, "k");
        Assert.That(again.Revision, Is.EqualTo(first.Revision));
        Assert.That(machine.Look(leader).Holder!.Value.ToArray(), Is.EqualTo(Two), "the newer value stands");
        machine.Do(Release(leader, force: true));
        Assert.That(((ReplayedHoldGone)machine.Do(Renew(leader) with { Value = One }, "k")).Loss!.Reason, Is.EqualTo(LossReason.Forced));
    }

    [Test]
    public void Values_and_metadata_are_bounded_and_counted()
    {
        var machine = new Machine(new Limits { MaxMetadataBytes = 10 });
        Assert.That(machine.Do(Election("e", "one", 1, new byte[11])), Is.InstanceOf<QuotaExceeded>());
        Assert.That(machine.Do(Lock("l", "one", 1) with { Metadata = new byte[11] }), Is.InstanceOf<QuotaExceeded>());
        Assert.That(machine.State.Counts.StateBytes, Is.Zero);
        var leader = machine.Granted(Election("e", "one", 1, new byte[10]) with { Metadata = new byte[2] });
        Assert.That(machine.Do(Renew(leader) with { Value = new byte[11] }), Is.InstanceOf<QuotaExceeded>());
        var full = machine.State.Counts.StateBytes;
        Assert.That(machine.Do(Renew(leader) with { Value = new byte[9] }), Is.InstanceOf<HoldRenewed>());
        Assert.That(machine.State.Counts.StateBytes, Is.EqualTo(full - 1));
        machine.RestoreFromSnapshot();
        machine.Queued(Election("e", "two", 2, new byte[3], 60 * Second));
        var waiting = machine.State.Counts.StateBytes;
        machine.Do(Release(leader));
        Assert.That(machine.State.Counts.StateBytes, Is.LessThan(waiting));
        Assert.That(machine.View.Counts.StateBytes, Is.EqualTo(machine.State.Counts.StateBytes));
    }
}
