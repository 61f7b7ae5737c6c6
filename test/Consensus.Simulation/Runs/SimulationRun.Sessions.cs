using Consensus.Simulation.Checkers.Histories;

namespace Consensus.Simulation.Runs;

/// <summary>Clients beside those whose histories are judged.</summary>
public sealed partial class SimulationRun
{
    private readonly SideClients _beside;

    /// <summary>What numbers of sessions were answered.</summary>
    public SessionAnswers Sessions => _beside.Sessions;

    /// <summary>What became of writes whose rights ended and began.</summary>
    public RevokedEffects Rights => _beside.Rights;

    /// <summary>News of sessions that were judged, and how many ends were told in them.</summary>
    public (int Judged, int Ends) News => (_coordination?.News?.Judged ?? 0, _coordination?.News?.Ends ?? 0);

    /// <summary>What was granted to clients that had left.</summary>
    public int LeftHolds => _coordination?.Left?.Count ?? 0;
}
