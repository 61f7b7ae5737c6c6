using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;

namespace Consensus.Simulation.Runs;

/// <summary>Clients of transactions, holds of all kinds, leases and fences, and the checkers that look at these.</summary>
public sealed partial class SimulationRun
{
    private CoordinationChecks? _coordination;

    private void MakeCoordinationClients()
    {
        if (_plan.Coordination.Clients + _plan.Holders.Clients + _plan.Leavers.Clients == 0)
        {
            return;
        }
        // A stream of its own: the other clients and the faults are what they would be without.
        var random = new DeterministicRandom(_plan.Seed ^ 0xC0_0D1A);
        _coordination = _watch.Reference.Coordination = new CoordinationChecks(
            _watches, new LeasePromise(Bounds), Bounds, () => Cluster.Time.Now, _plan.Cluster.Limits, IsOver)
        {
            Left = _watches.Sees(Checkers.Holds.LeftHolds.Name)
                ? new(() => Cluster.Time.Now, Cluster.Limits.DetachedKeepMicros, IsServed, _plan.Faults.Kinds == Faults.FaultKinds.None)
                : null,
        };
        for (var i = 0; i < _plan.Coordination.Clients; i++)
        {
            var number = _clients.Count;
            var client = new VirtualClient(
                Cluster,
                _plan.Clients,
                History,
                number,
                random.NextUInt64(),
                drawn => new CoordinationWorkload(_plan.Coordination, _plan.Clients, History, number, drawn));
            client.OnReturned += operation => Returned(client, operation);
            _clients.Add(client);
        }
    }

    /// <summary>The process that took this attempt runs still, and has a leader.</summary>
    private bool IsServed(RequestId request) =>
        Cluster.Find(request.Member)?.Process is { IsStopping: false, Core.Status.Ready: true } process && process.Boot == request.Boot;

    /// <summary>Nobody waits for this attempt: its client left, its member answered it, or its process ended or stops.</summary>
    private bool IsOver(RequestId request) =>
        History.IsOver(request) || Cluster.Find(request.Member)?.Process is not { IsStopping: false } process || process.Boot != request.Boot;
}
