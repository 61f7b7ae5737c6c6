using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;

namespace Consensus.Simulation.Runs;

/// <summary>
/// Clients beside those whose histories are judged: with a session each, such as leave without their answers, and such as may not always.
/// </summary>
internal sealed class SideClients
{
    private readonly List<SessionClient> _sessions = [];
    private readonly List<LeavingClient> _leavers = [];
    private readonly List<PrincipalClient> _principals = [];
    private readonly LeftHolds? _left;

    /// <param name="checks">Null when there is none among them that holds anything.</param>
    public SideClients(SimulationPlan plan, SimulatedCluster cluster, History history, WatchOptions watches, CoordinationChecks? checks)
    {
        // Streams of their own: the other clients and the faults are what they would be without.
        var random = new DeterministicRandom(plan.Seed ^ 0x5E55_C11E);
        for (var i = 0; i < plan.Sessions && watches.Sees(SessionAnswers.Name); i++)
        {
            _sessions.Add(new SessionClient(cluster, Sessions, i, random.NextUInt64()));
        }
        var told = new SessionChecks(watches.Sees(SessionAnswers.Name) ? Sessions : null, checks?.News, checks?.Lives);
        var askers = new Dictionary<ObjectName, string>();
        var holders = new DeterministicRandom(plan.Seed ^ 0x401D_C11E);
        for (var i = 0; i < plan.Holders.Clients; i++)
        {
            _sessions.Add(new SessionHolder(cluster, told, history, plan.Holders, askers, i, holders.NextUInt64()));
        }
        _left = checks?.Left;
        var leavers = new DeterministicRandom(plan.Seed ^ 0x1EA7_C11E);
        var held = new Dictionary<Key, FencingToken>();
        for (var i = 0; i < plan.Leavers.Clients; i++)
        {
            _leavers.Add(new LeavingClient(cluster, _left, history, plan.Leavers, held, i, leavers.NextUInt64()));
        }
        var principals = new DeterministicRandom(plan.Seed ^ 0x9014_C11E);
        for (var i = 0; i < plan.Principals && watches.Sees(RevokedEffects.Name); i++)
        {
            _principals.Add(new PrincipalClient(cluster, Rights, i, principals.NextUInt64()));
        }
    }

    /// <summary>What numbers of sessions were answered.</summary>
    public SessionAnswers Sessions { get; } = new();

    /// <summary>What became of writes whose rights ended and began.</summary>
    public RevokedEffects Rights { get; } = new();

    /// <summary>Nothing that they asked for is open.</summary>
    public bool AreIdle =>
        _sessions.TrueForAll(client => client.IsIdle) && _leavers.TrueForAll(client => client.IsIdle)
        && _principals.TrueForAll(client => client.IsIdle);

    /// <summary>Who of them is not idle, and why.</summary>
    public string Describe() => string.Join("; ", [
        .. _sessions.Where(static client => !client.IsIdle).Select(static client => client.Describe()),
        .. _leavers.Where(static client => !client.IsIdle).Select(static client => client.Describe()),
        .. _principals.Where(static client => !client.IsIdle).Select(static client => client.Describe())]);

    public void Start()
    {
        _sessions.ForEach(client => client.Start());
        _leavers.ForEach(client => client.Start());
        _principals.ForEach(client => client.Start());
    }

    /// <summary>They begin nothing new.</summary>
    public void Stop()
    {
        _sessions.ForEach(client => client.Stop());
        _leavers.ForEach(client => client.Stop());
        _principals.ForEach(client => client.Stop());
    }

    /// <summary>All is well, and what was left becomes free while its lease lives on; then nobody renews any more.</summary>
    public void LetLeftHoldsEnd(SimulatedCluster cluster)
    {
        if (_left is not null)
        {
            cluster.Time.RunUntil(cluster.Time.Now + _left.WithinMicros, _left.AreOver);
            _left.Judge();
        }
        _leavers.ForEach(client => client.Finish());
    }
}
