using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>What is published of this member: its status, whether it is ready, its alarms.</summary>
internal sealed class StatusBoard(TurnContext turn, Snapshots snapshots, CatchUps catchUps, CatchUpQuestion question, DriftMeter drift)
{
    private const long PublishEveryMicros = 50_000;

    /// <summary>A disk that is slow now and then is told for so long after each time.</summary>
    private const long SlowDiskAlarmMicros = 10_000_000;

    private readonly MemberWatch _watch = new(turn.Options.ElectionTimeoutMicros);
    private NodeStatus? _status;
    private long _diskWasSlowAt = -SlowDiskAlarmMicros;
    private long _publishedAt;
    private RaftRole _publishedRole;

    /// <summary>There is one once <see cref="Build"/> was called.</summary>
    public NodeStatus Status => _status!;

    public long NextDue => turn.StatusIsStale ? _publishedAt + PublishEveryMicros : long.MaxValue;

    /// <summary>Publishes what changed, often enough for people and at once where it matters.</summary>
    public void Publish()
    {
        var changedHands = Status.Leader != turn.Raft.Leader || Status.Term != turn.Raft.Term || _publishedRole != turn.Raft.Role;
        var due = (turn.StatusIsStale && turn.Now - _publishedAt >= PublishEveryMicros) || turn.MembersAreStale;
        if (!changedHands && !due && Status.Ready == IsReady())
        {
            return;
        }
        if (turn.Now - turn.Applied.ViewTakenAt >= turn.Options.RenewViewMicros)
        {
            // Not each time: after a view the next write to each of its nodes copies that node. Nor never: an old view keeps an old state alive.
            turn.Applied.FreshenView(turn.Now);
        }
        Build();
        _publishedRole = turn.Raft.Role;
        turn.StatusIsStale = turn.MembersAreStale = false;
        _publishedAt = turn.Now;
    }

    public void Build()
    {
        var announced = turn.Applied.State.ListMembers().ToDictionary(m => m.Id);
        var progress = turn.Raft.GetProgress();
        _watch.Look(turn.Raft.Term, turn.Raft.CommitIndex, progress, turn.Now);
        var members = new List<MemberStatus>();
        foreach (var member in turn.Raft.Configuration.Members)
        {
            announced.TryGetValue(member.Id, out var info);
            members.Add(StatusOf(member, info, progress));
        }
        var leaderName = turn.Raft.Configuration.Find(turn.Raft.Leader)?.Name ?? "";
        _status = new NodeStatus(
            turn.Options.Cluster,
            turn.Options.Self,
            turn.Options.Name,
            turn.Raft.Role,
            turn.Raft.Term,
            turn.Raft.Leader,
            leaderName,
            turn.Raft.CommitIndex,
            turn.Applied.Index,
            turn.Raft.FirstIndex,
            turn.Raft.LastIndex,
            turn.Raft.DurableIndex,
            turn.Applied.State.Revision,
            turn.Raft.Clock,
            turn.Applied.State.Hash,
            turn.Applied.State.Counts,
            snapshots.Latest?.Mark.LastIndex ?? LogIndex.Zero,
            snapshots.Latest?.LengthBytes ?? 0,
            0,
            turn.Options.Boot,
            IsReady(),
            members,
            Alarms())
        {
            NowMicros = turn.Now,
        };
    }

    /// <summary>Has a leader, has once applied all that this one had committed, and is not behind with applying now; while it stops it is not.</summary>
    private bool IsReady() => question.HasCaughtUp && !turn.HasBacklog;

    private MemberStatus StatusOf(Member member, MemberInfo? info, IReadOnlyList<ProgressStatus> progress)
    {
        var isSelf = member.Id == turn.Options.Self;
        var isLeader = member.Id == turn.Raft.Leader;
        var status = new MemberStatus(
            member.Id,
            member.Name,
            turn.Raft.Configuration.IsVoter(member.Id),
            isSelf,
            isLeader,
            info?.ClientUrl ?? (isSelf ? turn.Options.ClientUrl : ""),
            turn.Addresses.Of(member, info, turn.Applied.Index),
            isSelf ? turn.Raft.DurableIndex : null,
            MemberHealth.Unknown)
        {
            IsLinked = isSelf || turn.Links.Contains(member.Id),
        };
        if (isSelf)
        {
            return status with { Health = IsReady() ? MemberHealth.Healthy : MemberHealth.NotReady };
        }
        if (isLeader)
        {
            var (heardAt, roundTrip) = turn.Raft.LeaderContact;
            return status with { Health = _watch.JudgeLeader(heardAt, turn.Now), HeardAtMicros = heardAt, RoundTripMicros = roundTrip };
        }
        foreach (var known in progress)
        {
            if (known.Member == member.Id)
            {
                return status with
                {
                    MatchIndex = known.Match,
                    Health = _watch.JudgeFollower(known, turn.Now),
                    HeardAtMicros = known.HeardMicros,
                    RoundTripMicros = known.RoundTripMicros,
                };
            }
        }
        return status;
    }

    private List<string> Alarms()
    {
        var alarms = new List<string>(catchUps.Alarms());
        if (drift.IsAlarming)
        {
            var parts = drift.PartsPerThousand;
            alarms.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"this member's clock runs {Math.Abs(parts) / 10}.{Math.Abs(parts) % 10} % {(parts > 0 ? "slower" : "faster")} than the leader's: leases are promised up to 0.5 %; check its time source, and whether its machine is starved or suspended"));
        }
        if (turn.Raft.IsHeldUpByDisk)
        {
            _diskWasSlowAt = turn.Now;
        }
        if (turn.Now - _diskWasSlowAt < SlowDiskAlarmMicros)
        {
            alarms.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"this member's disk took longer than the election timeout of {turn.Options.Raft.ElectionTimeoutTicks} ms to finish a write: such a member neither leads nor stands for election, and where every member says so nobody can lead; find what holds up the disk, or start the members with a longer --election-timeout"));
        }
        return alarms;
    }
}
