using System.Collections.Immutable;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Faults;

/// <summary>
/// An operator who changes the membership again and again, asking whichever member answers, whatever else goes wrong: learners join and are promoted, members are removed, the
/// leader too, dead ones are replaced. It has a seed and a clock of its own, so that the other faults come when they would come without it.
/// </summary>
internal sealed partial class MembershipChurn
{
    private const int MostMembers = 7;

    private readonly SimulatedCluster _cluster;
    private readonly IReadOnlyList<VirtualClient> _clients;
    private readonly Nemesis _nemesis;
    private readonly DeterministicRandom _random;
    private long _meanMicros;
    private bool _stopped = true;

    public MembershipChurn(SimulatedCluster cluster, IReadOnlyList<VirtualClient> clients, Nemesis nemesis, ulong seed)
    {
        (_cluster, _clients, _nemesis) = (cluster, clients, nemesis);
        _random = new DeterministicRandom(seed ^ 0xC4A26E);
    }

    private long Now => _cluster.Time.Now;

    public void Start(long meanMicros)
    {
        _meanMicros = meanMicros;
        _stopped = false;
        PlanNext();
    }

    public void Stop() => _stopped = true;

    private void PlanNext() => _cluster.Time.After(1 + _random.Next(2 * _meanMicros), () =>
    {
        if (_stopped)
        {
            return;
        }
        switch (_random.Next(12))
        {
            case 0:
                LoseSomething();
                break;
            case 1:
                BringBackARemovedOne();
                break;
            default:
                AskSomebody();
                break;
        }
        PlanNext();
    });

    private void AskSomebody()
    {
        var running = _cluster.Nodes.Where(n => n is { Process: not null, IsRetired: false } && n.Known!.Find(n.Id) is not null).ToList();
        if (running.Count == 0)
        {
            return;
        }
        var asked = _random.Chance(1, 3) && _cluster.Leader is { } leader ? leader : Pick(running);
        var process = asked.Process!;
        if (DrawChange(process.Core.Configuration) is not { } change)
        {
            return;
        }
        if (change is RemoveMember or PromoteMember { Replaces.IsNone: false })
        {
            _lastRemoval = Now;
        }
        _nemesis.Count(FaultKinds.Membership);
        _cluster.Trace.Line($"{asked.Name} is asked: {change}");
        process.ChangeMembership(change, answer => OnAnswer(process, change, answer));
    }

    private void OnAnswer(SimulatedProcess process, MembershipChange change, MembershipAnswer answer)
    {
        _cluster.Trace.Line($"{process.Node.Name} answers {change}: {answer}");
        if (answer.Kind != AnswerKind.Done || _stopped)
        {
            return;
        }
        var members = process.Core.Configuration.Members.Select(m => _cluster.Find(m.Id)).OfType<SimulatedNode>().Select(n => n.Number).ToArray();
        foreach (var client in _clients.Where(_ => members.Length > 0 && _random.Chance(3, 4)))
        {
            client.Learn(members);
        }
    }

    private MembershipChange? DrawChange(Configuration known)
    {
        var dead = known.Members.Where(m => _cluster.Find(m.Id) is not { IsHeldDown: false }).Select(m => m.Id).ToImmutableArray();
        if (!dead.IsEmpty && _random.Chance(1, 2))
        {
            return Replace(known, dead[(int)_random.Next(dead.Length)]);
        }
        // Small clusters grow rather than shrink: there is more that can go wrong in a larger one.
        switch (_random.Next(known.Voters.Length < 3 && _random.Chance(3, 4) ? 4 : 6))
        {
            case 0 or 1 when known.Members.Length < MostMembers:
                return Add(known);
            case 2 or 3 when !known.Learners.IsEmpty:
                return new PromoteMember(Pick(known.Learners), _random.Chance(1, 3) && MayRemove(known) ? Pick(known.Voters) : MemberId.None);
            case 4 when MayRemove(known) && _cluster.Leader is { } leader:
                return new RemoveMember(leader.Id);
            default:
                return known.Voters.Length > 1 && MayRemove(known) ? new RemoveMember(Pick([.. known.Members.Select(m => m.Id)])) : Add(known);
        }
    }

    /// <summary>A dead member goes; a learner takes its place if there is one.</summary>
    private MembershipChange Replace(Configuration known, MemberId dead) =>
        !known.Learners.IsEmpty && known.IsVoter(dead) && _random.Chance(2, 3)
            ? new PromoteMember(Pick(known.Learners), dead)
            : new RemoveMember(dead);

    /// <summary>A machine that nobody knows yet starts as one that joins, before or after the cluster hears of it.</summary>
    private AddMember? Add(Configuration known)
    {
        var free = _cluster.Nodes.Where(n => known.Members.All(m => m.Name != n.Name) && n is { IsHeldDown: false, IsRetired: false } && !known.Removed.Contains(n.Id)).ToList();
        if (free.Count == 0)
        {
            return null;
        }
        var node = Pick(free);
        if (!node.IsFormed)
        {
            // Who belongs to the cluster it hears from the leader that dials it.
            node.Form(_cluster.Id, Configuration.Empty);
            _nemesis.StartLater(node, _random.Next(_random.Chance(1, 2) ? 1_000 : 3_000_000));
        }
        return new AddMember(node.Member, AsVoter: _random.Chance(1, 5));
    }

    private MemberId Pick(ImmutableArray<MemberId> ids) => ids[(int)_random.Next(ids.Length)];

    private SimulatedNode Pick(List<SimulatedNode> nodes) => nodes[(int)_random.Next(nodes.Count)];
}
