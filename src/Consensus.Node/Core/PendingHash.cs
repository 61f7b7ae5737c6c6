using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>One question for the state's hash at an index.</summary>
public class PendingHash(LogIndex index) : PendingRequest<HashAnswer>
{
    public LogIndex Index { get; } = index;
}

/// <summary>One question for a view of the state at an index.</summary>
public class PendingView(LogIndex index) : PendingRequest<ViewAnswer>
{
    public LogIndex Index { get; } = index;
}
