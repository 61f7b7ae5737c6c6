using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Runs;

/// <summary>
/// One run in two phases: first safety under faults; then a majority is healed and must make progress in bounded time, and all members become equal. What
/// clients saw is judged at the end.
/// </summary>
public sealed partial class SimulationRun
{
    /// <summary>Virtual time in which a healed majority must elect a leader and answer everybody.</summary>
    private const long ProgressWithin = 40_000_000;

    private readonly SimulationPlan _plan;
    private readonly WatchOptions _watches;
    private readonly List<VirtualClient> _clients = [];
    private readonly ClusterWatch _watch;
    private readonly Nemesis _nemesis;
    private readonly DeterministicRandom _random;

    public SimulationRun(SimulationPlan plan, Wiring? wiring = null, WatchOptions? watches = null)
    {
        _plan = plan;
        _watches = watches ?? new WatchOptions();
        _random = new DeterministicRandom(plan.Seed ^ 0xC11E57);
        Cluster = new SimulatedCluster(plan.Cluster, wiring);
        Bounds = new ClockBounds();
        Leases = new LeasePromise(Bounds);
        _watch = new ClusterWatch(Cluster.Nodes, Cluster.Initial, Cluster.Limits, () => Cluster.Time.Now, Leases, Bounds, _watches);
        Cluster.Observer = _watch;
        _watch.Reference.History = History;
        _watch.Reference.Finals = _watches.Sees(FinalAnswers.Name) ? new FinalAnswers(plan.Cluster.Limits) : null;
        _watch.Reference.Withdrawals = _watches.Sees(Withdrawals.Name) ? new Withdrawals(plan.Cluster.Limits) : null;
        _watch.Reference.Say = Cluster.Trace.Writes ? Cluster.Trace.Line : null;
        // Drawn before the clients, so that a run with fewer of them meets the same faults.
        var nemesisSeed = _random.NextUInt64();
        for (var i = 0; i < plan.Clients.Clients; i++)
        {
            var client = new VirtualClient(Cluster, plan.Clients, History, i, _random.NextUInt64());
            client.OnReturned += operation => Returned(client, operation);
            _clients.Add(client);
        }
        MakeCoordinationClients();
        _beside = new SideClients(plan, Cluster, History, _watches, _coordination);
        MakeWatchers();
        _nemesis = new Nemesis(Cluster, _clients, plan.Faults, nemesisSeed);
    }

    public SimulatedCluster Cluster { get; }

    public History History { get; } = new();

    public ClockBounds Bounds { get; }

    public LeasePromise Leases { get; }

    public IReadOnlyDictionary<FaultKinds, long> Injected => _nemesis.Injected;

    /// <summary>The plan that it runs.</summary>
    public SimulationPlan Plan => _plan;

    public int Elections => _watch.Elections.Elections;

    public long Entries => _watch.LastApplied.Value;

    /// <summary>Histories whose check was given up.</summary>
    public int Undecided { get; private set; }

    /// <summary>Throws <see cref="SimulationFailureException"/> when a promise is broken.</summary>
    public void Run()
    {
        Cluster.StartAll();
        _clients.ForEach(client => client.Start());
        _beside.Start();
        _watchers.ForEach(watcher => watcher.Start());
        _nemesis.Start();
        Cluster.Time.RunUntil(_plan.DurationMicros);
        HealMajority();
        StopClients();
        HealAll();
        LetWatchesComplete();
        _beside.LetLeftHoldsEnd(Cluster);
        LetLeasesEnd();
        ReadEverything();
        LetWatchesComplete();
        CheckTables();
        CheckHistory();
    }

    private void Returned(VirtualClient client, Operation operation)
    {
        if (operation.Status != OperationStatus.Done)
        {
            return;
        }
        if (_watches.Sees(RetryOnce.Name))
        {
            _watch.Reference.Retries.Answered(operation);
        }
        if (_watches.Sees(Answers.Name))
        {
            _watch.Reference.Answers.Answered(operation);
        }
        if (!operation.IsPlain)
        {
            _coordination?.Answered(operation, client);
            return;
        }
        Leases.Acknowledged(operation, client.Clock);
        if (operation.Outcome is NotHolder { Loss: { Reason: LossReason.Expired } loss } && _watches.Sees(LeasePromise.Name))
        {
            Leases.SeenExpired(loss.Token.Value, Cluster.Time.Now);
        }
    }

    private void HealMajority()
    {
        _nemesis.Heal();
        if (Cluster.LinksChange)
        {
            HealMajorityInForce();
            return;
        }
        var nodes = Cluster.Nodes.OrderBy(_ => _random.NextUInt64()).ToList();
        var healed = nodes.Take((nodes.Count / 2) + 1).ToList();
        foreach (var node in nodes.Except(healed))
        {
            node.IsHeldDown = true;
            node.End(_random.Chance(1, 2) ? EndKind.Killed : EndKind.PowerLoss);
        }
        healed.ForEach(node => StartAndForget(node));
        Cluster.Trace.Line($"healed: {string.Join(", ", healed.Select(n => n.Name))}");
        _clients.ForEach(client => client.Reach([.. healed.Select(n => n.Number)]));
        var answered = CountAnswered();
        Require(
            () => answered.Count == _clients.Count && healed.TrueForAll(n => n.Process?.Core.Status.Ready == true),
            () => $"a healed majority ({string.Join(", ", healed.Select(n => n.Name))}) answers all clients: {answered.Count} of {_clients.Count} were; {Describe()}");
    }

    /// <summary>The clients of which something that they ask from now on is answered.</summary>
    private HashSet<int> CountAnswered()
    {
        var since = Cluster.Time.Now;
        var answered = new HashSet<int>();
        _clients.ForEach(client => client.OnReturned += operation =>
        {
            if (operation.Status == OperationStatus.Done && operation.InvokedAt >= since)
            {
                answered.Add(operation.Client);
            }
        });
        return answered;
    }

    private void StopClients()
    {
        _clients.ForEach(client => client.Stop());
        _beside.Stop();
        Require(() => _clients.TrueForAll(client => client.Current is null) && _beside.AreIdle,
            () => $"every request ends; {_beside.Describe()}; {Describe()}");
    }

    private void HealAll()
    {
        if (Cluster.LinksChange)
        {
            HealAllMembers();
            return;
        }
        foreach (var node in Cluster.Nodes)
        {
            node.IsHeldDown = false;
            StartAndForget(node);
        }
        Require(
            () => Cluster.Nodes.All(n => n.Process is { } p && p.Core.Status.Ready && p.Core.AppliedIndex == _watch.LastApplied && p.Core.View.AppliedIndex == p.Core.AppliedIndex),
            () => $"all members become equal; {Describe()}");
    }

    private void StartAndForget(SimulatedNode node)
    {
        if (node.Process is null)
        {
            _nemesis.StartLater(node, _random.Next(1_000));
        }
    }

    /// <summary>One last linearizable look at every key and lock: an acknowledged write that is gone shows here at the latest.</summary>
    private void ReadEverything()
    {
        if (_clients.Count == 0)
        {
            return;
        }
        var client = _clients[0];
        if (client.Current is not null)
        {
            // Only where progress is not watched.
            return;
        }
        foreach (var (name, kind) in History.Operations.Select(o => (o.Object, LastReadOf(o))).Where(read => read.Item2 is not null).Distinct().ToList())
        {
            var read = new Operation { Number = History.NextNumber, Client = client.Number, Kind = kind!.Value, Object = name };
            client.Do(read);
            Require(() => client.Current is null, () => $"the last read of {name} is answered; {Describe()}");
            if (client.Current is not null)
            {
                return;
            }
        }
    }

    private static OperationKind? LastReadOf(Operation operation) => operation switch
    {
        { IsPlain: true } => operation.IsOfLock ? OperationKind.ReadLock : OperationKind.Read,
        { IsOfFence: true } => OperationKind.ReadFence,
        { Kind: OperationKind.Transaction } => OperationKind.ReadKeys,
        _ => null,
    };

    private void CheckTables()
    {
        if (!_watches.Sees(StateMachineSafety.Name))
        {
            return;
        }
        StateMachineSafety.Tables("the replica that never restarts", _watch.Reference.Verify);
        foreach (var node in Cluster.Nodes)
        {
            if (node.Process is { } process)
            {
                StateMachineSafety.Tables(node.Name, process.Core.VerifyState);
            }
        }
    }

    private void CheckHistory()
    {
        if (_watches.Sees(Answers.Name))
        {
            _watch.Reference.Answers.CheckNotDone(History.Operations);
        }
        if (_watches.Sees(RevisionsIncrease.Name))
        {
            RevisionsIncrease.Check(History.Operations);
        }
        if (_watches.Sees(TokensIncrease.Name))
        {
            TokensIncrease.Check(History.Operations);
        }
        if (_watches.Sees(OneHolder.Name))
        {
            new OneHolder(Bounds).Check(History.Operations, number => _clients[number].Clock);
        }
        if (_watches.Sees(ObjectHistories.Name))
        {
            Undecided = ObjectHistories.Check(History.Operations, Leases.PromisedUntil);
        }
        Undecided += _coordination?.Check(History.Operations, number => _clients[number]) ?? 0;
    }

    private void Require(Func<bool> condition, Func<string> what)
    {
        Cluster.Time.RunUntil(Cluster.Time.Now + ProgressWithin, condition);
        if (_watches.Sees(Progress.Name))
        {
            Progress.Reached(condition(), ProgressWithin, what);
        }
    }

    private string Describe() => string.Join("; ", Cluster.Formed.Select(n => n.Process is { } p
        ? $"{n.Name}{(Cluster.LinksChange ? $" (in force {VotersOf(n)}{(n.IsRetired ? ", told that it was removed" : "")})" : "")} {p.Core.Role} t{p.Core.Term} leader {p.Core.Status.LeaderName} applied {p.Core.AppliedIndex} of {p.Core.Status.LastIndex}{(p.Core.Status.Ready ? "" : " not ready")}"
        : $"{n.Name} down"));

    private string VotersOf(SimulatedNode node) => string.Join(
        " ", node.Known!.Voters.Concat(node.Known!.OutgoingVoters).Select(id => Cluster.Find(id)?.Name ?? "lost").Distinct());
}
