using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Core;

/// <summary>
/// Where members are, by the log: what they announced, else what the configuration says. An announcement that was logged before this process, and is not known to be committed yet,
/// counts already: nothing is promised by an address, and until there is a leader, who has to be found first, nothing more is known to be committed.
/// </summary>
internal sealed class AnnouncedAddresses
{
    /// <summary>No announcement is longer; the rest of the log need not be decoded for it.</summary>
    private const int MaxAnnouncementBytes = 4096;

    private readonly Dictionary<MemberId, (LogIndex Index, string Address)> _logged = [];

    /// <param name="entries">What the log holds.</param>
    /// <param name="commit">Up to here it is applied before the first turn.</param>
    public AnnouncedAddresses(IReadOnlyList<Entry> entries, LogIndex commit)
    {
        foreach (var entry in entries)
        {
            if (entry.Index > commit
                && entry.Kind == EntryKind.Command
                && entry.Payload.Length <= MaxAnnouncementBytes
                && entry.FeatureLevel <= ReplicatedState.SupportedFeatureLevel
                && CommandCodec.Read(entry.Payload).Command is AnnounceMemberCommand { PeerAddress.Length: > 0 } announced)
            {
                _logged[announced.Member] = (entry.Index, announced.PeerAddress);
            }
        }
    }

    /// <param name="applied">What the member announced as far as the log is applied; null: nothing.</param>
    /// <param name="appliedIndex">From the announcement's index on only what is applied counts: the entry may have been replaced by another.</param>
    public string Of(Member member, MemberInfo? applied, LogIndex appliedIndex) =>
        _logged.TryGetValue(member.Id, out var logged) && logged.Index > appliedIndex ? logged.Address
        : applied is { PeerAddress.Length: > 0 } ? applied.PeerAddress
        : member.PeerAddress;
}
