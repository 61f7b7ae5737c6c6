using System.Collections.Immutable;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Faults;

/// <summary>What is lost for good, or for long, and what comes back that nobody waits for.</summary>
internal sealed partial class MembershipChurn
{
    /// <summary>A leader believes for at most so long that a lost voter is still there, and may judge a removal by that.</summary>
    private const long NoticeMicros = 8_000_000;

    private long _lastRemoval = -NoticeMicros;
    private long _lastLoss = -NoticeMicros;

    private void LoseSomething()
    {
        var formed = _cluster.Nodes.Where(n => n.IsFormed && !n.IsHeldDown).ToList();
        if (formed.Count == 0)
        {
            return;
        }
        var node = Pick(formed);
        if (_random.Chance(1, 2))
        {
            // It may be given up and replaced; or it comes back as if nothing had been.
            _nemesis.Count(FaultKinds.Membership);
            node.IsHeldDown = true;
            node.End(_random.Chance(1, 2) ? EndKind.PowerLoss : EndKind.Killed);
            _nemesis.EndAfter(_random.Next(2_000_000, 15_000_000), () =>
            {
                node.IsHeldDown = false;
                _nemesis.StartLater(node, _random.Next(100_000));
            });
        }
        else if (CanBeLost(node))
        {
            _nemesis.Count(FaultKinds.Membership);
            _lastLoss = Now;
            node.Wipe();
        }
    }

    /// <summary>
    /// A disk may be lost for good only where a majority without it remains in every configuration that may be in force, and in the next smaller one too: no cluster
    /// survives more.
    /// </summary>
    private bool CanBeLost(SimulatedNode node) => Now - _lastRemoval >= NoticeMicros && _cluster.Formed.All(other =>
        IsSpared(other.Known!.Voters, node)
        && IsSpared(other.Known!.OutgoingVoters, node)
        && (other.Known!.Voters.Length >= 3 || !other.Known!.Learners.Contains(node.Id)));

    private bool IsSpared(ImmutableArray<MemberId> voters, SimulatedNode node) =>
        !voters.Contains(node.Id) || (voters.Length >= 4 && voters.Count(v => v != node.Id && _cluster.Find(v) is not null) > (voters.Length + 1) / 2);

    /// <summary>Nobody who could be needed is removed while it may not be known yet that another is lost.</summary>
    private bool MayRemove(Configuration known) =>
        Now - _lastLoss >= NoticeMicros && known.Voters.All(v => _cluster.Find(v) is not null);

    /// <summary>A machine that was removed starts once more, with its old log or under its old name with nothing.</summary>
    private void BringBackARemovedOne()
    {
        var retired = _cluster.Nodes.Where(n => n is { IsRetired: true, Process: null, IsHeldDown: false }).ToList();
        if (retired.Count == 0)
        {
            return;
        }
        var node = Pick(retired);
        _nemesis.Count(FaultKinds.Membership);
        if (_random.Chance(1, 2))
        {
            node.Wipe();
            return;
        }
        node.IsRetired = false;
        _nemesis.StartLater(node, 0);
        if (_random.Chance(1, 2))
        {
            CampaignWildly(node);
        }
    }

    /// <summary>As one that campaigned all the time that it was away, without a pre-vote, and now asks for votes in a term far ahead.</summary>
    private void CampaignWildly(SimulatedNode node)
    {
        var ahead = _random.Next(1, 1_000);
        for (var i = 0; i < 5; i++)
        {
            _cluster.Time.After(_random.Next(2_000_000), () =>
            {
                if (_stopped || node.Process is not { Peers: { } peers } process)
                {
                    return;
                }
                var term = new Term(process.Core.Term.Value + ahead);
                foreach (var to in peers)
                {
                    process.SendFrame(to, new RaftPeerMessage(
                        new VoteRequest(node.Id, to, term, process.Core.Status.LastIndex, process.Core.Term, Disruptive: ahead % 2 == 0)));
                }
            });
        }
    }
}
