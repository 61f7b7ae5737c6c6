using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;

namespace Consensus.Simulation.Runs;

/// <summary>Clients with sessions, beside the others.</summary>
public sealed partial class SimulationRun
{
    private readonly List<SessionClient> _sessions = [];

    /// <summary>What numbers of sessions were answered.</summary>
    public SessionAnswers Sessions { get; } = new();

    private void MakeSessions()
    {
        // A stream of its own: the other clients and the faults are what they would be without.
        var random = new DeterministicRandom(_plan.Seed ^ 0x5E55_C11E);
        for (var i = 0; i < _plan.Sessions && _watches.Sees(SessionAnswers.Name); i++)
        {
            _sessions.Add(new SessionClient(Cluster, Sessions, i, random.NextUInt64()));
        }
    }
}
