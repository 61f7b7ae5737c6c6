using Consensus.Node;
using Consensus.Node.Core.Flow;
using Consensus.Server.Audit;
using Consensus.Server.Connections;
using Consensus.Server.Http;
using Consensus.Server.Watches;

namespace Consensus.Server.Metrics;

/// <summary>Everything in this process that holds payload, each with its bound: one line for each line of the table in docs/architecture.md that has one of its own.</summary>
internal sealed class HeldByServer(IConsensusNode node, UnfinishedBodies bodies, StreamMemory streams, ByteBudget unsent, WatchHub watches, AuditLog? audit = null)
{
    public IReadOnlyList<HeldBytes> All =>
    [
        new("unfinished-bodies", bodies.HeldBytes, bodies.MaxBytes),
        new("streams", streams.HeldBytes, streams.MaxBytes),
        .. node.Held,
        new("answers", unsent.Held, unsent.Limit),
        new("watch-messages", watches.MessageBytes, watches.MostMessageBytes),
        new("untaken-messages", watches.Untaken.HeldBytes, watches.Untaken.MaxBytes),
        .. audit is null ? (HeldBytes[])[] : [new("audit-records", audit.HeldBytes, audit.MaxHeldBytes)],
    ];
}
