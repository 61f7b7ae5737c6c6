using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Simulation;

/// <summary>Members come, are promoted, take another's place, and go, at whatever moment: also the leader, also during another change or a partition.</summary>
internal sealed partial class Simulator
{
    private const int MostMembers = 7;

    private int _lastNumber = 9;

    /// <summary>The last committed configuration.</summary>
    private Configuration Latest => _checker.Configuration ?? _initial;

    /// <summary>Once all is well, nobody disturbs the leader: those that were removed, or added in vain, still run and still campaign (raft-bugs 23).</summary>
    public void CheckThatTheLeaderStays()
    {
        // The last of what the network kept back arrives.
        for (var i = 0; i < 10 * ElectionTimeout; i++)
        {
            Turn();
        }
        var leaders = _members.Where(m => m.Host.Node.Role == RaftRole.Leader).Select(m => (m.Host.Id, m.Host.Node.Term)).ToList();
        for (var i = 0; i < 10 * ElectionTimeout; i++)
        {
            Turn();
        }
        var after = _members.Where(m => m.Host.Node.Role == RaftRole.Leader).Select(m => (m.Host.Id, m.Host.Node.Term)).ToList();
        Assert.That(leaders, Has.Count.EqualTo(1), Describe());
        Assert.That(after, Is.EqualTo(leaders), Describe());
    }

    private void Churn()
    {
        var leaders = _members.FindAll(m => m.DownUntil == 0 && m.Host.Node.Role == RaftRole.Leader);
        if (leaders.Count == 0)
        {
            return;
        }
        var node = leaders[(int)_random.Next(leaders.Count)].Host.Node;
        var known = node.Configuration;
        var change = DrawChange(known);
        var request = new RequestId(node.Self, 1, ++_requests);
        var answer = node.ProposeChange(change, request, out _, out _);
        if (answer.Verdict == ChangeVerdict.Appended && change is AddMember add && !_members.Exists(m => m.Host.Id == add.Member.Id))
        {
            // As a process that joins: it knows whom to talk to, and that nobody counts until the log says so.
            Start(add.Member.Id, new Configuration(known.Members, [], [], [.. known.Members.Select(m => m.Id)]));
        }
    }

    private MembershipChange DrawChange(Configuration known)
    {
        switch (_random.Next(6))
        {
            case 0 or 1 when known.Members.Length < MostMembers:
                var inVain = _members.Find(m => known.Find(m.Host.Id) is null && !known.Removed.Contains(m.Host.Id));
                var number = inVain is not null && _random.Chance(1, 2) ? (int)inVain.Host.Id.Value : ++_lastNumber;
                return new AddMember(Make.Member(number), AsVoter: _random.Chance(1, 5));
            case 2 or 3 when !known.Learners.IsEmpty:
                return new PromoteMember(Pick(known.Learners), _random.Chance(1, 3) ? Pick(known.Voters) : MemberId.None);
            default:
                return new RemoveMember(Pick([.. known.Members.Select(m => m.Id)]));
        }
    }

    private MemberId Pick(ImmutableArray<MemberId> ids) => ids[(int)_random.Next(ids.Length)];

    private void Start(MemberId id, Configuration initial)
    {
        var host = new Host(id, initial, _options, new Disk(default, null, [])) { PersistsAtOnce = false };
        _members.Add(new SimulatedMember(host));
        _checker.Watch(host);
    }
}
