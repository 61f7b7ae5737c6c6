using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Watches;

/// <summary>Whether a watch can be told whole from where it would begin, judged on a view as new as a linearizable read's (rule 28).</summary>
internal enum WatchBeginning
{
    Possible,

    /// <summary>After the next revision: nothing is known of what will be there.</summary>
    InTheFuture,

    /// <summary>Its first revisions are forgotten.</summary>
    Compacted,
}

internal static class WatchBeginnings
{
    public static WatchBeginning Judge(StateView view, Revision from) =>
        from > view.Revision.Next ? WatchBeginning.InTheFuture
        : from <= view.CompactRevision ? WatchBeginning.Compacted
        : WatchBeginning.Possible;
}
