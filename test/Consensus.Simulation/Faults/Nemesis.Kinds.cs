using Consensus.Simulation.Engine;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Faults;

/// <summary>Faults that last.</summary>
public sealed partial class Nemesis
{
    private bool InjectNetwork(FaultKinds kind, SimulatedNode node)
    {
        switch (kind)
        {
            case FaultKinds.Partition:
                var side = _cluster.Nodes.Select(n => n == node || _random.Chance(1, 2)).ToArray();
                Block(Pairs().Where(p => side[p.From] != side[p.To]));
                return true;
            case FaultKinds.OneWay:
                Block(Pairs().Where(p => p.From == node.Number && _random.Chance(2, 3)));
                return true;
            case FaultKinds.Partial:
                var cut = Pairs().Where(p => p.From < p.To && _random.Chance(1, 3)).ToList();
                Block(cut.Concat(cut.Select(p => (From: p.To, To: p.From))));
                return true;
            case FaultKinds.SlowLink:
                var slowness = _random.Next(1_000, 300_000);
                var slow = Pairs().Where(p => (p.From == node.Number || p.To == node.Number) && _random.Chance(1, 2)).ToList();
                slow.ForEach(p => _cluster.Network.Link(p.From, p.To).Slowness += slowness);
                EndAfter(Span(), () => slow.ForEach(p => _cluster.Network.Link(p.From, p.To).Slowness -= slowness));
                return true;
            case FaultKinds.LinkReset:
                foreach (var (from, to) in Pairs().Where(_ => _random.Chance(1, 3)).ToList())
                {
                    _cluster.Network.Reset(from, to);
                }
                return true;
            default:
                return false;
        }
    }

    private void InjectMachine(FaultKinds kind, SimulatedNode node)
    {
        switch (kind)
        {
            case FaultKinds.SlowDisk:
                var factor = _random.Next(5, 200);
                node.Faults.Slowness *= factor;
                EndAfter(Span(), () => node.Faults.Slowness /= factor);
                break;
            case FaultKinds.StalledDisk:
                node.Faults.StalledUntil = Time.Now + _random.Next(200_000, 6_000_000);
                break;
            case FaultKinds.FullDisk:
                node.Faults.IsFull = true;
                EndAfter(Span(), () => node.Faults.IsFull = false);
                break;
            case FaultKinds.FailedSync:
                node.Faults.NextSyncFails = true;
                break;
            case FaultKinds.BadSector:
                node.Faults.NextSnapshotReadFails = true;
                break;
            case FaultKinds.RecoveryCrash:
                node.End(_random.Chance(1, 2) ? EndKind.PowerLoss : EndKind.Killed);
                node.Faults.RecoveryCrashes = true;
                break;
            case FaultKinds.BitRot:
                BitRot.Strike(node, _random);
                StartLater(node, _random.Next(100_000, 3_000_000));
                break;
            case FaultKinds.ClockRates:
                SetRates(2_500);
                break;
            case FaultKinds.ClockBeyond:
                SetBeyond(node.Clock);
                break;
            default:
                break;
        }
    }

    private void SetBeyond(SimulatedClock ofNode)
    {
        var ofClients = _clients.Count > 0 ? _clients[(int)_random.Next(_clients.Count)].Clock : ofNode;
        var clock = _random.Chance(1, 2) ? ofNode : ofClients;
        var before = clock.Rate;
        clock.SetRate(Time.Now, (int)_random.Next(-200_000, 200_000));
        EndAfter(Span(), () => clock.SetRate(Time.Now, before));
    }

    private void Block(IEnumerable<(int From, int To)> pairs)
    {
        var blocked = pairs.ToList();
        blocked.ForEach(p => _cluster.Network.Block(p.From, p.To));
        EndAfter(Span(), () => blocked.ForEach(p => _cluster.Network.Unblock(p.From, p.To)));
    }

    private IEnumerable<(int From, int To)> Pairs()
    {
        for (var from = 0; from < NodeCount; from++)
        {
            for (var to = 0; to < NodeCount; to++)
            {
                if (from != to)
                {
                    yield return (from, to);
                }
            }
        }
    }

    /// <summary>Short ones are as interesting as those that outlast an election and a lease.</summary>
    private long Span() => _random.Chance(1, 2) ? _random.Next(20_000, 1_500_000) : _random.Next(1_000_000, 12_000_000);
}
