using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Simulation;

/// <summary>
/// A whole cluster in one thread, driven by one seed: first everything goes wrong while safety is checked, then everything is healed and the
/// cluster must elect, commit and answer.
/// </summary>
internal sealed partial class Simulator
{
    private const int ElectionTimeout = 100;

    private readonly DeterministicRandom _random;
    private readonly SimulatedNetwork _network;
    private readonly RaftOptions _options;
    private readonly List<SimulatedMember> _members = [];
    private readonly SafetyChecker _checker = new();
    private readonly Configuration _initial;
    private readonly long _churnOneIn;
    private long _now;
    private long _requests;
    private bool _calm;

    public Simulator(ulong seed)
    {
        _random = new DeterministicRandom(seed);
        _network = new SimulatedNetwork(_random);
        _initial = DrawConfiguration();
        _options = DrawOptions(seed);
        foreach (var member in _initial.Members)
        {
            Start(member.Id, _initial);
        }
        _churnOneIn = _random.Chance(1, 2) ? _random.Next(10, 100) : long.MaxValue;
        DrawWeather();
    }

    public LogIndex Committed => _checker.Committed;

    public int Changes => _checker.Changes;

    public int Elections => _checker.Elections;

    public int ReadsAnswered { get; private set; }

    public int SnapshotsInstalled { get; private set; }

    public void RunFaults(int ticks)
    {
        for (var i = 0; i < ticks; i++)
        {
            Turn();
            if (_random.Chance(1, 60))
            {
                Trouble();
            }
            if (_random.Chance(1, _churnOneIn))
            {
                Churn();
            }
        }
    }

    /// <summary>Ends all faults; the cluster must come back and stay in step.</summary>
    public void HealAndCheckProgress()
    {
        _calm = true;
        _network.Heal();
        (_network.LossPerMille, _network.DoublePerMille, _network.LatePerMille, _network.MaxDelay) = (0, 0, 0, 1);
        foreach (var member in _members)
        {
            member.DiskStalledUntil = 0;
            if (member.DownUntil > 0)
            {
                Restart(member);
            }
        }
        var committedBefore = _checker.Committed;
        var readsBefore = ReadsAnswered;
        var healthyAfter = 0;
        for (var i = 0; i < 60 * ElectionTimeout; i++)
        {
            Turn();
            healthyAfter = i;
            if (_checker.Committed - committedBefore > 20 && ReadsAnswered > readsBefore + 5 && EverybodyIsInStep())
            {
                break;
            }
        }
        Assert.That(_checker.Committed - committedBefore, Is.GreaterThan(20), $"a healed cluster commits: {Describe()}");
        Assert.That(ReadsAnswered, Is.GreaterThan(readsBefore + 5), "a healed cluster answers reads");
        Assert.That(EverybodyIsInStep(), Is.True, string.Create(CultureInfo.InvariantCulture, $"all members caught up after {healthyAfter} ticks: {Describe()}"));
    }

    public string Describe() => string.Join(
        "; ",
        _members.Select(m => string.Create(
            CultureInfo.InvariantCulture,
            $"{m.Host.Id.Value}: {m.Host.Node.Role} term {m.Host.Node.Term} leader {m.Host.Node.Leader.Value} [{m.Host.Node.FirstIndex},{m.Host.Node.LastIndex}] durable {m.Host.Node.DurableIndex} commit {m.Host.Node.CommitIndex} applied {m.Host.AppliedIndex} {Words(m.Host.Node.Configuration)}")));

    private static string Words(Configuration configuration) =>
        $"voters {Ids(configuration.Voters)} outgoing {Ids(configuration.OutgoingVoters)} learners {Ids(configuration.Learners)}";

    private static string Ids(IEnumerable<MemberId> ids) => string.Join(',', ids.Select(i => i.Value));

    private bool EverybodyIsInStep() =>
        !Latest.IsJoint && _members.TrueForAll(m => Latest.Find(m.Host.Id) is null || m.Host.AppliedIndex + 20 >= _checker.Committed);

    private Configuration DrawConfiguration() => _random.Next(8) switch
    {
        0 => Make.Voters(1),
        1 => Make.Voters(2),
        2 => Make.Voters(4),
        3 => Make.Voters(5),
        4 => Make.Configured([1, 2, 3], learners: [4]),
        5 => Make.Configured([1, 2, 3], outgoing: [3, 4, 5]),
        _ => Make.Voters(3),
    };

    private RaftOptions DrawOptions(ulong seed)
    {
        var options = DrawSizes(seed);
        return options with { MaxPersistBytes = options.MaxAppendBytes };
    }

    private RaftOptions DrawSizes(ulong seed) => new()
    {
        ElectionTimeoutTicks = ElectionTimeout,
        HeartbeatIntervalTicks = 10,
        LeaderGoneDelayTicks = 5,
        MaxInflightAppends = (int)_random.Next(1, 8),
        MaxInflightBytes = _random.Next(200, 3000),
        MaxAppendBytes = (int)_random.Next(100, 1000),
        MaxCommittedBytes = _random.Next(100, 2000),
        LeastInflightBytes = _random.Next(100, 500),
        MaxInflightTicks = (int)_random.Next(5, 300),
        MaxUncommittedBytes = 5000,
        TrailingBytes = _random.Next(0, 2000),
        MaxLogBytes = _random.Next(500, 10_000),
        PromotionLagEntries = _random.Next(5, 200),
        TrailingEntries = _random.Next(0, 20),
        Seed = seed,
    };

    private void DrawWeather()
    {
        _network.LossPerMille = _random.Chance(1, 2) ? (int)_random.Next(150) : 0;
        _network.DoublePerMille = _random.Chance(1, 2) ? (int)_random.Next(150) : 0;
        _network.LatePerMille = _random.Chance(1, 2) ? (int)_random.Next(100) : 0;
        _network.MaxDelay = (int)_random.Next(1, 12);
    }

    private void Turn()
    {
        _now++;
        while (_network.TryReceive(_now, out var message))
        {
            Deliver(message);
        }
        for (var i = 0; i < _members.Count; i++)
        {
            var member = _members[i];
            if (member.DownUntil > 0)
            {
                if (member.DownUntil <= _now)
                {
                    Restart(member);
                }
                continue;
            }
            RunMember(member);
            Flush(member);
        }
    }

    private void RunMember(SimulatedMember member)
    {
        var host = member.Host;
        host.Node.AdvanceClock(_random.Next(900, 1100));
        host.Node.Tick(1);
        if (_random.Chance(1, 4))
        {
            Propose(host);
        }
        if (_random.Chance(1, 10))
        {
            var context = ++member.LastContext;
            member.AskedReads.Add(context, _checker.Committed);
            host.Node.ReadIndex(context);
        }
        host.Pump();
        if (host.Disk.Waiting > 0 && member.DiskStalledUntil <= _now && _random.Chance(1, 3))
        {
            host.PersistOne();
        }
        var installIsOnItsWay = host.AppliedIndex > host.Node.DurableIndex;
        if (!installIsOnItsWay && !host.AppliedConfiguration.Voters.IsEmpty && host.AppliedIndex > (host.Disk.Snapshot?.LastIndex ?? LogIndex.Zero) && _random.Chance(1, 150))
        {
            host.TakeSnapshot();
        }
    }

    private void Propose(Host host)
    {
        var request = new RequestId(host.Id, 1, ++_requests);
        if (host.Node.Propose(Make.Command((int)_random.Next(0, 200), request), out _, out _) == ProposeResult.Appended && _random.Chance(1, 4))
        {
            host.Node.HurryCommit(_members[(int)_random.Next(_members.Count)].Host.Id);
        }
    }

    private void Deliver(Message message)
    {
        var member = Find(message.To);
        if (member.DownUntil == 0)
        {
            if (message is InstallSnapshotRequest)
            {
                SnapshotsInstalled++;
            }
            member.Host.Step(message);
            Flush(member);
        }
    }

    private void Flush(SimulatedMember member)
    {
        var host = member.Host;
        foreach (var message in host.Sent)
        {
            _network.Send(message, _now);
            if (message is InstallSnapshotRequest install)
            {
                host.Node.ReportSnapshotSent(install, _calm || _random.Chance(2, 3) ? SnapshotReport.Taken : SnapshotReport.Broken);
            }
        }
        host.Sent.Clear();
        foreach (var read in host.Reads)
        {
            if (member.AskedReads.Remove(read.Context, out var committedWhenAsked))
            {
                _checker.OnReadAnswered(read, committedWhenAsked);
                ReadsAnswered += read.Refused ? 0 : 1;
            }
        }
        host.Reads.Clear();
    }

    private void Trouble()
    {
        var member = _members[(int)_random.Next(_members.Count)];
        var other = _members[(int)_random.Next(_members.Count)];
        switch (_random.Next(9))
        {
            case 0:
                Crash(member);
                break;
            case 1:
                Crash(_members.Find(m => m.Host.Node.Role == RaftRole.Leader) ?? member);
                break;
            case 2:
                member.DiskStalledUntil = _now + _random.Next(3 * ElectionTimeout);
                break;
            case 3:
                Partition();
                break;
            case 4:
                _network.Cut(member.Host.Id, other.Host.Id);
                break;
            case 5:
                DrawWeather();
                break;
            case 6:
                member.Host.Node.ReportProcessGone(other.Host.Id);
                member.Host.Node.ReportUnreachable(other.Host.Id);
                break;
            case 7:
                member.Host.Node.TransferLeadership(_random.Chance(1, 2) ? MemberId.None : other.Host.Id);
                break;
            default:
                _network.Heal();
                break;
        }
    }

    /// <summary>Every member goes to one of two sides.</summary>
    private void Partition()
    {
        _network.Heal();
        var side = _members.ToDictionary(m => m.Host.Id, _ => _random.Chance(1, 2));
        foreach (var one in side.Keys)
        {
            foreach (var other in side.Keys.Where(o => side[o] != side[one]))
            {
                _network.Cut(one, other);
            }
        }
    }

    private void Crash(SimulatedMember member)
    {
        if (member.DownUntil > 0)
        {
            return;
        }
        member.DownUntil = _now + 1 + _random.Next(3 * ElectionTimeout);
        foreach (var other in _members)
        {
            if (other != member && other.DownUntil == 0 && _random.Chance(2, 3))
            {
                other.Host.Node.ReportUnreachable(member.Host.Id);
                other.Host.Node.ReportProcessGone(member.Host.Id);
            }
        }
    }

    private void Restart(SimulatedMember member)
    {
        member.DownUntil = 0;
        member.AskedReads.Clear();
        member.LastContext = 0;
        member.Host.CrashAndRestart();
        foreach (var other in _members)
        {
            // Those that stay behind hear of it only after its first messages, or never.
            if (other != member && other.DownUntil == 0 && _random.Chance(1, 3))
            {
                other.Host.Node.ReportNewProcess(member.Host.Id, member.Host.Boot);
            }
        }
    }

    private SimulatedMember Find(MemberId id) => _members.Find(m => m.Host.Id == id)!;

    private sealed class SimulatedMember(Host host)
    {
        public Host Host { get; } = host;

        /// <summary>Tick at which it starts again; 0 while it runs.</summary>
        public long DownUntil { get; set; }

        public long DiskStalledUntil { get; set; }

        /// <summary>Counts from 1 in each process, so that only boots tell its questions from those of the process before.</summary>
        public long LastContext { get; set; }

        /// <summary>What was committed anywhere when each read was asked.</summary>
        public Dictionary<long, LogIndex> AskedReads { get; } = [];
    }
}
