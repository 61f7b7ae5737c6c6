using Consensus.Primitives;

namespace Consensus.StateMachine.History;

/// <summary>A change with the stamp of its entry, by which it grows old.</summary>
internal readonly record struct Recorded(Change Change, ClusterTime Stamp)
{
    private const int OverheadBytes = 200;

    /// <summary>What the history holds in memory for this change alone: a value counts with the change that replaced it, since until then it is the key's own.</summary>
    public long Bytes => OverheadBytes + Change switch
    {
        KeyChange c => c.Key.Length + (c.Before?.Value.Length ?? 0),
        ElectionChange c => c.Name.Length + (c.Leader is { } leader ? leader.Owner.Length + leader.Value.Length + leader.Metadata.Length : 0),
        _ => Invariant.Unreachable<long>(Change),
    };
}
