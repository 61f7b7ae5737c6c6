using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Cluster;

/// <summary>
/// Cores of one cluster in virtual time with a network that drops, delays, doubles and reorders, links that are cut, disks that lag, and processes that
/// lose everything not yet durable. Everything is drawn from one seed. Safety is checked as it runs.
/// </summary>
internal sealed class SimulatedCluster
{
    private readonly DeterministicRandom _random;
    private readonly RaftOptions _options;
    private readonly Configuration _configuration;
    private readonly SortedDictionary<MemberId, SimulatedMember> _members = [];
    private readonly List<(long At, long Order, Message Message)> _wire = [];
    private readonly HashSet<(MemberId, MemberId)> _cut = [];
    private readonly SortedDictionary<long, MemberId> _leaders = [];
    private readonly List<(Term Term, long Payload)> _committed = [];
    private long _now;
    private long _order;
    private long _nextPayload = 1;

    public SimulatedCluster(ulong seed, int size)
    {
        _random = new DeterministicRandom(seed);
        _options = new RaftOptions
        {
            ElectionTimeoutTicks = 100,
            HeartbeatIntervalTicks = 10,
            LeaderGoneDelayTicks = 5,
            MaxInflightAppends = 8,
            MaxAppendBytes = 1000,
            TrailingEntries = 3,
            Seed = seed,
        };
        _configuration = Configuration.OfVoters(Enumerable.Range(1, size).Select(i => new Member(new MemberId(i), "n" + i.ToString(CultureInfo.InvariantCulture), "")));
        foreach (var member in _configuration.Members)
        {
            _members.Add(member.Id, new SimulatedMember(member.Id, _configuration));
            _members[member.Id].Start(_options);
        }
    }

    public int DropPercent { get; set; }

    public int DuplicatePercent { get; set; }

    public int MaxDelay { get; set; } = 3;

    public int MaxDiskDelay { get; set; } = 3;

    public int CrashPermille { get; set; }

    public int CutPermille { get; set; }

    public int CommittedCount => _committed.Count;

    public int Reads { get; private set; }

    public IReadOnlyDictionary<long, MemberId> Leaders => _leaders;

    public IEnumerable<SimulatedMember> Members => _members.Values;

    public SimulatedMember? CurrentLeader => _members.Values
        .Where(m => m.Node is { Role: RaftRole.Leader })
        .MaxBy(m => m.Node!.Term);

    /// <summary>Lets faults end: every member runs, every link carries.</summary>
    public void Heal()
    {
        DropPercent = DuplicatePercent = CrashPermille = CutPermille = 0;
        _cut.Clear();
        foreach (var member in _members.Values.Where(m => m.Node is null))
        {
            member.Start(_options);
        }
    }

    public void Run(int ticks, int proposalPercent)
    {
        for (var end = _now + ticks; _now < end;)
        {
            Step(proposalPercent);
        }
    }

    /// <summary>Runs until the condition holds; false when it did not within the ticks.</summary>
    public bool RunUntil(Func<bool> condition, int ticks, int proposalPercent)
    {
        for (var end = _now + ticks; _now < end;)
        {
            Step(proposalPercent);
            if (condition())
            {
                return true;
            }
        }
        return false;
    }

    private void Step(int proposalPercent)
    {
        _now++;
        Disturb();
        Deliver();
        foreach (var member in _members.Values)
        {
            if (member.Node is not { } node)
            {
                continue;
            }
            member.FinishWrites(_now);
            node.AdvanceClock(1000);
            node.Tick(1);
            Ask(member, node, proposalPercent);
            Drain(member, node);
        }
    }

    private void Ask(SimulatedMember member, RaftNode node, int proposalPercent)
    {
        if (node.Role == RaftRole.Leader && _random.Chance(proposalPercent, 100))
        {
            for (var i = _random.Next(1, 4); i > 0; i--)
            {
                var payload = BitConverter.GetBytes(_nextPayload++);
                node.Propose(new Proposal(EntryKind.Command, RequestId.None, payload), out _, out _);
            }
        }
        if (_random.Chance(proposalPercent, 200))
        {
            member.StartRead(_committed.Count);
        }
        if (node.Role == RaftRole.Leader && _random.Chance(1, 500))
        {
            node.TransferLeadership(MemberId.None);
        }
        if (_random.Chance(1, 100))
        {
            member.TakeSnapshot();
        }
    }

    private void Drain(SimulatedMember member, RaftNode node)
    {
        var rounds = 0;
        while (node.HasReady)
        {
            Assert.That(++rounds, Is.LessThan(1000), "taking output comes to an end");
            var ready = node.TakeReady();
            Send(ready.Messages);
            if (ready.MustPersist)
            {
                member.Write(ready, _now + 1 + _random.Next(MaxDiskDelay));
            }
            member.Hold(ready.MessagesAfterPersist);
            foreach (var entry in ready.Committed)
            {
                member.Apply(entry);
                CheckCommitted(entry);
            }
            foreach (var read in ready.Reads)
            {
                CheckRead(member, read);
            }
        }
        Send(member.TakeReleased());
        if (node.Role == RaftRole.Leader)
        {
            if (_leaders.TryGetValue(node.Term.Value, out var other))
            {
                Assert.That(node.Self, Is.EqualTo(other), "election safety: one leader in a term");
            }
            else
            {
                CheckLeaderCompleteness(member, node);
                _leaders.Add(node.Term.Value, node.Self);
            }
        }
    }

    /// <summary>Raft figure 3: state machine safety.</summary>
    private void CheckCommitted(Entry entry)
    {
        var identity = (entry.Term, entry.Payload.Length == 8 ? BitConverter.ToInt64(entry.Payload.Span) : -1);
        var position = (int)entry.Index.Value - 1;
        if (position < _committed.Count)
        {
            Assert.That(identity, Is.EqualTo(_committed[position]), "state machine safety");
            return;
        }
        Assert.That(position, Is.EqualTo(_committed.Count), "no gap among committed entries");
        _committed.Add(identity);
    }

    private void CheckLeaderCompleteness(SimulatedMember member, RaftNode node) =>
        Assert.That(node.LastIndex.Value, Is.GreaterThanOrEqualTo(_committed.Count), $"leader completeness of {member.Id} in term {node.Term}");

    private void CheckRead(SimulatedMember member, ReadState read)
    {
        if (member.FinishRead(read.Context) is { } mustSee && !read.Refused)
        {
            Assert.That(read.Index.Value, Is.GreaterThanOrEqualTo(mustSee), "a read sees everything committed before it began");
            Reads++;
        }
    }

    private void Send(IEnumerable<Message> messages)
    {
        foreach (var message in messages)
        {
            if (_cut.Contains((message.From, message.To)) || _random.Chance(DropPercent, 100))
            {
                continue;
            }
            for (var copies = _random.Chance(DuplicatePercent, 100) ? 2 : 1; copies > 0; copies--)
            {
                _wire.Add((_now + 1 + _random.Next(MaxDelay), _order++, message));
            }
        }
    }

    private void Deliver()
    {
        var due = _wire.Where(w => w.At <= _now).OrderBy(w => w.At).ThenBy(w => w.Order).ToList();
        _wire.RemoveAll(w => w.At <= _now);
        foreach (var (_, _, message) in due)
        {
            var member = _members[message.To];
            if (member.Node is not { } node)
            {
                continue;
            }
            if (message is InstallSnapshotRequest install)
            {
                node.Step(install);
                _members[message.From].Node?.ReportSnapshotSent(install, SnapshotReport.Taken);
            }
            else
            {
                node.Step(message);
            }
        }
    }

    private void Disturb()
    {
        if (_random.Chance(CutPermille, 1000))
        {
            _cut.Clear();
            foreach (var a in _members.Keys)
            {
                foreach (var b in _members.Keys)
                {
                    if (a != b && _random.Chance(1, 3))
                    {
                        _cut.Add((a, b));
                    }
                }
            }
        }
        else if (_random.Chance(CutPermille, 1000))
        {
            _cut.Clear();
        }
        foreach (var member in _members.Values)
        {
            if (member.Node is null)
            {
                if (_random.Chance(1, 50))
                {
                    member.Start(_options);
                }
            }
            else if (_random.Chance(CrashPermille, 1000))
            {
                member.Crash();
                foreach (var other in _members.Values.Where(o => o.Node is not null && _random.Chance(4, 5)))
                {
                    other.Node!.ReportProcessGone(member.Id);
                }
            }
        }
    }
}
