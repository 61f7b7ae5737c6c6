using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Network;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Faults;

/// <summary>Makes things go wrong, from one seed, and right again.</summary>
public sealed partial class Nemesis
{
    private static readonly FaultKinds[] Timed =
    [
        FaultKinds.Kill, FaultKinds.PowerLoss, FaultKinds.PowerLossOfAll, FaultKinds.Restart, FaultKinds.Pause, FaultKinds.Partition, FaultKinds.OneWay,
        FaultKinds.Partial, FaultKinds.SlowLink, FaultKinds.LinkReset, FaultKinds.SlowDisk, FaultKinds.StalledDisk, FaultKinds.FullDisk, FaultKinds.FailedSync,
        FaultKinds.BitRot, FaultKinds.RecoveryCrash, FaultKinds.ClockRates, FaultKinds.ClockBeyond, FaultKinds.ClientCut, FaultKinds.Transfer,
        FaultKinds.Respawn, FaultKinds.BadSector,
    ];

    private readonly SimulatedCluster _cluster;
    private readonly IReadOnlyList<VirtualClient> _clients;
    private readonly FaultOptions _options;
    private readonly DeterministicRandom _random;
    private readonly List<Action> _active = [];
    private readonly FaultKinds[] _kinds;
    private readonly MembershipChurn _churn;

    /// <summary>So many processes in a row of a machine are to end right after they asked for something.</summary>
    private readonly Dictionary<SimulatedNode, int> _endAsking = [];
    private bool _stopped;

    public Nemesis(SimulatedCluster cluster, IReadOnlyList<VirtualClient> clients, FaultOptions options, ulong seed)
    {
        (_cluster, _clients, _options) = (cluster, clients, options);
        _random = new DeterministicRandom(seed);
        _churn = new MembershipChurn(cluster, clients, this, seed);
        _kinds = [.. Timed.Where(options.Drew)];
        cluster.OnProcessEnded += (node, _, kind) => StartLater(node, kind == EndKind.Stopped ? 200_000 : _random.Next(10_000, 4_000_000));
    }

    /// <summary>How often each kind was injected.</summary>
    public SortedDictionary<FaultKinds, long> Injected { get; } = [];

    private Scheduler Time => _cluster.Time;

    private int NodeCount => _cluster.Nodes.Count;

    private IReadOnlyList<SimulatedNode> Machines => _cluster.Formed;

    public void Start()
    {
        if (_options.Has(FaultKinds.ClockRates))
        {
            SetRates(2_500);
        }
        if (_options.Has(FaultKinds.CrashAtSnapshot))
        {
            _cluster.OnSnapshotWork += CrashSometimes;
        }
        if (_options.Has(FaultKinds.Respawn))
        {
            _cluster.OnAsked += EndAsking;
        }
        if (_kinds.Length > 0)
        {
            PlanNext();
        }
        if (_options.Has(FaultKinds.Membership))
        {
            _churn.Start(_options.MembershipMicros);
        }
    }

    /// <summary>Notes that a fault of this kind happened.</summary>
    internal void Count(FaultKinds kind) => Injected[kind] = Injected.GetValueOrDefault(kind) + 1;

    private void CrashSometimes(SimulatedProcess process)
    {
        if (_stopped || !_random.Chance(1, 12))
        {
            return;
        }
        Count(FaultKinds.CrashAtSnapshot);
        Time.After(_random.Next(_cluster.Plan.Disk.SyncMicros * (_random.Chance(1, 2) ? 2 : 20)), () =>
        {
            if (process.Node.Process == process && !_stopped)
            {
                process.Node.End(_random.Chance(1, 2) ? EndKind.PowerLoss : EndKind.Killed);
            }
        });
    }

    private void EndAsking(SimulatedProcess process)
    {
        var node = process.Node;
        if (_stopped || !_endAsking.TryGetValue(node, out var left))
        {
            return;
        }
        _endAsking.Remove(node);
        Time.After(_random.Next(1_000), () =>
        {
            if (node.Process != process || _stopped)
            {
                return;
            }
            node.End(EndKind.Killed);
            StartLater(node, _random.Next(5_000));
            if (left > 1)
            {
                _endAsking[node] = left - 1;
            }
        });
    }

    /// <summary>No more faults; the network, the disks and the clocks are as they should be. Who is down stays so until it is started.</summary>
    public void Heal()
    {
        _stopped = true;
        _churn.Stop();
        foreach (var end in _active.ToList())
        {
            end();
        }
        _active.Clear();
        foreach (var node in _cluster.Nodes)
        {
            node.Faults.NextSyncFails = false;
            node.Faults.NextSnapshotReadFails = false;
            node.Faults.RecoveryCrashes = false;
            node.Faults.StalledUntil = 0;
            node.Process?.Recover();
        }
        _cluster.Network.Options = new NetworkOptions();
        SetRates(0);
    }

    /// <summary>Starts a node until it runs, unless it is held down.</summary>
    public void StartLater(SimulatedNode node, long within) => Time.After(within, () =>
    {
        if (node.Process is null && node.MayStart && !node.Start())
        {
            StartLater(node, 300_000 + _random.Next(300_000));
        }
    });

    private void PlanNext() => Time.After(1 + _random.Next(2 * _options.MeanMicros), () =>
    {
        if (_stopped)
        {
            return;
        }
        Inject(_kinds[(int)_random.Next(_kinds.Length)]);
        PlanNext();
    });

    private void Inject(FaultKinds kind)
    {
        var machines = Machines;
        var node = machines[(int)_random.Next(machines.Count)];
        if (_random.Chance(1, 3) && _cluster.Leader is { } leader)
        {
            node = leader;
        }
        if (!_options.Has(kind))
        {
            return;
        }
        _cluster.Trace.Note(TraceEvent.Fault, node.Number, (long)kind);
        _cluster.Trace.Line($"fault: {kind} at {node.Name}");
        Count(kind);
        switch (kind)
        {
            case FaultKinds.Kill:
                node.End(EndKind.Killed);
                break;
            case FaultKinds.PowerLoss:
                node.End(EndKind.PowerLoss);
                break;
            case FaultKinds.PowerLossOfAll:
                LosePowerEverywhere();
                break;
            case FaultKinds.Restart:
                node.Process?.Stop();
                break;
            case FaultKinds.Pause:
                node.Process?.Pause(_random.Next(10_000, _random.Chance(1, 2) ? 500_000 : 8_000_000));
                break;
            case FaultKinds.Transfer:
                _cluster.Leader?.Process?.Post(new TransferInput(new PendingTransfer(_random.Chance(1, 2) ? node.Id : MemberId.None)));
                break;
            case FaultKinds.Respawn:
                // A leader asks nobody.
                _endAsking[node == _cluster.Leader ? machines[(int)_random.Next(machines.Count)] : node] = (int)_random.Next(1, 4);
                break;
            case FaultKinds.ClientCut:
                CutClient();
                break;
            default:
                if (!InjectNetwork(kind, node))
                {
                    InjectMachine(kind, node);
                }
                break;
        }
    }

    private void LosePowerEverywhere()
    {
        foreach (var node in Machines)
        {
            node.End(EndKind.PowerLoss);
        }
    }

    private void CutClient()
    {
        if (_clients.Count == 0)
        {
            return;
        }
        var client = _clients[(int)_random.Next(_clients.Count)];
        var cut = _cluster.Nodes.Where(_ => _random.Chance(1, 2)).Select(n => n.Number).ToList();
        cut.ForEach(number => client.CutOff(number, true));
        EndAfter(_random.Next(200_000, 10_000_000), () => cut.ForEach(number => client.CutOff(number, false)));
    }

    /// <summary>Ends a fault after a while, or when everything is healed.</summary>
    internal void EndAfter(long micros, Action end)
    {
        _active.Add(end);
        Time.After(micros, () =>
        {
            if (_active.Remove(end))
            {
                end();
            }
        });
    }

    private void SetRates(long bound)
    {
        foreach (var clock in _cluster.Nodes.Select(n => n.Clock).Concat(_clients.Select(c => c.Clock)))
        {
            clock.SetRate(Time.Now, bound == 0 ? 0 : (int)_random.Next(-bound, bound + 1));
        }
    }
}
