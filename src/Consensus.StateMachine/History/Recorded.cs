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

    /// <summary>A hash of what changed when. Of values it knows the revisions that wrote them: it is computed for each change that is added.</summary>
    public ulong Digest => Change switch
    {
        KeyChange c => Begin(1).Add(c.Key.Bytes).Add(RevisionOf(c.Before)).Add(RevisionOf(c.After)).Value,
        ElectionChange c => Begin(2).Add(c.Name.Bytes).Add(c.Leader?.Token.Value ?? 0).Add(c.Leader is { } leader ? leader.Value.Span : default).Value,
        _ => Invariant.Unreachable<ulong>(Change),
    };

    private StateHash Begin(int kind) => StateHash.Initial.Add(kind).Add(Change.Revision.Value).Add(Stamp.Micros);

    private static long RevisionOf(KeyRecord? record) => record?.ModRevision.Value ?? 0;
}
