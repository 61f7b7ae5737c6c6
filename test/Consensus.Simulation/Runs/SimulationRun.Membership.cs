using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Runs;

/// <summary>Phase two where members come and go: a majority of the configuration in force is healed, whichever that is, and must make progress.</summary>
public sealed partial class SimulationRun
{
    private const long LookAgainMicros = 1_000_000;

    /// <summary>Who runs now, and goes on: a process that was told that its member is removed ends within two seconds, and for good.</summary>
    private List<SimulatedNode> Running => [.. Cluster.Formed.Where(n => n is { Process: not null, IsRetired: false })];

    /// <summary>Whom clients can be told of: the members that run, once somebody leads; before that nobody can tell who is one.</summary>
    private List<SimulatedNode> Answering => IsLed ? [.. Members(Cluster.Leader!).Where(n => n is { Process: not null, IsRetired: false })] : Running;

    private void HealMajorityInForce()
    {
        StartWhoMay();
        Cluster.Time.RunUntil(Cluster.Time.Now + 10_000);
        for (var until = Cluster.Time.Now + ProgressWithin; !SomebodyCanWin() && Cluster.Time.Now < until;)
        {
            // One that was asked to stop before, or whose disk failed before, is on its way back.
            Cluster.Time.RunUntil(Cluster.Time.Now + LookAgainMicros);
        }
        var healed = ChooseMajority();
        foreach (var node in Cluster.Formed.Except(healed))
        {
            node.IsHeldDown = true;
            node.End(_random.Chance(1, 2) ? EndKind.Killed : EndKind.PowerLoss);
        }
        Cluster.Trace.Line($"healed: {string.Join(", ", healed.Select(n => n.Name))}");
        _clients.ForEach(client => client.Reach([.. healed.Select(n => n.Number)]));
        var answered = CountAnswered();
        RequireOfMajority(
            () => answered.Count == _clients.Count && IsLed,
            () => $"a healed majority ({string.Join(", ", healed.Select(n => n.Name))}) answers all clients: {answered.Count} of {_clients.Count} were; {Describe()}");
    }

    private bool SomebodyCanWin()
    {
        var running = Running;
        return running.Exists(n => CanWin(n, running));
    }

    private bool IsLed => Cluster.Leader?.Process?.Core.Status is { Ready: true, Role: RaftRole.Leader };

    private void StartWhoMay()
    {
        foreach (var node in Cluster.Formed.Where(n => n.MayStart))
        {
            StartAndForget(node);
        }
    }

    /// <summary>One who can win, and just as many others as make it win.</summary>
    private List<SimulatedNode> ChooseMajority()
    {
        var running = Running;
        var able = running.FindAll(n => CanWin(n, running));
        Progress.Reached(able.Count > 0 || !_watches.Sees(Progress.Name), 0, () => $"no majority of any configuration is left; {Describe()}");
        if (able.Count == 0)
        {
            return running;
        }
        var winner = able[(int)_random.Next(able.Count)];
        var healed = new List<SimulatedNode> { winner };
        foreach (var node in running.Where(n => n != winner && winner.Known!.IsVoter(n.Id) && HasNoMoreThan(winner, n)).OrderBy(_ => _random.NextUInt64()))
        {
            if (CanWin(winner, healed))
            {
                break;
            }
            healed.Add(node);
        }
        return healed;
    }

    /// <summary>Whether those of them whose log is not ahead of this member's are a majority of the configuration that it would lead. Raft §5.4.1, §6.</summary>
    private bool CanWin(SimulatedNode candidate, List<SimulatedNode> among)
    {
        var configuration = candidate.Known!;
        bool IsMajority(IReadOnlyCollection<MemberId> voters) =>
            voters.Count == 0 || among.Count(n => voters.Contains(n.Id) && HasNoMoreThan(candidate, n)) > voters.Count / 2;
        return MayStand(candidate) && IsMajority(configuration.Voters) && IsMajority(configuration.OutgoingVoters);
    }

    /// <summary>One that its newest configuration leaves out stands too, while it does not know that this is committed (dissertation §4.2.2).</summary>
    private bool MayStand(SimulatedNode candidate)
    {
        if (candidate.Known!.IsVoter(candidate.Id))
        {
            return true;
        }
        var log = _watch.LogOf(candidate);
        for (var index = log.LastIndex; index > log.Start.Index; index = index.Previous)
        {
            if (log.At(index) is { Kind: EntryKind.Configuration } entry)
            {
                if (RaftCodec.ReadConfiguration(entry.Payload.Span).IsVoter(candidate.Id))
                {
                    return true;
                }
                if (index <= candidate.Process!.Core.Status.CommitIndex)
                {
                    return false;
                }
            }
        }
        return (log.StartConfiguration ?? Cluster.Initial).IsVoter(candidate.Id);
    }

    private bool HasNoMoreThan(SimulatedNode candidate, SimulatedNode voter) => _watch.LogOf(voter).IsNotAheadOf(_watch.LogOf(candidate));

    /// <summary>As <see cref="Require"/>; a change that was under way may have made another configuration the one in force: then more are healed.</summary>
    private void RequireOfMajority(Func<bool> condition, Func<string> what)
    {
        var until = Cluster.Time.Now + ProgressWithin;
        while (!condition() && Cluster.Time.Now < until)
        {
            Cluster.Time.RunUntil(Cluster.Time.Now + LookAgainMicros, condition);
            if (Answering is { Count: > 0 } answering)
            {
                // One of them may have been removed by what was under way; one that was removed and does not know runs on, and answers nobody.
                _clients.ForEach(client => client.Learn([.. answering.Select(n => n.Number)]));
            }
            if (!condition() && Cluster.Nodes.Any(n => n.IsHeldDown) && !SomebodyCanWin())
            {
                Cluster.Trace.Line("another configuration is in force now: all are healed");
                foreach (var node in Cluster.Nodes)
                {
                    node.IsHeldDown = false;
                }
                StartWhoMay();
                until = Cluster.Time.Now + ProgressWithin;
            }
        }
        if (_watches.Sees(Progress.Name))
        {
            Progress.Reached(condition(), ProgressWithin, what);
        }
    }

    /// <summary>All come back, those that were removed too; the members become equal, and nobody else disturbs them (raft-bugs 23).</summary>
    private void HealAllMembers()
    {
        foreach (var node in Cluster.Formed)
        {
            node.IsHeldDown = false;
            node.IsRetired = node.IsRetired && _random.Chance(1, 2);
        }
        StartWhoMay();
        Require(AreMembersEqual, () => $"all members become equal; {Describe()}");
        if (!_watches.Sees(LeaderStays.Name) || Cluster.Leader is null)
        {
            return;
        }
        Cluster.Time.RunUntil(Cluster.Time.Now + LeaderStays.SettledAfterMicros);
        var (leader, term) = (Cluster.Leader?.Id ?? MemberId.None, Cluster.Leader?.Process?.Core.Term ?? Term.Zero);
        Cluster.Time.RunUntil(Cluster.Time.Now + LeaderStays.WatchedForMicros);
        LeaderStays.Watched(leader, term, Cluster.Leader?.Id ?? MemberId.None, Cluster.Leader?.Process?.Core.Term ?? Term.Zero);
        _clients.ForEach(client => client.Reach([.. Members(Cluster.Leader!).Select(n => n.Number)]));
    }

    private bool AreMembersEqual() => IsLed && Members(Cluster.Leader!).All(n =>
        n.Process is { } p && p.Core.Status.Ready && p.Core.AppliedIndex == _watch.LastApplied && p.Core.View.AppliedIndex == p.Core.AppliedIndex);

    /// <summary>The machines of its configuration whose disk is not lost.</summary>
    private List<SimulatedNode> Members(SimulatedNode leader) => [.. leader.Known!.Members.Select(m => Cluster.Find(m.Id)).OfType<SimulatedNode>()];
}
