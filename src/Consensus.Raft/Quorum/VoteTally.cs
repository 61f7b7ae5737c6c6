using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.Raft.Quorum;

internal enum VoteResult
{
    Pending,
    Won,
    Lost,
}

/// <summary>The answers to one campaign. A member's first answer counts; answers of members without a vote count for nothing.</summary>
internal sealed class VoteTally
{
    private readonly List<(MemberId Member, bool Granted)> _answers = [];

    public void Clear() => _answers.Clear();

    public void Record(MemberId member, bool granted)
    {
        if (Find(member) is null)
        {
            _answers.Add((member, granted));
        }
    }

    /// <summary>Won when each half of the configuration has a majority for it, lost when one half can no longer have one. Raft §6.</summary>
    public VoteResult Result(Configuration configuration)
    {
        var incoming = ResultOf(configuration.Voters);
        var outgoing = ResultOf(configuration.OutgoingVoters);
        if (incoming == VoteResult.Lost || outgoing == VoteResult.Lost)
        {
            return VoteResult.Lost;
        }
        return incoming == VoteResult.Won && outgoing == VoteResult.Won ? VoteResult.Won : VoteResult.Pending;
    }

    private VoteResult ResultOf(ImmutableArray<MemberId> voters)
    {
        if (voters.Length == 0)
        {
            return VoteResult.Won;
        }
        var granted = 0;
        var missing = 0;
        foreach (var voter in voters)
        {
            var answer = Find(voter);
            granted += answer == true ? 1 : 0;
            missing += answer is null ? 1 : 0;
        }
        var majority = (voters.Length / 2) + 1;
        if (granted >= majority)
        {
            return VoteResult.Won;
        }
        return granted + missing >= majority ? VoteResult.Pending : VoteResult.Lost;
    }

    private bool? Find(MemberId member)
    {
        foreach (var (who, granted) in _answers)
        {
            if (who == member)
            {
                return granted;
            }
        }
        return null;
    }
}
