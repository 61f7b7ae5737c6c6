using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;

namespace Consensus.Simulation.Runs;

/// <summary>Clients with sessions, beside the others.</summary>
public sealed partial class SimulationRun
{
    private readonly List<SessionClient> _sessions = [];

    /// <summary>What numbers of sessions were answered.</summary>
    public SessionAnswers Sessions { get; } = new();

    /// <summary>News of sessions that were judged, and how many ends were told in them.</summary>
    public (int Judged, int Ends) News => (_coordination?.News?.Judged ?? 0, _coordination?.News?.Ends ?? 0);

    private void MakeSessions()
    {
        // A stream of its own: the other clients and the faults are what they would be without.
        var random = new DeterministicRandom(_plan.Seed ^ 0x5E55_C11E);
        for (var i = 0; i < _plan.Sessions && _watches.Sees(SessionAnswers.Name); i++)
        {
            _sessions.Add(new SessionClient(Cluster, Sessions, i, random.NextUInt64()));
        }
        var checks = new SessionChecks(_watches.Sees(SessionAnswers.Name) ? Sessions : null, _coordination?.News, _coordination?.Lives);
        var askers = new Dictionary<ObjectName, string>();
        var holders = new DeterministicRandom(_plan.Seed ^ 0x401D_C11E);
        for (var i = 0; i < _plan.Holders.Clients; i++)
        {
            _sessions.Add(new SessionHolder(Cluster, checks, History, _plan.Holders, askers, i, holders.NextUInt64()));
        }
    }
}
