using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Simulation.Engine;

namespace Consensus.Simulation.Nodes;

/// <summary>A member's log, which says what is durable before anybody in the member is told.</summary>
internal sealed class WatchedLog(SimulatedCluster cluster, SimulatedNode node, IDurableLog log) : IDurableLog
{
    public bool LastFrameIsUncovered => log.LastFrameIsUncovered;

    public long SizeBytes => log.SizeBytes;

    public long Flushes => log.Flushes;

    public void Append(IReadOnlyList<PersistRequest> batch)
    {
        log.Append(batch);
        cluster.Trace.Note(TraceEvent.Durable, node.Number, batch[^1].Sequence);
        cluster.Observer.Durable(node, batch);
    }

    public void AppendEmptyFrame() => log.AppendEmptyFrame();

    public bool Compact(LogIndex through) => log.Compact(through);

    public void Dispose() => log.Dispose();
}
