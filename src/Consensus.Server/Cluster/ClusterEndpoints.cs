using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Metrics;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.Translation;

namespace Consensus.Server.Cluster;

/// <summary>The cluster, this member's status, and the transfer of leadership. The reads need no leader.</summary>
internal sealed class ClusterEndpoints(
    IConsensusNode node,
    MemberLookup lookup,
    Replies replies,
    ServerInfo info,
    ServerLifecycle lifecycle,
    MemberAlarms alarms,
    RequestCounters counters,
    WatchHub watches)
{
    public Task ClusterAsync(ApiCall call)
    {
        var status = node.Status;
        var members = status.Members.Select(member => AnswerOf(member, status)).ToList();
        var joining = node.Joiners.Select(waiting => new JoiningAnswer(waiting.Member.ToString(), waiting.Name, waiting.PeerAddress)).ToList();
        var answer = new ClusterAnswer(status.Cluster.ToString(), LeaderName(status), status.Term.Value, members, joining);
        return replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.ClusterAnswer, status.Revision);
    }

    public Task StatusAsync(ApiCall call)
    {
        var status = node.Status;
        var answer = new StatusAnswer
        {
            Name = status.Name,
            MemberId = status.Self.ToString(),
            ClusterId = status.Cluster.ToString(),
            Version = info.Version,
            Role = RoleOf(status),
            Leader = LeaderName(status),
            Term = status.Term.Value,
            CommitIndex = status.CommitIndex.Value,
            AppliedIndex = status.AppliedIndex.Value,
            FirstIndex = status.FirstIndex.Value,
            LastIndex = status.LastIndex.Value,
            DurableIndex = status.DurableIndex.Value,
            Revision = status.Revision.Value,
            StateHash = status.Hash.ToString(),
            ClusterTimeMs = Millis.Of(status.ClusterTime.Micros),
            LogBytes = status.LogBytes,
            SnapshotIndex = status.SnapshotIndex.Value,
            SnapshotBytes = status.SnapshotBytes,
            Keys = status.Counts.Keys,
            Leases = status.Counts.Leases,
            Locks = status.Counts.HoldsInUse,
            Waiters = status.Counts.Waiters,
            IdempotencyKeys = status.Counts.IdempotencyKeys,
            StateBytes = status.Counts.StateBytes,
            QuotaBytes = status.Counts.QuotaBytes,
            DiskFreeBytes = alarms.Disk?.FreeBytes,
            DiskBytes = alarms.Disk?.TotalBytes,
            Reads = counters.Reads,
            Writes = counters.Writes,
            Failures = counters.Failures,
            Watches = watches.Watches,
            CpuMs = (long)Environment.CpuUsage.TotalTime.TotalMilliseconds,
            MemoryBytes = Environment.WorkingSet,
            UptimeMs = (long)lifecycle.Uptime.TotalMilliseconds,
            Ready = status.Ready && !lifecycle.IsStopping,
            Insecure = info.Insecure,
            EncryptionKeys = info.Keys?.Files.KeysInUse,
            PlainSegments = info.Keys?.Files.PlainSegments,
            PlainSnapshots = info.Keys?.Files.PlainSnapshots,
            AuditRecords = info.Audit?.Log.Written,
            AuditDropped = info.Audit?.Log.Dropped,
            Alarms = alarms.Of(status),
        };
        return replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.StatusAnswer, status.Revision);
    }

    public async Task TransferAsync(ApiCall call)
    {
        var http = call.Http;
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (!TransferRequest.TryRead(body, out var to, out var sentence))
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var (members, unknown) = await lookup.ForChangeAsync(call);
        if (unknown is not null)
        {
            await replies.Problem(http, unknown);
            return;
        }
        var target = to is null ? null : MemberLookup.Find(members, to);
        if (to is not null && target is not { IsVoter: true })
        {
            await replies.Problem(http, target is null
                ? MemberLookup.NoSuchMember(to)
                : Problem.BadRequest($"the field \"to\" names \"{Excerpt.Of(to)}\", a learner; only a voter can lead"));
            return;
        }
        var answer = await node.TransferLeadershipAsync(target?.Id ?? MemberId.None, http.RequestAborted);
        if (answer.Kind == AnswerKind.Done)
        {
            var (term, leader) = node.Leadership;
            await replies.Json(
                http, StatusCodes.Status200OK, new LeaderTransferAnswer(leader, term), ApiJson.Default.LeaderTransferAnswer, Revision.Zero);
            return;
        }
        await replies.Problem(http, ProblemOf(answer));
    }

    private static Problem ProblemOf(in TransferAnswer answer)
    {
        if (answer.Kind == AnswerKind.Unknown)
        {
            return new Problem(
                ProblemTypes.OutcomeUnknown, "leadership had not moved in time; it may still move: see Consensus-Leader of the next answer");
        }
        return answer.Reason == NotDoneReason.None
            ? new Problem(ProblemTypes.PreconditionFailed, answer.Sentence)
            : AnswerProblems.Of(answer.Kind, answer.Reason);
    }

    /// <param name="status">Of the same moment.</param>
    public static MemberAnswer AnswerOf(MemberStatus member, NodeStatus status) => new(
        member.Id.ToString(),
        member.Name,
        RoleOf(member),
        member.IsSelf,
        member.ClientUrl,
        member.PeerAddress,
        member.MatchIndex?.Value,
        member.Health == MemberHealth.Unknown ? null : member.Health == MemberHealth.Healthy)
    {
        Health = WordOf(member.Health),
        LastContactMs = SinceContact(member, status) is { } micros ? Millis.Of(micros) : null,
        RoundTripMs = member.RoundTripMicros / 1000.0,
    };

    /// <summary>Microseconds since the member was last heard; null where this one does not know. What was published may be older than the moment.</summary>
    public static long? SinceContact(MemberStatus member, NodeStatus status) =>
        member.HeardAtMicros is { } heard ? Math.Max(0, status.NowMicros - heard) : null;

    private static string WordOf(MemberHealth health) => health switch
    {
        MemberHealth.Healthy => "healthy",
        MemberHealth.Behind => "behind",
        MemberHealth.NotAcknowledging => "notAcknowledging",
        MemberHealth.Silent => "silent",
        MemberHealth.NotReady => "notReady",
        MemberHealth.Unknown => "unknown",
        _ => Invariant.Unreachable<string>(health),
    };

    private static string? LeaderName(NodeStatus status) => status.LeaderName.Length == 0 ? null : status.LeaderName;

    private static string RoleOf(MemberStatus member) => (member.IsLeader, member.IsVoter) switch
    {
        (true, _) => "leader",
        (false, true) => "follower",
        (false, false) => "learner",
    };

    private static string RoleOf(NodeStatus status) => status.Role switch
    {
        RaftRole.Leader => "leader",
        RaftRole.Candidate => "candidate",
        RaftRole.PreCandidate => "pre-candidate",
        RaftRole.Follower => status.Members.Any(member => member is { IsSelf: true, IsVoter: false }) ? "learner" : "follower",
        _ => Invariant.Unreachable<string>(status.Role),
    };
}
