using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;

namespace Consensus.Simulation.Runs;

/// <summary>The last of phase two: clients renew nothing any more, leadership changes hands again and again, and every lease ends in its time all the same.</summary>
public sealed partial class SimulationRun
{
    /// <summary>Shorter than most leases: one that a failover reset would never end.</summary>
    private const long TermOfOfficeMicros = 2_000_000;

    /// <summary>Cluster time that a killed leader takes along at most: it logs the time once a second (rule 1), and the next leader may be one that started again.</summary>
    private const long UnloggedMicros = 1_000_000;

    private void LetLeasesEnd()
    {
        if (!_watches.Sees(LeasesEnd.Name))
        {
            return;
        }
        var names = History.Operations.Where(o => o.IsOfLock).Select(o => o.Key).Distinct().ToList();
        var leases = new LeasesEnd(_clients.Select(client => client.HeldUpUntil).DefaultIfEmpty().Max());
        UntilLed();
        if (Cluster.Leader?.Process is { } process)
        {
            _coordination?.HealedAt(process.Core.View.AppliedStamp);
        }
        while (AnyStands(names, leases))
        {
            Cluster.Time.RunUntil(Cluster.Time.Now + TermOfOfficeMicros);
            var since = Cluster.Time.Now;
            var unlogged = FailOver() ? UnloggedMicros : 0;
            UntilLed();
            leases.Uncounted(Cluster.Time.Now - since + unlogged);
        }
    }

    private bool AnyStands(List<Key> names, LeasesEnd leases)
    {
        if (Cluster.Leader?.Process?.Core.View is not { } view)
        {
            // Only where progress is not watched.
            return false;
        }
        var stands = false;
        foreach (var name in names)
        {
            if (view.GetObject(name).Holder is { } hold)
            {
                leases.Stands(name.ToString(), hold.Token.Value, hold.TtlMicros, Cluster.Time.Now);
                stands = true;
            }
        }
        foreach (var lease in _coordination is null ? [] : view.ListLeases(LeaseId.None))
        {
            leases.Stands("", lease.Id.Value, lease.TtlMicros, Cluster.Time.Now);
            stands = true;
        }
        return stands;
    }

    /// <summary>True when the leader was killed, false when it handed over.</summary>
    private bool FailOver()
    {
        if (Cluster.Leader is not { Process: { } process } leader)
        {
            return false;
        }
        if (_random.Chance(1, 2))
        {
            leader.End(EndKind.Killed);
            return true;
        }
        var isOver = false;
        process.Post(new TransferInput(new SimulatedTransfer(MemberId.None, () => isOver = true)));
        Require(() => isOver, () => $"a hand-over ends; {Describe()}");
        return false;
    }

    private void UntilLed() => Require(
        () => Cluster.Leader?.Process is { } process && process.Core.Status is { Ready: true, Role: Raft.RaftRole.Leader },
        () => $"somebody leads; {Describe()}");
}
