using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Network;

/// <summary>
/// Who is linked with whom where members change, as the transport has it: a member dials those of its configuration; whoever belongs to the cluster is let in, and dialled
/// back while it stays, since the configuration that does not know it may be the older one; who was removed is told so.
/// </summary>
public sealed partial class SimulatedNetwork
{
    /// <summary>A process wants other links than before, or knows of more members that were removed.</summary>
    public void PeersChanged(SimulatedProcess process)
    {
        var number = process.Node.Number;
        foreach (var other in _nodes)
        {
            if (other == process.Node)
            {
                continue;
            }
            var link = _links[number, other.Number];
            var dials = Dials(process, other.Number);
            if (link.IsUp && (!dials || link.Peer != other.Id))
            {
                Lose(number, other.Number, tell: true);
            }
            if (!link.IsUp && dials)
            {
                link.Version++;
                PlanDial(number, other.Number, _random.Next(2_000));
            }
            if (_links[other.Number, number].IsUp && process.Removed.Contains(other.Id) && !process.Peers!.Contains(other.Id))
            {
                Lose(other.Number, number, tell: true);
            }
        }
    }

    private bool Dials(SimulatedProcess from, int to)
    {
        if (!_linksChange)
        {
            return true;
        }
        var id = _nodes[to].Id;
        return _nodes[to].IsFormed
            && from.Peers is { } peers
            && (peers.Contains(id) || (_links[to, from.Node.Number].IsUp && !from.Removed.Contains(id)));
    }

    private bool LetsIn(SimulatedProcess target) => !_linksChange || target.Peers is not null;

    /// <summary>Only a member of its own cluster can tell it, and it does not ask twice.</summary>
    private bool IsTurnedAway(SimulatedProcess from, SimulatedProcess target)
    {
        if (!_linksChange || !target.Removed.Contains(from.Node.Id))
        {
            return false;
        }
        from.Events.RemovedFromCluster(target.Node.Id);
        return true;
    }

    /// <summary>Who was let in is dialled back, so that it hears the answers.</summary>
    private void InviteGuest(int from, SimulatedProcess target)
    {
        var back = _links[target.Node.Number, from];
        if (_linksChange && !back.IsUp && !target.Peers!.Contains(_nodes[from].Id))
        {
            back.Version++;
            PlanDial(target.Node.Number, from, _random.Next(2_000));
        }
    }

    /// <summary>A guest that hung up is hung up on.</summary>
    private void LoseGuest(int from, int to)
    {
        if (_linksChange && _links[to, from].IsUp && _nodes[to].Process is { Peers: { } peers } && !peers.Contains(_nodes[from].Id))
        {
            Lose(to, from, tell: true);
        }
    }
}
