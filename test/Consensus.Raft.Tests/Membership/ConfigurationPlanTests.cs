using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tests.Wire;

namespace Consensus.Raft.Tests.Membership;

/// <summary>From one configuration to the next, on paper.</summary>
public sealed class ConfigurationPlanTests
{
    private static readonly Configuration Three = Make.Voters(3);
    private static readonly Configuration WithLearner = Make.Configured([1, 2, 3], learners: [4]);

    [Test]
    public void Learner_is_added_in_one_step()
    {
        var to = Plan(Three, new AddMember(Make.Member(4)));
        Samples.AssertSame(to, WithLearner);
        Assert.That(ConfigurationPlan.FirstStep(Three, to), Is.SameAs(to));
    }

    [Test]
    public void Promotion_goes_through_a_joint_configuration()
    {
        var to = Plan(WithLearner, new PromoteMember(Make.Id(4)));
        Samples.AssertSame(to, Make.Voters(4));
        var joint = ConfigurationPlan.FirstStep(WithLearner, to);
        Samples.AssertSame(joint, Make.Configured([1, 2, 3, 4], outgoing: [1, 2, 3]));
        Samples.AssertSame(ConfigurationPlan.LeaveJoint(joint), to);
    }

    [Test]
    public void Learner_takes_the_place_of_a_voter_in_one_change()
    {
        var to = Plan(WithLearner, new PromoteMember(Make.Id(4), Replaces: Make.Id(3)));
        var joint = ConfigurationPlan.FirstStep(WithLearner, to);
        Samples.AssertSame(joint, Make.Configured([1, 2, 4], outgoing: [1, 2, 3]));
        Samples.AssertSame(ConfigurationPlan.LeaveJoint(joint), Make.Configured([1, 2, 4]) with { Removed = [Make.Id(3)] });
    }

    [Test]
    public void Removed_voter_stays_a_member_until_the_joint_configuration_is_left()
    {
        var to = Plan(Three, new RemoveMember(Make.Id(2)));
        var joint = ConfigurationPlan.FirstStep(Three, to);
        Samples.AssertSame(joint, Make.Configured([1, 3], outgoing: [1, 2, 3]));
        Assert.That(joint.Removed, Is.Empty);
        Samples.AssertSame(ConfigurationPlan.LeaveJoint(joint), to);
        Assert.That(to.Removed, Is.EqualTo(new[] { Make.Id(2) }));
    }

    [Test]
    public void Removed_learner_is_gone_in_one_step()
    {
        var to = Plan(WithLearner, new RemoveMember(Make.Id(4)));
        Samples.AssertSame(ConfigurationPlan.FirstStep(WithLearner, to), Three with { Removed = [Make.Id(4)] });
    }

    [Test]
    public void What_is_so_already_needs_no_step()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Verdict(WithLearner, new AddMember(Make.Member(4))), Is.EqualTo(ChangeVerdict.AlreadySo));
            Assert.That(Verdict(Three, new PromoteMember(Make.Id(3))), Is.EqualTo(ChangeVerdict.AlreadySo));
            Assert.That(Verdict(Plan(Three, new RemoveMember(Make.Id(3))), new RemoveMember(Make.Id(3))), Is.EqualTo(ChangeVerdict.AlreadySo));
            Assert.That(
                Verdict(Plan(WithLearner, new PromoteMember(Make.Id(4), Make.Id(3))), new PromoteMember(Make.Id(4), Make.Id(3))),
                Is.EqualTo(ChangeVerdict.AlreadySo));
        });
    }

    [Test]
    public void What_cannot_be_is_refused_with_a_reason()
    {
        var removed = Plan(Three, new RemoveMember(Make.Id(3)));
        var many = Make.Voters(ConfigurationPlan.MaxMembers);
        (Configuration Old, MembershipChange Change, ChangeVerdict Verdict)[] cases =
        [
            (Three, new AddMember(Make.Member(2) with { PeerAddress = "elsewhere:1" }), ChangeVerdict.Taken),
            (WithLearner, new AddMember(Make.Member(4), AsVoter: true), ChangeVerdict.Taken),
            (Three, new AddMember(Make.Member(4) with { Name = "n2" }), ChangeVerdict.Taken),
            (Three, new AddMember(Make.Member(4) with { PeerAddress = Make.Member(2).PeerAddress }), ChangeVerdict.Taken),
            (removed, new AddMember(Make.Member(3)), ChangeVerdict.Taken),
            (many, new AddMember(Make.Member(99)), ChangeVerdict.TooManyMembers),
            (Three, new PromoteMember(Make.Id(9)), ChangeVerdict.NotAMember),
            (WithLearner, new PromoteMember(Make.Id(4), Make.Id(9)), ChangeVerdict.NotAMember),
            (Make.Configured([1, 2], learners: [4, 5]), new PromoteMember(Make.Id(4), Make.Id(5)), ChangeVerdict.NotAMember),
            (Three, new PromoteMember(Make.Id(1), Make.Id(2)), ChangeVerdict.Taken),
            (Three, new RemoveMember(Make.Id(9)), ChangeVerdict.NotAMember),
            (Make.Configured([1], learners: [2]), new RemoveMember(Make.Id(1)), ChangeVerdict.WouldLoseQuorum),
        ];
        foreach (var (old, change, verdict) in cases)
        {
            var answer = ConfigurationPlan.TryPlan(old, change, out var to);
            Assert.That(answer.Verdict, Is.EqualTo(verdict), change.ToString());
            Assert.That(answer.Reason, Is.Not.Empty, change.ToString());
            Assert.That(to, Is.SameAs(old));
        }
    }

    private static ChangeVerdict Verdict(Configuration old, MembershipChange change) => ConfigurationPlan.TryPlan(old, change, out _).Verdict;

    private static Configuration Plan(Configuration old, MembershipChange change)
    {
        Assert.That(ConfigurationPlan.TryPlan(old, change, out var to).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        return to;
    }
}
