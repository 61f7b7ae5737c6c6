using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.Raft.Quorum;

/// <summary>How far each voter has come: a match index, a read round, or the tick at which it was last heard.</summary>
internal interface IReached
{
    long Of(MemberId voter);
}

/// <summary>
/// The one question that commitment, read rounds and check-quorum share: which value has a majority reached? During a joint
/// configuration a majority of each half must have reached it (Raft §6).
/// </summary>
internal static class JointQuorum
{
    private const int VotersOnStack = 16;

    /// <summary>The highest value that a quorum has reached; <see cref="long.MaxValue"/> when there are no voters.</summary>
    public static long Reached<TReached>(Configuration configuration, in TReached reached)
        where TReached : struct, IReached =>
        Math.Min(ByMajority(configuration.Voters, reached), ByMajority(configuration.OutgoingVoters, reached));

    private static long ByMajority<TReached>(ImmutableArray<MemberId> voters, in TReached reached)
        where TReached : struct, IReached
    {
        if (voters.Length == 0)
        {
            return long.MaxValue;
        }
        Span<long> values = voters.Length <= VotersOnStack ? stackalloc long[VotersOnStack] : new long[voters.Length];
        values = values[..voters.Length];
        for (var i = 0; i < voters.Length; i++)
        {
            // Insertion sort: there are a handful of voters.
            var value = reached.Of(voters[i]);
            var at = i;
            while (at > 0 && values[at - 1] < value)
            {
                values[at] = values[at - 1];
                at--;
            }
            values[at] = value;
        }
        return values[voters.Length / 2];
    }
}
