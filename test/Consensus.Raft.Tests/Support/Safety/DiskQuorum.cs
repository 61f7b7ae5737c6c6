using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Support.Safety;

/// <summary>Whether a quorum holds an entry where no crash can take it away.</summary>
internal static class DiskQuorum
{
    /// <summary>A majority of the voters' disks, and of the outgoing voters' while the configuration is joint.</summary>
    public static bool Holds(Configuration configuration, Func<MemberId, Disk> diskOf, Entry entry) =>
        !configuration.Voters.IsEmpty && IsOnAMajority(configuration.Voters, diskOf, entry) && IsOnAMajority(configuration.OutgoingVoters, diskOf, entry);

    private static bool IsOnAMajority(IReadOnlyCollection<MemberId> voters, Func<MemberId, Disk> diskOf, Entry entry) =>
        voters.Count == 0 || voters.Count(v => diskOf(v).Holds(entry.Index, entry.Term)) > voters.Count / 2;
}
