using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>Where a member is taken to be (rule 7).</summary>
public sealed class AnnouncedAddressTests
{
    private static readonly Member N2 = CoreCluster.MemberOf(2);

    [Test]
    public void A_start_knows_an_announcement_that_is_in_its_log_and_not_known_to_be_committed()
    {
        var member = CoreMember.Recovered(3, [Announcement(1, "before:1"), Announcement(2, "now:1")], commit: 1, turnUnits: 100);
        Assert.That(member.Core.Status.Members.Single(known => known.Id == N2.Id).PeerAddress, Is.EqualTo("now:1"));
        Assert.That(member.Core.Status.Members.Single(known => known.Id == new MemberId(3)).PeerAddress, Is.EqualTo(CoreCluster.MemberOf(3).PeerAddress));
        member.Turn(1_000);
        Assert.That(member.ToldPeers!.Single(peer => peer.Member == N2.Id).Address, Is.EqualTo("now:1"));
    }

    [Test]
    public void Once_the_log_is_applied_that_far_only_what_is_applied_counts()
    {
        var addresses = new AnnouncedAddresses([Announcement(5, "logged:1")], new LogIndex(4));
        var applied = new MemberInfo(N2.Id, N2.Name, 7, "", "applied:1", "", 1);
        Assert.That(addresses.Of(N2, applied, new LogIndex(4)), Is.EqualTo("logged:1"));
        Assert.That(addresses.Of(N2, null, new LogIndex(4)), Is.EqualTo("logged:1"));
        Assert.That(addresses.Of(N2, applied, new LogIndex(5)), Is.EqualTo("applied:1"), "the entry was replaced by another one");
        Assert.That(addresses.Of(N2, null, new LogIndex(5)), Is.EqualTo(N2.PeerAddress));
    }

    private static Entry Announcement(long index, string address)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(new AnnounceMemberCommand(N2.Id, N2.Name, 7, "http://n2", address, "test", ReplicatedState.SupportedFeatureLevel)));
        return new Entry { Term = new Term(1), Index = new LogIndex(index), Kind = EntryKind.Command, Stamp = ClusterTime.Zero, Payload = writer.ToArray() };
    }
}
