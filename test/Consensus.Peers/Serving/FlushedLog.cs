using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Consensus.Peers.Serving;

/// <summary>
/// The library's log, which here flushes what a follower appends before it returns: the follower acknowledges after that. As shipped it
/// acknowledges first and flushes in the background.
/// The leader needs nothing of the kind: the library commits there only what its own log has flushed.
/// </summary>
internal sealed class FlushedLog(WriteAheadLog.Options options, IStateMachine stateMachine)
    : WriteAheadLog(options, stateMachine), IAuditTrail<IRaftLogEntry>
{
    async ValueTask IAuditTrail<IRaftLogEntry>.AppendAsync<TEntry>(
        ILogEntryProducer<TEntry> entries, long startIndex, bool skipCommitted, CancellationToken token)
    {
        await AppendAsync(entries, startIndex, skipCommitted, token);
        await FlushAsync(token);
    }
}
