using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Raft;

namespace Consensus.Simulation.Nodes;

/// <summary>Sees everything that members do, from outside the production code. Called in the order in which it happens.</summary>
public interface IClusterObserver
{
    /// <summary>A process recovered its data directory.</summary>
    void Recovered(SimulatedNode node, RecoveredLog recovered);

    /// <summary>A turn of the loop ended; its output is not performed yet.</summary>
    void Turned(SimulatedProcess process, NodeOutput output);

    /// <summary>The log's thread begins to write these.</summary>
    void Begins(SimulatedNode node, IReadOnlyList<PersistRequest> batch);

    /// <summary>These requests are on the disk now, whatever the member was told.</summary>
    void Durable(SimulatedNode node, IReadOnlyList<PersistRequest> batch);

    /// <summary>A member's leader's snapshot is on its disk and about to be handed to its loop.</summary>
    void SnapshotTaken(SimulatedNode node, SnapshotMark mark);

    /// <summary>Something was thrown out of a thread of the transport that ends a real process without a word.</summary>
    void Escaped(SimulatedProcess process, Exception failure);

    /// <summary>A member answers who asked it for a membership change.</summary>
    void ChangeAnswered(PendingChange change);

    /// <summary>All that was on its disk is lost.</summary>
    void Wiped(SimulatedNode node);

    /// <summary>The process ended.</summary>
    void Ended(SimulatedNode node);
}
