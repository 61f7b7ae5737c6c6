using Consensus.Primitives;

namespace Consensus.Simulation.Nodes;

/// <summary>What a turn tells the outside about who belongs to the cluster: links follow, and a member that was removed stops.</summary>
public sealed partial class SimulatedProcess
{
    private bool _toldRemoved;

    /// <summary>Whom it wants to be linked with; null before its first turn, when it lets nobody in.</summary>
    public HashSet<MemberId>? Peers { get; private set; }

    /// <summary>Ids that were members once and never will be again, as far as it knows.</summary>
    public HashSet<MemberId> Removed { get; private set; } = [];

    private void FollowMembership()
    {
        if (!_cluster.LinksChange || (_output.RemovedMembers is null && _output.Peers is null && Peers is not null))
        {
            return;
        }
        Removed = _output.RemovedMembers is { } removed ? [.. removed] : Removed;
        Peers = _output.Peers is { } peers ? [.. peers.Select(p => p.Member)] : Peers ?? [];
        _cluster.Network.PeersChanged(this);
    }

    /// <summary>By its own log, or because another member says so at the handshake: for ever, so the process stops.</summary>
    internal void TellRemoved()
    {
        if (_toldRemoved || _ended)
        {
            return;
        }
        _toldRemoved = true;
        Node.IsRetired = true;
        _cluster.Trace.Line($"{Node.Name} ({Node.Id}) knows that it was removed");
        Stop();
    }
}
