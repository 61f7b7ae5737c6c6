using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.Raft;

/// <summary>A member of the cluster as the log knows it.</summary>
/// <param name="PeerAddress">host:port that the other members dial.</param>
public sealed record Member(MemberId Id, string Name, string PeerAddress);

/// <summary>
/// Who counts. <see cref="OutgoingVoters"/> is empty except during a joint configuration, when both majorities must agree
/// (Raft §6). Arrays are sorted by id, without repeats; learners and voters are disjoint.
/// </summary>
public sealed record Configuration(
    ImmutableArray<Member> Members,
    ImmutableArray<MemberId> Voters,
    ImmutableArray<MemberId> OutgoingVoters,
    ImmutableArray<MemberId> Learners)
{
    public static readonly Configuration Empty = new([], [], [], []);

    /// <summary>Ids that were members once and never will be again, oldest first, without repeats; bounded. None of them is a member.</summary>
    public ImmutableArray<MemberId> Removed { get; init; } = [];

    /// <summary>A configuration in which every given member votes.</summary>
    public static Configuration OfVoters(IEnumerable<Member> members)
    {
        var sorted = members.OrderBy(m => m.Id).ToImmutableArray();
        return new Configuration(sorted, [.. sorted.Select(m => m.Id)], [], []);
    }

    public Member? Find(MemberId id)
    {
        foreach (var member in Members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }
        return null;
    }

    public bool IsVoter(MemberId id) => Voters.Contains(id) || OutgoingVoters.Contains(id);

    public bool IsJoint => !OutgoingVoters.IsEmpty;
}
