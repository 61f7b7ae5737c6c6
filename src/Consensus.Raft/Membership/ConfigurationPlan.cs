using System.Collections.Immutable;
using System.Globalization;
using Consensus.Primitives;

namespace Consensus.Raft.Membership;

/// <summary>
/// The configurations that a change leads through. Who counts changes by joint consensus (Raft §6, dissertation §4.3): first old and new voters
/// must both agree, then the new ones alone. A change that leaves the voters as they are takes one step.
/// </summary>
internal static class ConfigurationPlan
{
    /// <summary>Most members, learners included: a list of them fits a handshake.</summary>
    public const int MaxMembers = 32;

    /// <summary>Removed ids that are remembered; the oldest are forgotten first.</summary>
    private const int MaxRemoved = 1000;

    /// <summary>Where a change leads in the end; the answer says why it cannot be made of this configuration.</summary>
    public static ChangeAnswer TryPlan(Configuration old, MembershipChange change, out Configuration to)
    {
        to = old;
        return change switch
        {
            AddMember add => TryAdd(old, add, out to),
            PromoteMember promote => TryPromote(old, promote, out to),
            RemoveMember remove => TryRemove(old, remove, out to),
            _ => Invariant.Unreachable<ChangeAnswer>(change),
        };
    }

    /// <summary>The first configuration to be logged on the way from one to the other.</summary>
    public static Configuration FirstStep(Configuration old, Configuration to)
    {
        if (old.Voters.SequenceEqual(to.Voters))
        {
            return to;
        }
        var leaving = old.Members.Where(m => to.Find(m.Id) is null);
        return to with
        {
            Members = [.. to.Members.Concat(leaving).OrderBy(m => m.Id)],
            OutgoingVoters = old.Voters,
            Removed = old.Removed,
        };
    }

    /// <summary>The configuration that follows a joint one: the outgoing voters are gone.</summary>
    public static Configuration LeaveJoint(Configuration joint)
    {
        Invariant.Require(joint.IsJoint, "only a joint configuration is left");
        var next = joint with { OutgoingVoters = [] };
        foreach (var member in joint.Members)
        {
            if (!joint.Voters.Contains(member.Id) && !joint.Learners.Contains(member.Id))
            {
                next = Without(next, member.Id);
            }
        }
        return next;
    }

    private static ChangeAnswer TryAdd(Configuration old, AddMember add, out Configuration to)
    {
        to = old;
        var member = add.Member;
        if (old.Find(member.Id) is { } present)
        {
            var asAsked = present == member && (!add.AsVoter || old.IsVoter(member.Id));
            return asAsked
                ? new ChangeAnswer(ChangeVerdict.AlreadySo)
                : Refuse(ChangeVerdict.Taken, $"{present.Name} is a member already, at {present.PeerAddress}");
        }
        if (old.Removed.Contains(member.Id))
        {
            return Refuse(ChangeVerdict.Taken, $"this {member.Name} was removed before, and a removed member never comes back: start {member.Name} on an empty data directory");
        }
        foreach (var other in old.Members)
        {
            if (other.Name == member.Name)
            {
                return Refuse(ChangeVerdict.Taken, $"a member with another data directory has the name {other.Name}: if that one is lost, remove it first (consensusctl members remove {other.Name})");
            }
            if (other.PeerAddress == member.PeerAddress)
            {
                return Refuse(ChangeVerdict.Taken, $"the member {other.Name} has the address {other.PeerAddress}");
            }
        }
        if (old.Members.Length >= MaxMembers)
        {
            return Refuse(ChangeVerdict.TooManyMembers, $"a cluster has at most {MaxMembers} members");
        }
        to = old with { Members = [.. old.Members.Append(member).OrderBy(m => m.Id)] };
        to = add.AsVoter ? to with { Voters = With(to.Voters, member.Id) } : to with { Learners = With(to.Learners, member.Id) };
        return new ChangeAnswer(ChangeVerdict.Appended);
    }

    private static ChangeAnswer TryPromote(Configuration old, PromoteMember promote, out Configuration to)
    {
        to = old;
        if (old.Find(promote.Member) is not { } member)
        {
            return NotAMember(promote.Member);
        }
        var replaces = promote.Replaces.IsNone ? null : old.Find(promote.Replaces);
        if (old.IsVoter(promote.Member))
        {
            var nothingLeft = promote.Replaces.IsNone || old.Removed.Contains(promote.Replaces);
            return nothingLeft
                ? new ChangeAnswer(ChangeVerdict.AlreadySo)
                : Refuse(ChangeVerdict.Taken, $"{member.Name} votes already, so it can take nobody's place");
        }
        if (!promote.Replaces.IsNone && (replaces is null || !old.IsVoter(promote.Replaces)))
        {
            return replaces is null
                ? NotAMember(promote.Replaces)
                : Refuse(ChangeVerdict.NotAMember, $"{replaces.Name} is no voter, so nobody can take its place");
        }
        to = old with { Voters = With(old.Voters, promote.Member), Learners = old.Learners.Remove(promote.Member) };
        if (replaces is not null)
        {
            to = Without(to, replaces.Id);
        }
        return new ChangeAnswer(ChangeVerdict.Appended);
    }

    private static ChangeAnswer TryRemove(Configuration old, RemoveMember remove, out Configuration to)
    {
        to = old;
        if (old.Find(remove.Member) is not { } member)
        {
            return old.Removed.Contains(remove.Member) ? new ChangeAnswer(ChangeVerdict.AlreadySo) : NotAMember(remove.Member);
        }
        if (old.Voters.Length == 1 && old.IsVoter(member.Id))
        {
            return Refuse(ChangeVerdict.WouldLoseQuorum, $"{member.Name} is the only voter: without it nothing could be committed");
        }
        to = Without(old, member.Id);
        return new ChangeAnswer(ChangeVerdict.Appended);
    }

    private static Configuration Without(Configuration old, MemberId id) => old with
    {
        Members = old.Members.RemoveAll(m => m.Id == id),
        Voters = old.Voters.Remove(id),
        Learners = old.Learners.Remove(id),
        Removed = [.. old.Removed.Append(id).TakeLast(MaxRemoved)],
    };

    private static ImmutableArray<MemberId> With(ImmutableArray<MemberId> ids, MemberId id) => [.. ids.Append(id).Order()];

    private static ChangeAnswer NotAMember(MemberId id) => Refuse(ChangeVerdict.NotAMember, $"no member has the id {id}");

    private static ChangeAnswer Refuse(ChangeVerdict verdict, FormattableString reason) =>
        new(verdict, reason.ToString(CultureInfo.InvariantCulture));
}
